import type { DType } from '@mapgrad/kernel'
import type { Backend } from '../core/backend.ts'
import { TensorTypeError, isMapgradError, show } from '../core/errors.ts'
import { keep } from '../core/memory.ts'
import type { AnyOp, Tensors } from '../core/op.ts'
import { registry } from '../core/registry.ts'
import type { Shape } from '../core/shape.ts'
import { type Outputs, Trace, Tracer, bind, drawsRandomly, withTrace } from '../core/trace.ts'
import { ArrayValue, type Aval, type Value } from '../core/value.ts'
import { diffOf } from '../core/words.ts'
import { type Generator, type GeneratorState, generatorOf, keyWords } from '../random/generator.ts'
import type { Tensor } from '../tensor.ts'

// Closed programs. What a branch or the body of a loop does is recorded once, as a list of ops; whatever it closes over
// becomes an operand more. A program captures nothing, so that any interpreter may run it at any time, any number of times.

/** A place where a program keeps a tensor. Negative ones are operands that it closed over: −1 is the first. */
type Slot = number

/** An op applied; one of `null` is the next key of a generator, in handles like the key that was met while recording. */
interface Line {
  readonly op: AnyOp | null
  readonly params: unknown
  readonly from: readonly Slot[]
  readonly to: readonly Slot[]
  readonly many: boolean
  readonly key: { readonly generator: Generator | null; readonly like: Tensor } | null
}

/** What the programs of one op close over: operands that all of them get behind their own. */
export class Captures {
  /** what is closed over, in the order in which programs get it */
  readonly tensors: Tensor[] = []
  /** whether keys of generators are closed over, too, so that each run draws the same */
  readonly keys: boolean
  readonly #places = new Map<Value, number>()

  constructor(keys = false) {
    this.keys = keys
  }
  /** The place of a tensor among them. */
  place(x: Tensor): number {
    const { value } = x
    let at = this.#places.get(value)
    if (at === undefined) {
      this.#places.set(value, (at = this.tensors.length))
      // the program may outlive whatever the user's code made it in
      if (value.trace === null) keep(x)
      this.tensors.push(x.wrap(value))
    }
    return at
  }
}

/** A value of a program that is being recorded. */
class Recorded extends Tracer {
  readonly slot: Slot
  readonly shape: Shape
  readonly dtype: DType
  readonly backend: Backend
  constructor(trace: Trace, slot: Slot, { shape, dtype }: Aval, backend: Backend) {
    super(trace)
    this.slot = slot
    this.shape = shape
    this.dtype = dtype
    this.backend = backend
  }
  concrete(what: string): ArrayValue {
    throw new TensorTypeError(
      `It appears that you're trying to get value out of a tracing tensor with .${what}() - erroring out! It's likely that this is caused by data-dependent control flow or similar. In a graph, branches and bodies of loops (${this.trace.name}) are written down once for all values: use where(condition, x, y), or cond, whileLoop and scan, instead of if and loops, and return what you want to read`,
      { package: 'tensor', op: what, code: 'UNREADABLE' },
    )
  }
  arrays(): readonly ArrayValue[] {
    return []
  }
  describe(): string {
    return `TracedTensor(lvl=${this.trace.level}, shape=[${this.shape.join(', ')}], dtype=${this.dtype})`
  }
}

/** What stands for an operand while a program is recorded: a tensor like it, and its shape and dtype. */
export interface Like {
  readonly tensor: Tensor
  readonly aval: Aval
}
/** An operand like this tensor. */
export const like = (tensor: Tensor): Like => ({ tensor, aval: { shape: tensor.shape, dtype: tensor.dtype } })
/** Records every op that is called under it. */
class RecordTrace extends Trace {
  readonly name: string
  override readonly records = true
  readonly lines: Line[] = []
  readonly constants: Map<Slot, Tensor> = new Map()
  readonly avals: Aval[] = []
  readonly #captures: Captures
  readonly #known = new Map<Value, Slot>()
  readonly #generators = new Map<Generator, GeneratorState>()

  constructor(name: string, captures: Captures) {
    super(true)
    this.name = name
    this.#captures = captures
  }

