// TestVmapOfGrad of test_eager_transforms.py, and the maml-like step of TestExamplesCorrectness: gradients of each example against a loop,
// and the loop's against differences.
// Left out: modules (functions of a tree of weights stand for them); convolutions.
import {
  type Tensor,
  arange,
  crossEntropy,
  gather,
  grad,
  gradAndValue,
  hessian,
  jacrev,
  linear,
  logSoftmax,
  matmul,
  mul,
  nllLoss,
  relu,
  sin,
  slice,
  square,
  stack,
  sub,
  sum,
  tanh,
  tree,
  vjp,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { random } from '../rules.ts'
import { differences, plain, same, strided } from './derivatives.ts'

type Weights = Record<string, Tensor>
const B = 7
const each = <T>(n: number, f: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => f(i))
/** Trees of one structure, one in front of the other. */
const stacked = <T>(trees: readonly T[]): T => tree.map((...xs: Tensor[]) => stack(xs), trees[0], ...trees.slice(1)) as T
/** The gradient of a loss of weights by differences, weight by weight. */
const slopes = (loss: (w: Weights) => Tensor, w: Weights): Weights =>
  Object.fromEntries(Object.keys(w).map((k) => [k, differences((v) => loss({ ...w, [k]: v }), w[k]!)]))
const integers = (n: number, ...shape: number[]): Tensor =>
  random(...shape)
    .abs()
    .mul(n)
    .floor()
    .long()

describe('gradients of each example', () => {
  test('of a linear model', () => {
    const loss = (weight: Tensor, x: Tensor, t: Tensor): Tensor => square(matmul(x, weight).sub(t)).sum()
    const [weight, x, t] = [strided(5, 2), strided(B, 5), random(B, 2)]
    const got = vmap(grad(loss), [null, 0, 0])(weight, x, t)
    same(got, stack(each(B, (i) => grad(loss)(weight, x.at(i), t.at(i)))), 1e-14)
    same(got, stack(each(B, (i) => differences((w) => loss(w, x.at(i), t.at(i)), weight))), 1e-9)
    same(vmap(grad(loss), { inDims: [null, 0, 0], chunkSize: 3 })(weight, x, t), got, 1e-14)
  })
  test('with a product that is written in place through a view', () => {
    const loss = (weight: Tensor, x: Tensor, t: Tensor): Tensor => sub(matmul(x, weight).squeeze_(0), t).sum()
    const [weight, x, t] = [random(5, 2), random(B, 1, 5), random(B, 2)]
    same(vmap(grad(loss), [null, 0, 0])(weight, x, t), stack(each(B, (i) => x.at(i).t().expand([5, 2]))), 1e-14)
  })
  test.each(['newZeros', 'newEmpty'] as const)('into a tensor of its own for each: %s', (method) => {
    const f = (y: Tensor, x: Tensor): Tensor => {
      const result = x[method](5)
      result.copy_(y)
      return result.sum()
    }
    expect(plain(vmap(grad(f))(random(3, 5), random(3)).eq(1).all())).toBe(true)
  })
  test('of a multilayer perceptron with a cross entropy, and the values', () => {
    const B = 3
    const weights: Weights = { w1: strided(5, 4), b1: random(5), w2: strided(3, 5), b2: random(3) }
    const loss = (w: Weights, x: Tensor, label: Tensor): Tensor =>
      crossEntropy(linear(tanh(linear(x, w['w1']!, w['b1']!)), w['w2']!, w['b2']!), label)
    const [x, labels] = [strided(B, 4), integers(3, B)]
    const [grads, values] = vmap(gradAndValue(loss), [null, 0, 0])(weights, x, labels)
    const loop = each(B, (i) => gradAndValue(loss)(weights, x.at(i), labels.at(i)))
    same(grads, stacked(loop.map(([g]) => g)), 1e-14)
    same(values, stack(loop.map(([, v]) => v)), 1e-14)
    same(grads, stacked(each(B, (i) => slopes((w) => loss(w, x.at(i), labels.at(i)), weights))), 1e-9)
    // their mean is the gradient of the mean
    const mean = (w: Weights): Tensor => crossEntropy(linear(tanh(linear(x, w['w1']!, w['b1']!)), w['w2']!, w['b2']!), labels)
    same(
      tree.map((g: Tensor) => g.mean(0), grads),
      grad(mean)(weights),
      1e-14,
    )
  })
  test('of log softmax, by its pullback', () => {
    const [x, v] = [strided(3, 5), random(5)]
    const f = (x: Tensor, v: Tensor): Tensor => vjp((x: Tensor) => logSoftmax(x, -1), [x])[1](v)[0]
    // v − softmax(x) Σv
    const expected = v.sub(logSoftmax(x, -1).exp().mul(v.sum()))
    same(vmap(f, [0, null])(x, v), expected, 1e-14)
    same(vjp((x: Tensor) => logSoftmax(x, -1), [x])[1](v.expand([3, 5]))[0], expected, 1e-14)
  })
  test('of the negative log likelihood, with weights of classes and labels left out', () => {
    const [x, weight] = [random(B, 5, 4), random(5).abs().add(0.5)]
    const labels = integers(5, B, 4)
    labels.set(0, 0, -100)
    const loss = (x: Tensor, t: Tensor): Tensor => nllLoss(logSoftmax(x.unsqueeze(0), 1), t.unsqueeze(0), { weight })
    same(vmap(grad(loss))(x, labels), stack(each(B, (i) => differences((x) => loss(x, labels.at(i)), x.at(i)))), 1e-9)
  })
  test('of an embedding, by rows and by gather', () => {
    const [vocabulary, width, words, B] = [5, 3, 4, 3]
    const weights: Weights = { table: strided(vocabulary, width), w: strided(2, width), b: random(2) }
    const [data, labels] = [integers(vocabulary, B, words), integers(2, B)]
    data.set(slice(), 0, data.at(slice(), 1)) // a word twice
    const byRows = (table: Tensor, d: Tensor): Tensor => table.indexSelect(0, d)
    const byGather = (table: Tensor, d: Tensor): Tensor => gather(table, 0, d.unsqueeze(1).expand([words, width]))
    const byIndex = (table: Tensor, d: Tensor): Tensor => table.at(d)
    const grads = [byRows, byGather, byIndex].map((look) => {
      const loss = (w: Weights, d: Tensor, t: Tensor): Tensor =>
        crossEntropy(linear(relu(look(w['table']!, d).transpose(-1, -2).mean(-1)), w['w']!, w['b']!), t)
      const got = vmap(grad(loss), [null, 0, 0])(weights, data, labels)
      same(got, stacked(each(B, (i) => grad(loss)(weights, data.at(i), labels.at(i)))), 1e-14)
      if (look === byRows) same(got, stacked(each(B, (i) => slopes((w) => loss(w, data.at(i), labels.at(i)), weights))), 1e-8)
      return got
    })
    same(grads[1], grads[0], 1e-14)
    same(grads[2], grads[0], 1e-14)
    expect(grads[0]!['table']!.shape).toEqual([B, vocabulary, width])
  })
  test('of the weights of each model of an ensemble on its own data', () => {
    const loss = (w: Weights, x: Tensor): Tensor => square(tanh(matmul(w['a']!, x)).add(w['b']!)).sum()
    const [weights, x] = [{ a: random(B, 3, 4), b: random(3, B) }, random(B, 4)]
    const got = vmap(grad(loss), [{ a: 0, b: 1 }, 0])(weights, x)
    const one = (i: number): Weights => ({ a: weights.a.at(i), b: weights.b.select(1, i) })
    same(got, stacked(each(B, (i) => slopes((w) => loss(w, x.at(i)), one(i)))), 1e-9)
    same(vmap(grad(loss), [{ a: 0, b: 1 }, null])(weights, x.at(0)), stacked(each(B, (i) => grad(loss)(one(i), x.at(0)))), 1e-14)
  })
  test('norms of the gradients, clipped, as private training does', () => {
    const loss = (w: Tensor, x: Tensor): Tensor => sin(matmul(w, x)).sum()
    const [w, x] = [random(3, 4), random(B, 4)]
    const clipped = (w: Tensor, x: Tensor): Tensor => {
      const g = grad(loss)(w, x)
      return mul(g, g.norm().add(1e-6).reciprocal().mul(0.5).clampMax(1))
    }
    const got = vmap(clipped, [null, 0])(w, x)
    expect(plain(got.flatten(1).norm(2, 1).le(0.5).all())).toBe(true)
    same(got, stack(each(B, (i) => clipped(w, x.at(i)))), 1e-14)
  })
})

describe('a step of learning inside what is learnt', () => {
  const [tasks, shots, rate] = [2, 5, 0.1]
  const net = (w: Weights, x: Tensor): Tensor => linear(tanh(linear(x, w['w1']!, w['b1']!)), w['w2']!, w['b2']!)
  const loss = (w: Weights, x: Tensor, y: Tensor): Tensor => square(net(w, x).sub(y)).mean()
  const adapt = (w: Weights, x: Tensor, y: Tensor, steps: number): Weights => {
    let now = w
    for (let i = 0; i < steps; i++) {
      const g = grad(loss)(now, x, y)
      now = Object.fromEntries(Object.entries(now).map(([k, v]) => [k, v.sub(g[k]!.mul(rate))]))
    }
    return now
  }
  const weights: Weights = { w1: random(3, 1), b1: random(3), w2: random(1, 3), b2: random(1) }
  const [x1, y1, x2, y2] = each(4, () => random(tasks, shots, 1)) as [Tensor, Tensor, Tensor, Tensor]
  test.each([1, 2])('%i of them: the gradient through it is that of differences', (steps) => {
    const task = (w: Weights, x1: Tensor, y1: Tensor, x2: Tensor, y2: Tensor): Tensor => loss(adapt(w, x1, y1, steps), x2, y2)
    const mapped = (w: Weights): Tensor => vmap(task, [null, 0, 0, 0, 0])(w, x1, y1, x2, y2).mean()
    const looped = (w: Weights): Tensor =>
      each(tasks, (i) => task(w, x1.at(i), y1.at(i), x2.at(i), y2.at(i)))
        .reduce((a, b) => a.add(b))
        .div(tasks)
    const got = grad(mapped)(weights)
    same(got, grad(looped)(weights), 1e-13)
    same(got, slopes(looped, weights), 1e-9)
  })
  test('gradients of each task by what they start from', () => {
    const task = (w: Weights, x: Tensor, y: Tensor): Tensor => loss(adapt(w, x, y, 1), x, y)
    same(
      vmap(grad(task), [null, 0, 0])(weights, x1, y1),
      stacked(each(tasks, (i) => slopes((w) => task(w, x1.at(i), y1.at(i)), weights))),
      1e-9,
    )
  })
})

describe('of each of a batch', () => {
  test('the tangent kernel: by Jacobians and by products, alike', () => {
    const f = (w: Tensor, x: Tensor): Tensor => tanh(matmul(w, x))
    const [w, x, y] = [random(2, 3), random(4, 3), random(5, 3)]
    const J = (x: Tensor): Tensor => vmap(jacrev(f), [null, 0])(w, x).flatten(2)
    const kernel = vmap(
      vmap((a: Tensor, b: Tensor) => matmul(a, b.t()), [null, 0]),
      [0, null],
    )(J(x), J(y))
    const product = (x: Tensor, y: Tensor): Tensor => {
      const [, pull] = vjp((w: Tensor) => f(w, x), [w])
      const column = (v: Tensor): Tensor => matmul(jacrev(f)(w, y).flatten(1), pull(v)[0].flatten())
      return vmap(column, 0, 1)(arange(2).unsqueeze(1).eq(arange(2)).double()).t()
    }
    same(vmap(vmap(product, [null, 0]), [0, null])(x, y), kernel, 1e-14)
    expect(kernel.shape).toEqual([4, 5, 2, 2])
  })
  test('Hessians of a loss, with a shared argument', () => {
    const f = (w: Tensor, x: Tensor): Tensor => sum(sin(mul(w, x))).mul(sum(w))
    const [w, x] = [random(3), random(4, 3)]
    same(vmap(hessian(f), [null, 0])(w, x), stack(each(4, (i) => differences((w) => grad(f)(w, x.at(i)), w))), 1e-9)
  })
})
