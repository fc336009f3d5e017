import { cpu } from '@mapgrad/backend-cpu'
import { Tensor, arange, key, manualSeed, ones, rand, randn, setDefaultDevice, slice, tensor, zeros } from '@mapgrad/tensor'
import { beforeEach, describe, expect, it } from 'vitest'

type Methods = Record<string, (...args: unknown[]) => Tensor>
const methods = (x: Tensor): Methods => x as unknown as Methods

// Tensor methods of PyTorch 2.13 that end in an underscore.
const pytorch =
  'abs_ absolute_ acos_ acosh_ add_ addbmm_ addcdiv_ addcmul_ addmm_ addmv_ addr_ arccos_ arccosh_ arcsin_ arcsinh_ arctan2_ arctan_ arctanh_ as_strided_ asin_ asinh_ atan2_ atan_ atanh_ baddbmm_ bernoulli_ bitwise_and_ bitwise_left_shift_ bitwise_not_ bitwise_or_ bitwise_right_shift_ bitwise_xor_ cauchy_ ceil_ clamp_ clamp_max_ clamp_min_ clip_ copy_ copysign_ cos_ cosh_ cumprod_ cumsum_ deg2rad_ detach_ digamma_ div_ divide_ eq_ erf_ erfc_ erfinv_ exp2_ exp_ expm1_ exponential_ fill_ fill_diagonal_ fix_ float_power_ floor_ floor_divide_ fmod_ frac_ gcd_ ge_ geometric_ greater_ greater_equal_ gt_ heaviside_ hypot_ i0_ igamma_ igammac_ index_add_ index_copy_ index_fill_ index_put_ index_reduce_ lcm_ ldexp_ le_ lerp_ less_ less_equal_ lgamma_ log10_ log1p_ log2_ log_ log_normal_ logical_and_ logical_not_ logical_or_ logical_xor_ logit_ lt_ masked_fill_ masked_scatter_ mul_ multiply_ mvlgamma_ nan_to_num_ ne_ neg_ negative_ nextafter_ normal_ not_equal_ polygamma_ pow_ put_ rad2deg_ random_ reciprocal_ relu_ remainder_ renorm_ round_ rsqrt_ scatter_ scatter_add_ scatter_reduce_ sgn_ sigmoid_ sign_ sin_ sinc_ sinh_ sqrt_ square_ squeeze_ sub_ subtract_ swapaxes_ swapdims_ t_ tan_ tanh_ transpose_ tril_ triu_ true_divide_ trunc_ uniform_ unsqueeze_ xlogy_ zero_'
    .split(' ')
    .map((n) => n.replace(/_(.)/g, (_, c: string) => c.toUpperCase()))

const square = (): Tensor =>
  tensor([
    [0.25, 0.5, 0.75],
    [0.1, 0.2, 0.9],
    [0.35, 0.6, 0.05],
  ])
const other = (): Tensor =>
  tensor([
    [2, 1, 3],
    [1, 2, 2],
    [4, 1, 1],
  ])
const int = (): Tensor =>
  tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]).int()
const row = (): Tensor => tensor([0, 2]).int()

