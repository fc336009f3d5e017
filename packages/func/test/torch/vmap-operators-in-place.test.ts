// Upstream: test_vmap.py, TestVmapOperatorsOpInfo.test_vmap_exhaustive for the variants that write: every method with a trailing underscore
// and tensors beside its own, each of them mapped or shared. Where the written tensor is shared and another is mapped, it is refused; else
// results, and what the caller's tensor holds afterwards, are those of a loop. Methods of one tensor are in vmap-operators-pointwise.test.ts.
// Left out: resize_, resize_as_, out= (none exists); random methods have their own suite.
import { type Tensor, Tensor as TensorClass, grad, jvp, linearize, ones, onesLike, tensor, vmap } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { batchedInputs, expectClose, loop, random } from './harness.ts'

const above = (...shape: number[]): Tensor =>
  random(...shape)
    .abs()
    .add(1)
const ints = (...shape: number[]): Tensor =>
  random(...shape)
    .mul(5)
    .int()
    .abs()
    .add(1)
const bools = (...shape: number[]): Tensor => random(...shape).gt(0)
const positions = (...data: number[]): Tensor => tensor(data, { dtype: 'int32' })

type Write = (x: Tensor, ...others: Tensor[]) => Tensor
const call =
  (name: string): Write =>
  (x, ...others) =>
    (x as unknown as Record<string, Write>)[name]!.call(x, ...(others as [Tensor]))

interface Case {
  readonly names: string
  readonly args: () => Tensor[]
  readonly write?: Write
}
const cases: readonly Case[] = [
  {
    names:
      'add_ sub_ mul_ copy_ subtract_ multiply_ clampMin_ clampMax_ copysign_ eq_ ne_ lt_ le_ gt_ ge_ less_ lessEqual_ greater_ greaterEqual_ notEqual_',
    args: () => [random(2, 3), random(2, 3)],
  },
  { names: 'add_ mul_ sub_ copy_ atan2_ arctan2_', args: () => [random(2, 3), random(3)] },
  { names: 'add_ mul_ div_ pow_', args: () => [above(2, 3), above()] },
  {
    names: 'div_ divide_ trueDivide_ pow_ floatPower_ fmod_ remainder_ floorDivide_ hypot_ xlogy_ heaviside_',
    args: () => [above(2, 3), above(2, 1)],
  },
  { names: 'add_ mul_', args: () => [random(), random()] },
  { names: 'bitwiseAnd_ bitwiseOr_ bitwiseXor_ bitwiseLeftShift_ bitwiseRightShift_', args: () => [ints(2, 3), ints(3)] },
  { names: 'ldexp_', args: () => [random(2, 3), ints(3)] },
  { names: 'logicalAnd_ logicalOr_ logicalXor_', args: () => [bools(2, 3), bools(2, 3)] },
  { names: 'clamp_ clip_', args: () => [random(2, 3), random(2, 3).sub(1), random(3).add(1)] },
  { names: 'lerp_ addcmul_', args: () => [random(2, 3), random(2, 3), random(3)] },
  { names: 'addcdiv_', args: () => [random(2, 3), random(3), above(2, 1)] },
  { names: 'addmm_', args: () => [random(2, 3), random(2, 4), random(4, 3)] },
  { names: 'addmv_', args: () => [random(2), random(2, 4), random(4)] },
  { names: 'addr_', args: () => [random(2, 3), random(2), random(3)] },
  { names: 'addbmm_', args: () => [random(2, 3), random(4, 2, 5), random(4, 5, 3)] },
  { names: 'baddbmm_', args: () => [random(4, 2, 3), random(4, 2, 5), random(4, 5, 3)] },
  { names: 'fill_', args: () => [random(2, 3), random()] },
  { names: 'maskedFill_', args: () => [random(2, 3), bools(2, 3), random()] },
  { names: 'indexAdd_', args: () => [random(4, 3), positions(2, 0), random(2, 3)], write: (x, i, s) => x.indexAdd_(0, i!, s!) },
  { names: 'indexCopy_', args: () => [random(3, 4), positions(3, 0), random(3, 2)], write: (x, i, s) => x.indexCopy_(1, i!, s!) },
  { names: 'indexFill_', args: () => [random(3, 4), positions(3, 1), random()], write: (x, i, v) => x.indexFill_(-1, i!, v!) },
  {
    names: 'indexReduce_',
    args: () => [random(4, 3), positions(2, 0), random(2, 3)],
    write: (x, i, s) => x.indexReduce_(0, i!, s!, 'amax'),
  },
  { names: 'indexPut_', args: () => [random(4, 3), positions(2, 0), random(2, 3)], write: (x, i, s) => x.indexPut_([i!], s!) },
  { names: 'indexPut_ adding', args: () => [random(4, 3), positions(2, 2), random(2, 3)], write: (x, i, s) => x.indexPut_([i!], s!, true) },
  { names: 'put_', args: () => [random(4, 3), positions(7, 0, 11), random(3)], write: (x, i, s) => x.put_(i!, s!) },
  {
    names: 'scatter_',
    args: () => [random(4, 3), positions(3, 0, 1).reshape(1, 3), random(1, 3)],
    write: (x, i, s) => x.scatter_(0, i!, s!),
  },
  {
    names: 'scatterAdd_',
    args: () => [random(4, 3), positions(2, 2, 0).reshape(1, 3), random(1, 3)],
    write: (x, i, s) => x.scatterAdd_(0, i!, s!),
  },
  {
    names: 'scatterReduce_',
    args: () => [random(4, 3), positions(2, 2, 0).reshape(1, 3), random(1, 3)],
    write: (x, i, s) => x.scatterReduce_(0, i!, s!, 'prod'),
  },
  { names: 'set', args: () => [random(4, 3), positions(3, 1), random(2, 3)], write: (x, i, s) => (x.set(i!, s!), x) },
  { names: 'a view written', args: () => [random(4, 3), random(3)], write: (x, s) => (x.narrow(0, 1, 2).mul_(s!), x) },
]

