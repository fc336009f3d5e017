import { type DType, type Expr, expr as e, isFloat, philox } from '@mapgrad/kernel'
import { TensorTypeError } from '../core/errors.ts'
import { type Batch, type LoopRequest, type Op, type OpDef, defineOp } from '../core/op.ts'
import { type Shape, numel } from '../core/shape.ts'
import { constant, loop } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { batchFirst } from '../ops/view.ts'

/**
 * What is drawn: floats in [0, 1), standard normals, all bits of an int32, integers in [low, low + range), or one of two
 * numbers, `below` with probability p.
 */
export type Draw =
  | { readonly kind: 'uniform' | 'normal' | 'bits' }
  | { readonly kind: 'integer'; readonly low: number | bigint; readonly range: number | bigint }
  | { readonly kind: 'either'; readonly p: number; readonly below: number; readonly above: number }

interface DrawParams {
  readonly shape: Shape
  readonly dtype: DType
  readonly draw: Draw
}

/** The four words of a key, seed then offset, read at axis −1 of it. */
const keyWords = (): Words => [e.input(0, 'int32'), e.input(1, 'int32'), e.input(2, 'int32'), e.input(3, 'int32')]
export type Words = readonly [Expr, Expr, Expr, Expr]

/** Keeps what a key is used for apart: the second word of the counter. */
const USE = { draw: 0, split: 1, fold: 2 } as const

/** The random words of a key at counter `i`. */
function wordsAt(i: Expr, use: number): Words {
  const [seed0, seed1, offset0, offset1] = keyWords()
  return philox([i, e.constant(use, 'int32'), offset0, offset1], [seed0, seed1])
}

const float = (x: number, dtype: DType): Expr => e.constant(x, dtype)
const int = (x: number): Expr => e.constant(x, 'int32')
/** The upper `bits` of a word, as a float below 1. */
const fraction = (word: Expr, bits: number, dtype: DType): Expr =>
  e.mul(e.cast(e.shru(word, int(32 - bits)), dtype), float(2 ** -bits, dtype))
/** Two words as a float64 below 1 of 53 bits. */
const fraction53 = (a: Expr, b: Expr): Expr =>
  e.mul(
    e.add(e.mul(e.cast(e.shru(a, int(5)), 'float64'), float(2 ** 26, 'float64')), e.cast(e.shru(b, int(6)), 'float64')),
    float(2 ** -53, 'float64'),
  )

export function uniform([a, b]: Words, dtype: DType): Expr {
  switch (dtype) {
    case 'float64':
      return fraction53(a, b)
    case 'float16':
      return e.cast(fraction(a, 11, 'float32'), dtype)
    case 'bfloat16':
      return e.cast(fraction(a, 8, 'float32'), dtype)
    default:
      return fraction(a, 24, dtype)
  }
}

/** Box and Muller: √(−2 log u) cos(2πv), u in (0, 1]. */
export function normal([a, b, c, d]: Words, dtype: DType): Expr {
  const wide = dtype === 'float64'
  const t = wide ? 'float64' : 'float32'
  // all 32 bits of the word go into u, so that the tails reach as far as they can
  const low = (): Expr => e.mul(e.add(e.cast(e.and(a, int(255)), 'float32'), float(0.5, 'float32')), float(2 ** -32, 'float32'))
  const u = wide ? e.add(fraction53(a, b), float(2 ** -54, t)) : e.add(fraction(a, 24, 'float32'), low())
  const v = wide ? fraction53(c, d) : fraction(b, 24, 'float32')
  const radius = e.sqrt(e.max(e.mul(float(-2, t), e.log(u)), float(0, t)))
  return e.cast(e.mul(radius, e.cos(e.mul(v, float(2 * Math.PI, t)))), dtype)
}

