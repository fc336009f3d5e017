import {
  type Tensor,
  add,
  cat,
  checkpoint,
  cond,
  cos,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  mul,
  ravel,
  scan,
  sin,
  stack,
  sum,
  tanh,
  tensor,
  tree,
  vjp,
  vmap,
  whileLoop,
  zerosLike,
} from '@mapgrad/func'
import * as d from './dual.ts'
import type { Along, Num, Plain } from './dual.ts'

/** A function of tensors to a vector. */
export type Ours = (...xs: Tensor[]) => Tensor

/** How a transform makes a function of tensors into another, and what that is, on numbers, given how to differentiate. */
export interface Transform {
  readonly name: string
  readonly ours: (f: Ours) => Ours
  readonly oracle: (f: Plain, along: Along) => Plain
  /** how often it differentiates */
  readonly order: number
}

/** What a transform gives, whatever its tree, as one vector. */
export const flat = (out: unknown): Tensor => {
  const leaves = tree.leaves(out) as Tensor[]
  return leaves.length === 1 ? ravel(leaves[0]!) : cat(leaves.map((x) => ravel(x)))
}

/** Unequal numbers, as many as `n`. */
const weights = (n: number): number[] => Array.from({ length: n }, (_, k) => 0.7 + 0.3 * Math.cos(3 * k + 1))
const weighted = (y: Tensor): Tensor => sum(mul(y, tensor(Float64Array.from(weights(y.numel())))))
const basis = (xs: readonly Num[][], i: number, k: number): number[][] => xs.map((x, j) => x.map((_, l) => (j === i && l === k ? 1 : 0)))
/** The rows of the derivatives of each output by each of the arguments `at`: a matrix an argument. */
const jacobianOf =
  (f: Plain, along: Along, at: readonly number[]): ((...xs: Num[][]) => Num[][][]) =>
  (...xs) =>
    at.map((i) => {
      const columns = xs[i]!.map((_, k) => along(f, xs, basis(xs, i, k)))
      return columns[0]!.map((_, row) => columns.map((c) => c[row]!))
    })
const jacobian =
  (at: readonly number[]): Transform['oracle'] =>
  (f, along) =>
  (...xs) =>
    jacobianOf(f, along, at)(...xs).flat(2)

/** The tangents of `jvp` and `linearize` depend on the primals, so that outer derivatives pass through them. */
const tangents = (xs: readonly Tensor[]): Tensor[] => xs.map((x) => cos(x))
const alongCosine: Transform['oracle'] =
  (f, along) =>
  (...xs) =>
    along(
      f,
      xs,
      xs.map((x) => x.map(d.cos)),
    )

/**
 * The transforms, by the arguments they differentiate: `all`, or for the Hessian, whose elements are as many as their square,
 * `some` of them. Every derivative of the functions is there: weights, tangents and cotangents differ in each component.
 */
