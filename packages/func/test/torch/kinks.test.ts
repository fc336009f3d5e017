// Derivatives where there is no one derivative: ties, kinks, singular points. What torch 2.13 gives, but where that is NaN without need
// the limit (told by a ✗); in reverse mode and in forward mode alike.
// Left out: det, slogdet, eigh, svdvals (no such operators yet), pooling, complex numbers.
import {
  type Tensor,
  abs,
  amax,
  amin,
  atan2,
  binaryCrossEntropy,
  clamp,
  crossEntropy,
  cummax,
  cumprod,
  elu,
  floor,
  fmax,
  fmin,
  fmod,
  grad,
  hardtanh,
  huberLoss,
  hypot,
  indexPut,
  jacfwd,
  jacrev,
  jvp,
  leakyRelu,
  linearize,
  log,
  logsigmoid,
  logsumexp,
  max,
  maximum,
  mean,
  median,
  min,
  minimum,
  mul,
  norm,
  pow,
  prod,
  relu,
  relu6,
  remainder,
  round,
  sign,
  sinc,
  smoothL1Loss,
  softmax,
  softplus,
  sort,
  sqrt,
  std,
  sum,
  tensor,
  topk,
  var as variance,
  vmap,
  where,
  xlogy,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { f64, raised } from '../rules.ts'
import { plain } from './derivatives.ts'

type F = (x: Tensor) => Tensor
type Numbers = number | readonly number[]
const inf = Number.POSITIVE_INFINITY
const nan = Number.NaN
const w3 = f64([1, 2, 3])
/** What is differentiated, where, its gradient there, and its value where that is of interest. */
const rows: readonly [name: string, f: F, x: Numbers, gradient: Numbers, value?: Numbers][] = [
  // ties
  ['max() of ties', (x) => max(x), [1, 1, 0], [0.5, 0.5, 0], 1],
  ['min() of ties', (x) => min(x), [0, 1, 0], [0.5, 0, 0.5], 0],
  ['amax of ties', (x) => amax(x), [1, 1, 0], [0.5, 0.5, 0]],
  ['amax of ties along a dim', (x) => amax(x, 0), [2, 2, 2, 0], [1 / 3, 1 / 3, 1 / 3, 0]],
  ['amin of ties', (x) => amin(x), [1, 0, 0], [0, 0.5, 0.5]],
  ['median() of ties', (x) => median(x), [1, 1, 0], [0.5, 0.5, 0], 1],
  ['median() of an even count: the lower', (x) => median(x), [4, 1, 3, 2], [0, 0, 0, 1], 2],
  ['max(dim) of ties: the first', (x) => max(x, 0).values, [1, 1, 0], [1, 0, 0]],
  ['min(dim) of ties: the first', (x) => min(x, 0).values, [1, 0, 0], [0, 1, 0]],
  ['maximum at equality', (x) => maximum(x, f64(1)), 1, 0.5],
  ['maximum at equality, the other side', (x) => maximum(f64(1), x), 1, 0.5],
  ['minimum at equality', (x) => minimum(x, f64(1)), 1, 0.5],
  ['maximum of a number and itself', (x) => maximum(x, x), 1, 1],
  ['fmax at equality', (x) => fmax(x, f64(1)), 1, 1],
  ['fmin at equality', (x) => fmin(x, f64(1)), 1, 1],
  ['topk of ties: the first', (x) => topk(x, 2).values.sum(), [1, 1, 1, 0], [1, 1, 0, 0]],
  ['sort of ties: stable', (x) => mul(sort(x, { stable: true }).values, w3).sum(), [1, 0, 1], [2, 1, 3]],
  ['cummax of ties: the latest', (x) => cummax(x, 0).values.sum(), [1, 1, 1], [1, 1, 1]],
  ['cummax of a fall', (x) => cummax(x, 0).values.sum(), [2, 1, 2], [2, 0, 1]],
  ['the maximum norm of ties', (x) => norm(x, inf), [1, -1, 0], [0.5, -0.5, 0]],
  // kinks
  ['relu', relu, 0, 0],
  ['abs', abs, 0, 0],
  ['sign', sign, 0, 0],
  ['floor', floor, 2, 0],
  ['round, half to even', round, 2.5, 0, 2],
  ['round, half to even, above', round, 3.5, 0, 4],
  ['clamp at the upper bound', (x) => clamp(x, -1, 1), 1, 1],
  ['clamp at the lower bound', (x) => clamp(x, -1, 1), -1, 1],
  ['clamp outside', (x) => clamp(x, -1, 1), 1.5, 0],
  ['hardtanh at its bound', (x) => hardtanh(x), 1, 0],
  ['hardtanh at its lower bound', (x) => hardtanh(x), -1, 0],
  ['relu6 at 6', (x) => relu6(x), 6, 0],
  ['relu6 at 0', (x) => relu6(x), 0, 0],
  ['leakyRelu', (x) => leakyRelu(x, 0.1), 0, 0.1],
  ['elu', (x) => elu(x), 0, 1],
  ['huberLoss at its knee', (x) => huberLoss(x, f64(0)), 1, 1],
  ['huberLoss at its other knee', (x) => huberLoss(x, f64(0)), -1, -1],
  ['smoothL1Loss at its knee', (x) => smoothL1Loss(x, f64(0)), 1, 1],
  // singular points
  ['sqrt', sqrt, 0, inf],
  ['x to the half', (x) => pow(x, 0.5), 0, inf],
  ['x to the power 0', (x) => pow(x, 0), 0, 0, 1],
  ['x to the power of a tensor 0', (x) => pow(x, f64(0)), 0, 0, 1],
  ['0 to the power x, at 2', (x) => pow(0, x), 2, 0],
  ['0 to the power x, at 0', (x) => pow(0, x), 0, 0, 1],
  ['a tensor 0 to the power x, at 0', (x) => pow(f64(0), x), 0, 0, 1],
  ['−1 to the power x', (x) => pow(f64(-1), x), 2, nan, 1],
  ['the norm of nothing', (x) => norm(x), [0, 0, 0], [0, 0, 0], 0],
  ['the 1-norm of nothing', (x) => norm(x, 1), [0, 0, 0], [0, 0, 0], 0],
  ['std of constants', (x) => std(x), [2, 2, 2], [0, 0, 0], 0],
  ['var of constants', (x) => variance(x), [2, 2, 2], [0, 0, 0], 0],
  ['logsumexp of −∞ alone ✗', (x) => logsumexp(x, 0), [-inf, -inf], [0, 0], -inf],
  ['logsumexp of −∞ among others', (x) => logsumexp(x, 0), [-inf, 1], [0, 1], 1],
  ['softmax of −∞ alone ✗', (x) => mul(softmax(x, 0), f64([1, 2])).sum(), [-inf, -inf], [0, 0]],
  ['softmax of −∞ among others', (x) => mul(softmax(x, 0), f64([1, 2])).sum(), [-inf, 1], [0, 0], 2],
  ['a root in a branch that is not taken ✗', (x) => where(x.gt(0), sqrt(x), 0), 0, 0, 0],
  ['a root in a branch that is taken', (x) => where(x.ge(0), sqrt(x), 0), 4, 0.25, 2],
  ['x log x', (x) => mul(x, log(x)), 0, nan],
  ['xlogy(x, x)', (x) => xlogy(x, x), 0, nan, 0],
  ['prod with a zero', (x) => prod(x), [2, 0, 3], [0, 6, 0], 0],
  ['prod with two zeros', (x) => prod(x), [0, 0, 3], [0, 0, 0], 0],
  ['prod along a dim with a zero', (x) => prod(x, 0), [2, 0, 3], [0, 6, 0], 0],
  ['cumprod with a zero', (x) => cumprod(x, 0).sum(), [2, 0, 3], [1, 8, 0], 2],
  ['atan2(y, 0)', (y) => atan2(y, f64(0)), 0, 0, 0],
  ['atan2(0, x)', (x) => atan2(f64(0), x), 0, -0, 0],
  ['hypot(x, 0) ✗', (x) => hypot(x, f64(0)), 0, 0, 0],
  ['fmod by x', (x) => fmod(f64(5.5), x), 2, -2, 1.5],
  ['remainder by x', (x) => remainder(f64(-5.5), x), 2, 3, 0.5],
  ['softplus of a large number', (x) => softplus(x), 100, 1, 100],
  ['logsigmoid of a large negative number', logsigmoid, -1000, 1, -1000],
  ['binary cross entropy of 0 with target 1', (x) => binaryCrossEntropy(x, f64(1)), 0, -1e12, 100],
  ['sinc', sinc, 0, 0, 1],
  ['sinc, differentiated twice ✗', grad(sinc), 0, -(Math.PI ** 2) / 3, 0],
  [
    'writes to one place: the last wins ✗',
    (x) =>
      indexPut(zeros(2, { dtype: 'float64' }), [tensor([1, 1], { dtype: 'int64' })], x)
        .mul(f64([3, 4]))
        .sum(),
    [5, 6],
    [0, 4],
    24,
  ],
  ['the mean of nothing in a sum', (x) => x.add(mean(zeros(0, { dtype: 'float64' }))), 1, 1, nan],
]

const x0 = (x: Numbers): Tensor => f64(x as never)
const units = (x: Numbers): Tensor[] => (typeof x === 'number' ? [f64(1)] : x.map((_, i) => f64(x.map((_v, k) => (k === i ? 1 : 0)))))
const flat = (x: Numbers): readonly number[] => (typeof x === 'number' ? [x] : x)
/** Numbers near each other; −0 and 0 differ, NaN is NaN. */
function expectNear(got: unknown, want: Numbers, signs = true): void {
  const [a, b] = [flat(got as Numbers), flat(want)]
  expect(a.length).toBe(b.length)
  b.forEach((v, i) => {
    if (Number.isFinite(v) && v !== 0) expect(a[i]! / v).toBeCloseTo(1, 12)
    else expect(signs ? a[i] : a[i]! + 0).toBe(signs ? v : v + 0)
  })
}

describe.each(rows)('%s', (_, f, at, gradient, value) => {
  const signs = Object.is(gradient, -0)
  test('in reverse mode', () => {
    expectNear(plain(grad(f)(x0(at))), gradient, signs)
    expectNear(plain(jacrev(f)(x0(at))), gradient, signs)
    if (value !== undefined) expectNear(plain(f(x0(at))), value, false)
  })
  test('in forward mode', () => {
    expectNear(
      units(at).map((e) => jvp(f, [x0(at)], [e])[1].item()),
      flat(gradient),
      false,
    )
    expectNear(
      units(at).map((e) => linearize(f, [x0(at)])[1](e).item()),
      flat(gradient),
      false,
    )
    expectNear(plain(jacfwd(f)(x0(at))), gradient, false)
  })
  test('for each of a batch', () => {
    const xs = x0([at, at] as never)
    expectNear((plain(vmap(grad(f))(xs)) as Numbers[]).flat(), [gradient, gradient].flat(), false)
  })
})

test('the largest of nothing', () => {
  expect(raised(() => max(zeros(0))).message).toContain(
    "max(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.",
  )
  expect(Number.isNaN(mean(zeros(0)).item())).toBe(true)
  expect(sum(zeros(0)).item()).toBe(0)
})
test('a loss whose labels are all left out is NaN: zeros go back, NaN goes forth, as in PyTorch', () => {
  const loss = (x: Tensor): Tensor => crossEntropy(x, tensor([-100], { dtype: 'int64' }))
  const x = f64([[1, 2]])
  expect(plain(loss(x))).toBe(nan)
  expectNear((plain(grad(loss)(x)) as number[][]).flat(), [0, 0], false)
  expect(plain(jvp(loss, [x], [x]))).toEqual([nan, nan])
})
test('hypot by both arguments at the origin, and on an axis', () => {
  expect(plain(grad((p: Tensor) => hypot(p.at(0), p.at(1)))(f64([0, 0])))).toEqual([0, 0])
  expect(plain(grad((p: Tensor) => hypot(p.at(0), p.at(1)))(f64([0, -2])))).toEqual([0, -1])
})
test('losses are finite at ±1000, in both modes alike', () => {
  const target = f64([1, 0, 1, 0])
  const losses: readonly F[] = [
    (x) => huberLoss(x, target),
    (x) => smoothL1Loss(x, target),
    (x) => softplus(x).sum(),
    (x) => logsigmoid(x).sum(),
    (x) => softmax(x, 0).mul(target).sum(),
    (x) => logsumexp(x, 0),
    (x) => crossEntropy(x.unsqueeze(0), tensor([0], { dtype: 'int64' })),
    (x) => x.sigmoid().sum(),
    (x) => x.tanh().sum(),
  ]
  for (const loss of losses) {
    const [back, forth] = [plain(jacrev(loss)(f64([1000, -1000, 3, -4]))), plain(jacfwd(loss)(f64([1000, -1000, 3, -4])))] as number[][]
    expect(back!.every(Number.isFinite)).toBe(true)
    expectNear(forth, back!, false)
  }
})