/** What each method is called on and with, where that is not a square matrix of numbers in (0, 1) and nothing. */
const special: Record<string, readonly [x: () => Tensor, ...args: unknown[]]> = {
  acosh: [other],
  arccosh: [other],
  ...Object.fromEntries(
    ['bitwiseAnd', 'bitwiseOr', 'bitwiseXor', 'bitwiseLeftShift', 'bitwiseRightShift'].map((n) => [
      n,
      [
        int,
        tensorArg([
          [1, 1, 2],
          [0, 3, 1],
        ]),
      ] as const,
    ]),
  ),
  bitwiseNot: [int],
  asStrided: [square, [2, 2], [1, 3]],
  clamp: [square, 0.2, { max: 0.6 }],
  clip: [square, { max: 0.5 }],
  lerp: [square, ones, 0.25],
  round: [square, { decimals: 1 }],
  nanToNum: [() => tensor([NaN, Infinity, -Infinity, 1]), 0, { posinf: 9 }],
  logit: [square, { eps: 0.2 }],
  add: [square, other, { alpha: 2 }],
  sub: [square, other, { alpha: 2 }],
  div: [square, other, { roundingMode: 'floor' }],
  addcmul: [square, other, other, { value: 2 }],
  addcdiv: [square, other, other, { value: 2 }],
  addmm: [square, other, other],
  addmv: [() => ones(3), other, () => ones(3)],
  addr: [square, () => arange(3).float(), () => ones(3)],
  addbmm: [square, () => ones(2, 3, 4), () => ones(2, 4, 3)],
  baddbmm: [() => ones(2, 3, 3), () => ones(2, 3, 4), () => ones(2, 4, 3)],
  cumsum: [square, 1],
  cumprod: [square, { dim: 0 }],
  tril: [square, 1],
  triu: [square],
  indexPut: [square, [row, row], 5],
  indexAdd: [square, 0, row, () => ones(2, 3), { alpha: 2 }],
  indexCopy: [square, 0, row, () => ones(2, 3)],
  indexFill: [square, 1, row, 7],
  indexReduce: [square, 0, row, () => ones(2, 3).mul(2), 'prod'],
  put: [square, row, () => tensor([8, 9])],
  scatter: [square, 1, () => tensor([[0], [1], [2]]).int(), 5],
  scatterAdd: [square, 1, () => tensor([[0], [1], [2]]).int(), () => ones(3, 1)],
  scatterReduce: [square, 1, () => tensor([[0], [1], [2]]).int(), () => ones(3, 1), 'amax'],
  maskedFill: [square, () => square().gt(0.5), -1],
  transpose: [() => zeros(2, 3), 0, 1],
  swapaxes: [() => zeros(2, 3), 0, 1],
  swapdims: [() => zeros(2, 3), 0, 1],
  unsqueeze: [square, 0],
  squeeze: [() => zeros(1, 3, 1), 0],
  t: [() => arange(6).float().reshape(2, 3)],
  ldexp: [square, other],
  polygamma: [square, 1],
  mvlgamma: [() => square().add(2), 2],
}
function tensorArg(data: number[][]): () => Tensor {
  return () => tensor(data).int()
}
const BINARY =
  'mul multiply divide trueDivide subtract clampMin clampMax floorDivide fmod remainder pow atan2 arctan2 logicalAnd logicalOr logicalXor xlogy hypot copysign heaviside floatPower eq ne lt le gt ge notEqual less lessEqual greater greaterEqual'.split(
    ' ',
  )
for (const n of BINARY) special[n] = [square, other]

const DRAWS = ['bernoulli', 'cauchy', 'exponential', 'geometric', 'logNormal', 'normal', 'random', 'uniform', 'multinomial']
const own = Object.entries(allMethods()).filter(([n]) => n.endsWith('_') && !n.startsWith('_'))
function allMethods(): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (let p: object = Tensor.prototype; p !== Object.prototype; p = Object.getPrototypeOf(p) as object)
    for (const n of Object.getOwnPropertyNames(p)) out[n] ??= Object.getOwnPropertyDescriptor(p, n)!.value
  return out
}
const functional = own.map(([n]) => n.slice(0, -1)).filter((n) => typeof allMethods()[n] === 'function' && !DRAWS.includes(n))

beforeEach(() => setDefaultDevice(cpu))

it('there is one for every method of PyTorch that has one and that there is', () => {
  const base = allMethods()
  const missing = pytorch.filter((n) => n.slice(0, -1) in base && !(n in base) && n.slice(0, -1) !== 'renorm')
  expect(missing).toEqual([])
})

