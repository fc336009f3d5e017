import type { Tensor } from '@mapgrad/tensor'
import {
  type AnyOp,
  type ArrayValue,
  type Dim as Axis,
  type Outputs,
  type Tensors,
  TensorTypeError,
  type Trace,
  type Value,
  checkAlive,
  expandTo,
  internally,
  isWithin,
  released,
  send,
} from '@mapgrad/tensor/plugin'
import { BatchTrace, Batched } from '../batch.ts'
import { typeFault } from './errors.ts'
import type { Dim } from './types.ts'

/** What this file needs of a Dim. */
export interface Owner {
  readonly name: string
  readonly length: number
  /** binds the dim to a size, and gives what batches over it */
  readonly bound: (size: number) => DimTrace
  /** makes a handle that has the methods of first-class dims */
  wrap(value: Value): Tensor
}
/** A Dim as this file sees it. */
export const owner = (dim: Dim): Owner => dim as unknown as Owner

// above the levels of all transforms
const FLOOR = 2 ** 40
let made = 0
/** The place of a new Dim among others. */
export const nextLevel = (): number => FLOOR + made++

/** A value that stands for one place along a Dim. */
export class Bound extends Batched {
  declare readonly trace: DimTrace

  override concrete(what: string): ArrayValue {
    checkAlive(what, this)
    const names = dimsIn(this).map((d) => d.name)
    throw new TensorTypeError(
      `It looks like you're calling .${what}() on a Tensor. We don't support vmap over calling .${what}() on a Tensor, please try to rewrite what you're doing with other operations: a tensor with dims (${names.join(', ')}) stands for one element at a time. Use where(condition, x, y) instead of if, and x.order(${names.join(', ')}) for a tensor to be read`,
      { package: 'vmap', op: what, code: 'UNREADABLE' },
    )
  }
}

/** A Dim as a value: each place along it. */
export class Place extends Bound {}

/** The dims of a value, those of its outermost axes first. */
export function dimsIn(value: Value): Owner[] {
  return layoutOf(value).flatMap((a) => (typeof a === 'number' ? [] : [a]))
}

/** The axes of the tensor behind a value: a Dim each, or which positional axis it is. */
export function layoutOf(value: Value): (Owner | number)[] {
  const out: (Owner | number)[] = value.shape.map((_, i) => i)
  for (let v = value; v instanceof Bound; v = v.inner.value) out.splice(v.dim, 0, v.trace.owner)
  return out
}

/** The tensor behind one with dims, all of whose axes are positional. */
export function behind(x: Tensor): Tensor {
  let y = x
  while (y.value instanceof Bound) y = y.value.inner
  return y
}

/** The innermost transform that a value belongs to, dims aside. */
function lexical(value: Value): Trace | null {
  let v = value
  while (v instanceof Bound) v = v.inner.value
  return v.trace
}

/**
 * Batches over one Dim: `vmap`'s interpreter, which lives as long as the Dim does and is no transform in flight. It stands
 * inside of them all, so that they see operations on positional tensors alone.
 */
export class DimTrace extends BatchTrace {
  override readonly floats = true
  readonly owner: Owner

  constructor(owner: Owner, size: number, level: number) {
    super(size, 'different')
    this.owner = owner
    this.level = level
    this.parent = null
    this.ambient = null
  }

  override own(x: Tensor): Bound | undefined {
    return x.value instanceof Bound && x.value.trace === this ? x.value : undefined
  }
  override wrap(y: Tensor, dim: Axis): Tensor {
    return dim === null ? y : this.owner.wrap(new Bound(this, y, dim))
  }

  override fitting(op: string, before: Value, next: Tensor): Tensor {
    if (before instanceof Place)
      throw typeFault(
        op,
        `expected a tensor, got the Dim ${this.owner.name}, which stands for its own index and does not change. Use the operation without its underscore`,
        'DIM_MUTATION',
      )
    const there = dimsIn(next.value)
    return quietly(() => dimsIn(before).reduceRight((y, d) => (there.includes(d) ? y : repeated(y, d)), next))
  }
  override entering(op: string, before: Value, next: Value): void {
    const there = dimsIn(before)
    for (const d of dimsIn(next))
      if (!there.includes(d))
        throw typeFault(
          op,
          `inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor \`other\` in extra_args that has more elements than \`self\`. This happened due to \`other\` having dim ${d.name} but \`self\` not having it. Please try to use out-of-place operators instead of inplace arithmetic, or expand(${d.name}) first`,
          'DIM_MUTATION',
        )
  }

  override process(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    // an operand of a transform that was called with this dim around it: the loop is outside of that one
    if (inputs.some((x) => !this.own(x) && x.value.trace !== null && isWithin(x.value, this))) return this.#around(op, inputs, params)
    return handOver(internally(() => super.process(op, inputs, params)))
  }

  #around(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    const others = inputs.flatMap((x) => (this.own(x) || !x.value.trace ? [] : [x.value.trace]))
    const next = others.reduce((a, b) => (b.level > a.level ? b : a))
    for (const x of inputs) {
      const own = this.own(x)
      const inside = own && lexical(own)
      if (inside && inside.open)
        throw typeFault(
          op.name,
          `expected dim ${this.owner.name} to be either around ${inside.name} (level ${inside.level}), in what it was called with, or bound inside of it, got both. Use another Dim inside`,
          'DIM_TWICE',
        )
    }
    return send(next, op, inputs, params)
  }
}

/** Lets the user keep the arrays behind what he is given. */
export function handOver<R extends Outputs>(out: R): R {
  for (const y of Array.isArray(out) ? (out as Tensors) : [out as Tensor]) released(behind(y))
  return out
}

/** Runs a part of this interpreter: no view of what it computes on can be written. */
export const quietly = <R extends Outputs>(f: () => R): R => handOver(internally(f))

/** `x` with a dim in place of the positional axis `axis`. */
export function bindAxis(x: Tensor, axis: number, dim: Owner): Tensor {
  const { value } = x
  const trace = dim.bound(value.shape[axis]!)
  if (value instanceof Bound && value.trace.level > trace.level) {
    const below = axis < value.dim ? axis : axis + 1
    return dim.wrap(new Bound(value.trace, bindAxis(value.inner, below, dim), below < value.dim ? value.dim - 1 : value.dim))
  }
  return dim.wrap(new Bound(trace, x.wrap(value), axis))
}

/** `y` with the dims of `axes` in their places; numbers are axes that stay positional. */
export function bindAxes(y: Tensor, axes: readonly (Owner | number)[]): Tensor {
  let x = y
  for (let a = axes.length - 1; a >= 0; a--) {
    const dim = axes[a]!
    if (typeof dim !== 'number') x = bindAxis(x, a, dim)
  }
  return x
}

/** `x` repeated along a dim that it does not have. */
export const repeated = (x: Tensor, dim: Owner): Tensor => bindAxis(expandTo(x, [dim.length, ...x.shape]), 0, dim)
