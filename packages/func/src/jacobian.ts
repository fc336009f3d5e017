import { type Argnums, type Chosen, type GradOptions } from '@mapgrad/autodiff'
import { Loans, auxLeaves, jvpFlat, outputs, select, splitAux, vjpFlat } from '@mapgrad/autodiff/plugin'
import { type Tensor, cat, eye, narrow } from '@mapgrad/tensor'
import {
  TensorRangeError,
  TensorTypeError,
  type TreeSpec,
  checkOptions,
  describe,
  filledLike,
  isOptions,
  internally,
  moveAxis,
  numel,
  owning,
  reshapeTo,
} from '@mapgrad/tensor/plugin'
import { type Randomness, materialize, vmapFlat } from '@mapgrad/vmap/plugin'

/** Options of `jacrev`. */
export interface JacobianOptions extends GradOptions {
  /** computes at most so many rows (`jacrev`) or columns (`jacfwd`) at a time; default all at once */
  readonly chunkSize?: number | null
}
/** Options of `jacfwd`. */
export interface JacfwdOptions extends JacobianOptions {
  /** what random draws in the function do; default 'error' */
  readonly randomness?: Randomness
}
/** Options of `hessian`. */
export interface HessianOptions {
  /** which arguments to differentiate; default 0 */
  readonly argnums?: Argnums
  /** computes at most so many columns at a time; default all at once */
  readonly chunkSize?: number | null
}

type AnyFunction = (...args: never[]) => unknown

/** Type of a Jacobian: for each tensor of the output, the tree of the chosen arguments. */
export type Jacobian<R, T> = R extends Tensor
  ? T
  : R extends readonly unknown[]
    ? { -readonly [K in keyof R]: Jacobian<R[K], T> }
    : R extends object
      ? { [K in keyof R]: Jacobian<R[K], T> }
      : never

const fault = (op: string, message: string, code: string): TensorTypeError => new TensorTypeError(message, { package: 'func', op, code })

function readOptions(op: string, given: unknown, known: readonly string[]): Required<JacfwdOptions> {
  const o: JacfwdOptions = isOptions(given) ? given : given === undefined ? {} : { argnums: given as Argnums }
  checkOptions(op, o as Record<string, unknown>, known, 'func')
  const { argnums = 0, hasAux = false, chunkSize = null, randomness = 'error' } = o
  if (chunkSize !== null && (typeof chunkSize !== 'number' || !Number.isInteger(chunkSize) || chunkSize <= 0))
    throw new TensorRangeError(`\`chunkSize\` should be greater than 0, got ${describe(chunkSize)}.`, {
      package: 'func',
      op,
      code: 'CHUNK_SIZE',
    })
  return { argnums, hasAux, chunkSize, randomness }
}

interface Result {
  readonly ys: Tensor[]
  readonly spec: TreeSpec
  readonly aux: Tensor[]
  readonly auxSpec: TreeSpec | null
}

/** What the user's function returned, taken apart and checked. `call` is the transform that does the work, as PyTorch writes it in messages. */
function readResult(op: string, call: string, out: unknown, hasAux: boolean): Result {
  const [value, extra] = splitAux(op, call, out, hasAux)
  const [ys, spec] = outputs(op, call, value)
  const [aux, auxSpec] = hasAux ? auxLeaves(op, extra) : [[], null]
  return { ys, spec, aux, auxSpec }
}

/** The rows of the identity over the elements of `x`, `chunk` at a time: `[rows, ...x.shape]` each. */
function* basis(x: Tensor, chunk: number | null): Generator<Tensor> {
  const n = numel(x.shape)
  const all = internally(() => eye(n, { dtype: x.dtype, device: x.value.backend }))
  const step = chunk ?? Math.max(n, 1)
  for (let from = 0; from < Math.max(n, 1); from += step) {
    const rows = Math.min(step, n - from)
    yield internally(() => reshapeTo(rows === n ? all : narrow(all, 0, from, rows), [rows, ...x.shape]))
  }
}

