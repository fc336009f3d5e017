// Rows 9 to 19 of what PyTorch 2.13 refuses or gets wrong: see beats.test.ts.

import {
  type Tensor,
  cos,
  explain,
  functionalize,
  grad,
  hessian,
  hvp,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  makeFx,
  maskedSelect,
  matmul,
  mul,
  nonzeroStatic,
  sin,
  stack,
  sum,
  tanh,
  tensor,
  vhp,
  vjp,
  vmap,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { type F, slopes } from './beats.ts'
import { along, distance, f64, raised, random } from './harness.ts'

const W = random(3, 4)
const x = random(4)

test('9. a trailing object is an argument like others: mapped, shared, or not differentiated', () => {
  const f = (x: Tensor, { scale, power }: { scale: Tensor; power: number }): Tensor => mul(x.pow(power), scale)
  const [a, s] = [f64([1, 2, 3]), f64([10, 20, 30])]
  const options = { scale: s, power: 2 }
  expect(vmap(f, [0, { scale: 0, power: null }])(a, options).tolist()).toEqual([10, 80, 270])
  expect(vmap(f, [0, { scale: null, power: null }])(a, options).shape).toEqual([3, 3])
  expect(jacrev(f)(a, options).tolist()).toEqual([[20, 0, 0], [0, 80, 0], [0, 0, 180]]) // prettier-ignore
  expect(jacfwd(f)(a, options).tolist()).toEqual([[20, 0, 0], [0, 80, 0], [0, 0, 180]]) // prettier-ignore
  expect(hessian((x: Tensor, o: { scale: Tensor; power: number }) => sum(f(x, o)))(a, options).tolist()).toEqual([[20, 0, 0], [0, 40, 0], [0, 0, 60]]) // prettier-ignore
  // where primals are one array, it is kwargs
  expect(jvp(f, [a], [f64([1, 1, 1])], { kwargs: options })[1].tolist()).toEqual([20, 80, 180])
  expect(vjp(f, [a], { kwargs: options })[1](f64([1, 1, 1]))[0].tolist()).toEqual([20, 80, 180])
})

describe('10. chunks', () => {
  const f: F = (x) => sin(matmul(W, x))
  test('of jacfwd and hessian', () => {
    const expected = stack(
      [0, 1, 2].map((i) => slopes((x) => f(x).at(i), x)),
      0,
    )
    for (const chunkSize of [1, 2, 3, 4, 9]) {
      expect(distance(jacfwd(f, { chunkSize })(x), expected)).toBeLessThan(1e-9)
      expect(distance(jacrev(f, { chunkSize })(x), expected)).toBeLessThan(1e-9)
      const h = hessian((x: Tensor) => sum(mul(x, mul(x, x))), { chunkSize })(x)
      expect(distance(h, mul(x, 6).diag())).toBeLessThan(1e-14)
    }
  })
  test('with outputs that are not mapped: what the first chunk gives', () => {
    const g = vmap((v: Tensor): [Tensor, Tensor, string] => [mul(v, 2), f64(7), 'k'], 0, [0, null, null] as never, { chunkSize: 2 })
    const [y, k, s] = g(f64([1, 2, 3, 4, 5]))
    expect([y.tolist(), k.item(), s]).toEqual([[2, 4, 6, 8, 10], 7, 'k'])
  })
  test('of no examples at all', () => {
    const g = vmap((v: Tensor): [Tensor, Tensor] => [matmul(W, v), sum(v)], 0, [1, 0], { chunkSize: 2 })
    expect(g(zeros([0, 4], { dtype: 'float64' })).map((y) => y.shape)).toEqual([[3, 0], [0]])
  })
})

test('11. complex tensors are refused by name', () => {
  expect(raised(() => tensor([1], { dtype: 'complex64' as never })).message).toMatch(
    /expected a dtype among bool, .*, float64, got "complex64"/,
  )
})

describe('12. results of one size', () => {
  const mask = tensor([
    [0, 2, 0],
    [NaN, 0, -1],
  ])
  // torch.nonzero_static of PyTorch 2.13
  test.each([
    [0, -1, []],
    [
      2,
      -1,
      [
        [0, 1],
        [1, 0],
      ],
    ],
    [
      5,
      7,
      [
        [0, 1],
        [1, 0],
        [1, 2],
        [7, 7],
        [7, 7],
      ],
    ],
  ] as const)('nonzeroStatic with size %i', (size, fillValue, expected) => {
    expect(nonzeroStatic(mask, { size, fillValue }).tolist()).toEqual(expected)
    expect(mask.nonzeroStatic({ size }).shape).toEqual([size, 2])
  })
  test('of numbers and of nothing', () => {
    expect(nonzeroStatic(tensor(5), { size: 2 }).shape).toEqual([2, 0])
    expect(nonzeroStatic(zeros(0, 3), { size: 2 }).tolist()).toEqual([[-1, -1], [-1, -1]]) // prettier-ignore
    expect(maskedSelect(zeros(0), zeros(0).bool(), { size: 2, fillValue: 4 }).tolist()).toEqual([4, 4])
  })
  test('inside vmap, in graphs, and differentiated', () => {
    expect(vmap((r: Tensor) => nonzeroStatic(r, { size: 2 }))(mask).tolist()).toEqual([[[1], [-1]], [[0], [2]]]) // prettier-ignore
    const [y, m] = [f64([[1, 2, 3], [4, 5, 6]]), tensor([[true, false, true], [false, true, false]])] // prettier-ignore
    const pick = (y: Tensor, m: Tensor): Tensor => maskedSelect(y, m, { size: 2, fillValue: -1 })
    expect(vmap(pick)(y, m).tolist()).toEqual([[1, 3], [5, -1]]) // prettier-ignore
    expect(vmap(grad((y: Tensor, m: Tensor) => sum(mul(pick(y, m), pick(y, m)))))(y, m).tolist()).toEqual([[2, 0, 6], [0, 10, 0]]) // prettier-ignore
    const graph = makeFx(pick)(y.at(0), m.at(0))
    expect(graph(y.at(1), m.at(1)).tolist()).toEqual([5, -1])
    expect(pick(y, m).tolist()).toEqual([1, 3])
  })
  test('writing through a mask inside vmap', () => {
    const xs = f64([[1, -2, 3], [-4, 5, -6]]) // prettier-ignore
    const clipped = (r: Tensor, to: Tensor): Tensor => {
      const y = r.clone()
      y.set(y.lt(0), to)
      return y
    }
    expect(vmap(clipped)(xs, f64([0, 9])).tolist()).toEqual([[1, 0, 3], [9, 5, 9]]) // prettier-ignore
    expect(vmap(grad((r: Tensor, to: Tensor) => sum(mul(clipped(r, to), r)), 1))(xs, f64([0, 9])).tolist()).toEqual([-2, -10])
  })
  test('the error without a size names the remedy', () => {
    expect(raised(() => vmap((r: Tensor) => r.nonzero())(mask)).message).toMatch(
      /Attempted to vmap over aten::nonzero.*nonzeroStatic\(x, \{ size \}\)/,
    )
  })
})

describe('13. no slow path', () => {
  const f: F = (v) => sum(v.sort().values.cumsum(0).softmax(0))
  test('a mapped function runs once, and each operator of it', () => {
    let calls = 0
    const graph = makeFx(
      vmap((v: Tensor) => {
        calls++
        return f(v)
      }),
    )(random(50, 3))
    expect(calls).toBe(1)
    expect(graph.graph.nodes.length).toBeLessThan(20)
  })
  test('explain says by what', () => {
    const { ops } = explain(vmap(grad(f)), random(50, 3))
    expect(ops.map((o) => o.op)).toContain('sort')
    expect(ops.filter((o) => o.how === 'none')).toEqual([])
    const [nothing] = explain(
      vmap((r: Tensor) => r.nonzero()),
      random(5, 3),
    ).ops.filter((o) => o.how === 'none')
    expect(nothing).toMatchObject({ op: 'nonzero', count: 1, level: 1 })
    expect(nothing!.reason).toMatch(/dynamic shape/)
  })
})

test('14. the Hessian picks its modes, each choice giving the same', () => {
  const loss: F = (x) => sum(sin(matmul(W, x)))
  const expected = stack([0, 1, 2, 3].map((i) => slopes((x) => slopes(loss, x).at(i), x)))
  for (const mode of ['auto', 'forward-over-reverse', 'reverse-over-reverse', 'reverse-over-forward', 'forward-over-forward'] as const)
    expect([mode, distance(hessian(loss, { mode })(x), expected) < 1e-5]).toEqual([mode, true])
})

test('15. functionalize of functionalize', () => {
  const f: F = (a) => {
    const b = a.add(1)
    b.view([-1]).add_(1)
    return b
  }
  const twice = functionalize(functionalize(f, { remove: 'mutations_and_views' }))
  expect(twice(f64([[1, 2]])).tolist()).toEqual([[3, 4]])
  expect(makeFx(twice)(f64([[1, 2]])).code).toBe(makeFx(functionalize(f, { remove: 'mutations_and_views' }))(f64([[1, 2]])).code)
})

test('16. a gradient costs its forward operators and one line each back, and no graph to differentiate it again', () => {
  let calls = 0
  const g = grad((x: Tensor) => {
    calls++
    return sum(sin(x))
  })
  const { graph } = makeFx(g)(x)
  expect(calls).toBe(1)
  const ops = graph.nodes.filter((n) => n.kind === 'call').length
  expect(ops).toBeLessThanOrEqual(4)
})

test('18. products with a Hessian without the Hessian', () => {
  const loss: F = (x) => sum(mul(sin(matmul(W, x)), tanh(matmul(W, x))))
  const v = random(4)
  const expected = along((x) => slopes(loss, x), x, v)
  expect(distance(hvp(loss, [x], [v])[1][0]!, expected)).toBeLessThan(1e-6)
  expect(distance(vhp(loss, [x], [v])[1][0]!, expected)).toBeLessThan(1e-6)
})

describe('19. dtypes of tangents and cotangents are checked', () => {
  const [single, double] = [tensor([1, 2]), f64([1, 2])]
  test.each<[string, () => unknown, RegExp]>([
    [
      'a tangent',
      () => jvp(cos, [single], [double]),
      /expected tangents of the dtype of their primals, float32, got float64\. Convert with x\.to\('float32'\)/,
    ],
    [
      'a cotangent',
      () => vjp(cos, [single])[1](double),
      /float64.*float32.*Convert with x\.to\('float32'\)|float32.*float64.*Convert with x\.to\('float32'\)/,
    ],
    [
      'a tangent of linearize',
      () => linearize(cos, [double])[1](single),
      /dtype float32 in flattened pytree doesn't match the dtype float64 of the corresponding primal\. Convert with x\.to\('float64'\)/,
    ],
  ])('%s', (_, f, message) => {
    expect(raised(f).message).toMatch(message)
  })
})
