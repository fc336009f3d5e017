import { cpu } from '@mapgrad/backend-cpu'
import { grad, jvp } from '@mapgrad/autodiff'
import * as T from '@mapgrad/tensor'
import { type Tensor, setDefaultDevice, tensor } from '@mapgrad/tensor'
import { describe, expect, test } from 'vitest'
import { expectClose, numbers } from '../checks.ts'

setDefaultDevice(cpu)

const f64 = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'float64' })
type F = (...xs: Tensor[]) => Tensor

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
