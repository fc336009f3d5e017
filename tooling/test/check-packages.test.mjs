import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { checkWorkspace, directionFault, knotsOf, wayFrom } from '../check-packages.mjs'

const made = []
afterEach(() => made.splice(0).forEach((dir) => rmSync(dir, { recursive: true })))

const manifest = (short, extra = {}) => ({
  name: `@mapgrad/${short}`,
  version: '0.1.0',
  type: 'module',
  license: 'MIT',
  keywords: ['x'],
  repository: { directory: `packages/${short}` },
  exports: { '.': { 'mapgrad-source': './src/index.ts', types: './dist/index.d.ts' }, './package.json': './package.json' },
  publishConfig: {
    access: 'public',
    provenance: true,
    exports: { '.': { types: './dist/index.d.ts' }, './package.json': './package.json' },
  },
  ...extra,
})

/** A workspace of two healthy packages, with `files` written over it; a manifest may be given as an object. */
function problemsOf(files) {
  const top = mkdtempSync(join(tmpdir(), 'mapgrad-check-'))
  made.push(top)
  const dependencies = { '@mapgrad/kernel': 'workspace:^' }
  const all = {
    'packages/kernel/package.json': manifest('kernel'),
    'packages/kernel/LICENSE': 'MIT',
    'packages/kernel/src/index.ts': 'export const k = 1\n',
    'packages/tensor/package.json': manifest('tensor', { dependencies }),
    'packages/tensor/LICENSE': 'MIT',
    'packages/tensor/src/index.ts': "export { k } from '@mapgrad/kernel'\n",
    ...files,
  }
  for (const [path, content] of Object.entries(all)) {
    mkdirSync(join(top, dirname(path)), { recursive: true })
    writeFileSync(join(top, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return checkWorkspace(top).problems
}

test('a healthy workspace has no problems', () => {
  expect(problemsOf({})).toEqual([])
})

test.each([
  [
    'an import upwards',
    { 'packages/kernel/src/a.ts': "import '@mapgrad/tensor'" },
    /a\.ts:1: imports @mapgrad\/tensor: kernel \(floor 0\)/,
  ],
  ['a type import upwards', { 'packages/kernel/src/a.ts': "import type { T } from '@mapgrad/tensor'" }, /kernel \(floor 0\)/],
  ['an import() type upwards', { 'packages/kernel/src/a.ts': "export type T = import('@mapgrad/tensor').T" }, /kernel \(floor 0\)/],
  [
    'a dependency upwards',
    { 'packages/kernel/package.json': manifest('kernel', { devDependencies: { '@mapgrad/tensor': 'workspace:^' } }) },
    /devDependencies has @mapgrad\/tensor: kernel \(floor 0\)/,
  ],
  [
    'an undeclared package',
    { 'packages/tensor/src/a.ts': "import 'lodash'" },
    /a\.ts:1: imports lodash, which @mapgrad\/tensor does not declare/,
  ],
  [
    'a deep import',
    { 'packages/tensor/src/a.ts': "\nimport '@mapgrad/kernel/src/index.ts'" },
    /a\.ts:2: .*does not export ".\/src\/index\.ts"/,
  ],
  ["another package's file", { 'packages/tensor/src/a.ts': "import '../../kernel/src/index.ts'" }, /a file of another package/],
  [
    "another package's file, in a test",
    { 'packages/tensor/test/a.test.ts': "import '../../kernel/src/index.ts'" },
    /a file of another package/,
  ],
  ['a missing extension', { 'packages/tensor/src/a.ts': "import './index'" }, /without its extension/],
  ["one of Node's modules", { 'packages/tensor/src/a.ts': "import 'node:fs'" }, /packages run outside Node too/],
  [
    'a dependency outside',
    { 'packages/kernel/package.json': manifest('kernel', { dependencies: { lodash: 'catalog:' } }) },
    /no run-time dependency outside/,
  ],
  [
    'a version outside the catalog',
    { 'packages/kernel/package.json': manifest('kernel', { devDependencies: { lodash: '^4' } }) },
    /versions stand in the catalog/,
  ],
  [
    'a peer that is not linked',
    { 'packages/tensor/package.json': manifest('tensor', { peerDependencies: { '@mapgrad/kernel': 'workspace:^' } }) },
    /must be a devDependency too/,
  ],
  ['an unused dependency', { 'packages/tensor/src/index.ts': 'export {}' }, /declares @mapgrad\/kernel and never imports it/],
  [
    'the source condition published',
    { 'packages/kernel/package.json': manifest('kernel', { publishConfig: { access: 'public', provenance: true } }) },
    /without mapgrad-source/,
  ],
  ['an install script', { 'packages/kernel/package.json': manifest('kernel', { scripts: { postinstall: 'x' } }) }, /install script/],
  [
    'a cycle of files',
    { 'packages/kernel/src/a.ts': "import './b.ts'", 'packages/kernel/src/b.ts': "export * from './a.ts'" },
    /import cycle: a\.ts → b\.ts → a\.ts/,
  ],
  ['a long file', { 'packages/kernel/src/a.ts': 'export {}\n'.repeat(401) }, /has 401 lines/],
  ['a cast to any', { 'packages/kernel/src/a.ts': 'export const x: number = ("" as any)' }, /a\.ts:1: casts to any/],
  ['a silenced compiler', { 'packages/kernel/src/a.ts': '// @ts-ignore\nexport {}' }, /silences the compiler/],
  ['a TODO without an issue', { 'packages/kernel/src/a.ts': '// TODO later\nexport {}' }, /TODO without an issue/],
  ['a focused test', { 'packages/kernel/test/a.test.ts': "test.only('x', () => {})" }, /skips a test or runs only one/],
  ['a skipped test', { 'packages/kernel/test/a.test.ts': "describe.skip('x', () => {})" }, /skips a test or runs only one/],
  ['an old version', { 'packages/kernel/src/a.ts': "export const VERSION = '9.9.9'" }, /a\.ts: states version 9\.9\.9/],
  ['`using` in a source', { 'packages/kernel/src/a.ts': 'export function f(r: Disposable) {\n  using x = r\n}' }, /a\.ts:2: uses `using`/],
])('%s is refused', (_, files, message) => {
  expect(problemsOf(files)).toEqual([expect.stringMatching(message)])
})

test('type imports may form a cycle, and an issue number makes a TODO', () => {
  const files = {
    'packages/kernel/src/a.ts': "import type { B } from './b.ts'\nexport type A = B // TODO(#12): narrow",
    'packages/kernel/src/b.ts': "import './a.ts'\nexport type B = 1",
  }
  expect(problemsOf(files)).toEqual([])
})

test('tests may import any package', () => {
  expect(problemsOf({ 'packages/kernel/test/a.test.ts': "import '@mapgrad/tensor'" })).toEqual([])
})

test('siblings never meet, and the test kit stands beside the floors', () => {
  expect(directionFault('autodiff', 'vmap')).toMatch(/floor 2/)
  expect(directionFault('backend-cpu', 'backend-webgpu')).toMatch(/floor 2/)
  expect(directionFault('backend-testkit', 'vmap')).toBeUndefined()
  expect(directionFault('backend-testkit', 'backend-cpu')).toMatch(/only tensor, autodiff, vmap/)
  expect(directionFault('func', 'backend-testkit')).toMatch(/only apps and tests/)
  expect(directionFault('func', 'vmap')).toBeUndefined()
  expect(directionFault('unheard-of', 'kernel')).toMatch(/has no floor/)
})

test('files that reach each other are a knot, a chain is none', () => {
  const chain = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', []],
  ])
  expect(knotsOf(chain)).toEqual([])
  const knot = new Map([
    ['a', ['b']],
    ['b', ['c', 'd']],
    ['c', ['b']],
    ['d', ['d']],
  ])
  expect(knotsOf(knot)).toEqual([['d'], ['b', 'c']])
  expect(wayFrom('b', 'b', knot)).toEqual(['b', 'c', 'b'])
  expect(wayFrom('c', 'd', knot)).toEqual(['c', 'b', 'd'])
})

const op = (imported, code) => `import { ${imported} } from './${imported}.ts'\n${code}\n`

test('ops may name each other in their rules', () => {
  const files = {
    'packages/tensor/src/ops/sum.ts': op(
      'expand',
      'export const sum = f({ expand: 1, diff: (ct) => expand(ct) as typeof expand, x: o.expand })',
    ),
    'packages/tensor/src/ops/expand.ts': op('sum', 'export class expand { static f() { return sum } g = sum }\nexport { sum }'),
  }
  expect(problemsOf(files)).toEqual([])
})

test.each([
  ['a call', 'export const expand = sum()'],
  ['a value', 'export const expand = f({ transpose: sum })'],
  ['a shorthand', 'export const expand = f({ sum })'],
  ['a static field', 'export class expand { static x = sum }'],
  ['a base class', 'export class expand extends sum {}'],
])('a circle of ops that is needed while it loads is refused: %s', (_, code) => {
  const files = {
    'packages/tensor/src/ops/sum.ts': op('expand', 'export const sum = () => expand'),
    'packages/tensor/src/ops/expand.ts': op('sum', code),
  }
  expect(problemsOf(files)).toEqual([
    expect.stringMatching(/expand\.ts:1: uses ops\/sum\.ts while it loads, which imports it back \(ops\/sum\.ts → ops\/expand\.ts\)/),
  ])
})

test('a circle of ops with another file is refused, wherever it is entered', () => {
  const files = {
    'packages/tensor/src/tensor.ts': "export { sum } from './ops/sum.ts'",
    'packages/tensor/src/ops/sum.ts': "import { sum } from '../tensor.ts'\nexport const f = () => sum",
  }
  expect(problemsOf(files)).toEqual([expect.stringMatching(/tensor\.ts: import cycle: tensor\.ts → ops\/sum\.ts → tensor\.ts/)])
})