/** low + ⌊range · r⌋ for the fraction r of 64 random bits, in unsigned 32-bit arithmetic; or the remainder of 63 bits where the range needs them. */
function integer([a, b]: Words, dtype: DType, wide: boolean): Expr {
  if (wide) {
    const high = e.shl(e.cast(a, 'int64'), e.constant(32, 'int64'))
    const low = e.and(e.cast(b, 'int64'), e.constant(0xffffffff, 'int64'))
    return e.add(e.rem(e.shru(e.or(high, low), e.constant(1, 'int64')), e.scalar(1, 'int64')), e.scalar(0, 'int64'))
  }
  const range = e.scalar(1, 'int32')
  const product = e.mul(a, range)
  const sum = e.add(product, e.mulhi(b, range))
  const flip = int(-0x80000000)
  const carry = e.lt(e.xor(sum, flip), e.xor(product, flip))
  const drawn = e.add(e.mulhi(a, range), e.cast(carry, 'int32'))
  if (dtype === 'int64') return e.add(e.and(e.cast(drawn, 'int64'), e.constant(0xffffffff, 'int64')), e.scalar(0, 'int64'))
  return e.cast(e.add(drawn, e.scalar(0, 'int32')), dtype)
}

const NEEDS_63_BITS = 2 ** 32 - 1

/** The numbers that a draw passes with the call. */
function scalarsOf(draw: Draw, dtype: DType): [dtypes: DType[], values: (number | bigint)[]] {
  if (draw.kind === 'either')
    return [
      ['float32', 'float32', 'float32'],
      [draw.p, draw.below, draw.above],
    ]
  if (draw.kind !== 'integer') return [[], []]
  const dtypes: DType[] = draw.range > NEEDS_63_BITS ? ['int64', 'int64'] : dtype === 'int64' ? ['int64', 'int32'] : ['int32', 'int32']
  return [dtypes, [as(dtypes[0]!, draw.low), as(dtypes[1]!, draw.range)]]
}

function bodyOf(draw: Draw, words: Words, dtype: DType): Expr {
  switch (draw.kind) {
    case 'uniform':
      return uniform(words, dtype)
    case 'normal':
      return normal(words, dtype)
    case 'bits':
      return words[0]
    case 'integer':
      return integer(words, dtype, draw.range > NEEDS_63_BITS)
    case 'either':
      return e.cast(
        e.select(e.lt(fraction(words[0], 24, 'float32'), e.scalar(0, 'float32')), e.scalar(1, 'float32'), e.scalar(2, 'float32')),
        dtype,
      )
  }
}

function request(
  [key]: readonly { readonly strides: readonly number[]; readonly offset: number; readonly shape: Shape }[],
  { shape, dtype, draw }: DrawParams,
): LoopRequest {
  const several = key!.shape.length > 1
  const [dtypes, values] = scalarsOf(draw, dtype)
  return {
    variant: `${draw.kind} ${dtype} ${dtypes.join()} ${several}`,
    loop: () => {
      // several keys: the counter is the place within the draw of one
      const place = several ? e.rem(e.position, e.scalar(dtypes.length, 'int32')) : e.position
      return {
        inputs: ['int32', 'int32', 'int32', 'int32'],
        scalars: several ? [...dtypes, 'int32'] : dtypes,
        body: bodyOf(draw, wordsAt(place, USE.draw), dtype),
      }
    },
    inputs: wordInputs(key!, [...key!.strides.slice(0, -1), ...shape.map(() => 0)]),
    scalars: several ? [...values, numel(shape)] : values,
  }
}

const as = (dtype: DType, x: number | bigint): number | bigint => (dtype === 'int64' ? BigInt(x) : Number(x) | 0)

const wordInputs = (
  key: { readonly strides: readonly number[]; readonly offset: number },
  strides: readonly number[],
): LoopRequest['inputs'] => [0, 1, 2, 3].map((word) => ({ operand: 0, strides, offset: key.offset + word * key.strides.at(-1)! }))

type Key = [key: Tensor]
type DrawOp = Op<Key, DrawParams, [key: Tensor, params: DrawParams]>

