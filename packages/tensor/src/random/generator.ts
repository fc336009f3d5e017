import { type End, checkEnd } from '../core/args.ts'
import { type Device, resolveDevice } from '../core/device.ts'
import { TensorRangeError, TensorTypeError, describe } from '../core/errors.ts'
import { registry } from '../core/registry.ts'
import { checkTensor } from '../core/promote.ts'
import { hostArray } from '../create/host.ts'
import type { Backend } from '../core/backend.ts'
import type { Tensor } from '../tensor.ts'
import type { ArrayValue, Value } from '../core/value.ts'

/** Where a generator is: its seed, and the number of draws since. */
export interface GeneratorState {
  readonly seed: number | bigint
  readonly offset: number
}

interface State {
  seed: number | bigint | null
  offset: number
}

/** A seed as PyTorch takes it: a whole number of 64 bits, negative ones from the end. */
export function checkSeed(op: string, seed: unknown): number | bigint {
  if (typeof seed !== 'number' && typeof seed !== 'bigint')
    throw new TensorTypeError(`expected a whole number as seed, got ${describe(seed)}`, { op, code: 'SEED' })
  if (typeof seed === 'number' && !Number.isSafeInteger(seed))
    throw new TensorRangeError(`expected a whole number as seed, got ${seed}. Use a safe integer, or a bigint for all 64 bits`, {
      op,
      code: 'SEED',
    })
  if (typeof seed === 'bigint' && (seed < -(2n ** 63n) || seed >= 2n ** 64n))
    throw new TensorRangeError(`Overflow when unpacking a seed: expected 64 bits, got ${seed}`, { op, code: 'SEED' })
  return seed
}

/** A seed from the host's source of randomness. */
function freshSeed(): number {
  const words = new Uint32Array(2)
  const host = globalThis as { crypto?: { getRandomValues?: (array: Uint32Array) => unknown } }
  if (host.crypto?.getRandomValues) host.crypto.getRandomValues(words)
  else words.set([Math.random() * 2 ** 32, Math.random() * 2 ** 32])
  return (words[0]! & 0x1fffff) * 2 ** 32 + words[1]!
}

export const wordsOf = (x: number | bigint): [low: number, high: number] => {
  const n = BigInt.asUintN(64, BigInt(x))
  return [Number(n & 0xffffffffn) | 0, Number(n >> 32n) | 0]
}

function seedOf(state: State): number | bigint {
  return (state.seed ??= freshSeed())
}

/** Where generators were when they were first drawn from, for each mark that is set. */
const marks: Set<Map<State, GeneratorState>> = /* @__PURE__ */ new Set()

/** Hands `run` a function that takes every generator drawn from meanwhile back to where it was before. */
export function rewinding<R>(run: (back: () => void) => R): R {
  const mark = new Map<State, GeneratorState>()
  marks.add(mark)
  try {
    return run(() => mark.forEach((was, state) => Object.assign(state, was)))
  } finally {
    marks.delete(mark)
  }
}

/** The key of the next draw, on a device: seed and number of the draw. */
function advance(state: State, backend: Backend): ArrayValue {
  for (const mark of marks) if (!mark.has(state)) mark.set(state, { seed: seedOf(state), offset: state.offset })
  const words = [...wordsOf(seedOf(state)), ...wordsOf(state.offset++)]
  return hostArray(words, [4], 'int32', backend)
}