describe('gives what the method without underscore gives', () => {
  it.each(functional)('%s_', (name) => {
    const [make, ...given] = special[name] ?? [square]
    const args = (): unknown[] =>
      given.map((a) =>
        typeof a === 'function'
          ? (a as () => Tensor)()
          : Array.isArray(a)
            ? a.map((i: unknown) => (typeof i === 'function' ? (i as () => Tensor)() : i))
            : a,
      )
    const x = make()
    const want = methods(x)[name]!(...args())
    const view = x.ndim > 1 ? x.at(0) : null
    const out = methods(x)[`${name}_`]!(...args())
    expect(out).toBe(x)
    expect([x.shape, x.tolist()]).toEqual([want.shape, want.to(x.dtype).tolist()])
    // views made before show it too, as long as the shape is the same
    if (view && want.shape.length === make().ndim && want.shape.every((n, i) => n === make().shape[i]))
      expect(view.tolist()).toEqual(name.match(/transpose|swap|^t$|asStrided/) ? make().at(0).tolist() : want.to(x.dtype).at(0).tolist())
  })

  it.each(functional)('%s_ to a view, and through it to what it is a view of', (name) => {
    const [make, ...given] = special[name] ?? [square]
    const args = given.map((a) =>
      typeof a === 'function'
        ? (a as () => Tensor)()
        : Array.isArray(a)
          ? a.map((i: unknown) => (typeof i === 'function' ? (i as () => Tensor)() : i))
          : a,
    )
    const whole = make()
      .unsqueeze(0)
      .repeat(2, ...make().shape.map(() => 1))
    const part = whole.at(1)
    const want = methods(make())[name]!(...args).to(part.dtype)
    methods(part)[`${name}_`]!(...args)
    expect(part.tolist()).toEqual(want.tolist())
    expect(whole.at(0).tolist()).toEqual(make().tolist())
    if (part.shape.join() === make().shape.join() && !name.match(/transpose|swap|^t$/)) expect(whole.at(1).tolist()).toEqual(want.tolist())
  })
})

describe('refuses', () => {
  it.each([
    [() => int().add_(1.5), "add_: result type Float can't be cast to the desired output type Int"],
    [() => int().div_(2), "div_: result type Float can't be cast to the desired output type Int"],
    [() => int().sigmoid_(), "sigmoid_: result type Float can't be cast to the desired output type Int"],
    [() => tensor([true]).add_(1), "result type Int can't be cast to the desired output type Bool"],
    [() => tensor([1n]).mul_(tensor([0.5], { dtype: 'float64' })), "result type Double can't be cast to the desired output type Long"],
    [() => zeros(1).add_(zeros(3, 1)), "output with shape [1] doesn't match the broadcast shape [3, 1]"],
    [() => zeros(2, 3).add_(zeros(4)), 'The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1'],
    [() => zeros(2, 3).copy_(zeros(4)), 'The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1'],
    [() => zeros(2, 3).copy_(zeros(1, 2, 3)), "output with shape [2, 3] doesn't match the broadcast shape [1, 2, 3]"],
    [
      () => zeros(2, 3).set(0, zeros(4)),
      'The expanded size of the tensor (3) must match the existing size (4) at non-singleton dimension 0.  Target sizes: [3].  Tensor sizes: [4]',
    ],
    [
      () => zeros(2, 3).set(0, zeros(2, 3)),
      'the number of sizes provided (1) must be greater or equal to the number of dimensions in the tensor (2)',
    ],
    [() => zeros(3).fill_(zeros(3)), 'fill_ only supports 0-dimension value tensor but got tensor with 1 dimensions.'],
    [() => zeros(3).fillDiagonal_(1), 'dimensions must larger than 1'],
    [() => zeros(2, 3, 4).fillDiagonal_(1), 'all dimensions of input must be of equal length'],
    [() => int().normal_(), 'expected a float dtype, got int32'],
    [() => zeros(3).normal_(0, -1), 'normal expects std >= 0.0, but found std -1'],
    [() => zeros(3).uniform_(2, 1), 'uniform_ expects to return a [from, to) range, but found from=2 > to=1'],
    [() => zeros(3).random_(5, 5), "random_ expects 'from' to be less than 'to', but got from=5 >= to=5"],
    [() => zeros(3).geometric_(2), 'geometric_ expects p to be in (0, 1), but got p=2'],
    [() => zeros(3).cauchy_(0, -1), 'cauchy_ expects sigma > 0.0, but found sigma=-1'],
    [() => zeros(3).exponential_(-1), 'exponential_ expects lambda > 0.0, but found lambda=-1'],
    [() => zeros(3).bernoulli_(2), 'bernoulli_ expects p to be in [0, 1], but got p=2'],
    [() => zeros(3).logNormal_(0, -1), 'log_normal_ expects std > 0.0, but found std=-1'],
    [() => zeros(3).add_('1' as never), 'add'],
    [() => (zeros(3).set as () => Tensor)(), 'expected indices and a value'],
  ])('%s', (f, text) => {
    expect(f).toThrow(text)
  })

  it('and leaves the tensor as it was', () => {
    const x = int()
    expect(() => x.add_(1.5)).toThrow('result type')
    expect(() => x.add_(zeros(1, 2, 3).int())).toThrow('output with shape')
    expect(x.tolist()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ])
  })
})

