import { type End, checkEnd } from './args.ts'
import type { MemoryInfo } from './backend.ts'
import { TensorTypeError, describe } from './errors.ts'
import { Handle } from './handle.ts'
import { registry } from './registry.ts'
import { treeLeaves } from './tree.ts'
import type { ArrayValue } from './value.ts'

/** Collects arrays, and frees at its end those that nobody may still hold. */
export interface Scope {
  /** Called for every array that is made while this scope is the innermost. */
  own(value: ArrayValue): void
  /** Called when `holder`, made at `born`, got a value: one that is older than this scope keeps it. */
  wrote(holder: object, born: number, arrays: () => readonly ArrayValue[]): void
  /** Called for what is recorded outside of transforms, which may be needed after this scope; `null` where nobody knows what that holds. */
  recorded(holds: () => readonly ArrayValue[] | null): void
}

class Collector implements Scope {
  readonly outer: Scope | null
  readonly everything: boolean
  readonly born: number = ++registry().epoch
  owned: ArrayValue[] = []
  #written: Map<object, () => readonly ArrayValue[]> | null = null
  #recorded: (() => readonly ArrayValue[] | null)[] | null = null

  constructor(outer: Scope | null, everything: boolean) {
    this.outer = outer
    this.everything = everything
  }

  own(value: ArrayValue): void {
    const r = registry()
    // what the user's own code computes on plain tensors inside a transform, the user may hold; what rules compute, only tracers hold
    if (this.everything || r.internal > 0 || r.current !== r.top || r.top === null) this.owned.push(value)
    else this.outer?.own(value)
  }

  wrote(holder: object, born: number, arrays: () => readonly ArrayValue[]): void {
    if (born >= this.born) return
    ;(this.#written ??= new Map()).set(holder, arrays)
    this.outer?.wrote(holder, born, arrays)
  }

  recorded(holds: () => readonly ArrayValue[] | null): void {
    ;(this.#recorded ??= []).push(holds)
    this.outer?.recorded(holds)
  }

  close(survivors: ReadonlySet<ArrayValue>): void {
    const older = new Set<ArrayValue>()
    let all = false
    for (const arrays of this.#written?.values() ?? []) for (const v of arrays()) older.add(v)
    for (const holds of this.#recorded ?? []) {
      const arrays = holds()
      if (arrays) for (const v of arrays) older.add(v)
      else all = true
    }
    for (const v of this.owned) {
      if (all || survivors.has(v) || older.has(v) || kept.has(v) || (!this.everything && given.has(v))) this.outer?.own(v)
      else v.dispose()
    }
  }
}

const kept: WeakSet<ArrayValue> = /* @__PURE__ */ new WeakSet()
/** what composed functions and transforms gave to the user's code */
const given: WeakSet<ArrayValue> = /* @__PURE__ */ new WeakSet()

/** The arrays that a result holds. What a transform made (since `born`) is no view of anything, whatever its interpreter made it from. */
function arraysIn(tree: unknown, born: number): Set<ArrayValue> {
  const out = new Set<ArrayValue>()
  for (const leaf of treeLeaves(tree)) {
    if (!(leaf instanceof Handle)) continue
    if (leaf.alias && leaf.born >= born) leaf.rebind(leaf.value, null)
    for (const v of leaf.value.arrays()) out.add(v)
  }
  return out
}

function collect<R>(everything: boolean, f: () => R): R {
  const r = registry()
  const outer = r.scope
  const scope = new Collector(outer, everything)
  r.scope = scope
  let alive: ReadonlySet<ArrayValue> = new Set()
  try {
    const out = f()
    alive = arraysIn(out, everything ? Infinity : scope.born)
    return out
  } finally {
    r.scope = outer
    scope.close(alive)
  }
}

/**
 * Runs `f` and frees at its end every tensor made in it that it does not return (a tree of tensors) or `keep`.
 * Never a duty: what is not tidied, the garbage collector finds.
 */
export function tidy<R>(f: () => R, ...end: End): R {
  checkEnd('tidy', end)
  if (typeof f !== 'function') throw new TensorTypeError(`expected a function, got ${describe(f)}`, { op: 'tidy', code: 'NOT_A_FUNCTION' })
  return collect(true, f)
}

/** Lets `x` outlive the `tidy` that it was made in. */
export function keep<T extends Handle>(x: T, ...end: End): T {
  checkEnd('keep', end)
  if (!(x instanceof Handle)) throw new TensorTypeError(`expected a Tensor, got ${describe(x)}`, { op: 'keep', code: 'OPERAND_TYPE' })
  for (const v of x.value.arrays()) kept.add(v)
  return x
}

/**
 * For transforms: runs `f` and frees what rules computed in it, but the returned tree. Inside another transform nothing
 * is freed yet, since the outer one may have recorded it.
 */
export function owning<R>(f: () => R): R {
  return registry().top ? released(f()) : collect(false, f)
}

/** Whether it is the user's own code that runs, and not a rule or an interpreter. */
const byUser = (): boolean => {
  const { internal, current, top } = registry()
  return internal === 0 && current === top
}

/** For transforms inside others: their result, whose plain tensors the user who called them may keep. */
export function released<R>(out: R): R {
  if (registry().scope && byUser()) give(out)
  return out
}

function give(tree: unknown): void {
  for (const leaf of treeLeaves(tree)) if (leaf instanceof Handle && !leaf.value.trace) for (const v of leaf.value.arrays()) given.add(v)
}

/**
 * For transforms that give back functions: runs `f`, which computes on `xs`. If those are plain, the user may hold the functions
 * longer than a transform around the call, and so what they need is left alone.
 */
export function lasting<R>(xs: readonly Handle[], f: () => R): R {
  const r = registry()
  const outer = r.scope
  if (!outer || !byUser() || xs.some((x) => x.value.trace)) return f()
  r.scope = {
    own: (v) => {
      given.add(v)
      outer.own(v)
    },
    wrote: (...args) => outer.wrote(...args),
    recorded: (holds) => outer.recorded(holds),
  }
  try {
    return f()
  } finally {
    r.scope = outer
  }
}

/** For transforms: runs a part of an interpreter that is no rule (a backward pass, say), whose temporaries nobody else holds. */
export function internally<R>(f: () => R): R {
  const r = registry()
  r.internal++
  try {
    return f()
  } finally {
    r.internal--
  }
}

/**
 * For functions composed of ops: runs `f`, whose temporaries on plain tensors nobody else holds, so that a transform around it
 * frees them too. What it returns belongs to the caller.
 */
export function composed<R>(f: () => R): R {
  if (!registry().scope) return f()
  const out = internally(f)
  give(out)
  return out
}

/** What the devices in use hold. */
export interface Memory extends MemoryInfo {
  readonly devices: Readonly<Record<string, MemoryInfo>>
}

/** Bytes that tensors hold, in all and per device: `live`, of it `spilled` out of the device's heap, `pooled` for reuse, and the number of `storages`. */
export function memory(...end: End): Memory {
  checkEnd('memory', end)
  const devices: Record<string, MemoryInfo> = {}
  const sum = { live: 0, spilled: 0, pooled: 0, storages: 0 }
  for (const [name, backend] of registry().devices) {
    const m = (devices[name] = backend.memory())
    sum.live += m.live
    sum.spilled += m.spilled
    sum.pooled += m.pooled
    sum.storages += m.storages
  }
  return { ...sum, devices }
}
