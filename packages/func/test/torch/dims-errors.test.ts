// What first-class dimensions refuse, in functorch.dim's words where it has them.
import { type Tensor, ellipsis, grad, isMapgradError, jvp, makeFx, rand, slice, tensor, vjp, vmap, zeros } from '@mapgrad/func'
import {
  Dim,
  DimList,
  type DimTensor,
  DimensionBindError,
  cat,
  dimlists,
  dims,
  expand,
  index,
  order,
  split,
  stack,
} from '@mapgrad/func/dim'
import { describe, expect, test } from 'vitest'

const A = rand(3, 4)
const [i, j, k, z] = dims('i', 'j', 'k', 'z')
const x = A.at(i, j)
/** An unknown that the types would refuse. */
const loose = (v: unknown): never => v as never

describe('binding', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['another size', () => zeros(4).at(i), /Dim 'i' previously bound to a dimension of size 3 cannot bind to a dimension of size 4/],
    [
      'another size, by hand',
      () => (i.length = 5),
      /Dim 'i' previously bound to a dimension of size 3 cannot bind to a dimension of size 5/,
    ],
    [
      'two ellipses beside a dim',
      () => zeros(2, 3, 4).at(ellipsis, new Dim('a'), ellipsis),
      /at most one \.\.\. or unbound dimension list can exist in indexing list but found 2 at offsets 0 and 2/,
    ],
    ['an ellipsis and an open list', () => A.at(ellipsis, new DimList()), /found 2 at offsets 0 and 1/],
    ['two open sizes of a split', () => A.at([new Dim('x'), new Dim('y')]), /cannot infer the sizes of two dimensions at once x and y/],
    [
      'a split with a rest',
      () => zeros(6).at([new Dim('x', 4), new Dim('y')]),
      /inferred dimension does not evenly fit into larger dimension: 6 vs \(4, '\?'\)/,
    ],
    [
      'a split by nothing',
      () => zeros(6).at([new Dim('x', 0), new Dim('y')]),
      /inferred dimension does not evenly fit into larger dimension: 6 vs \(0, '\?'\)/,
    ],
    [
      'a split of another size',
      () => zeros(6).at([new Dim('a', 4), new Dim('b', 2)]),
      /Dimension sizes to do not match \(6 != 8\) when matching dimension pack \(a, b\)/,
    ],
    ['a list of another length', () => A.at(i, new DimList(2)), /at least 3 indices were supplied but the tensor only has 2 dimensions/],
    ['a length, again', () => new DimList(2).bindLen(3), /Dimlist has size 2 but it is being bound to size 3/],
    ['an open list', () => new DimList(null, 'rest').length, /DimList not bound/],
    ['a dim that is there', () => expand(x, i), /expanding dimension i already exists in tensor with dims/],
    ['a dim twice', () => x.expand(z, z), /expanding dimension z already exists in tensor with dims|dimension z is unbound/],
    [
      'more dims on the right',
      () => zeros(3).set(i, x),
      /rhs of setitem contains dimension j which is not in the dimension on the left \(i\)/,
    ],
  ])('%s', (name, f, message) => {
    expect(f).toThrow(message)
    if (name === 'a list of another length' || name === 'a dim twice') return
    expect(f).toThrow(DimensionBindError)
    expect(f).toThrow(RangeError)
  })

  test('errors have codes', () => {
    let code = ''
    try {
      zeros(4).at(i)
    } catch (e) {
      if (isMapgradError(e)) code = e.code
    }
    expect(code).toBe('DIM_BIND')
  })
})

describe('sizes that are not known', () => {
  test.each<[string, (q: Dim) => unknown]>([
    ['asked for', (q) => q.length],
    ['as a value', (q) => q.add(1)],
    ['in a comparison', (q) => i.le(q)],
    ['to repeat along', (q) => x.expand(q)],
    ['as an index of what it is not bound to', (q) => order(q, q)],
  ])('%s', (_, f) => {
    expect(() => f(new Dim('q'))).toThrow(/dimension q is unbound/)
  })
})

