import { type Elements, convert, elementsOf, roundTo } from './convert.ts'
import { type DType, dtypes } from './dtype.ts'
import { type Expr, argsOf } from './expr.ts'
import type { LoopCall, ReduceOp, View } from './loop.ts'
import { type Value, basicOf, bitcastValue, compareOf, mathOf } from './semantics.ts'

// The reference: what a loop means, in the order of the words of loop.ts. Floats are computed in float64 whatever
// their dtype, and rounded where a cast says so and at the output; a backend is right when it is within its tolerance.

/** Thrown inside, when a checked coordinate leaves its axis. */
const outOfRange = Symbol('out of range')

/** One input at the present point. */
interface Reader {
  readonly elements: Elements
  readonly view: View<Uint8Array>
  readonly coordinates: readonly (readonly [expr: () => Value, check: boolean, stride: number, size: number])[]
}

class Interpreter {
  private readonly call: LoopCall<Uint8Array>
  private readonly kept: number
  /** the present point of the index space */
  private readonly point: number[]
  private readonly readers: Reader[] = []
  /** row-major number of the present output element */
  private row = 0
  /** counts points, so that shared nodes are computed once in each */
  private time = 0
  private result: Value = 0
  private readonly compiled = new Map<Expr, () => Value>()

  constructor(call: LoopCall<Uint8Array>) {
    this.call = call
    this.kept = call.sizes.length - call.reducedAxes
    this.point = call.sizes.map(() => 0)
    for (const [slot, view] of call.inputs.entries()) {
      const coordinates = call.loop.inputs[slot]!.coordinates.map(({ expr, outOfRange: rule }, i) => {
        const { stride, size } = view.coordinates![i]!
        return [this.compile(expr), rule === 'error', stride, size] as const
      })
      this.readers[slot] = { elements: elementsOf(view.storage, view.dtype), view, coordinates }
    }
  }

  run(): void {
    const { loop, sizes, out } = this.call
    const body = this.compile(loop.body)
    const epilogue = loop.epilogue && this.compile(loop.epilogue)
    const target = elementsOf(out.storage, out.dtype)
    const depth = product(sizes.slice(this.kept))
    const rows = product(sizes.slice(0, this.kept))
    for (this.row = 0; this.row < rows; this.row++) {
      this.goTo(this.row, 0, this.kept)
      if (loop.reduce) {
        const step = reducerOf(loop.reduce, loop.body.dtype)
        for (let i = 0; i < depth; i++) {
          this.goTo(i, this.kept, sizes.length)
          this.time++
          step.take(body(), i)
        }
        this.result = step.give()
        this.time++
        if (epilogue) this.result = epilogue()
      } else {
        this.time++
        this.result = body()
      }
      let at = out.offset
      for (let i = 0; i < this.kept; i++) at += this.point[i]! * out.strides[i]!
      target.set(at, convert(this.result, loop.output, out.dtype))
    }
  }

  /** Sets the axes [from, to) to the element that is `n`-th in row-major order. */
  private goTo(n: number, from: number, to: number): void {
    for (let i = to - 1; i >= from; i--) {
      const size = this.call.sizes[i]!
      this.point[i] = n % size
      n = Math.floor(n / size)
    }
  }

  private read({ elements, view, coordinates }: Reader): Value {
    let at = view.offset
    for (let i = 0; i < this.point.length; i++) at += this.point[i]! * view.strides[i]!
    for (const [expr, check, stride, size] of coordinates) {
      const c = expr() as number
      if (c >= 0 && c < size) at += c * stride
      else if (check) throw outOfRange
      else return view.dtype === 'int64' ? 0n : 0
    }
    return elements.get(at)
  }

  /** A function that gives the node's value at the present point, computed at most once a point. */
  private compile(e: Expr): () => Value {
    let f = this.compiled.get(e)
    if (!f) {
      const compute = this.compute(e)
      let value: Value = 0
      let when = -1
      f = () => {
        if (when !== this.time) {
          value = compute()
          when = this.time
        }
        return value
      }
      this.compiled.set(e, f)
    }
    return f
  }

