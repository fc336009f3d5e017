import { readdirSync } from 'node:fs'
import { cpu } from '@mapgrad/backend-cpu'
import { exportedOps, opSamples, ownCases, reachedOps } from '@mapgrad/backend-testkit'
import * as library from '@mapgrad/tensor'
import { describe, expect, test } from 'vitest'
import { operatorsIn } from '../src/format/load.ts'
import { camelCase } from '../src/operators/resolve.ts'

const opsFolder = new URL('../../tensor/src/ops/', import.meta.url)

/** Functions that compute no tensor from tensors, draw at random, or do in place what another does: other suites test them. */
const others = new Set(
  (
    'asTensor tensor newTensor isMapgradError isTensor getPrintOptions setPrintOptions setDefaultDevice tidy keep memory detectAnomaly isAnomalyEnabled setDetectAnomaly ' +
    'allclose equal isComplex isFloatingPoint isNonzero isSameSize isSigned numel celu_ selu_ threshold_ ' +
    'alphaDropout_ dropout_ featureAlphaDropout_ featureDropout_ rrelu_ ' +
    'manualSeed seed initialSeed getRngState setRngState key foldIn split Generator Tensor MapgradError TensorTypeError TensorRangeError ' +
    'rand randLike randn randnLike randint randintLike normal bernoulli exponential gumbel dropout uniform multinomial randperm ' +
    'empty emptyLike newEmpty zeros ones full zerosLike onesLike fullLike newZeros newOnes newFull scalarTensor'
  ).split(' '),
)

/** Ops that no sample here can apply, and what does. */
const elsewhere = new Set([
  'device.ts: copied', // from one device to another: packages/tensor/test
  'unary.ts: revalued', // values of one operand, derivative of the other: packages/func/test/autograd/detach.test.ts
  'take.ts: scaleGradient', // no derivative but what an option asks for: PyTorch's case of embedding
])

describe('every op has a sample', () => {
  test('of those that the library and its plugin interface export', () => {
    const reached = reachedOps(opSamples(), cpu)
    const missing = [...exportedOps(library)].filter(([, op]) => !reached.has(op)).map(([name]) => name)
    expect(missing).toEqual([])
  })

  test('of those that its op files define, private ones too', async () => {
    const reached = reachedOps(opSamples(), cpu)
    const missing: string[] = []
    for (const file of readdirSync(opsFolder)) {
      const module = (await import(new URL(file, opsFolder).href)) as Record<string, unknown>
      for (const [name, op] of exportedOps(module))
        if (!reached.has(op) && !elsewhere.has(`${file}: ${name}`)) missing.push(`${file}: ${name}`)
    }
    expect(missing).toEqual([])
  })

  test('a forgotten op is found', () => {
    const reached = reachedOps(
      opSamples().filter((s) => s.op !== 'logicalXor'),
      cpu,
    )
    expect([...exportedOps(library)].filter(([, op]) => !reached.has(op)).map(([name]) => name)).toContain('logicalXor')
  })

  test('and every function has one, or a case of PyTorch', () => {
    const known = new Set([...opSamples().map((s) => s.op), ...operatorsIn(ownCases()).flatMap(names)])
    const missing: string[] = []
    const walk = (module: object, path: string): void => {
      for (const [name, value] of Object.entries(module)) {
        if (typeof value === 'object' && value !== null && name !== 'tree' && Object.getPrototypeOf(value) === Object.prototype)
          walk(value as object, `${path}${name}.`)
        else if (typeof value === 'function' && !known.has(path + name) && !others.has(name) && !isAlias(value, known))
          missing.push(path + name)
      }
    }
    walk(library, '')
    expect(missing).toEqual([])
  })
})

/** `nn.functional.relu`, `div.floor_rounding`, `special.i0e` → `relu`, `div`, `special.i0e`. */
function names(file: string): string[] {
  const parts = file
    .replace(/^nn\.functional\./, '')
    .split('.')
    .map(camelCase)
  return parts.map((_, i) => parts.slice(0, i + 1).join('.'))
}

/** Another name of a function that is known. */
const isAlias = (f: unknown, known: ReadonlySet<string>): boolean => Object.entries(library).some(([name, g]) => g === f && known.has(name))
