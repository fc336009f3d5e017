import { TensorTypeError } from '../core/errors.ts'
import { numel } from '../core/shape.ts'
import { type Op, type Tensors, defineOp } from '../core/op.ts'
import { type Outputs, Trace, Tracer, bind, withTrace } from '../core/trace.ts'
import type { AnyOp } from '../core/op.ts'
import type { Value } from '../core/value.ts'
import { decompose } from '../core/words.ts'
import { readSync } from '../core/read.ts'
import { arange } from '../create/range.ts'
import type { Tensor } from '../tensor.ts'
import { cast } from './cast.ts'
import { argmax } from './extreme.ts'
import { indexSelect } from './take.ts'
import { expandTo, moveAxis, reshapeTo } from './view.ts'
import { where } from './where.ts'

// Where examples of a batch part ways, each way runs for all of them, and each example takes its own result. So that an
// example never meets a value that its program would not have met (a NaN whose zero derivative is NaN, an index out of
// range), it borrows the values of one that does go that way.

/** A condition with its axes put before those of d, where they belong. */
const masked = (d: Tensor, condition: Tensor): Tensor =>
  where(reshapeTo(condition, [...condition.shape, ...new Array<number>(d.ndim - condition.ndim).fill(1)]), d, 0)

/**
 * x where the condition holds, elsewhere the x of the first place where it does. The condition's axes lead in x, where
 * each is as long or 1. What is borrowed has no derivative: it is never used.
 */
export const settle: Op<[x: Tensor, condition: Tensor]> = defineOp<[x: Tensor, condition: Tensor]>({
  name: 'settle',
  result: ([x, c]) => ({ shape: [...c.shape, ...x.shape.slice(c.shape.length)], dtype: x.dtype }),
  compute: decompose(([x, c]) => {
    const n = numel(c.shape)
    if (c.ndim === 0) return x
    const rest = x.shape.slice(c.ndim)
    const all = expandTo(x, [...c.shape, ...rest])
    if (n === 0) return all
    const holds = reshapeTo(c, [n])
    const from = where(holds, arange(n, { device: c.value.backend }), cast(argmax(cast(holds, 'int32')), 'int32'))
    return reshapeTo(indexSelect(reshapeTo(all, [n, ...rest]), 0, from), all.shape)
  }),
  batch: ([x, c], [dx, dc]) => {
    if (dc === null) return [settle(moveAxis(x, dx!, c.ndim), c), c.ndim]
    return [settle(dx === null ? reshapeTo(x, [1, ...x.shape]) : moveAxis(x, dx, 0), moveAxis(c, dc, 0)), 0]
  },
  diff: {
    kind: 'custom',
    jvp: (_, [, c], [dx]) => [dx && masked(dx, c)],
    vjp: (_, [, c], [ct]) => [ct ? masked(ct, c) : null, null],
  },
})

/** The transforms that a value stands in, its own and those of what it is made of. */
function* tracesOf(value: Value): Generator<Trace> {
  if (!(value instanceof Tracer)) return
  yield value.trace
  for (const x of value.parts) yield* tracesOf(x.value)
}

/** Sees every op of a branch and lets no value from outside in that is not settled. */
class SettleTrace extends Trace {
  readonly name = 'cond'
  readonly condition: Tensor
  readonly #varies: ReadonlySet<Trace>
  readonly #inside = new WeakSet<Value>()

  constructor(condition: Tensor) {
    super(true)
    this.condition = condition
    this.#varies = new Set(tracesOf(condition.value))
  }

  override captured(op: string): never {
    throw new TensorTypeError(
      'expected a branch or a body of a loop that changes nothing outside of itself, since the examples of a vmap differ in whether it runs, got an operation in place on a tensor from outside. Pass the tensor as an operand, and return its new value',
      { op, code: 'CAPTURED_MUTATION' },
    )
  }

  process(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    const out = bind(
      op,
      inputs.map((x) => this.#enter(x)),
      params,
    )
    for (const y of Array.isArray(out) ? (out as Tensors) : [out as Tensor]) this.#inside.add(y.value)
    return out
  }

  #enter(x: Tensor): Tensor {
    if (x.value.trace === null || this.#inside.has(x.value)) return x
    for (const trace of tracesOf(x.value)) if (this.#varies.has(trace)) return settle(x, this.condition)
    return x
  }
}

/** Runs `f` for the examples for which the condition holds: whatever values it meets are theirs. */
export const whereItHolds = <R>(condition: Tensor, f: () => R): R => withTrace(new SettleTrace(condition), f)

/** Whether a condition stands in a program that is being written down, so that no value it has is for good. */
export const isRecorded = (condition: Tensor): boolean => [...tracesOf(condition.value)].some((t) => t.records)

/** Whether a condition that differs between examples holds for any of them, and for all; where that cannot be read, `null`. */
export function examplesOf(op: string, condition: Tensor): { readonly any: boolean; readonly all: boolean } | null {
  if (isRecorded(condition)) return null
  const arrays = condition.value.arrays()
  if (arrays.length !== 1 || !arrays[0]!.backend.syncRead) return null
  const data = readSync(arrays[0]!, op) as Uint8Array
  return { any: data.some((v) => v !== 0), all: data.every((v) => v !== 0) }
}