/** A source of random numbers with its own seed; pass it to a draw as `{ generator }`. */
export class Generator {
  readonly device: string | undefined
  /** its own, or `null`: that which all packages share */
  #own: State | null = { seed: null, offset: 0 }
  constructor(device?: Device, ...end: End) {
    checkEnd('Generator', end)
    this.device = device === undefined ? undefined : resolveDevice(device, 'Generator').name
  }
  /** A generator that is the default one: each moves the other on. */
  static default(): Generator {
    const generator = new Generator()
    generator.#own = null
    return generator
  }
  /** Whether it is the one that is drawn from where none is named. */
  get isDefault(): boolean {
    return this.#own === null
  }
  get #state(): State {
    return this.#own ?? registry().random
  }
  /** Starts over from a seed; gives the generator. */
  manualSeed(seed: number | bigint, ...end: End): this {
    checkEnd('Generator.manualSeed', end)
    this.#state.seed = checkSeed('Generator.manualSeed', seed)
    this.#state.offset = 0
    return this
  }
  /** Starts over from a seed that the host draws; gives that seed. */
  seed(...end: End): number {
    checkEnd('Generator.seed', end)
    const seed = freshSeed()
    this.manualSeed(seed)
    return seed
  }
  /** The seed that it last started from. */
  initialSeed(...end: End): number | bigint {
    checkEnd('Generator.initialSeed', end)
    return seedOf(this.#state)
  }
  /** Where it is, to come back to with `setState`. */
  getState(...end: End): GeneratorState {
    checkEnd('Generator.getState', end)
    return { seed: seedOf(this.#state), offset: this.#state.offset }
  }
  /** Comes back to where `getState` was called. */
  setState(state: GeneratorState, ...end: End): this {
    checkEnd('Generator.setState', end)
    restore('Generator.setState', this.#state, state)
    return this
  }
  /** A generator of its own that goes on from where this one is. */
  cloneState(...end: End): Generator {
    checkEnd('Generator.cloneState', end)
    return new Generator(this.device).setState(this.getState())
  }
  /** The key of the next draw. */
  next(backend: Backend): ArrayValue {
    return advance(this.#state, backend)
  }
}

function restore(op: string, to: State, from: GeneratorState): void {
  if (typeof from !== 'object' || from === null)
    throw new TensorTypeError(`expected a state that getState gave, got ${describe(from)}`, { op, code: 'SEED' })
  const seed = checkSeed(op, from.seed)
  if (!Number.isSafeInteger(from.offset) || from.offset < 0)
    throw new TensorRangeError(`expected a state that getState gave, got ${describe(from)}`, { op, code: 'SEED' })
  to.seed = seed
  to.offset = from.offset
}

/** The key of the next draw of `generator`, the default one if absent. */
export function keyWords(generator: Generator | undefined, backend: Backend): ArrayValue {
  const key = generator ? generator.next(backend) : advance(registry().random, backend)
  // a transform that records draws must know that the key is to be taken anew each time
  if (registry().top) sources.set(key, generator && !generator.isDefault ? generator : null)
  return key
}
const sources: WeakMap<Value, Generator | null> = /* @__PURE__ */ new WeakMap()
/** The generator that a key was taken from inside a transform: `null` for the default one, `undefined` for a key of the user's. */
export const generatorOf = (key: Tensor): Generator | null | undefined => sources.get(key.value)

/** The generator that is drawn from where none is named. */
export const defaultGenerator: Generator = /* @__PURE__ */ Generator.default()

/** Starts the default generator over from a seed, so that what is drawn next can be drawn again; gives that generator. */
export function manualSeed(seed: number | bigint, ...end: End): Generator {
  checkEnd('manualSeed', end)
  return defaultGenerator.setState({ seed: checkSeed('manualSeed', seed), offset: 0 })
}
/** Starts the default generator over from a seed that the host draws; gives that seed. */
export function seed(...end: End): number {
  checkEnd('seed', end)
  const s = freshSeed()
  manualSeed(s)
  return s
}
/** The seed that the default generator last started from. */
export function initialSeed(...end: End): number | bigint {
  checkEnd('initialSeed', end)
  return seedOf(registry().random)
}
/** Where the default generator is, to come back to with `setRngState`. */
export function getRngState(...end: End): GeneratorState {
  checkEnd('getRngState', end)
  return { seed: initialSeed(), offset: registry().random.offset }
}
/** Brings the default generator back to where `getRngState` was called. */
export function setRngState(state: GeneratorState, ...end: End): void {
  checkEnd('setRngState', end)
  restore('setRngState', registry().random, state)
}
/** Refuses what is not a key. */
export function checkKey(op: string, x: unknown): asserts x is Tensor {
  checkTensor(op, x, 'a key')
  const k = x as Tensor
  if (k.dtype !== 'int32' || k.shape.at(-1) !== 4)
    throw new TensorTypeError(`expected a key, which is an int32 tensor of shape [..., 4], got ${describe(x)}. Make one with key(seed)`, {
      op,
      code: 'KEY',
    })
}