it('keeps the dtype: wider results are rounded, integers and booleans widened', () => {
  const x = tensor([1, 2])
  expect(x.add_(tensor([0.5, 0.25], { dtype: 'float64' })).dtype).toBe('float32')
  expect(x.tolist()).toEqual([1.5, 2.25])
  expect(x.lt_(2).tolist()).toEqual([1, 0])
  expect(int().copy_(1.9).tolist()).toEqual([
    [1, 1, 1],
    [1, 1, 1],
  ])
  expect(tensor([1n, 2n]).add_(1).tolist()).toEqual([2n, 3n])
})

it('set writes what x[index] = value writes', () => {
  const x = zeros(3, 4)
  x.set(0, slice(1, 3), 5)
    .set(-1, tensor([[1, 2, 3, 4]]))
    .set(tensor([1, 1]).int(), tensor([0, 3]).int(), tensor([7, 8]))
    .set(x.eq(0), -1)
  expect(x.tolist()).toEqual([
    [-1, 5, 5, -1],
    [7, -1, -1, 8],
    [1, 2, 3, 4],
  ])
})

it('fillDiagonal_ wraps and takes cubes', () => {
  expect(zeros(5, 2).fillDiagonal_(2, true).tolist()).toEqual([
    [2, 0],
    [0, 2],
    [0, 0],
    [2, 0],
    [0, 2],
  ])
  expect(zeros(5, 2).fillDiagonal_(2).tolist()).toEqual([
    [2, 0],
    [0, 2],
    [0, 0],
    [0, 0],
    [0, 0],
  ])
  expect(zeros(2, 2, 2).fillDiagonal_({ value: 3 }).tolist()).toEqual([
    [
      [3, 0],
      [0, 0],
    ],
    [
      [0, 0],
      [0, 3],
    ],
  ])
})

describe('random numbers in place', () => {
  const n = 20_000
  const moments = (x: Tensor): [number, number] => [x.mean().item() as number, x.std().item() as number]
  it.each([
    ['normal_', (x: Tensor) => x.normal_(2, 3), 2, 3],
    ['uniform_', (x: Tensor) => x.uniform_(-1, 3), 1, 4 / Math.sqrt(12)],
    ['exponential_', (x: Tensor) => x.exponential_(2), 0.5, 0.5],
    ['geometric_', (x: Tensor) => x.geometric_(0.25), 4, Math.sqrt(12)],
    ['bernoulli_', (x: Tensor) => x.bernoulli_(0.3), 0.3, Math.sqrt(0.21)],
    ['bernoulli_ of probabilities', (x: Tensor) => x.bernoulli_(tensor([0.3])), 0.3, Math.sqrt(0.21)],
    ['random_', (x: Tensor) => x.random_(0, 10), 4.5, Math.sqrt(99 / 12)],
    ['logNormal_', (x: Tensor) => x.logNormal_(0, 0.5), Math.exp(0.125), Math.sqrt((Math.exp(0.25) - 1) * Math.exp(0.25))],
  ] as const)('%s has its moments', (_, fill, mean, std) => {
    manualSeed(3)
    const x = zeros(n)
    expect(fill(x)).toBe(x)
    const [m, s] = moments(x)
    expect(Math.abs(m - mean)).toBeLessThan((5 * std) / Math.sqrt(n))
    expect(Math.abs(s / std - 1)).toBeLessThan(0.05)
  })

  it('are those of the functions, from generator and key alike', () => {
    manualSeed(11)
    const a = randn(4)
    manualSeed(11)
    expect(zeros(4).normal_().tolist()).toEqual(a.tolist())
    expect(
      zeros(4)
        .uniform_({ key: key(5) })
        .tolist(),
    ).toEqual(rand(4, { key: key(5) }).tolist())
    const cauchy = zeros(n).cauchy_(1, 2)
    expect(Math.abs(((cauchy.median() as Tensor).item() as number) - 1)).toBeLessThan(0.15)
    expect((zeros(100).byte().random_().max() as Tensor).item()).toBeGreaterThan(200)
    expect(int().random_(5).lt(5).all().item()).toBe(true)
  })
})
