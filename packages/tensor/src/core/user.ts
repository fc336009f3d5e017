import type { Tensor } from '../tensor.ts'
import type { Tensors } from './op.ts'
import { registry } from './registry.ts'

/** What a function of the user's did with what it was lent. */
export interface Called<R> {
  readonly out: R
  readonly lent: Tensors
  /** which of them it wrote into in place */
  readonly written: readonly boolean[]
}

/**
 * Calls a function of the user's from a rule. It runs as the user's own code does: writes through views reach what they are
 * views of. It gets handles of its own for `xs`, so that what it writes into them changes nothing that was recorded.
 */
export function callUser<R>(xs: Tensors, f: (lent: Tensor[]) => R): Called<R> {
  const r = registry()
  const { home, inside } = r
  const lent = xs.map((x) => x.wrap(x.value))
  const before = lent.map((x) => x.value)
  r.home = r.current
  r.inside = r.internal
  try {
    const out = f([...lent])
    return { out, lent, written: lent.map((x, i) => x.value !== before[i]) }
  } finally {
    r.home = home
    r.inside = inside
  }
}