const facts = /* @__NO_SIDE_EFFECTS__ */ (
  name: string,
  batch: Batch<Key, DrawParams>,
  random: boolean,
): OpDef<Key, DrawParams, [key: Tensor, params: DrawParams]> => ({
  name,
  args: (key, params) => [[key], params],
  result: ([key], { shape, dtype }) => ({ shape: [...key.shape.slice(0, -1), ...shape], dtype }),
  compute: loop(request),
  batch,
  diff: constant,
  random,
})

/** A draw from a key `[…, 4]`, for each key of a batch: element i is a function of the key and i alone. */
export const drawWith: DrawOp = defineOp(facts('draw', 'leading', false))

/**
 * A draw from the stateful generator, whose state is the operand. Every vmap in flight sees it and says by its
 * `randomness` whether each example draws for itself (the batch in front of the shape) or all share one draw.
 */
export const drawShared: DrawOp = defineOp(
  facts(
    'random',
    ([key], _, params, { size, randomness }) => {
      switch (randomness) {
        case 'different':
          return [drawShared(key, { ...params, shape: [size, ...params.shape] }), 0]
        case 'same':
          return [drawShared(key, params), null]
        case 'error':
          throw new TensorTypeError(
            `vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' randomness flags on vmap or perform the randomness operation out of vmap. Or draw with an explicit key: rand(shape, { key })`,
            { package: 'vmap', op: 'random', code: 'VMAP_RANDOMNESS' },
          )
      }
    },
    true,
  ),
)

/** word w of four, by the index along the last axis */
const wordAtLast = ([a, b, c, d]: Words): Expr => {
  const w = e.index(-1)
  return e.select(e.lt(w, int(2)), e.select(e.eq(w, int(0)), a, b), e.select(e.eq(w, int(2)), c, d))
}

interface SplitParams {
  readonly n: number
}

/** n independent keys from each: `[…, 4] → […, n, 4]`. */
export const splitKeys: Op<Key, SplitParams, [key: Tensor, n: number]> = defineOp({
  name: 'split_key',
  args: (key: Tensor, n: number): readonly [Key, SplitParams] => [[key], { n }],
  result: ([key], { n }) => ({ shape: [...key.shape.slice(0, -1), n, 4], dtype: 'int32' }),
  compute: loop(([key]) => ({
    variant: '',
    loop: () => ({ inputs: ['int32', 'int32', 'int32', 'int32'], body: wordAtLast(wordsAt(e.index(-2), USE.split)) }),
    inputs: wordInputs(key, [...key.strides.slice(0, -1), 0, 0]),
  })),
  batch: 'leading',
  diff: constant,
})

type KeyAndData = [key: Tensor, data: Tensor]

/** A key for each pair of a key `[…, 4]` and a number `[…, 1]`. */
export const foldKeys: Op<KeyAndData> = defineOp<KeyAndData>({
  name: 'fold_in',
  result: ([key, data]) => ({
    shape: [...(key.shape.length > data.shape.length ? key.shape : data.shape).slice(0, -1), 4],
    dtype: 'int32',
  }),
  compute: loop(([key, data], _, out) => {
    const strides = (x: { readonly shape: Shape; readonly strides: readonly number[] }): number[] => {
      const lead = out.shape.length - x.shape.length
      return out.shape.map((_n, i) => (i === out.shape.length - 1 || i < lead ? 0 : x.strides[i - lead]!))
    }
    return {
      variant: '',
      loop: () => ({ inputs: ['int32', 'int32', 'int32', 'int32', 'int32'], body: wordAtLast(wordsAt(e.input(4, 'int32'), USE.fold)) }),
      inputs: [...wordInputs(key, strides(key)), { operand: 1, strides: strides(data), offset: data.offset }],
    }
  }),
  batch: ([key, data], [dk, dd]) => [foldKeys(dk === null ? key : batchFirst(key, dk), dd === null ? data : batchFirst(data, dd)), 0],
  diff: constant,
})

/** Refuses dtypes that cannot hold a draw of reals. */
export function checkFloat(op: string, dtype: DType): void {
  if (!isFloat(dtype))
    throw new TensorTypeError(`expected a float dtype, got ${dtype}. Use randint for integers, bernoulli for bools`, { op, code: 'DTYPE' })
}