export const transformsOf = (all: readonly number[], some: readonly number[]): readonly Transform[] => [
  {
    name: 'grad',
    ours:
      (f) =>
      (...xs) =>
        flat(grad((...xs: Tensor[]) => weighted(f(...xs)), all)(...xs)),
    oracle: (f, along) =>
      jacobian(all)((...xs) => {
        const ys = f(...xs)
        return [d.dot(ys, weights(ys.length))]
      }, along),
    order: 1,
  },
  {
    name: 'jvp',
    ours:
      (f) =>
      (...xs) =>
        jvp(f, xs, tangents(xs))[1],
    oracle: alongCosine,
    order: 1,
  },
  {
    name: 'vjp',
    // the cotangent depends on the output
    ours:
      (f) =>
      (...xs) => {
        const [y, pull] = vjp(f, xs)
        return flat(pull(sin(y)))
      },
    oracle:
      (f, along) =>
      (...xs) => {
        const cts = f(...xs).map(d.sin)
        return jacobian([...xs.keys()])((...zs) => [d.dot(cts, f(...zs))], along)(...xs)
      },
    order: 1,
  },
  {
    name: 'vmap',
    // examples of the first argument behind, of the last in front; the second example last in the result
    ours:
      (f) =>
      (...xs) => {
        const last = xs.length - 1
        const examples = xs.map((x, i) => (i === 0 ? stack([x, mul(x, 0.5)], -1) : i === last ? stack([x, sin(x)]) : x))
        return flat(
          vmap(
            f,
            xs.map((_, i) => (i === 0 ? -1 : i === last ? 0 : null)),
            1,
          )(...examples),
        )
      },
    oracle:
      (f) =>
      (...xs) => {
        const last = xs.length - 1
        const [a, b] = [f(...xs), f(...xs.map((x, i) => (i === 0 ? x.map((v) => d.mul(v, 0.5)) : i === last ? x.map(d.sin) : x)))]
        return a.flatMap((v, i) => [v, b[i]!])
      },
    order: 0,
  },
  {
    name: 'jacrev',
    ours:
      (f) =>
      (...xs) =>
        flat(jacrev(f, all as never)(...xs)),
    oracle: jacobian(all),
    order: 1,
  },
  {
    name: 'jacfwd',
    ours:
      (f) =>
      (...xs) =>
        flat(jacfwd(f, all as never)(...xs)),
    oracle: jacobian(all),
    order: 1,
  },
  {
    name: 'hessian',
    ours:
      (f) =>
      (...xs) =>
        flat(hessian(f, some as never)(...xs)),
    // for each first argument, for each second: [out, in1, in2]
    oracle:
      (f, along) =>
      (...xs) =>
        some.flatMap((i) => jacobian(some)((...zs) => jacobian([i])(f, along)(...zs), along)(...xs)),
    order: 2,
  },
  {
    name: 'linearize',
    ours:
      (f) =>
      (...xs) =>
        linearize(f, xs)[1](...tangents(xs)),
    oracle: alongCosine,
    order: 1,
  },
  { name: 'checkpoint', ours: (f) => checkpoint(f), oracle: (f) => f, order: 0 },
  {
    name: 'cond',
    // the examples of `vmap` differ
    ours:
      (f) =>
      (...xs) =>
        cond(sum(xs[0]!).gt(threshold), f, (...ys) => mul(f(...ys.map((y) => mul(y, 0.5))), 2), xs),
    oracle:
      (f) =>
      (...xs) =>
        d.plain(d.sum(xs[0]!)) > threshold ? f(...xs) : f(...xs.map((x) => x.map((v) => d.mul(v, 0.5)))).map((y) => d.mul(y, 2)),
    order: 0,
  },
  {
    name: 'while',
    // one round more where the sum is large
    ours:
      (f) =>
      (...xs) =>
        whileLoop(
          (n) => n.lt(add(sum(xs[0]!).gt(threshold), 1)),
          (n, y) => [add(n, 1), add(mul(y, 0.5), f(...xs.map((x) => mul(x, add(mul(n, -0.5), 1)))))],
          [tensor(0, { dtype: 'int32' }), sin(f(...xs))],
          { maxIterations: 2 },
        )[1],
    oracle:
      (f) =>
      (...xs) => {
        let ys = f(...xs).map(d.sin)
        const rounds = d.plain(d.sum(xs[0]!)) > threshold ? 2 : 1
        for (let n = 0; n < rounds; n++) {
          const more = f(...xs.map((x) => x.map((v) => d.mul(v, 1 - n / 2))))
          ys = ys.map((y, i) => d.add(d.mul(y, 0.5), more[i]!))
        }
        return ys
      },
    order: 0,
  },
  {
    name: 'scan',
    ours:
      (f) =>
      (...xs) => {
        const [first, ...rest] = xs
        return flat(
          scan(
            (c: Tensor, x: Tensor) => {
              const y = f(add(x, c), ...rest)
              return [tanh(sum(y)), y]
            },
            zerosLike(sum(first!)),
            stack([first!, sin(first!)]),
            { reverse: true },
          ),
        )
      },
    oracle:
      (f) =>
      (...xs) => {
        const [first, ...rest] = xs
        const b = f(first!.map(d.sin), ...rest)
        const c = d.tanh(d.sum(b))
        const a = f(
          first!.map((v) => d.add(v, c)),
          ...rest,
        )
        return [d.tanh(d.sum(a)), ...a, ...b]
      },
    order: 0,
  },
]
/** Between the sums of the examples. */
export const threshold = 0.9
