import { defineConfig } from 'vitest/config'

// Everything is tested from its sources: the condition leads `@mapgrad/x` to `packages/x/src`, no build needed.
const conditions = ['mapgrad-source']
const fromSource = {
  resolve: { conditions: [...conditions, 'module', 'node', 'development|production'] },
  ssr: { resolve: { conditions: [...conditions, 'module', 'node', 'development|production'] } },
}

const common = {
  environment: 'node',
  pool: 'forks',
  testTimeout: 20_000,
  hookTimeout: 30_000,
} as const

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        ...fromSource,
        test: {
          ...common,
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts', 'apps/**/test/**/*.test.ts', 'tooling/test/**/*.test.mjs'],
          exclude: ['**/node_modules/**', '**/*.gc.test.ts'],
        },
      },
      {
        ...fromSource,
        test: {
          ...common,
          name: 'gc',
          include: ['packages/*/test/**/*.gc.test.ts'],
          execArgv: ['--expose-gc'],
          testTimeout: 60_000,
        },
      },
    ],
  },
})
