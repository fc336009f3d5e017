// Upstream: test_vmap.py, TestVmapBatchedGradient: gradients for a batch of cotangents at once, and second gradients, against a loop over the
// cotangents: of functions, by vjp, and of tensors that require gradients, by autograd.grad. Both gradients are checked by differences too.
// Left out: symeig and scaled_dot_product_attention (absent); where(condition) under vmap is in vmap-api-forbidden.test.ts.
import {
  type Tensor,
  autograd,
  binaryCrossEntropy,
  eye,
  grad,
  isTensor,
  logSoftmax,
  mul,
  ones,
  onesLike,
  sigmoid,
  slice,
  stack,
  sum,
  tensor,
  threshold,
  trace,
  vjp,
  vmap,
  where,
  zerosLike,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { along, expectClose, loop, random } from './harness.ts'

type Outputs = Tensor | readonly Tensor[]
type Op = (...xs: Tensor[]) => Outputs
const B = 3

const list = (out: Outputs): readonly Tensor[] => (isTensor(out) ? [out] : out)
const total = (xs: readonly Tensor[]): Tensor => xs.map((x) => sum(x)).reduce((a, b) => a.add(b))
/** `B` cotangents for each tensor, one after the other in memory, and one beside the other. */
const cotangents = (like: readonly Tensor[]): Tensor[][] => [
  like.map((y) => random(B, ...y.shape)),
  like.map((y) => random(...y.shape, B).movedim(-1, 0)),
]
const pulled = (op: Op, xs: readonly Tensor[]): ((...cts: Tensor[]) => Tensor[]) => {
  const [, pull] = vjp((...ys: Tensor[]) => list(op(...ys)), [...xs])
  return (...cts) => pull(cts) as Tensor[]
}
const numberOf = (x: Tensor): number => Number(x.item())

/** Expects the pullback `f` of `g` at `xs` to agree with differences: ⟨ct, dg⟩ = ⟨pull(ct), dx⟩ along one direction for each input. */
function checkByDifferences(g: Op, xs: readonly Tensor[], f: (...cts: Tensor[]) => readonly Tensor[]): void {
  const cts = list(g(...xs)).map((y) => random(...y.shape))
  const got = f(...cts)
  xs.forEach((x, i) => {
    const dx = random(...x.shape)
    const moved = along((z) => total(list(g(...xs.map((y, k) => (k === i ? z : y)))).map((y, k) => mul(y, cts[k]!))), x, dx)
    expect(numberOf(sum(mul(got[i]!, dx)))).toBeCloseTo(numberOf(moved), 7)
  })
}

function checkFirst(op: Op, xs: readonly Tensor[]): void {
  const ys = list(op(...xs))
  const pull = pulled(op, xs)
  checkByDifferences(op, xs, pull)
  const leaves = xs.map((x) => tensor(x, { requiresGrad: true }))
  const outputs = list(op(...leaves))
  const byTape = (...cts: Tensor[]): Tensor[] => autograd.grad(outputs, leaves, cts, { retainGraph: true })
  for (const cts of cotangents(ys)) {
    const want = loop(pull as never, 0, 0, B, ...cts)
    expectClose(vmap(pull)(...cts), want)
    expectClose(vmap(pull, 0, -1)(...cts), loop(pull as never, 0, -1, B, ...cts))
    expectClose(vmap(byTape)(...cts), want)
  }
}

/** Batches of cotangents for the gradient of the sum of all outputs. */
function checkSecond(op: Op, xs: readonly Tensor[]): void {
  const first = (...ys: Tensor[]): Tensor[] => {
    const [out, pull] = vjp((...zs: Tensor[]) => list(op(...zs)), ys)
    return pull(out.map((y) => onesLike(y))) as Tensor[]
  }
  const pull = pulled(first, xs)
  checkByDifferences(first, xs, pull)
  const leaves = xs.map((x) => tensor(x, { requiresGrad: true }))
  const outputs = list(op(...leaves))
  const slopes = autograd.grad(
    outputs,
    leaves,
    outputs.map((y) => onesLike(y)),
    { createGraph: true },
  )
  const byTape = (...cts: Tensor[]): Tensor[] => autograd.grad(slopes, leaves, cts, { retainGraph: true, materializeGrads: true })
  for (const cts of cotangents(first(...xs))) {
    const want = loop(pull as never, 0, 0, B, ...cts)
    expectClose(vmap(pull)(...cts), want)
    expectClose(vmap(byTape)(...cts), want)
  }
}

const above = (...shape: number[]): Tensor =>
  random(...shape)
    .abs()
    .add(0.25)
const away = (...shape: number[]): Tensor => {
  const x = random(...shape)
  return where(x.gt(0), x.add(0.25), x.sub(0.25))
}

describe('arithmetic', () => {
  test.each<[string, (x: Tensor, y: Tensor) => Tensor, (y: Tensor, k: number) => Tensor, boolean]>([
    ['add', (x, y) => x.add(y), (y, k) => y.add(k), false],
    ['sub', (x, y) => x.sub(y), (y, k) => y.rsub(k), false],
    ['mul', (x, y) => x.mul(y), (y, k) => y.mul(k), true],
    ['div', (x, y) => x.div(y), (y, k) => y.reciprocal().mul(k), true],
  ])('%s', (_, op, withNumber, curved) => {
    const [x, y] = [random(2, 3), above(2, 3)]
    checkFirst(op as Op, [x, y])
    checkFirst((z) => withNumber(z!, 3.25), [y])
    checkFirst((z) => op(z!, tensor(3.25, { dtype: 'float64' })), [x])
    // one operand broadcast: its gradient is summed
    checkFirst(op as Op, [x, above(3)])
    checkFirst(op as Op, [random(2, 1), above()])
    if (curved) checkSecond(op as Op, [x, y])
  })
})

describe('pointwise', () => {
  test.each<[string, Op, Tensor, boolean?]>([
    [
      'binaryCrossEntropy',
      (x) =>
        binaryCrossEntropy(
          x!,
          tensor(
            [
              [0.25, 0.5],
              [1, 0],
              [0.75, 0.125],
            ],
            { dtype: 'float64' },
          ),
        ),
      sigmoid(random(3, 2)),
    ],
    ['lgamma', (x) => x!.lgamma(), above(2, 3)],
    ['log', (x) => x!.log(), above(2, 3)],
    ['log1p', (x) => x!.log1p(), above(2, 3)],
    ['sqrt', (x) => x!.sqrt(), above(2, 3)],
    ['sigmoid', (x) => x!.sigmoid(), random(2, 3)],
    ['threshold', (x) => threshold(x!, 0.125, 0), away(2, 3), false],
    ['where', (x) => where(x!.gt(0), x!.square(), x!.mul(3)), away(2, 3), false],
  ])('%s', (_, op, x, second = true) => {
    checkFirst(op, [x])
    if (second) checkSecond(op, [x])
  })
  test('where with both branches', () => {
    const c = random(3, 2).gt(0)
    checkFirst((x, y) => where(c, x!, y!.square()), [random(3, 2), random(2)])
    checkSecond((x, y) => where(c, x!.pow(3), y!.square()), [random(3, 2), random(2)])
    expectClose(
      vmap((x: Tensor, y: Tensor) => where(x.gt(0), x, y))(random(3, 2).mul(0).sub(1), ones(3, 2)),
      ones(3, 2, { dtype: 'float64' }),
    )
  })
})

describe('reductions', () => {
  test.each<[string, Op, Tensor, boolean]>([
    ['logSoftmax', (x) => logSoftmax(x!, -1), random(3, 2), true],
    ['softmax', (x) => x!.softmax(0), random(3, 2), true],
    ['logsumexp', (x) => x!.logsumexp(-1), above(2, 3), true],
    ['max', (x) => x!.max(), random(2, 3), false],
    ['min', (x) => x!.min(), random(2, 3), false],
    ['median', (x) => x!.median(), random(2, 3), false],
    ['max along an axis', (x) => x!.max(1).values, random(2, 3), false],
    ['trace', (x) => trace(x!), random(2, 3), false],
  ])('%s', (_, op, x, second) => {
    checkFirst(op, [x])
    if (second) checkSecond(op, [x])
  })
  test('the second gradient of a trace is zero', () => {
    const x = random(3, 2, 2)
    const slope = vmap(grad((y: Tensor) => grad((z: Tensor) => trace(z))(y).sum()))
    expectClose(slope(x), zerosLike(x))
  })
})

describe('views and pieces', () => {
  test.each<[string, Op, Tensor[]]>([
    ['expand', (x) => x!.expand(5, 5, 2, 3), [random(2, 3)]],
    ['permute', (x) => x!.permute(2, 0, 1), [random(2, 3, 5)]],
    ['reshape', (x) => x!.reshape(6, 5), [random(2, 3, 5)]],
    ['stack', (x, y) => stack([x!, y!]), [random(2, 3), random(2, 3)]],
    ['stack of one twice', (x) => stack([x!, x!.square()], -1), [random(2, 3)]],
    ['a row', (x) => x!.at(1), [random(2, 3)]],
    ['select', (x) => x!.select(1, 2), [random(2, 3)]],
    ['select of the last axis', (x) => x!.select(-1, 0), [random(2, 3)]],
    ['a slice', (x) => x!.at(slice(0, 1)), [random(2, 3, 5)]],
    ['a slice of the second axis', (x) => x!.at(slice(), slice(1, 3)), [random(2, 3, 5)]],
    ['a slice of the last axis', (x) => x!.narrow(-1, 1, 2), [random(2, 3, 5)]],
    ['diagonal', (x) => x!.diagonal(1, 0, 1), [random(4, 5)]],
    ['diagonal of the last axes', (x) => x!.diagonal(0, -1, -2), [random(3, 4, 5)]],
    ['several results', (x) => x!.square().split(2, 1), [random(2, 5)]],
  ])('%s', (_, op, xs) => checkFirst(op, xs))
  test('an index with repetitions', () => {
    const index = tensor(
      [
        [0, 0],
        [1, 1],
      ],
      { dtype: 'int32' },
    )
    const op: Op = (x) => mul(x!, x!).at(index)
    checkFirst(op, [random(2, 3)])
    checkSecond(op, [random(2, 3)])
  })
})

describe('in place', () => {
  test('on a view', () => {
    const op: Op = (leaf) => {
      const base = mul(leaf!, leaf!)
      const part = base.at(0)
      part.cos_()
      return part
    }
    checkFirst(op, [random(4, 5)])
    checkSecond(op, [random(4, 5)])
    const whole: Op = (leaf) => {
      const base = mul(leaf!, leaf!)
      base.at(0).cos_()
      return base
    }
    checkFirst(whole, [random(4, 5)])
    checkSecond(whole, [random(4, 5)])
  })
  test('on a view of views', () => {
    const op: Op = (leaf) => {
      const part = mul(leaf!, leaf!)
        .transpose(0, 2)
        .at(1)
        .diagonal()
        .at(slice(null, null, 2))
      part.cos_()
      return part
    }
    checkFirst(op, [random(4, 4, 5)])
    checkSecond(op, [random(4, 4, 5)])
  })
})

describe('functions of nothing', () => {
  test('an output that depends on no input: zero for each cotangent', () => {
    const [x, y] = [random(), random()]
    const pull = pulled(() => y, [x])
    expectClose(vmap((v: Tensor) => pull(v)[0]!)(random(B)), zerosLike(random(B)))
    const [a, b] = [tensor(x, { requiresGrad: true }), tensor(y, { requiresGrad: true })]
    const none = (v: Tensor): Tensor => autograd.grad(b.mul(1), a, v, { allowUnused: true })[0] ?? zerosLike(a)
    none(random())
    expectClose(vmap(none)(random(B)), zerosLike(random(B)))
  })
  test('a batch of unit cotangents is the Jacobian', () => {
    const [x, y] = [tensor(random(3), { requiresGrad: true }), random(3)]
    const byTape = (v: Tensor): Tensor => autograd.grad(mul(x, y), x, v)[0]!
    expectClose(vmap(byTape)(eye(3, { dtype: 'float64' })), y.diag())
    expectClose(vmap((v: Tensor) => pulled((z) => mul(z!, y), [random(3)])(v)[0]!)(eye(3, { dtype: 'float64' })), y.diag())
  })
  test('no cotangents, and cotangents of nothing', () => {
    const pull = pulled((x) => x!.square(), [random(2, 3)])
    expect(vmap(pull)(random(0, 2, 3))[0]!.shape).toEqual([0, 2, 3])
    const empty = pulled((x) => x!.square(), [random(0, 3)])
    expect(vmap(empty)(random(B, 0, 3))[0]!.shape).toEqual([B, 0, 3])
  })
})
