import { cpu } from '@mapgrad/backend-cpu'
import { grad, jvp } from '@mapgrad/autodiff'
import * as T from '@mapgrad/tensor'
import { type Tensor, setDefaultDevice, tensor } from '@mapgrad/tensor'
import { vmap } from '@mapgrad/vmap'
import { describe, expect, test } from 'vitest'
import { checkBatching, checkDerivatives, expectClose, numbers, random } from '../checks.ts'

setDefaultDevice(cpu)

const f64 = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'float64' })
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

describe('conventions at kinks, PyTorch 2.13 or better', () => {
  const table: [name: string, f: F, at: number | number[], want: number | number[]][] = [
    ['max() of ties', (x) => T.max(x!), [1, 1, 0], [0.5, 0.5, 0]],
    ['amax of ties', (x) => T.amax(x!), [1, 1, 0], [0.5, 0.5, 0]],
    ['median() of ties', (x) => T.median(x!), [1, 1, 0], [0.5, 0.5, 0]],
    ['median() of an even count', (x) => T.median(x!), [1, 4, 2, 3], [0, 0, 1, 0]],
    ['max(dim) of ties', (x) => T.max(x!, 0).values, [1, 1, 0], [1, 0, 0]],
    ['min(dim) of ties', (x) => T.min(x!, 0).values, [1, 0, 0], [0, 1, 0]],
    ['topk(2) of ties', (x) => T.topk(x!, 2).values.sum(), [1, 1, 1], [1, 1, 0]],
    ['cummax of ties', (x) => T.cummax(x!, 0).values.sum(), [1, 1, 1], [1, 1, 1]],
    ['maximum(x, 1) at 1', (x) => T.maximum(x!, 1), 1, 0.5],
    ['fmax(x, 1) at 1', (x) => T.fmax(x!, 1), 1, 1],
    ['relu', (x) => T.relu(x!), 0, 0],
    ['abs', (x) => T.abs(x!), 0, 0],
    ['clamp at its bounds', (x) => T.clamp(x!, 0, 1).sum(), [0, 1, 2], [1, 1, 0]],
    ['hardtanh at 1', (x) => T.hardtanh(x!), 1, 0],
    ['relu6 at 6', (x) => T.relu6(x!), 6, 0],
    ['leakyRelu', (x) => T.leakyRelu(x!, 0.1), 0, 0.1],
    ['elu', (x) => T.elu(x!), 0, 1],
    ['sqrt', (x) => T.sqrt(x!), 0, Infinity],
    ['x ** 0.5', (x) => T.pow(x!, 0.5), 0, Infinity],
    ['x ** 0', (x) => T.pow(x!, 0), 0, 0],
    ['x ** 0, both tensors', (x) => T.pow(x!, f64(0)), 0, 0],
    ['0 ** y', (y) => T.pow(0, y!).sum(), [2, 0], [0, 0]],
    ['(−1) ** y', (y) => T.pow(-1, y!), 2, NaN],
    ['norm', (x) => T.norm(x!), [0, 0], [0, 0]],
    ['norm 1', (x) => T.norm(x!, 1), [0, 0], [0, 0]],
    ['norm 1.5', (x) => T.norm(x!, 1.5), [0, 0], [0, 0]],
    ['norm Infinity of ties', (x) => T.norm(x!, Infinity), [1, -1, 0], [0.5, -0.5, 0]],
    ['std of constants', (x) => T.std(x!), [2, 2, 2], [0, 0, 0]],
    ['var of constants', (x) => T.var(x!), [2, 2, 2], [0, 0, 0]],
    ['logsumexp of −Inf', (x) => T.logsumexp(x!), [-Infinity, -Infinity], [0, 0]],
    ['softmax of −Inf', (x) => T.softmax(x!, 0).select(0, 0), [-Infinity, -Infinity], [0, 0]],
    ['where around sqrt', (x) => T.where(x!.gt(0), T.sqrt(x!), 0), 0, 0],
    ['prod with a zero', (x) => T.prod(x!), [2, 0, 3], [0, 6, 0]],
    ['prod with two zeros', (x) => T.prod(x!), [0, 0, 3], [0, 0, 0]],
    ['cumprod with a zero', (x) => T.cumprod(x!, 0).sum(), [2, 0, 3], [1, 8, 0]],
    ['atan2 at the origin', (x) => T.atan2(x!, 0), 0, 0],
    ['hypot at the origin', (x) => T.hypot(x!, 0), 0, 0],
    ['fmod by y', (y) => T.fmod(5.5, y!), 2, -2],
    ['remainder by y', (y) => T.remainder(-5.5, y!), 2, 3],
    [
      'sort of ties',
      (x) =>
        T.sort(x!)
          .values.mul(f64([1, 2, 3]))
          .sum(),
      [1, 1, 1],
      [1, 2, 3],
    ],
    ['softplus(100)', (x) => T.softplus(x!), 100, 1],
    ['logsigmoid(−1000)', (x) => T.logsigmoid(x!), -1000, 1],
    ['binaryCrossEntropy(0, 1)', (x) => T.binaryCrossEntropy(x!, f64(1)), 0, -1e12],
    ['huberLoss at 1', (x) => T.huberLoss(x!, f64(0)), 1, 1],
    ['smoothL1Loss at 1', (x) => T.smoothL1Loss(x!, f64(0)), 1, 1],
    ['sinc', (x) => T.sinc(x!), 0, 0],
    ['sinc′', (x) => grad((v: Tensor) => T.sinc(v))(x!), 0, -(Math.PI ** 2) / 3],
    ['nanToNum', (x) => T.nanToNum(x!).sum(), [NaN, Infinity, 1], [0, 0, 1]],
    ['crossEntropy with all ignored', (x) => T.crossEntropy(x!, tensor([-100], { dtype: 'int32' })), [1, 2], [0, 0]],
  ]
  test.each(table)('%s', (name, f, at, want) => {
    const x = name.startsWith('crossEntropy') ? f64([at as number[]]) : f64(at)
    expectClose(grad(f)(x).reshape(-1), f64([want].flat() as number[]), 1e-12)
  })

  test('second order where first derivatives vanish', () => {
    // ∂²/∂x₀∂x₁ of x₀x₁x₂ is x₂, also where x₁ = 0
    const h = (f: F, at: number[], along: number[]): number[] => numbers(jvp(grad(f), [f64(at)], [f64(along)])[1] as Tensor)
    expect(h((x) => T.prod(x!), [2, 0, 3], [1, 0, 0])).toEqual([0, 3, 0])
    expect(h((x) => T.prod(x!), [0, 0, 3], [1, 0, 0])).toEqual([0, 3, 0])
    expect(h((x) => T.cumprod(x!, 0).sum(), [2, 0, 3], [0, 1, 0])).toEqual([4, 0, 2])
    // variance: 2/(n−1)(I − 1/n)
    const v = h((x) => T.var(x!), [1, 2, 4], [1, 0, 0])
    ;[2 / 3, -1 / 3, -1 / 3].forEach((w, i) => expect(v[i]).toBeCloseTo(w, 12))
    expect(
      numbers(
        jvp(
          grad((x: Tensor) => T.pow(x, f64(0)).sum()),
          [f64([2, 3])],
          [f64([1, 1])],
        )[1] as Tensor,
      ).map(Math.abs),
    ).toEqual([0, 0])
  })

  test('the value of bce at its bounds is finite, that of no targets is not', () => {
    expect(T.binaryCrossEntropy(f64(0), f64(1)).item()).toBe(100)
    expect(T.crossEntropy(f64([[1, 2]]), tensor([-100], { dtype: 'int32' })).item()).toBeNaN()
  })
})

