import type { Tensor } from '@mapgrad/tensor'
import { type ArrayValue, type Tangent, type Tensors, type Trace, type Value } from '@mapgrad/tensor/plugin'
import { Tracked } from './derivative.ts'

// Tensors with tangents outside of jvp, between two calls of the user's: see `forwardAd`.

/** What a level of `forwardAd` is to its values. */
export interface Level extends Trace {
  /** whether it has not been left */
  readonly live: boolean
  tangentOf(x: Pair): Tangent
  /** A value of this level. */
  dual(primal: Tensor, tangent: Tensor): Pair
}

/** A value that has a tangent as long as its level is open, and is what it is without afterwards. */
export class Pair extends Tracked {
  declare readonly trace: Level
  get tangent(): Tangent {
    return this.trace.tangentOf(this)
  }
  override get parts(): Tensors {
    const { tangent } = this
    return tangent ? [this.primal, tangent] : [this.primal]
  }
  override arrays(): readonly ArrayValue[] {
    return this.parts.flatMap((x) => x.value.arrays())
  }
  override describe(inner: (v: Value) => string): string {
    const { tangent } = this
    const text = inner(this.primal.value).replace(/^ {4}/gm, '').trim()
    if (!tangent || !text.endsWith(')')) return text
    const suffix = `tangent=${inner(tangent.value).replace(/^ {4}/gm, '').trim()}`
    const last = text.length - text.lastIndexOf('\n')
    return `${text.slice(0, -1)}${last + suffix.length + 2 > 80 ? `,\n${' '.repeat(7)}` : ', '}${suffix})`
  }
  /** Another primal with this tangent. */
  around(primal: Tensor): Value {
    const { tangent } = this
    return tangent ? this.trace.dual(primal, tangent) : primal.value
  }
}

/** A value without its tangent. */
export function bare(value: Value): Value {
  let v = value
  while (v instanceof Pair) v = v.primal.value
  return v
}

/** The level that is open outside of transforms; below it is the tape, if there is one. */
export const bottom: { level: (Level & { below: Trace | null }) | null } = { level: null }
