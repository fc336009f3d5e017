import {
  type Tensor,
  add,
  functionalize,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  makeFx,
  mul,
  noGrad,
  slice,
  sum,
  tensor,
  tidy,
  vmap,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'

// A tensor and its detach() share their numbers; each keeps its own derivative. Expected values are PyTorch 2.13's, where
// a comment does not say otherwise.

const t = (data: number | number[] | number[][]): Tensor => tensor(data, { dtype: 'float64' })
const leaf = (data: number[]): Tensor => tensor(data, { dtype: 'float64', requiresGrad: true })
const x = t([[1, 2, 3], [4, 5, 7]]) // prettier-ignore
const dx = t([[0.5, -1, 2], [0, 1, 3]]) // prettier-ignore

type F = (x: Tensor) => Tensor
interface Case {
  readonly f: F
  readonly y: number[][]
  readonly gradient: number[][]
  readonly tangent: number[][]
}
const cases: Record<string, Case> = {
  'a write to a part of it': {
    f: (x) => {
      const b = mul(x, x)
      b.t().at(1).detach().mul_(x.t().at(0))
      return mul(b, x)
    },
    y: [[1, 8, 27], [64, 500, 343]], // prettier-ignore
    gradient: [[3, 12, 27], [48, 150, 147]], // prettier-ignore
    tangent: [[1.5, -12, 54], [0, 150, 441]], // prettier-ignore
  },
  'a write to a view of it': {
    f: (x) => {
      const b = mul(x, x)
      b.detach().at(0).copy_(x.at(1))
      return mul(b, x)
    },
    y: [[4, 10, 21], [64, 125, 343]], // prettier-ignore
    gradient: [[6, 13, 25], [48, 75, 147]], // prettier-ignore
    tangent: [[3, -13, 50], [0, 75, 441]], // prettier-ignore
  },
  'writes to both': {
    f: (x) => {
      const b = mul(x, x)
      const d = b.detach()
      b.mul_(2)
      const e = add(d, x)
      d.add_(1)
      return add(add(mul(b, x), e), d)
    },
    y: [[9, 37, 97], [201, 361, 897]], // prettier-ignore
    gradient: [[8, 26, 56], [98, 152, 296]], // prettier-ignore
    tangent: [[4, -26, 112], [0, 152, 888]], // prettier-ignore
  },
}

describe('inside transforms', () => {
  test.each(Object.entries(cases))('%s', (_, { f, y, gradient, tangent }) => {
    const total: F = (x) => sum(f(x))
    expect(f(x).tolist()).toEqual(y)
    expect(grad(total)(x).tolist()).toEqual(gradient)
    expect(jvp(f, [x], [dx]).map((r) => r.tolist())).toEqual([y, tangent])
    const [z, push] = linearize(f, [x])
    expect([z.tolist(), push(dx).tolist()]).toEqual([y, tangent])
    for (const jacobian of [jacrev, jacfwd]) {
      const j = jacobian(f)(x)
      expect(sum(mul(j, dx), [2, 3]).tolist()).toEqual(tangent)
    }
    expect(makeFx(f)(x)(x).tolist()).toEqual(y)
    expect(makeFx(grad(total))(x)(x).tolist()).toEqual(gradient)
    expect(functionalize(f)(x).tolist()).toEqual(y)
    expect(grad((x: Tensor) => sum(functionalize(f)(x)))(x).tolist()).toEqual(gradient)
  })
  test('mapped', () => {
    const { f, y, gradient, tangent } = cases['writes to both']!
    expect(vmap(f)(x).tolist()).toEqual(y)
    expect(vmap(grad((r: Tensor) => sum(f(r))))(x).tolist()).toEqual(gradient)
    expect(grad((x: Tensor) => sum(vmap(f)(x)))(x).tolist()).toEqual(gradient)
    expect(jvp(vmap(f), [x], [dx])[1].tolist()).toEqual(tangent)
    expect(vmap((r: Tensor, dr: Tensor) => jvp(f, [r], [dr])[1])(x, dx).tolist()).toEqual(tangent)
  })
  test('of second order', () => {
    const total: F = (x) => sum(cases['writes to both']!.f(x))
    const twice = grad((x: Tensor) => sum(grad(total)(x).square()))
    expect(twice(x).tolist()).toEqual([[192, 1248, 4032], [9408, 18240, 49728]]) // prettier-ignore
    // the gradient is 6x² + 2, as PyTorch's numbers above say
    expect(hessian(total)(t([1, 2, 3])).tolist()).toEqual([[12, 0, 0], [0, 24, 0], [0, 0, 36]]) // prettier-ignore
  })
  test('a constant that values of the transform are written into stays one', () => {
    const f: F = (x) => {
      const b = zeros(3, { dtype: 'float64' })
      b.detach().add_(x)
      return b
    }
    expect(jvp(f, [t([1, 2, 3])], [t([1, 1, 1])]).map((y) => y.tolist())).toEqual([[1, 2, 3], [0, 0, 0]]) // prettier-ignore
    expect(grad((x: Tensor) => sum(mul(f(x), x)))(t([1, 2, 3])).tolist()).toEqual([1, 2, 3])
  })
  test('the argument itself', () => {
    const f: F = (x) => {
      x.detach().add_(1)
      return sum(mul(x, x))
    }
    // the derivative stays that of the argument: 2 (x + 1)
    expect(grad(f)(t([1, 2])).tolist()).toEqual([4, 6])
  })
})

describe('outside', () => {
  test('a leaf stays one, and changes', () => {
    const w = leaf([1, 2, 3])
    const p = w.detach()
    p.sub_(0.5)
    expect([w.tolist(), w.isLeaf, w.requiresGrad, p.requiresGrad]).toEqual([[0.5, 1.5, 2.5], true, true, false])
    sum(mul(w, w)).backward()
    expect(w.grad!.tolist()).toEqual([1, 3, 5])
    p.sub_(w.grad!)
    expect(w.tolist()).toEqual([-0.5, -1.5, -2.5])
    w.detach().at(slice(1)).fill_(9)
    expect([w.tolist(), p.tolist()]).toEqual([[-0.5, 9, 9], [-0.5, 9, 9]]) // prettier-ignore
    noGrad(() => w.add_(1))()
    expect(p.tolist()).toEqual([0.5, 10, 10])
  })
  test('a result keeps what it was made by; what tracked values are written into is tracked itself', () => {
    const w = leaf([1, 2, 3])
    const y = mul(w, w)
    const z = y.detach()
    z.mul_(w)
    expect([y.tolist(), z.tolist()]).toEqual([[1, 8, 27], [1, 8, 27]]) // prettier-ignore
    expect([y.requiresGrad, z.requiresGrad, y.gradFn!.name, z.gradFn!.name]).toEqual([true, true, 'MulBackward', 'MulBackward'])
    // dy/dw is 2w: z's write went behind its back
    sum(y).backward({ retainGraph: true })
    expect(w.grad!.tolist()).toEqual([2, 4, 6])
  })
  test('what tracked values are written into through it does not become tracked', () => {
    const b = t([1, 1, 1])
    b.detach().add_(leaf([1, 2, 3]))
    expect([b.tolist(), b.requiresGrad]).toEqual([[2, 3, 4], false])
  })
  test('each is disposed of by itself', () => {
    const use: Record<string, (x: Tensor, y: Tensor) => void> = {
      'y is read': (_, y) => void y.tolist(),
      'y was written': (_, y) => void y.add_(1),
      'x was written': (x) => void x.add_(1),
      'both were': (x, y) => void (x.add_(1), y.mul_(2)),
    }
    for (const [what, f] of Object.entries(use))
      for (const gone of [0, 1]) {
        const x = t([1, 2])
        const both = [x, x.detach()] as const
        f(...both)
        const want = x.tolist()
        both[gone]!.dispose()
        expect([what, gone, both[1 - gone]!.tolist()]).toEqual([what, gone, want])
      }
    const whole = t([[1, 2], [3, 4]]) // prettier-ignore
    const row = whole.at(1)
    whole.dispose()
    row.detach().add_(1)
    expect(row.tolist()).toEqual([4, 5])
  })
  test('writes inside tidy stay', () => {
    const [x, w] = [t([1, 2]), leaf([1, 2])]
    const y = x.detach()
    tidy(() => (y.add_(1), w.detach().mul_(3)))
    tidy(() => x.mul_(2))
    expect([x.tolist(), y.tolist(), w.tolist()]).toEqual([[4, 6], [4, 6], [3, 6]]) // prettier-ignore
  })
})
