import { cpu } from '@mapgrad/backend-cpu'
import { grad, jvp } from '@mapgrad/autodiff'
import * as T from '@mapgrad/tensor'
import { type Tensor, setDefaultDevice, tensor } from '@mapgrad/tensor'
import { vmap } from '@mapgrad/vmap'
import { describe, expect, test } from 'vitest'
import { checkBatching, checkDerivatives, expectClose, numbers, random } from '../checks.ts'

setDefaultDevice(cpu)

type F = (...xs: Tensor[]) => Tensor
type Make = (shape: readonly number[]) => Tensor

/** Distinct numbers away from kinks at whole and half numbers. */
const float: Make = (shape) =>
  random(shape)
    .mul(0.05)
    .add(
      T.arange(shape.reduce((a, b) => a * b, 1))
        .reshape([...shape])
        .mul(0.53)
        .sub(1.43),
    )
const positive: Make = (shape) => random(shape).mul(0.4).add(1)
const unit: Make = (shape) => random(shape).mul(0.9)
const above: Make = (shape) => random(shape).mul(0.4).add(2)

const pointwise: [name: string, f: F, make?: Make][] = [
  ...'neg abs square exp exp2 expm1 sin cos tanh sinh cosh asinh atan erf erfc sigmoid relu sinc deg2rad rad2deg gelu silu softplus selu elu celu mish softsign tanhshrink logsigmoid hardswish hardsigmoid hardtanh relu6 leakyRelu softshrink hardshrink nanToNum frac sign floor'
    .split(' ')
    .map((n): [string, F] => [n, (T as unknown as Record<string, F>)[n]!]),
  ...'log log2 log10 log1p sqrt rsqrt reciprocal'
    .split(' ')
    .map((n): [string, F, Make] => [n, (T as unknown as Record<string, F>)[n]!, positive]),
  ...'asin acos atanh tan'.split(' ').map((n): [string, F, Make] => [n, (T as unknown as Record<string, F>)[n]!, unit]),
  ['acosh', T.acosh as F, above],
  ['gelu, tanh', (x) => T.gelu(x!, { approximate: 'tanh' })],
  ['softplus, beta', (x) => T.softplus(x!, 2, 1)],
  ['logit', (x) => T.logit(T.sigmoid(x!))],
  ['logit, eps', (x) => T.logit(T.sigmoid(x!), 0.3)],
  ...[0, 1, 2, 3, 0.5, -0.5, -1, -2, 2.7].map((p): [string, F, Make] => [`pow(x, ${p})`, (x) => T.pow(x!, p), positive]),
  ['pow(2, x)', (x) => T.pow(2, x!)],
  ['clamp', (x) => T.clamp(x!, -1.1, 0.9)],
  ['clamp, one bound', (x) => T.clamp(x!, { max: 0.9 })],
  ['glu', (x) => T.glu(x!, 1)],
  ['round', (x) => T.round(x!)],
]
describe('pointwise, one operand', () => {
  test.each(pointwise)('%s', (_, f, make = float) => {
    checkDerivatives(f, [make([2, 4])])
    checkBatching(f, [[2, 4]])
  })
})

const pairs: [name: string, f: F, x?: Make, y?: Make][] = [
  ...'add sub mul maximum minimum hypot logaddexp logaddexp2 copysign clampMin clampMax fmax fmin'
    .split(' ')
    .map((n): [string, F] => [n, (T as unknown as Record<string, F>)[n]!]),
  ['atan2', T.atan2 as F, float, positive],
  ['div', T.div as F, float, positive],
  ['div, floor', (x, y) => T.div(x!, y!, { roundingMode: 'floor' }), float, positive],
  ['pow', T.pow as F, positive, float],
  ['xlogy', T.xlogy as F, float, positive],
  ['fmod', T.fmod as F, (s) => T.mul(random(s), 0.2).add(5.5), (s) => T.mul(random(s), 0.1).add(2.1)],
  ['remainder', T.remainder as F, (s) => T.mul(random(s), 0.2).sub(5.5), (s) => T.mul(random(s), 0.1).add(2.1)],
  ['where', (x, y) => T.where(x!.gt(0), T.mul(x!, y!), T.sin(y!))],
  ['lerp, number', (x, y) => T.lerp(x!, y!, 0.3)],
  ['floatPower', T.floatPower as F, positive, float],
]
describe('pointwise, two operands', () => {
  test.each(pairs)('%s', (_, f, x = float, y = (s) => float(s).mul(1.3).add(0.07)) => {
    checkDerivatives(f, [x([2, 1, 3]), y([4, 1])])
    checkBatching(f, [
      [2, 1, 3],
      [4, 1],
    ])
  })
  test('three operands', () => {
    const xs = [float([2, 3]), positive([3]), positive([2, 1])]
    for (const f of [
      T.lerp,
      T.addcmul,
      T.addcdiv,
      (a: Tensor, b: Tensor, c: Tensor) => T.clamp(a, b.neg(), c),
      (a: Tensor, b: Tensor, c: Tensor) => T.addcdiv(a, b, c, { value: 0.5 }),
    ] as F[]) {
      checkDerivatives(f, xs)
      checkBatching(f, [[2, 3], [3], [2, 1]])
    }
    checkDerivatives(T.prelu as F, [float([2, 3]), positive([3])])
  })
})