describe('indices, axes, arguments', () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      'too many indices',
      () => A.at(new Dim('a'), new Dim('b'), new Dim('c')),
      /at least 3 indices were supplied but the tensor only has 2 dimensions/,
    ],
    ['indices of what has none left', () => x.at(new Dim('a')), /at least 1 indices were supplied but the tensor only has 0 dimensions/],
    ['order: a dim that is not there', () => x.order(i, z), /tensor does not contain dim z or it was specified twice/],
    ['order: a dim twice', () => x.order(i, i), /tensor does not contain dim i or it was specified twice/],
    [
      'order: an axis that is not there',
      () => A.at(i).order(1, i),
      /tensor has 1 positional dimensions, but 1 specified, or it was specified twice/,
    ],
    [
      'order: an axis twice',
      () => A.at(i).order(0, i, -1),
      /tensor has 1 positional dimensions, but 0 specified, or it was specified twice/,
    ],
    ['order: no dim', () => x.order(loose('i')), /expected a Dim/],
    ['order: no dim in a list', () => x.order([i, loose('j')]), /expected a Dim or int/],
    ['an axis that is not there', () => x.sum(k), /Tensor with dimensions \(i, j\) does not contain k/],
    ['of a product, too', () => x.mul(x).sum(k), /Tensor with dimensions \(i, j\) does not contain k/],
    ['an axis twice', () => A.at(i).sum([i, i]), /dim 1 appears multiple times/],
    ['keepdim', () => x.sum(j, true), /cannot preserve first-class dimensions with keepdim=true/],
    ['keepdim by name', () => x.amax({ dim: [i, j], keepdim: true }), /cannot preserve first-class dimensions with keepdim=true/],
    ['an axis that changes its size', () => x.topk(2, j), /expected dim j to keep its size 4, got 2. Use x.order\(j\)/],
    ['an axis more', () => x.unsqueeze(j), /keep its axes or to reduce them/],
    ['another axis from the end', () => A.at(i).transpose(-1, i), /told from the front/],
    ['of a tensor without dims', () => A.sum(loose(i)), /expected dim to be an integer.* got the Dim i/],
    ['index: other numbers of things', () => index(x, [i, j], [1]), /dims \(2\) and indices \(1\) must have the same length/],
    ['index: a dim that is not there', () => x.index(z, 1), /dimension z not in tensor/],
    ['index: a dim twice', () => x.index([i, i], [0, 1]), /dimension i was specified twice/],
    ['index: an axis twice', () => index(A, [[0, 1], -1], [0, 1]), /dimension 1 was specified twice/],
    ['index: an axis that is not there', () => index(A, 3, 1), /dimension 3 not in tensor of 2 dimensions/],
    ['index: no axis', () => index(A, loose('i'), 1), /expected a dimension specifier but found "i"/],
    ['stack: nothing', () => stack([], z), /stack expects a non-empty sequence of tensors/],
    ['cat: a dim that is not there', () => cat([x, x], z, 0), /Dimension z does not exist in inputs/],
    [
      'split: a dim into numbers',
      () => x.split(loose(2), j),
      /when dim is specified as a Dim object, split sizes must also be dimensions\./,
    ],
    ['split: a mix', () => split(A, loose([new Dim('a'), 2])), /split list must be ints or dims but got a mix/],
    ['split: no axis', () => split(x, [new Dim('a')]), /split expects at least a 1-dimension tensor/],
    [
      'split: too much',
      () => split(A, [new Dim('a', 3), new Dim('b', 2), new Dim('c')]),
      /sizes of target dimensions add up to more \(5\) than source dim \(3\)/,
    ],
    [
      'split: too little',
      () => split(A, [new Dim('a', 1), new Dim('b', 1)]),
      /sum of sizes of target dimensions \(2\) do not match the source dim \(3\)/,
    ],
    ['split: a dim that is not there', () => split(x, [new Dim('a')], z), /tensor does not contain dimension z/],
    ['dims: nothing said', () => dims(...(loose([]) as [])), /dims\(\) must have argument n specified/],
    ['dims: other numbers of things', () => dims(2, [3]), /expected 2 sizes but found 1/],
    ['dims: unknown options', () => dims('a', loose({ size: [3] })), /unknown option 'size'/],
    ['a size that is none', () => new Dim('q', -1), /expected the size of q to be a whole number, got -1/],
    ['a name that is none', () => new Dim(loose(3)), /expected a name, got 3/],
    ['a list: no such dim', () => new DimList(2).at(2), /index out of bounds/],
    ['a list: no sizes', () => dimlists(1)[0].bind(loose(3)), /expected a sequence/],
  ])('%s', (_, f, message) => {
    expect(f).toThrow(message)
    expect(f).toThrow(/\[(?:vmap|tensor)\]/)
  })
})

