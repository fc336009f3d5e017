import type { Tensor } from '@mapgrad/tensor'
import {
  type Value,
  TensorRangeError,
  TensorTypeError,
  type TreeSpec,
  describe,
  filledLike,
  isTensor,
  refusePromise,
  sameShape,
  show,
  treeFlatten,
  treeNode,
  type Tangent,
  write,
  isFloating,
} from '@mapgrad/tensor/plugin'

// Between the trees that users pass and the lists of tensors that interpreters work on.

/** What kind of thing a leaf is, for messages. */
export const kindOf = (x: unknown): string =>
  isTensor(x) ? 'Tensor' : x === null ? 'null' : typeof x === 'object' ? describe(x) : typeof x

const fault = (op: string, message: string, code: string): TensorTypeError =>
  new TensorTypeError(message, { package: 'autodiff', op, code })

/** The tensors of what a user's function returned, and its structure. `call` is the call as PyTorch writes it in messages. */
export function outputs(op: string, call: string, out: unknown): [ys: Tensor[], spec: TreeSpec] {
  refusePromise(op, 'autodiff', out)
  const [leaves, spec] = treeFlatten(out)
  if (leaves.length === 0)
    throw fault(op, `${call}: Expected f to be a function that has non-empty output (got output = ${describe(out)})`, 'EMPTY_OUTPUT')
  for (const y of leaves)
    if (!isTensor(y))
      throw fault(op, `${call}: expected f(*primals) to return only tensors, got unsupported type ${kindOf(y)}`, 'OUTPUT_TYPE')
  return [leaves as Tensor[], spec]
}

/** The parts of a function's result when it returns `[output, aux]`. */
export function splitAux(op: string, call: string, out: unknown, hasAux: boolean): [output: unknown, aux: unknown] {
  refusePromise(op, 'autodiff', out)
  if (!hasAux) return [out, undefined]
  if (!Array.isArray(out) || out.length !== 2)
    throw fault(
      op,
      `${call}: output of function f should be a tuple: (output, aux) if has_aux is True (hasAux: return [output, aux]), got ${kindOf(out)}`,
      'AUX_ARITY',
    )
  return out as [unknown, unknown]
}

/** The tensors of an aux tree; anything else in it is refused, as in PyTorch, `null` too. */
export function auxLeaves(op: string, aux: unknown): [Tensor[], TreeSpec] {
  const [leaves, spec] = treeFlatten(aux)
  const empty = nothingIn(aux)
  for (const x of empty ? [...leaves, ...empty] : leaves)
    if (!isTensor(x))
      throw fault(
        op,
        `Expected tensors, got unsupported type ${kindOf(x)} in aux. ${x === undefined || x === null ? 'Leave it out' : 'Return numbers outside the transform, or wrap them in tensor(x)'}`,
        'AUX_TYPE',
      )
  return [leaves as Tensor[], spec]
}

/** The first `null` or `undefined` of a tree, in an array. */
function nothingIn(tree: unknown): readonly [null | undefined] | undefined {
  if (tree === null || tree === undefined) return [tree]
  for (const c of treeNode(tree)?.children ?? []) {
    const found = nothingIn(c)
    if (found) return found
  }
  return undefined
}

const isObject = (x: unknown): boolean => typeof x === 'object' && x !== null && !ArrayBuffer.isView(x)

/** The tensors of one argument differentiated in reverse or `forward` mode; they must be floating point. */
export function primalLeaves(op: string, tree: unknown, forward = false): [Tensor[], TreeSpec] {
  const [leaves, spec] = treeFlatten(tree)
  for (const x of leaves) {
    if (!isTensor(x))
      throw fault(
        op,
        `Thing passed to transform API must be Tensor, got ${kindOf(x)}. ${isObject(x) ? 'Register its class with tree.register' : 'Wrap it in tensor(x)'}, or pass it as an argument that is not differentiated`,
        'PRIMAL_TYPE',
      )
    if (!isFloating(x))
      throw fault(
        op,
        `${forward ? 'Expected primal to be floating point or complex, but got:' : 'only Tensors of floating point dtype can require gradients, got'} ${x.dtype}. Convert with x.to('float32'), or leave the argument out of argnums`,
        'PRIMAL_DTYPE',
      )
  }
  return [leaves as Tensor[], spec]
}