const dims: (number | number[] | undefined)[] = [undefined, 0, 1, -1, [0, 2], [-1, 1]]
const reductions: [name: string, f: (x: Tensor, ...args: never[]) => Tensor, dims: (number | number[] | undefined)[]][] = [
  ...'sum mean nansum nanmean amax amin var std norm'
    .split(' ')
    .map((n): [string, never, typeof dims] => [n, (T as unknown as Record<string, never>)[n]!, dims]),
  ['prod', T.prod as never, [undefined, 0, -1]],
  ['logsumexp', T.logsumexp as never, dims],
  ...[0, 1, 2, 3, 1.5, -1, Infinity, -Infinity].map((p): [string, never, typeof dims] => [
    `norm ${p}`,
    ((x: Tensor, o: object) => T.norm(x, { p, ...o })) as never,
    dims,
  ]),
  [
    'max',
    ((x: Tensor, o: { dim?: number }) => (o.dim === undefined ? T.max(x) : T.max(x, o as { dim: number }).values)) as never,
    [undefined, 0, -1],
  ],
  [
    'min',
    ((x: Tensor, o: { dim?: number }) => (o.dim === undefined ? T.min(x) : T.min(x, o as { dim: number }).values)) as never,
    [undefined, 0, -1],
  ],
  [
    'median',
    ((x: Tensor, o: { dim?: number }) => (o.dim === undefined ? T.median(x) : T.median(x, o as { dim: number }).values)) as never,
    [undefined, 0, -1],
  ],
  [
    'nanmedian',
    ((x: Tensor, o: { dim?: number }) => (o.dim === undefined ? T.nanmedian(x) : T.nanmedian(x, o as { dim: number }).values)) as never,
    [undefined, 0, -1],
  ],
]
describe('reductions', () => {
  test.each(reductions)('%s', (_, reduce, choices) => {
    for (const dim of choices)
      for (const keepdim of [false, true]) {
        if (dim === undefined && keepdim) continue
        const options = dim === undefined ? {} : { dim, keepdim }
        const f: F = (x) => (reduce as unknown as (x: Tensor, o: object) => Tensor)(x!, options)
        checkDerivatives(f, [float([2, 3, 2])])
        checkBatching(f, [[2, 3, 2]])
      }
    const whole: F = (x) => (reduce as unknown as (x: Tensor, o: object) => Tensor)(x!, {})
    if (reduce !== (T.var as unknown) && reduce !== (T.std as unknown)) checkBatching(whole, [[]])
  })
  test('without derivatives', () => {
    for (const f of [T.any, T.all, T.countNonzero, T.argmax, T.argmin] as F[])
      for (const dim of [undefined, 0, -1])
        checkBatching((x) => (f as (x: Tensor, o: object) => Tensor)(x!, dim === undefined ? {} : { dim }), [[2, 3]])
  })
})

const along: [name: string, f: (x: Tensor, dim: number) => Tensor][] = [
  ['cumsum', T.cumsum],
  ['cumprod', T.cumprod],
  ['logcumsumexp', T.logcumsumexp],
  ['cummax', (x, d) => T.cummax(x, d).values],
  ['cummin', (x, d) => T.cummin(x, d).values],
  ['sort', (x, d) => T.sort(x, d).values],
  ['sort, descending', (x, d) => T.sort(x, d, true).values],
  ['topk', (x, d) => T.topk(x, 2, d).values],
  ['kthvalue', (x, d) => T.kthvalue(x, 2, d).values],
  ['mode', (x, d) => T.mode(x, d).values],
  ['softmax', T.softmax],
  ['logSoftmax', T.logSoftmax],
  ['softmin', T.softmin],
]
describe('along an axis', () => {
  test.each(along)('%s', (_, f) => {
    for (const dim of [0, 1, -1]) {
      checkDerivatives((x) => f(x!, dim), [float([2, 3, 2]).sin()])
      checkBatching((x) => f(x!, dim), [[2, 3, 2]])
    }
  })
  test('indices under vmap', () => {
    for (const f of [
      T.sort,
      T.cummax,
      T.argsort,
      (x: Tensor) => T.topk(x, 2),
      (x: Tensor) => T.median(x, 0),
      (x: Tensor) => T.mode(x, 0),
    ] as ((x: Tensor, d: number) => Tensor | readonly Tensor[])[])
      checkBatching(
        (x) => {
          const y = f(x!, 0)
          return Array.isArray(y) ? (y as readonly Tensor[])[1]! : (y as Tensor)
        },
        [[3, 2]],
      )
  })
})