const first = (x: Tensor): Tensor => reshapeTo(narrow(x, 0, 0, 1), x.shape.slice(1))
const join = (parts: readonly Tensor[]): Tensor => (parts.length === 1 ? parts[0]! : cat(parts, 0))
const columns = (parts: readonly (readonly Tensor[])[]): Tensor[] => parts[0]!.map((_, i) => join(parts.map((p) => p[i]!)))

/**
 * The Jacobian of `f` by reverse mode, one row of it a component of the output: for every tensor of the output, a tree
 * like the chosen arguments whose leaves have shape `[...out.shape, ...in.shape]`. Cheaper than `jacfwd` when outputs are fewer than inputs.
 * With `hasAux`, `f` returns `[output, aux]` and the result is `[jacobian, aux]`.
 */
export function jacrev<A extends readonly unknown[], R, X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [R, X],
  options: { readonly argnums?: N; readonly hasAux: true; readonly chunkSize?: number | null },
): (...args: A) => [Jacobian<R, Chosen<A, N>>, X]
export function jacrev<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  argnums?: N,
): (...args: A) => Jacobian<R, Chosen<A, N>>
export function jacrev<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  options: { readonly argnums?: N; readonly hasAux?: false; readonly chunkSize?: number | null },
): (...args: A) => Jacobian<R, Chosen<A, N>>
export function jacrev(f: AnyFunction, given?: Argnums | JacobianOptions): (...args: never[]) => unknown {
  checkFunction('jacrev', f)
  const { argnums, hasAux, chunkSize } = readOptions('jacrev', given, ['argnums', 'hasAux', 'chunkSize'])
  return named(f, (...args: never[]) =>
    owning(() => {
      const { leaves, rebuild, restore } = select('jacrev', args, argnums)
      let result: Result | undefined
      const loans = new Loans()
      const [flat, pull] = vjpFlat((xs, lower) => {
        result = readResult('jacrev', 'vjp(f, *primals)', f(...(rebuild(xs, loans) as never[])), hasAux)
        loans.collect(lower)
        for (const y of result.ys)
          if (!y.dtype.includes('float'))
            throw fault(
              'jacrev',
              `vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype ${y.dtype}`,
              'OUTPUT_DTYPE',
            )
        return [...result.ys, ...result.aux]
      }, leaves)
      loans.settle()
      const { spec, ys, auxSpec } = result!
      const jacobians = ys.map((_, k) => {
        const y = flat[k]!
        const rows = [...basis(y, chunkSize)].map((cts) => {
          const row = (ct: Tensor): Tensor[] => {
            const grads = pull(ys.map((_y, i) => (i === k ? ct : null)))
            return leaves.map((x, i) => grads[i] ?? filledLike(x, 0, x.dtype, x.shape))
          }
          return vmapFlat((ct, trace) => row(ct[0]!).map((g) => materialize(trace, g, 0)), [cts], [0], cts.shape[0]!, 'error')
        })
        return restore(columns(rows).map((g, i) => reshapeTo(g, [...y.shape, ...leaves[i]!.shape])))
      })
      const jacobian = spec.unflatten(jacobians)
      return auxSpec ? [jacobian, auxSpec.unflatten(flat.slice(ys.length))] : jacobian
    }),
  )
}

/**
 * The Jacobian of `f` by forward mode, one column of it a component of the input; the same result as `jacrev`.
 * Cheaper when inputs are fewer than outputs.
 */
