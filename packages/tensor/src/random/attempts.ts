import { type DType, type Expr, expr as e, philox } from '@mapgrad/kernel'
import { readArgs } from '../core/args.ts'
import { TensorTypeError } from '../core/errors.ts'
import type { Shape } from '../core/shape.ts'
import { selectAxis } from '../ops/slice.ts'
import type { Tensor } from '../tensor.ts'
import { type Words, normal, uniform } from './draw.ts'
import { type RandomOptions, drawnLike } from './like.ts'

// Draws that depend on parameters. Every element gets two random words, which are the key of a stream of its own: how much it
// reads of that is nobody else's business. So a sampler is a pointwise op of parameters and words, under vmap and
// in graphs as anywhere, and rejection is a choice among a fixed number of attempts.

/** Where the random numbers of a draw come from. */
export type SourceOptions = Pick<RandomOptions, 'generator' | 'key'>

/** A draw's source, from the end of its arguments. */
export const readSource = (op: string, args: readonly [SourceOptions?]): SourceOptions =>
  readArgs<SourceOptions>(op, args, [], ['generator', 'key'])

/** Two random words for each element of a draw like `x`, int32. */
export function elementWords(op: string, x: Tensor, shape: Shape, source: SourceOptions): [a: Tensor, b: Tensor] {
  const words = drawnLike(op, x, [...shape, 2], 'int32', { kind: 'bits' }, source)
  return [selectAxis(words, shape.length, 0), selectAxis(words, shape.length, 1)]
}

/** Refuses parameters of a draw that are not floats. */
export function checkParameter(op: string, name: string, x: Tensor): void {
  if (!x.dtype.includes('float'))
    throw new TensorTypeError(`"${op}" not implemented for '${x.dtype}': expected ${name} of a float dtype. Convert with x.float()`, {
      op,
      code: 'DTYPE',
    })
}

/** The dtype that parameters are computed in. */
export const computedIn = (dtype: DType): DType => (dtype === 'float64' ? 'float64' : 'float32')

/** Random words of an element's stream. */
const block = (key: readonly [Expr, Expr], i: number): Words => {
  const at = (n: number): Expr => e.constant(n, 'int32')
  return philox([at(i), at(0), at(0), at(0)], key)
}

/** The stream of one element: each call of a method reads on. */
export class Stream {
  readonly dtype: DType
  readonly #key: readonly [Expr, Expr]
  #blocks = 0
  #left: Expr[] = []
  constructor(key: readonly [Expr, Expr], dtype: DType) {
    this.#key = key
    this.dtype = dtype
  }
  #words(n: number): Words {
    if (this.#left.length < n) this.#left = [...block(this.#key, this.#blocks++)]
    const words = this.#left.splice(0, n)
    return [words[0]!, words[1] ?? words[0]!, words[2] ?? words[0]!, words[3] ?? words[0]!]
  }
  /** A uniform number in [0, 1). */
  uniform(): Expr {
    return uniform(this.#words(this.dtype === 'float64' ? 2 : 1), this.dtype)
  }
  /** A uniform number in (0, 1], fine near 0. */
  positive(): Expr {
    const n = (v: number): Expr => e.constant(v, this.dtype)
    if (this.dtype === 'float64') return e.sub(n(1), uniform(this.#words(2), 'float64'))
    const word = this.#words(1)[0]
    const low = e.add(e.cast(e.and(word, e.constant(255, 'int32')), 'float32'), n(0.5))
    return e.add(uniform([word, word, word, word], 'float32'), e.mul(low, n(2 ** -32)))
  }
  /** A standard normal number. */
  normal(): Expr {
    return normal(this.#words(this.dtype === 'float64' ? 4 : 2), this.dtype)
  }
}

/** The first of some attempts that is accepted, else `otherwise`. */
export function firstAccepted(attempts: readonly (readonly [value: Expr, accepted: Expr])[], otherwise: Expr): Expr {
  return attempts.reduceRight((rest, [value, accepted]) => e.select(accepted, value, rest), otherwise)
}