  private compute(e: Expr): () => Value {
    const [a, b, c] = argsOf(e).map((x) => this.compile(x)) as [() => Value, () => Value, () => Value]
    switch (e.kind) {
      case 'const': {
        const value = roundTo(e.value, e.dtype)
        return () => value
      }
      case 'scalar': {
        const value = roundTo(this.call.scalars[e.slot]!, e.dtype)
        return () => value
      }
      case 'input':
        return () => this.read(this.readers[e.slot]!)
      case 'index':
        return () => this.point[this.kept + e.axis]!
      case 'position':
        return () => this.row
      case 'reduced':
        return () => this.result
      case 'basic': {
        const f = basicOf(e.op, e.dtype)
        return b ? () => f(a(), b()) : () => f(a(), 0)
      }
      case 'compare': {
        const f = compareOf[e.op]
        return () => f(a(), b())
      }
      case 'math': {
        const f = mathOf[e.op] as (x: Value, y: Value) => number
        return b ? () => f(a(), b()) : () => f(a(), 0)
      }
      case 'select':
        return () => (a() ? b() : c())
      case 'cast': {
        const from = e.args[0].dtype
        return () => convert(roundTo(a(), from), from, e.dtype)
      }
      case 'bitcast': {
        const from = e.args[0].dtype
        return () => bitcastValue(roundTo(a(), from), from, e.dtype)
      }
      case 'rare':
        return () => (b() ? Math[e.host](Number(c())) : a())
    }
  }
}

const product = (sizes: readonly number[]): number => sizes.reduce((x, y) => x * y, 1)

/** The value a reduction starts from, which an empty one gives. */
export function identityOf(op: ReduceOp, dtype: DType): Value {
  const long = dtype === 'int64'
  switch (op) {
    case 'sum':
    case 'any':
      return long ? 0n : 0
    case 'prod':
    case 'all':
      return long ? 1n : 1
    case 'argmax':
    case 'argmin':
      return 0
    case 'max':
    case 'min': {
      const { bytes, category, signed } = dtypes[dtype]
      if (category === 'float') return op === 'max' ? -Infinity : Infinity
      if (category === 'bool') return op === 'max' ? 0 : 1
      if (long) return op === 'max' ? -(2n ** 63n) : 2n ** 63n - 1n
      const low = signed ? -(2 ** (8 * bytes - 1)) : 0
      return op === 'max' ? low : low + 2 ** (8 * bytes) - 1
    }
  }
}

interface Reducer {
  take(value: Value, position: number): void
  give(): Value
}

function reducerOf(op: ReduceOp, dtype: DType): Reducer {
  let best: Value = identityOf(op, dtype)
  if (op === 'argmax' || op === 'argmin') {
    let at = -1
    let extreme: Value = 0
    return {
      take(value, position) {
        // nothing is better than a NaN, and the first stays
        const better = extreme === extreme && (value !== value || (op === 'argmax' ? value > extreme : value < extreme))
        if (at >= 0 && !better) return
        at = position
        extreme = value
      },
      give: () => Math.max(at, 0),
    }
  }
  if (op === 'any' || op === 'all') {
    return {
      take(value) {
        const is = convert(value, dtype, 'bool')
        best = (op === 'any' ? best || is : best && is) ? 1 : 0
      },
      give: () => roundTo(best, dtype),
    }
  }
  const f = basicOf(({ sum: 'add', prod: 'mul', max: 'max', min: 'min' } as const)[op], dtype)
  return { take: (value) => void (best = f(best, value)), give: () => best }
}

/**
 * Runs a loop call on bytes, literally. Gives false, with the output partly written, when a checked coordinate was
 * outside its axis.
 */
export function interpret(call: LoopCall<Uint8Array>): boolean {
  try {
    new Interpreter(call).run()
    return true
  } catch (e) {
    if (e === outOfRange) return false
    throw e
  }
}
