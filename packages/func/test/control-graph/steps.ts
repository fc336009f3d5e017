import { type Tensor, grad, hessian, jacfwd, jacrev, jvp, linearize, mul, sin, stack, sum, tensor, vjp, vmap } from '@mapgrad/func'
import type { F } from '../rules.ts'

const h = 1e-4
/** The derivative of `f` at `x` along `v` by five-point central differences, from values alone. */
const along = (f: F, x: Tensor, v: Tensor): Tensor => {
  const at = (k: number): Tensor => f(x.add(v.mul(k * h)))
  return at(-2)
    .sub(at(2))
    .add(at(1).sub(at(-1)).mul(8))
    .div(12 * h)
}
const basis = (n: number): Tensor[] =>
  Array.from({ length: n }, (_, i) => tensor(Float64Array.from({ length: n }, (_v, k) => (k === i ? 1 : 0))))
const columns =
  (f: F): F =>
  (x) =>
    stack(
      basis(x.shape[0]!).map((e) => along(f, x, e)),
      -1,
    )
export const flat =
  (f: F): F =>
  (x) =>
    f(x).reshape([-1])

/** How a transform makes a function of one vector into another, and the same by differences or a loop alone. */
export interface Step {
  readonly name: string
  readonly ours: (f: F) => F
  readonly reference: (f: F) => F
}

/** The transforms as steps, along one direction. */
export const stepsAlong = (T: Tensor): readonly Step[] => [
  { name: 'grad', ours: (f) => grad((x) => sum(sin(f(x)))), reference: (f) => columns((x) => sum(sin(f(x)))) },
  { name: 'jvp', ours: (f) => (x) => jvp(f, [x], [T])[1], reference: (f) => (x) => along(f, x, T) },
  {
    name: 'vjp',
    ours: (f) => (x) => {
      const [y, pull] = vjp(f, [x])
      return pull(sin(y))[0]
    },
    reference: (f) => (x) => {
      const ct = sin(f(x))
      return columns((z) => sum(mul(ct, f(z))))(x)
    },
  },
  { name: 'jacrev', ours: (f) => jacrev(f) as F, reference: columns },
  { name: 'jacfwd', ours: (f) => jacfwd(f) as F, reference: columns },
  { name: 'linearize', ours: (f) => (x) => linearize(f, [x])[1](T), reference: (f) => (x) => along(f, x, T) },
  {
    name: 'vmap',
    ours: (f) => (x) => vmap(f)(stack([x, mul(x, 2), sin(x)])),
    reference: (f) => (x) => stack([f(x), f(mul(x, 2)), f(sin(x))]),
  },
  { name: 'hessian', ours: (f) => hessian((x: Tensor) => sum(f(x))) as F, reference: (f) => columns(columns((x) => sum(f(x)))) },
]