describe.each(cases)('$names', ({ names, args, write }) => {
  test.each(write ? [names] : names.split(' '))('%s', (name) => {
    const f = write ?? call(name)
    for (const { args: given, inDims } of batchedInputs(args(), 2)) {
      const what = `${name}, inDims ${JSON.stringify(inDims)}`
      const xs = given.map((x) => (x as Tensor).clone())
      const mapped = vmap((...ys: Tensor[]) => f(ys[0]!, ...ys.slice(1)), inDims)
      if (inDims[0] === null) {
        expect(() => mapped(...xs)).toThrow('is not possible because there exists a Tensor `other` in extra_args')
        expectClose(xs[0], given[0], {}, `${what}: untouched`)
        continue
      }
      const want = loop((x: Tensor, ...others: Tensor[]) => f(x.clone(), ...others), inDims, 0, 2, ...given)
      expectClose(mapped(...xs), want, {}, what)
      expectClose(xs[0], want.movedim(0, inDims[0]!), {}, `${what}: the caller's`)
      xs.slice(1).forEach((x, i) => expectClose(x, given[i + 1], {}, `${what}: operand ${i + 1}`))
    }
  })
})

test('no method is forgotten: those of one tensor, those that draw and those that only change the shape are elsewhere', () => {
  const elsewhere = new Set(
    [
      'abs absolute acos acosh arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh bitwiseNot ceil cos cosh deg2rad digamma erf erfc erfinv exp exp2 expm1 fix floor frac lgamma log log10 log1p log2 logicalNot logit mvlgamma nanToNum neg negative polygamma rad2deg reciprocal relu round rsqrt sgn sigmoid sign sin sinc sinh sqrt square tan tanh trunc zero',
      'bernoulli cauchy exponential geometric logNormal normal random uniform',
      'cumprod cumsum fillDiagonal tril triu',
      'asStrided detach squeeze swapaxes swapdims t transpose unsqueeze requiresGrad',
    ]
      .join(' ')
      .split(' ')
      .map((name) => `${name}_`),
  )
  const here = new Set(cases.flatMap(({ names }) => names.split(' ')))
  const all = new Set<string>()
  for (let p: object = TensorClass.prototype; p !== Object.prototype; p = Object.getPrototypeOf(p) as object)
    for (const name of Object.getOwnPropertyNames(p)) if (name.endsWith('_')) all.add(name)
  expect([...all].filter((name) => !here.has(name) && !elsewhere.has(name))).toEqual([])
})