export function jacfwd<A extends readonly unknown[], R, X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [R, X],
  options: { readonly argnums?: N; readonly hasAux: true; readonly randomness?: Randomness; readonly chunkSize?: number | null },
): (...args: A) => [Jacobian<R, Chosen<A, N>>, X]
export function jacfwd<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  argnums?: N,
): (...args: A) => Jacobian<R, Chosen<A, N>>
export function jacfwd<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  options: { readonly argnums?: N; readonly hasAux?: false; readonly randomness?: Randomness; readonly chunkSize?: number | null },
): (...args: A) => Jacobian<R, Chosen<A, N>>
export function jacfwd(f: AnyFunction, given?: Argnums | JacfwdOptions): (...args: never[]) => unknown {
  checkFunction('jacfwd', f)
  const { argnums, hasAux, chunkSize, randomness } = readOptions('jacfwd', given, ['argnums', 'hasAux', 'chunkSize', 'randomness'])
  return named(f, (...args: never[]) =>
    owning(() => {
      const { leaves, rebuild, restore } = select('jacfwd', args, argnums, true)
      let result: Result | undefined
      let aux: readonly Tensor[] = []
      // f runs once for each block of columns, but what it writes into its arguments it writes once
      let written: Loans | null = null
      // blocks[j][i]: ∂(output i)/∂(leaf j), shape [in…, out…] with the input's axes flattened in front
      const blocks = leaves.map((x, j) =>
        columns(
          [...basis(x, chunkSize)].map((tangents) =>
            vmapFlat(
              (dx, trace) => {
                const loans = new Loans()
                const lent = leaves.map((y) => loans.lend(y, y.value))
                const [ys, dys] = jvpFlat(
                  (xs, lower) => {
                    result = readResult('jacfwd', 'jvp(f, primals, tangents)', f(...(rebuild(xs, loans) as never[])), hasAux)
                    loans.collect(lower)
                    return [...result.ys, ...result.aux]
                  },
                  lent,
                  leaves.map((_, i) => (i === j ? dx[0]! : null)),
                )
                loans.collect((y) => y)
                written ??= loans
                const n = result!.ys.length
                // only a random draw makes aux differ between columns; like torch.func, the first one's is given
                aux = ys.slice(n).map((y) => (trace.own(y) ? first(materialize(trace, y, 0)) : y))
                return dys.slice(0, n).map((d, i) => materialize(trace, d ?? filledLike(ys[i]!, 0, ys[i]!.dtype, ys[i]!.shape), 0))
              },
              [tangents],
              [0],
              tangents.shape[0]!,
              randomness,
            ),
          ),
        ),
      )
      ;(written as Loans | null)?.settle()
      const { spec, auxSpec } = result!
      const jacobians = result!.ys.map((_, i) =>
        restore(
          leaves.map((x, j) => {
            const d = blocks[j]![i]!
            return reshapeTo(moveAxis(d, 0, d.ndim - 1), [...d.shape.slice(1), ...x.shape])
          }),
        ),
      )
      const jacobian = spec.unflatten(jacobians)
      return auxSpec ? [jacobian, auxSpec.unflatten(aux)] : jacobian
    }),
  )
}

/**
 * The Hessian of `f`, forward over reverse: `jacfwd(jacrev(f))`. For a scalar function of one tensor, shape `[...in.shape, ...in.shape]`.
 */
export function hessian<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  argnums?: N,
): (...args: A) => Jacobian<Jacobian<R, Chosen<A, N>>, Chosen<A, N>>
export function hessian<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  options: { readonly argnums?: N; readonly chunkSize?: number | null },
): (...args: A) => Jacobian<Jacobian<R, Chosen<A, N>>, Chosen<A, N>>
export function hessian(f: AnyFunction, given?: Argnums | HessianOptions): (...args: never[]) => unknown {
  const { argnums, chunkSize } = readOptions('hessian', given, ['argnums', 'chunkSize'])
  const options = { argnums, chunkSize }
  return jacfwd(jacrev(f, options), options)
}

function checkFunction(op: string, f: unknown): void {
  if (typeof f !== 'function') throw fault(op, `expected a function, got ${describe(f)}`, 'NOT_A_FUNCTION')
}
const named = <G extends AnyFunction>(f: { readonly name: string }, g: G): G =>
  Object.defineProperty(g, 'name', { value: f.name, configurable: true })