describe('calls', () => {
  const x = (): Tensor =>
    f64([
      [1, 5, 2],
      [4, 3, 6],
    ])
  test('by position, by name, as methods', () => {
    const want = [[8], [13]]
    for (const y of [
      T.sum(x(), 1, true),
      T.sum(x(), 1, { keepdim: true }),
      T.sum(x(), { dim: 1, keepdim: true }),
      x().sum(1, true),
      x().sum({ dim: -1, keepdim: true }),
    ])
      expect(y.tolist()).toEqual(want)
    const m = x().max(1)
    const [values, indices] = m
    expect(m.values).toBe(values)
    expect(indices.tolist()).toEqual([1, 2])
    expect(indices.dtype).toBe('int32')
    expect(x().max().item()).toBe(6)
    expect(x().max(f64(3.5)).tolist()).toEqual([
      [3.5, 5, 3.5],
      [4, 3.5, 6],
    ])
    expect(T.aminmax(x(), { dim: 0 }).min.tolist()).toEqual([1, 3, 2])
    expect(x().var(0, { correction: 0 }).tolist()).toEqual([2.25, 1, 4])
    expect(x().std(false).item()).toBeCloseTo(1.707825127659933, 12)
    expect(T.varMean(x(), 1).mean.tolist()).toEqual(x().mean(1).tolist())
    expect(T.crossEntropy(x(), tensor([1, 2], { dtype: 'int64' }), null, null, -100, null, 'sum').item()).toBeCloseTo(
      T.crossEntropy(x(), tensor([1, 2], { dtype: 'int32' }), { reduction: 'sum' }).item() as number,
      12,
    )
    expect(T.mseLoss(x(), x().add(1), { sizeAverage: false }).item()).toBe(6)
  })
  test('refused by name', () => {
    expect(() => T.sum(x(), { axis: 1 } as never)).toThrow(
      "[tensor] sum: expected options among dim, keepdim, dtype, got unknown option 'axis'",
    )
    expect(() => T.sum([1, 2] as never)).toThrow('[tensor] sum: expected a Tensor, got [1, 2]')
    expect(() => x().sum(0, true, 3 as never)).toThrow('[tensor] sum: expected at most 2 arguments')
    expect(() => T.softmax(x(), undefined as never)).toThrow('[tensor] softmax: expected a dim, got undefined')
    expect(() => T.crossEntropy(x(), tensor([0, 7], { dtype: 'int32' }))).toThrow('out of bounds')
    expect(() => T.crossEntropy(x(), tensor([0.5, 1]))).toThrow('class indices are integers')
    expect(() => T.norm(x(), 'max' as never)).toThrow('[tensor] norm: expected p to be a number or \'fro\', got "max"')
  })
})