describe('what has no one value', () => {
  test.each<[string, (y: DimTensor) => unknown]>([
    ['item', (y) => y.item()],
    ['tolist', (y) => y.tolist()],
    ['dataSync', (y) => y.dataSync()],
    ['an operator', (y) => (y as unknown as number) + 1],
    ['a dim in an operator', () => (i as unknown as number) * 2],
  ])('%s', (_, f) => {
    expect(() => f(x)).toThrow(
      /It looks like you're calling \.\w+\(\) on a Tensor\. We don't support vmap over calling .*x\.order\(i(?:, j)?\)/s,
    )
  })
})

describe('writing', () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      'more dims into a tensor',
      () => zeros(4).add_(A.at(new Dim('a'))),
      /inplace arithmetic\(self, \*extra_args\) is not possible because there exists a Tensor `other`/,
    ],
    [
      'more dims into what has others',
      () =>
        A.clone()
          .at(i)
          .mul_(rand(2, 4).at(new Dim('a'))),
      /`other` having dim a but `self` not having it/,
    ],
    ['into a dim', () => i.add_(1), /got the Dim i, which stands for its own index and does not change/],
    [
      'its gradient',
      () => A.clone().at(i).requiresGrad_(),
      /expected a tensor without dims, got one with dim i.*x\.requiresGrad_\(\), then x\.at\(i\)/,
    ],
    [
      'the gradient of what has dims',
      () => A.clone().requiresGrad_().at(i).sum().backward(),
      /element 0 of tensors has first-class dims\. Reduce over them/,
    ],
    ['into a captured tensor', () => grad((v: Tensor) => (A.at(i).mul_(v), v))(tensor(1)), /would mutate a captured Tensor/],
  ])('%s', (_, f, message) => {
    expect(f).toThrow(message)
  })
})

describe('what leaves a transform', () => {
  const v = tensor([1, 2, 3, 4])
  const a = new Dim('a')
  const Aa = A.at(a)
  test.each<[string, () => unknown]>([
    ['grad', () => grad((w: Tensor) => Aa.mul(w).sum())(v)],
    ['vjp', () => vjp((w: Tensor) => w.mul(Aa), [v])],
    ['makeFx', () => makeFx((w: Tensor) => w.mul(Aa))(v)],
    ['jvp', () => jvp((w: Tensor) => w.mul(Aa), [v], [v])],
  ])('%s', (name, f) => {
    expect(f).toThrow(/expected it to return a Tensor, got one with first-class dims.*x\.order\(i\)/)
    expect(f).toThrow(new RegExp(`bound to a value of ${name === 'vjp' ? 'grad' : name}`))
  })
  test('vmap, where it is said to depend on no example', () => {
    expect(() => vmap((w: Tensor) => w.mul(Aa), { outDims: null })(A)).toThrow(/can not return a BatchedTensor when outDim is null/)
  })
  test('a dim around a transform is not one of its inside', () => {
    const [p] = dims('p')
    expect(() => grad((w: Tensor) => w.at(p, slice()).mul(w).sum())(rand(3, 3, 3).at(p))).toThrow(
      /expected dim p to be either around grad \(level 1\), in what it was called with, or bound inside of it, got both/,
    )
  })
})
