import type { DType } from './dtype.ts'
import { type Expr, detail } from './expr.ts'

/** What a reduction does with the elements. `max`/`min` propagate NaN; `argmax`/`argmin` give the first position (int32, row-major over the reduced axes; NaN wins). */
export type ReduceOp = 'sum' | 'prod' | 'max' | 'min' | 'any' | 'all' | 'argmax' | 'argmin'

/** What a computed coordinate outside its axis means: a reported error, or the value zero without a read. */
export type OutOfRange = 'error' | 'zero'

/** A coordinate that a strided walk cannot say: `expr` (int32) along an axis of the input that the loop does not walk. */
export interface Coordinate {
  readonly expr: Expr
  readonly outOfRange: OutOfRange
}

/** How one input is read: strided over the loop's axes, plus computed coordinates. */
export interface Access {
  readonly dtype: DType
  readonly coordinates: readonly Coordinate[]
}

/**
 * One loop nest: for every point of an index space, a scalar expression of the inputs there; then, over the trailing
 * axes of that space, at most one reduction with an epilogue. Sizes, strides and offsets are not in it: they come with
 * the call, so that a new shape compiles nothing.
 */
export interface Loop {
  /** a name for messages and profiles; it never decides anything */
  readonly name: string
  readonly inputs: readonly Access[]
  readonly scalars: readonly DType[]
  readonly body: Expr
  readonly reduce: ReduceOp | null
  /** of `reduced`, scalars and nothing else; `null` is the reduced value itself */
  readonly epilogue: Expr | null
  /** dtype of the output; the body's dtype, or the epilogue's, or int32 for argmax and argmin */
  readonly output: DType
  /** structural identity: loops with equal keys compute the same */
  readonly key: string
}

/** An array in storage `S`, as a loop or a named kernel sees it. Strides and offset count elements. */
export interface View<S> {
  readonly storage: S
  readonly dtype: DType
  readonly offset: number
  /** one a loop axis, kept axes first; zero repeats the element */
  readonly strides: readonly number[]
  /** for each computed coordinate of the access: the axis it walks */
  readonly coordinates?: readonly { readonly stride: number; readonly size: number }[]
}

/** A loop with its sizes and arrays. */
export interface LoopCall<S> {
  readonly loop: Loop
  /** sizes of the kept axes, then of the reduced ones */
  readonly sizes: readonly number[]
  /** how many trailing axes are reduced; 0 without a reduction */
  readonly reducedAxes: number
  readonly inputs: readonly View<S>[]
  readonly scalars: readonly (number | bigint)[]
  readonly out: View<S>
}

/** What `defineLoop` makes a loop of. */
export interface LoopSpec {
  readonly name: string
  readonly inputs: readonly (DType | Access)[]
  readonly scalars?: readonly DType[]
  readonly body: Expr
  readonly reduce?: ReduceOp
  readonly epilogue?: Expr
}

/** Checks a loop nest and gives it its structural key. */
export function defineLoop(spec: LoopSpec): Loop {
  const inputs = spec.inputs.map((a): Access => (typeof a === 'string' ? { dtype: a, coordinates: [] } : a))
  const reduce = spec.reduce ?? null
  const epilogue = spec.epilogue ?? null
  if (epilogue && !reduce) throw new TypeError(`[kernel] ${spec.name}: expected a reduction before the epilogue`)
  const value: DType = reduce === 'argmax' || reduce === 'argmin' ? 'int32' : spec.body.dtype
  const loop = { name: spec.name, inputs, scalars: spec.scalars ?? [], body: spec.body, reduce, epilogue, output: epilogue?.dtype ?? value }
  return { ...loop, key: keyOf(loop) }
}

/** Structural key of a loop: nodes are numbered in order of first visit, so sharing is part of it. */
function keyOf(loop: Omit<Loop, 'key'>): string {
  const ids = new Map<string, number>()
  const seen = new Map<Expr, number>()
  const lines: string[] = []
  const visit = (e: Expr): number => {
    const known = seen.get(e)
    if (known !== undefined) return known
    const args = 'args' in e ? e.args.map(visit) : []
    const line = `${e.kind}:${e.dtype}:${detail(e)}(${args.join()})`
    let id = ids.get(line)
    if (id === undefined) {
      id = lines.push(line) - 1
      ids.set(line, id)
    }
    seen.set(e, id)
    return id
  }
  const inputs = loop.inputs.map((a) => `${a.dtype}[${a.coordinates.map((c) => `${visit(c.expr)}${c.outOfRange[0]}`).join()}]`)
  const body = visit(loop.body)
  const epilogue = loop.epilogue ? visit(loop.epilogue) : '-'
  return [inputs.join(), loop.scalars.join(), body, loop.reduce ?? '-', epilogue, ...lines].join(';')
}