const classes = tensor([1, 0, 2], { dtype: 'int32' })
const probabilities = (s: readonly number[]): Tensor => T.sigmoid(random(s))
describe('losses', () => {
  const losses: [name: string, f: F, xs: () => Tensor[]][] = [
    ...'mseLoss l1Loss smoothL1Loss huberLoss'
      .split(' ')
      .map((n): [string, F, () => Tensor[]] => [
        n,
        (T as unknown as Record<string, F>)[n]!,
        () => [float([3, 2]), float([3, 2]).mul(0.7).add(0.31)],
      ]),
    [
      'smoothL1Loss, beta',
      (x, t) => T.smoothL1Loss(x!, t!, { beta: 0.3, reduction: 'sum' }),
      () => [float([3, 2]), float([3, 2]).mul(0.7).add(0.31)],
    ],
    ['binaryCrossEntropy', T.binaryCrossEntropy as F, () => [probabilities([3, 2]), probabilities([3, 2])]],
    ['binaryCrossEntropyWithLogits', T.binaryCrossEntropyWithLogits as F, () => [float([3, 2]), probabilities([3, 2])]],
    ['klDiv', T.klDiv as F, () => [float([3, 2]), probabilities([3, 2])]],
    ['klDiv, logTarget', (x, t) => T.klDiv(x!, t!, { logTarget: true, reduction: 'batchmean' }), () => [float([3, 2]), float([3, 2])]],
    ['crossEntropy', (x) => T.crossEntropy(x!, classes), () => [float([3, 4])]],
    [
      'crossEntropy, weight',
      (x, w) => T.crossEntropy(x!, classes, { weight: w!, labelSmoothing: 0.2 }),
      () => [float([3, 4]), probabilities([4])],
    ],
    ['crossEntropy of probabilities', T.crossEntropy as F, () => [float([3, 4]), probabilities([3, 4])]],
    ['nllLoss', (x) => T.nllLoss(x!, classes, { ignoreIndex: 0, reduction: 'sum' }), () => [float([3, 4])]],
  ]
  test.each(losses)('%s', (name, f, xs) => {
    checkDerivatives(f, xs())
    if (name !== 'binaryCrossEntropy')
      checkBatching(
        f,
        xs().map((x) => x.shape),
      )
  })

  test('per-sample cross entropy over examples and their classes', () => {
    const x = float([3, 4])
    const each = vmap((l: Tensor, t: Tensor) => grad((a: Tensor) => T.crossEntropy(a, t))(l))(x, classes)
    for (let i = 0; i < 3; i++) expectClose(each.select(0, i), grad((a: Tensor) => T.crossEntropy(a, classes.select(0, i)))(x.select(0, i)))
  })

  test('finite with finite derivatives at ±1000, the same in both modes', () => {
    const x = tensor([
      [1000, -1000],
      [-1000, 1000],
    ])
    const t = tensor([
      [0, 1],
      [0, 1],
    ])
    const index = tensor([0, 0], { dtype: 'int32' })
    const p = tensor([
      [0, 1],
      [1, 0],
    ])
    const all: [F, Tensor][] = [
      [(a) => T.crossEntropy(a!, index), x],
      [(a) => T.crossEntropy(a!, t), x],
      [(a) => T.nllLoss(T.logSoftmax(a!, 1), index), x],
      [(a) => T.mseLoss(a!, t), x],
      [(a) => T.l1Loss(a!, t), x],
      [(a) => T.smoothL1Loss(a!, t), x],
      [(a) => T.huberLoss(a!, t), x],
      [(a) => T.binaryCrossEntropyWithLogits(a!, t), x],
      [(a) => T.binaryCrossEntropy(a!, t), p],
      [(a) => T.klDiv(T.logSoftmax(a!, 1), t), x],
    ]
    for (const [f, at] of all) {
      expect(Number.isFinite(f(at).item())).toBe(true)
      const g = grad(f)(at)
      const forward = [0, 1, 2, 3].map((i) =>
        Number(jvp(f, [at], [tensor([0, 1, 2, 3].map((j) => Number(i === j))).reshape([2, 2])])[1].item()),
      )
      expect(numbers(g).every(Number.isFinite)).toBe(true)
      expectClose(g, tensor(forward).reshape([2, 2]), 1e-6)
    }
  })
})