describe('of one tensor', () => {
  test.each<[string, (x: Tensor) => Tensor]>([
    ['cumsum_', (x) => x.cumsum_(0)],
    ['cumprod_', (x) => x.cumprod_(-1)],
    ['tril_', (x) => x.tril_()],
    ['triu_', (x) => x.triu_(1)],
    ['fillDiagonal_', (x) => x.fillDiagonal_(5)],
    ['logit_', (x) => x.logit_(0.25)],
    ['nanToNum_', (x) => x.div_(0).nanToNum_(1, 2, 3)],
    ['round_', (x) => x.mul_(9).round_({ decimals: 1 })],
  ])('%s', (_, write) => {
    for (const inDim of [0, 1, 2, -1]) {
      const x = random(4, 4, 4)
      const y = x.clone()
      const want = loop((v: Tensor) => write(v.clone()), inDim, 0, 4, x)
      expectClose(vmap(write, inDim)(y), want)
      expectClose(y, want.movedim(0, inDim))
    }
  })
  test.each<[string, (x: Tensor) => Tensor]>([
    ['t_', (x) => x.t_()],
    ['transpose_', (x) => x.transpose_(0, -1)],
    ['swapaxes_', (x) => x.swapaxes_(1, 0)],
    ['swapdims_', (x) => x.swapdims_(-1, 0)],
    ['squeeze_', (x) => x.select(0, 0).clone().unsqueeze(0).squeeze_(0)],
    ['unsqueeze_', (x) => x.unsqueeze_(1)],
    ['asStrided_', (x) => x.asStrided_([3], [4], 1)],
  ])('%s changes the shape inside, not that of the caller, who gets what is written before and after', (name, write) => {
    for (const inDim of [0, 1, 2]) {
      const x = random(3, 3, 3)
      const y = x.clone()
      const op = (v: Tensor): Tensor => (name === 'asStrided_' ? v.asStrided_([2], [4], 1) : write(v))
      expectClose(
        vmap(op, inDim)(y),
        loop((v: Tensor) => op(v.clone()), inDim, 0, 3, x),
      )
      expectClose(y, x)
      vmap((v: Tensor) => op(v.mul_(2)), inDim)(y)
      expectClose(y, x.mul(2))
      vmap((v: Tensor) => op(v).sub_(1), inDim)(y)
      const want = x.mul(2).clone()
      for (let i = 0; i < 3; i++) {
        // what squeeze_ is called on above is a copy
        if (name === 'squeeze_') break
        const one = want.select(inDim, i).clone()
        const part = name === 'asStrided_' ? one.asStrided([2], [4], 1) : one
        part.sub_(1)
        want.select(inDim, i).copy_(one)
      }
      expectClose(y, want)
    }
  })
  test('a matrix that is transposed in place under any transform is written the right way round', () => {
    const f = (v: Tensor): Tensor => v.mul_(2).t_().at(0)
    for (const shape of [
      [3, 3],
      [2, 3],
    ] as const) {
      const x = random(...shape)
      for (const run of [
        (y: Tensor): unknown => jvp(f, [y], [onesLike(y)]),
        (y: Tensor): unknown => linearize(f, [y]),
        (y: Tensor): unknown => grad((s: Tensor, z: Tensor) => f(z).sum().mul(s))(ones([], { dtype: 'float64' }), y),
        (y: Tensor): unknown => vmap(f)(y.unsqueeze(0)),
      ]) {
        const y = x.clone()
        run(y)
        expectClose(y, x.mul(2))
      }
    }
  })
})
