import { grad, hessian, jacrev, vjp } from '@mapgrad/func'
import {
  type Tensor,
  cat,
  cond,
  cumsum,
  einsum,
  forLoop,
  gather,
  gelu,
  linalg,
  logSoftmax,
  matmul,
  maximum,
  median,
  pow,
  scan,
  scatterAdd,
  softmax,
  sort,
  stack,
  std,
  tensor,
  topk,
  tril,
  where,
  whileLoop,
} from '@mapgrad/tensor'
import { vmap } from '@mapgrad/vmap'
import { random, uniform } from './support.ts'

/** A program and arguments for it; `fresh` gives new ones of the same shapes. */
export interface Program {
  readonly name: string
  readonly f: (...xs: Tensor[]) => unknown
  readonly fresh: () => Tensor[]
}

const index = (): Tensor =>
  tensor(
    [
      [0, 1, 0],
      [1, 0, 1],
    ],
    { dtype: 'int32' },
  )
const w = random(3, 4)
const big = random(10, 10)

/** Programs of all sorts of ops and transforms. */
export const programs: readonly Program[] = [
  { name: 'pointwise', f: (x, y) => where(x!.gt(y!), x!.mul(2).add(0.1), y!.exp().sub(-0)), fresh: () => [random(2, 3), random(3)] },
  {
    name: 'special numbers',
    f: (x) =>
      x!
        .mul(Infinity)
        .add(NaN)
        .mul(tensor([NaN, -0, -Infinity, 1e-45])),
    fresh: () => [random(4)],
  },
  {
    name: 'matrix products',
    f: (x, y) => ({ a: matmul(x!, w).relu(), b: [einsum('ij,kj->ik', x!, y!)] }),
    fresh: () => [random(2, 3), random(5, 3)],
  },
  { name: 'captured large tensor', f: (x) => x!.matmul(big), fresh: () => [random(10)] },
  { name: 'softmax family', f: (x) => [softmax(x!, 1), logSoftmax(x!, 0), gelu(x!), std(x!)], fresh: () => [random(3, 4)] },
  { name: 'order', f: (x) => [...sort(x!, 0), ...topk(x!, 2), median(x!)], fresh: () => [random(4, 3)] },
  {
    name: 'indexing',
    f: (x) => [gather(x!, 0, index()), scatterAdd(x!, 1, index(), x!), x!.at(1), x!.at([0, 0, 1])],
    fresh: () => [random(2, 3)],
  },
  {
    name: 'movement',
    f: (x) => [cat([x!, x!.flip(0)], 1), stack([x!.t(), x!.t()]), tril(x!, -1), cumsum(x!, 0), x!.unfold(0, 2, 1)],
    fresh: () => [random(3, 3)],
  },
  {
    name: 'dtypes',
    f: (x) => [x!.to('int32'), x!.double().mul(0.1), x!.to('float16'), x!.to('int64').add(3n), x!.gt(0), x!.to('bool').logicalNot()],
    fresh: () => [random(5).mul(100)],
  },
  {
    name: 'no operands',
    f: () => [
      tensor([1, 2]),
      tensor(3n),
      tensor([true, false]),
      tensor([]),
      tensor([[]], { dtype: 'float64' }),
      tensor(0.5, { dtype: 'bfloat16' }),
    ],
    fresh: () => [],
  },
  {
    name: 'gradient',
    f: (x, y) => grad((a: Tensor, b: Tensor) => pow(maximum(a, b), 3).sum().log(), [0, 1])(x!.abs(), y!.abs()),
    fresh: () => [random(4), random(4)],
  },
  {
    name: 'per-sample gradients',
    f: (p, x) =>
      vmap(
        grad((a: Tensor, b: Tensor) => matmul(b, a).tanh().square().sum()),
        [null, 0],
      )(p!, x!),
    fresh: () => [random(3, 2), random(5, 3)],
  },
  { name: 'jacobian', f: (x) => jacrev((t: Tensor) => matmul(t, w).sin())(x!), fresh: () => [random(3)] },
  { name: 'hessian', f: (x) => hessian((t: Tensor) => t.sin().prod())(x!), fresh: () => [random(3)] },
  {
    name: 'branches and loops',
    f: (x, y) => [
      cond(
        x!.sum().gt(0),
        (a: Tensor) => a.mul(2),
        (a: Tensor) => a.sub(y!),
        [x!],
      ),
      ...scan((h: Tensor, r: Tensor) => [h.mul(r).add(y!), h.sin()] as const, y!, x!, { reverse: true }),
      ...whileLoop(
        (a: Tensor) => a.sum().lt(9),
        (a: Tensor) => [a.add(1)],
        [y!],
      ),
    ],
    fresh: () => [random(2, 3), random(3)],
  },
  {
    name: 'gradient through a branch in a loop, for each example',
    f: (x) =>
      vmap(
        grad((r: Tensor) =>
          forLoop(
            0,
            3,
            (i, a: Tensor) =>
              cond(
                a.gt(i),
                () => a.mul(r.sum()),
                () => a.sin(),
              ),
            r.prod(),
          ),
        ),
      )(x!),
    fresh: () => [random(4, 3)],
  },
  { name: 'pullback', f: (x, ct) => vjp((t: Tensor) => linalg.vecdot(t, t.exp()), [x!])[1](ct!), fresh: () => [random(2, 3), random(2)] },
]

const unary: readonly ((x: Tensor) => Tensor)[] = [
  (x) => x.sin(),
  (x) => x.mul(1),
  (x) => x.tanh().add(1),
  (x) => x.reshape(3, 2).t(),
  (x) => x.flip(1),
  (x) => x.sum(0, true).expand(2, 3),
  (x) => x.relu().neg(),
  (x) => x.cumsum(1),
  (x) => x.mul(tensor([1, 2, 3])),
  (x) => x.amax(1, true).sub(x),
  (x) => softmax(x, 1),
  (x) => sort(x, 1).values,
]
const binary: readonly ((x: Tensor, y: Tensor) => Tensor)[] = [
  (x, y) => x.add(y),
  (x, y) => x.mul(y),
  (x, y) => maximum(x, y),
  (x, y) => where(x.lt(y), x, y),
  (x, y) => matmul(x, y.t()).matmul(y),
]

/** A program of `size` ops at random, and sometimes its gradient. */
export function randomProgram(size: number): Program {
  const pick = (n: number): number => Math.floor(((uniform() + 1) / 2) * n)
  const steps = Array.from({ length: size }, () => [pick(unary.length + binary.length), uniform(), uniform()] as const)
  const f = (...xs: Tensor[]): Tensor => {
    const values = [...xs]
    const value = (u: number): Tensor => values[Math.floor(((u + 1) / 2) * values.length)]!
    for (const [k, a, b] of steps) values.push(k < unary.length ? unary[k]!(value(a)) : binary[k - unary.length]!(value(a), value(b)))
    return values.slice(-3).reduce((x, y) => x.add(y))
  }
  const g = (...xs: Tensor[]): unknown => grad((x: Tensor, y: Tensor) => f(x, y).sum(), [0, 1])(xs[0]!, xs[1]!)
  return { name: `random ${steps.map(([k]) => k).join()}`, f: pick(3) === 0 ? g : f, fresh: () => [random(2, 3), random(2, 3)] }
}
