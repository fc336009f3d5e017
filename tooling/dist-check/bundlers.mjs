// The three bundlers that users have, behind one function: code in, one file out.
import { nodeResolve } from '@rollup/plugin-node-resolve'
import * as esbuild from 'esbuild'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { rollup } from 'rollup'

/** For rollup and rolldown: every module may have effects, whatever its package.json says. */
const allMayHaveEffects = {
  name: 'all-may-have-effects',
  async resolveId(id, importer, options) {
    const resolved = await this.resolve(id, importer, { ...options, skipSelf: true })
    return resolved && { ...resolved, moduleSideEffects: true }
  },
}

/** For esbuild, which takes its settings in other places. */
const esbuildPlugin = (ignoreFlags, external) => ({
  name: 'as-told',
  setup(build) {
    build.onResolve({ filter: /.*/ }, async ({ path, pluginData, ...rest }) => {
      if (pluginData === 'seen' || rest.kind === 'entry-point') return undefined
      if (external.test(path)) return { path, external: true }
      return ignoreFlags ? { ...(await build.resolve(path, { ...rest, pluginData: 'seen' })), sideEffects: true } : undefined
    })
  },
})

const bundlers = {
  async rollup(input, { ignoreFlags, external, minify }) {
    const bundle = await rollup({
      input,
      external: (id) => external.test(id),
      plugins: [ignoreFlags && allMayHaveEffects, nodeResolve()],
      onwarn: (warning) => {
        if (warning.code !== 'EMPTY_BUNDLE') throw new Error(warning.message)
      },
    })
    const { output } = await bundle.generate({ format: 'es', inlineDynamicImports: true })
    await bundle.close()
    return minify ? (await esbuild.transform(output[0].code, { minify: true, format: 'esm' })).code : output[0].code
  },
  async esbuild(input, { ignoreFlags, external, minify, format }) {
    const { outputFiles } = await esbuild.build({
      entryPoints: [input],
      bundle: true,
      write: false,
      format,
      platform: 'neutral',
      logLevel: 'error',
      minify,
      minifySyntax: true,
      plugins: [esbuildPlugin(ignoreFlags, external)],
    })
    return outputFiles[0].text
  },
  async rolldown(input, { ignoreFlags, external, minify }) {
    const bundle = await rolldown({ input, external, logLevel: 'silent', plugins: ignoreFlags ? [allMayHaveEffects] : [] })
    const { output } = await bundle.generate({ format: 'es', minify, codeSplitting: false })
    await bundle.close()
    return output[0].code
  },
}

export const bundlerNames = Object.keys(bundlers)

/**
 * Bundles `code` as if it were a file of `project`. `ignoreFlags`: as if no package said that it is free of effects;
 * `external`: which imports stay imports, besides Node's; `format`: what esbuild makes of it, 'esm', 'cjs' or 'iife'.
 */
export async function bundle(name, project, code, { ignoreFlags = false, external, minify = false, format = 'esm' } = {}) {
  const input = join(project, 'bundle-entry.mjs')
  writeFileSync(input, code)
  return bundlers[name](input, { ignoreFlags, minify, format, external: external ?? /^node:/ })
}

/** What a bundle does when it loads: its lines without comments, empty lines, an empty export and Node's modules. */
export const statementsOf = (code) =>
  code
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/export\s*\{\s*\};?/g, '')
    .replace(/^import (\{[^}]*\} from )?['"]node:[^'"]*['"];?$/gm, '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