  #slot(aval: Aval): Slot {
    return this.avals.push({ shape: aval.shape, dtype: aval.dtype }) - 1
  }
  operand({ tensor, aval }: Like): Tensor {
    return tensor.wrap(new Recorded(this, this.#slot(aval), aval, tensor.value.backend))
  }

  /** Where a tensor is kept: its own place, a constant, a key that each run takes anew, or what the program closes over. */
  slot(x: Tensor): Slot {
    const { value } = x
    if (value instanceof Recorded && value.trace === this) return value.slot
    let slot = this.#known.get(value)
    if (slot !== undefined) return slot
    if (value.trace && value.trace.level > this.level)
      throw new TensorTypeError(
        `expected a function that closes over values of its own level, got one that closes over a value of ${value.trace.name}. Pass it as an argument, or close over stopGradient(x)`,
        { op: this.name, code: 'CAPTURED' },
      )
    const generator = value.trace === null && !this.#captures.keys ? generatorOf(x) : undefined
    if (generator !== undefined) {
      slot = this.#slot(value)
      // its state is one key further already
      if (generator && !this.#generators.has(generator)) {
        const { seed, offset } = generator.getState()
        this.#generators.set(generator, { seed, offset: offset - 1 })
      }
      this.lines.push({ op: null, params: null, from: [], to: [slot], many: false, key: { generator, like: x } })
    } else if (value instanceof ArrayValue && !value.buffer) {
      slot = this.#slot(value)
      this.constants.set(slot, x.wrap(value))
    } else slot = -1 - this.#captures.place(x)
    this.#known.set(value, slot)
    return slot
  }

  process(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    return op.captures ? this.#call(op, inputs, params) : this.#line(op, inputs, params, resultOf(op, inputs, params, this.name))
  }

  #line(op: AnyOp, inputs: Tensors, params: unknown, result: Aval | readonly Aval[]): Outputs {
    const many = Array.isArray(result)
    const avals = (many ? result : [result]) as readonly Aval[]
    const first = inputs[0]!
    const { backend } = first.value
    const from = inputs.map((x) => this.slot(x))
    const to = avals.map((a) => this.#slot(a))
    this.lines.push({ op, params, from, to, many, key: null })
    const ys = to.map((slot, i) => first.wrap(new Recorded(this, slot, avals[i]!, backend)))
    return many ? ys : ys[0]!
  }

  /** An op that calls functions, which may close over anything: it gets programs instead, and what those close over as operands more. */
  #call(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    const diff = diffOf(op)
    if ((diff.kind !== 'through' && diff.kind !== 'augmented') || !diff.around)
      throw new TensorTypeError(
        `expected an op whose functions can be recorded, got '${op.name}', whose derivative does not say how to put others \`around\` them. Call it outside of ${this.name}, or without a graph`,
        { op: op.name, code: 'NOT_RECORDABLE' },
      )
    const captures = new Captures(true)
    let program: Program | undefined
    const closed = diff.around(
      params,
      (f) =>
        (program = record(
          op.name,
          (xs) => {
            const out = f(...xs)
            return Array.isArray(out) ? (out as Tensors) : [out as Tensor]
          },
          inputs.map(like),
          captures,
        )).run,
      inputs.length,
    )
    const operands = [...inputs, ...captures.tensors]
    if (operands.length === 0) return program!.run()
    return this.#line(op, operands, closed, program!.gives)
  }

  /** Brings generators back to where they were: recording draws nothing, runs do. */
  rewind(start: GeneratorState | null): void {
    const { random } = registry()
    // one that was seeded meanwhile stays as it is
    if (start === null) random.offset = 0
    else if (random.seed === start.seed) random.offset = start.offset
    for (const [generator, state] of this.#generators) if (generator.initialSeed() === state.seed) generator.setState(state)
  }
}

function resultOf(op: AnyOp, inputs: Tensors, params: unknown, where: string): Aval | readonly Aval[] {
  try {
    return op.result(
      inputs.map(({ shape, dtype }) => ({ shape, dtype })),
      params,
    ) as Aval | readonly Aval[]
  } catch (error) {
    if (!isMapgradError(error) || error.code !== 'INTERNAL') throw error
    throw new TensorTypeError(
      `expected ops whose shapes follow from shapes in branches and bodies of loops, got ${op.name}, whose shape depends on data. Compute it before ${where}, or use where(condition, x, y)`,
      { op: where, code: 'DYNAMIC_SHAPE' },
    )
  }
}

/** A recorded function of tensors that closes over nothing: `run(...operands, ...captured)`. */
export class Program {
  readonly #trace: RecordTrace
  readonly #lines: readonly Line[]
  readonly #takes: readonly Slot[]
  readonly #outs: readonly Slot[]
  readonly #captures: Captures

  constructor(trace: RecordTrace, lines: readonly Line[], takes: readonly Slot[], outs: readonly Slot[], captures: Captures) {
    this.#trace = trace
    this.#lines = lines
    this.#takes = takes
    this.#outs = outs
    this.#captures = captures
  }

  /** Shape and dtype of each output. */
  get gives(): readonly Aval[] {
    return this.#outs.map((s) => this.#aval(s))
  }
  #aval(slot: Slot): Aval {
    const x = slot < 0 ? this.#captures.tensors[-1 - slot]! : this.#trace.avals[slot]!
    return { shape: x.shape, dtype: x.dtype }
  }
  /** Whether it draws at random. */
  get draws(): boolean {
    return this.#lines.some(({ op, params }) => op === null || drawsRandomly(op, params))
  }

  /** Runs it: its own operands, and behind them all that its `Captures` hold. */
  readonly run: (...operands: Tensor[]) => Tensor[] = (...operands) => {
    const own = this.#takes.length
    const kept = new Map<Slot, Tensor>(this.#trace.constants)
    this.#takes.forEach((slot, i) => kept.set(slot, operands[i]!))
    const get = (slot: Slot): Tensor => (slot < 0 ? operands[own - 1 - slot]! : kept.get(slot)!)
    for (const { op, params, from, to, many, key } of this.#lines) {
      if (op === null) {
        const { generator, like } = key!
        kept.set(to[0]!, like.wrap(keyWords(generator ?? undefined, like.value.backend)))
        continue
      }
      const out = bind(op, from.map(get), params)
      if (many) to.forEach((slot, i) => kept.set(slot, (out as Tensors)[i]!))
      else kept.set(to[0]!, out as Tensor)
    }
    return this.#outs.map(get)
  }

  /**
   * Which outputs depend on those operands that are `seeds` (captured ones behind). `passes` says whether a value that some
   * operand of an op makes dependent goes through it to its output, or arises in it (with no such operand).
   */
  reach(seeds: readonly boolean[], passes: (op: AnyOp, params: unknown, any: boolean, out: Aval) => boolean): boolean[] {
    const own = this.#takes.length
    const found = new Set(this.#takes.filter((_, i) => seeds[i]))
    const has = (slot: Slot): boolean => (slot < 0 ? (seeds[own - 1 - slot] ?? false) : found.has(slot))
    for (const { op, params, from, to } of this.#lines) {
      if (op === null) continue
      const any = from.some(has)
      for (const slot of to) if (passes(op, params, any, this.#trace.avals[slot]!)) found.add(slot)
    }
    return this.#outs.map(has)
  }

  /**
   * The lines before and from `boundary` as programs of their own, where the first has `count` operands and `outs` results
   * of all, and `fixed` operands are the same whenever it runs. The second gets what it needs of the first.
   */
  split(boundary: number, count: number, outs: number, fixed: (operand: number) => boolean): Halves {
    const [first, second] = [this.#lines.slice(0, boundary), this.#lines.slice(boundary)]
    const [given, later] = [this.#takes.slice(0, count), this.#takes.slice(count)]
    const [ys, after] = [this.#outs.slice(0, outs), this.#outs.slice(outs)]
    const { constants } = this.#trace
    const others = new Set([...later, ...constants.keys(), ...second.flatMap((l) => l.to)])
    const needed = [...new Set([...second.flatMap((l) => l.from), ...after])].filter((s) => s >= 0 && !others.has(s))
    const still = new Set<Slot>(given.filter((_, i) => fixed(i)))
    for (const { op, params, from, to } of first)
      if (op && !drawsRandomly(op, params) && from.every((s) => s < 0 || still.has(s) || constants.has(s))) for (const s of to) still.add(s)
    const operands = needed.filter((s) => given.includes(s))
    const computed = needed.filter((s) => !given.includes(s))
    const hoisted = computed.filter((s) => still.has(s))
    const kept = computed.filter((s) => !still.has(s))
    return {
      forward: this.#part(first, given, [...ys, ...kept]),
      hoisted: this.#part(first, given, hoisted, false),
      backward: this.#part(second, [...operands, ...hoisted, ...kept, ...later], after),
      operands: operands.map((s) => given.indexOf(s)),
      kept: kept.map((s) => this.#aval(s)),
    }
  }

  /** The lines that these results need, and those that move generators on. */
  #part(lines: readonly Line[], takes: readonly Slot[], outs: readonly Slot[], keys = true): Program {
    const wanted = new Set<Slot>(outs)
    const alive = lines.toReversed().filter((l) => {
      if (!(keys && l.op === null) && !l.to.some((s) => wanted.has(s))) return false
      for (const s of l.from) wanted.add(s)
      return true
    })
    return programOf(this.#trace, alive.reverse(), takes, outs, this.#captures)
  }
}

// outside of the class, which bundlers cannot drop if it names itself
const programOf = (...parts: ConstructorParameters<typeof Program>): Program => new Program(...parts)

/** A program cut in two. */
export interface Halves {
  /** operands → results, and then what the second part keeps of this run */
  readonly forward: Program
  /** operands → what the second part needs and only depends on fixed operands */
  readonly hoisted: Program
  /** the operands that it needs, what is hoisted, what is kept, and its own operands → its results */
  readonly backward: Program
  /** which operands of the first part the second needs */
  readonly operands: readonly number[]
  readonly kept: readonly Aval[]
}

function recording<R>(name: string, captures: Captures, f: (trace: RecordTrace) => R): R {
  const { random } = registry()
  const start = random.seed === null ? null : { seed: random.seed, offset: random.offset }
  const trace = new RecordTrace(name, captures)
  try {
    return withTrace(trace, f)
  } finally {
    trace.rewind(start)
  }
}

/** Runs `f` once on operands like these and gives the program that it is. */
export function record(name: string, f: (xs: Tensors) => Tensors, likes: readonly Like[], captures: Captures = new Captures()): Program {
  return recording(name, captures, (trace) => {
    const xs = likes.map((l) => trace.operand(l))
    const takes = xs.map((x) => trace.slot(x))
    const before = xs.map((x) => x.value)
    const outs = f(xs).map((y) => trace.slot(y))
    refuseWritten(name, xs, before)
    return new Program(trace, trace.lines, takes, outs, captures)
  })
}

/**
 * Records a function of two steps, and cuts it in two: `f` gives results and the second step, whose operands are like
 * `more` of those results. `fixed` operands are the same in every run.
 */
export function recordHalves(
  name: string,
  f: (xs: Tensors) => readonly [ys: Tensors, then: (more: Tensors) => Tensors],
  likes: readonly Like[],
  more: (ys: Tensors) => readonly Like[],
  fixed: (operand: number) => boolean = () => false,
  captures: Captures = new Captures(),
): Halves {
  return recording(name, captures, (trace) => {
    const xs = likes.map((l) => trace.operand(l))
    const [ys, then] = f(xs)
    const outs = ys.map((y) => trace.slot(y))
    const boundary = trace.lines.length
    const later = more(ys).map((l) => trace.operand(l))
    const rest = then(later).map((y) => trace.slot(y))
    const takes = [...xs, ...later].map((x) => trace.slot(x))
    return new Program(trace, trace.lines, takes, [...outs, ...rest], captures).split(boundary, xs.length, ys.length, fixed)
  })
}

function refuseWritten(name: string, xs: Tensors, before: readonly Value[]): void {
  const i = xs.findIndex((x, k) => x.value !== before[k])
  if (i >= 0)
    throw new TensorTypeError(
      `expected branches and bodies of loops in a graph to leave their arguments as they are, got an in-place operation on argument ${i} of shape ${show(before[i]!.shape)}. Work on x.clone(), and return the new value`,
      { op: name, code: 'CAPTURED_MUTATION' },
    )
}

/** Whether a program is being recorded around here, so that branches and loops should reach it as such. */
export function isRecording(): boolean {
  for (let t = registry().current; t; t = t.parent) if (t.records) return true
  return false
}