/** Cotangents or tangents in the structure, shapes and dtypes of the values they go with. */
export function matchLeaves(op: string, what: 'cotangents' | 'tangents', tree: unknown, like: readonly Tensor[], spec: TreeSpec): Tensor[] {
  const [leaves, got] = treeFlatten(tree)
  if (!got.equals(spec)) {
    const text =
      what === 'cotangents'
        ? `Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function. cotangents: ${got}, primal output: ${spec}`
        : `Expected the tangents ${got} to have the same argspec as the primals ${spec}`
    throw fault(op, text, 'STRUCTURE')
  }
  return leaves.map((given, i) => {
    const y = like[i]!
    const c = typeof given === 'number' && y.shape.length === 0 ? filledLike(y, given) : given
    if (!isTensor(c)) throw fault(op, `expected ${what} to be tensors, got ${kindOf(c)}`, 'STRUCTURE')
    if (show(c.shape) !== show(y.shape)) {
      const text =
        what === 'cotangents'
          ? `Mismatch in shape: grad_output[${i}] has a shape of ${show(c.shape)} and output[${i}] has a shape of ${show(y.shape)}. Give each cotangent the shape of its output`
          : `tangent:${i} with shape ${show(c.shape)} in flattened pytree doesn't match the shape ${show(y.shape)} of the corresponding primal. Give each tangent the shape of its primal`
      throw new TensorRangeError(text, { package: 'autodiff', op, code: 'SHAPE_MISMATCH' })
    }
    if (c.dtype !== y.dtype)
      throw fault(
        op,
        what === 'cotangents'
          ? `expected cotangents of the dtype of what they belong to, ${y.dtype}, got ${c.dtype}. Convert with x.to('${y.dtype}')`
          : `tangent:${i} with dtype ${c.dtype} in flattened pytree doesn't match the dtype ${y.dtype} of the corresponding primal. Convert with x.to('${y.dtype}')`,
        'DTYPE_MISMATCH',
      )
    return c
  })
}

/** The tensor itself, or zeros where a tangent is structurally zero. */
export const orZero = (d: Tangent | undefined, like: Tensor): Tensor => d ?? filledLike(like, 0, like.dtype, like.shape)

/** `g` under `f`'s name, for stack traces and printing. */
export function named<F extends (...args: never[]) => unknown>(g: F, f: { readonly name: string }): F {
  return Object.defineProperty(g, 'name', { value: f.name, configurable: true })
}

/** Refuses what cannot be called. */
export function checkFunction(op: string, f: unknown): void {
  if (typeof f !== 'function') throw fault(op, `expected a function, got ${describe(f)}`, 'NOT_A_FUNCTION')
}

interface Loan {
  readonly outer: Tensor
  readonly inner: Tensor
  readonly value: Value
  next: Tensor | null
}

/**
 * Arguments under handles of their own for as long as a function runs: what it writes into them in place is a matter of
 * its level until it returns, and the caller's afterwards.
 */
export class Loans {
  readonly #loans: Loan[] = []

  /** A handle for `outer`, of this value inside. */
  lend(outer: Tensor, value: Value): Tensor {
    const inner = outer.wrap(value)
    // what is its own handle cannot be written
    if (inner !== outer) this.#loans.push({ outer, inner, value, next: null })
    return inner
  }
  /** The tensors of a tree lent as they are. */
  lendAll(tree: unknown): unknown {
    if (isTensor(tree)) return this.lend(tree, tree.value)
    if (typeof tree !== 'object' || tree === null) return tree
    const [leaves, spec] = treeFlatten(tree)
    return leaves.some(isTensor) ? spec.unflatten(leaves.map((x) => (isTensor(x) ? this.lend(x, x.value) : x))) : tree
  }
  /** At the end of the function: what was written, as the level below sees it. */
  collect(lower: (x: Tensor) => Tensor): void {
    for (const loan of this.#loans) {
      const { base } = loan.inner
      if (loan.next === null && base !== loan.value && sameShape(base.shape, loan.outer.shape)) loan.next = lower(loan.inner.wrap(base))
    }
  }
  /** What was written. */
  get written(): Tensor[] {
    return this.#loans.flatMap(({ next }) => next ?? [])
  }
  /** After the function: the caller's tensors get it. */
  settle(): void {
    for (const { outer, next } of this.#loans) if (next) write(outer, 'copy_', next)
  }
}
