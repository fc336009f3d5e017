import { type DType, type Expr, expr as E } from '@mapgrad/kernel'
import type { Local } from '../wasm/builder.ts'
import { emitBasic, emitCompare } from './arithmetic.ts'
import { emitCast } from './casts.ts'
import { type Emitter, constantVector, laneBytes, perLane, registerOf, selectLanes, simd } from './lanes.ts'

/** How often a node's value can change: once a call, once a row of the innermost loop, with every element. */
export type Rate = 'call' | 'row' | 'element'

/** What the leaves of an expression are, in one function. Each method leaves one vector on the stack. */
export interface Leaves {
  rate(leaf: Expr): Rate
  emit(leaf: Expr): void
}

const order: Record<Rate, number> = { call: 0, row: 1, element: 2 }

/**
 * Values computed ahead of the innermost loop: constants, scalars, broadcast elements and whatever is made of only these.
 * `hoist` is called where they become known; bodies find them in locals.
 */
export class Hoisted {
  readonly #rates: Map<Expr, Rate> = new Map()
  readonly #locals: Map<Expr, Local> = new Map()
  readonly #constants: Map<string, Local> = new Map()
  readonly #wanted: Record<'call' | 'row', Expr[]> = { call: [], row: [] }

  constructor(leaves: Leaves, roots: readonly Expr[]) {
    const visited = new Set<Expr>()
    const visit = (node: Expr): Rate => {
      const known = this.#rates.get(node)
      if (known) return known
      let rate: Rate = 'call'
      for (const a of E.argsOf(node)) {
        const r = visit(a)
        if (order[r] > order[rate]) rate = r
      }
      if (E.argsOf(node).length === 0 && node.kind !== 'const') rate = leaves.rate(node)
      this.#rates.set(node, rate)
      return rate
    }
    const want = (node: Expr): void => {
      if (visited.has(node)) return
      visited.add(node)
      const rate = this.#rates.get(node)!
      if (rate !== 'element') {
        this.#wanted[rate].push(node)
        if (rate === 'row') for (const a of E.argsOf(node)) if (this.#rates.get(a) === 'call') want(a)
        return
      }
      // a shift by a constant takes it as an immediate
      const args = isConstantShift(node) ? E.argsOf(node).slice(0, 1) : E.argsOf(node)
      for (const a of args) want(a)
    }
    for (const r of roots) visit(r)
    for (const r of roots) want(r)
  }

  /** computes everything of one rate into locals */
  hoist(e: Emitter, leaves: Leaves, rate: 'call' | 'row'): void {
    const body = new Body(e, leaves, this)
    for (const node of this.#wanted[rate]) {
      const key = node.kind === 'const' ? `${registerOf(node.dtype)} ${Object.is(node.value, -0) ? '-0' : node.value}` : null
      let local = key === null ? undefined : this.#constants.get(key)
      if (!local) {
        body.emit(node)
        local = e.f.local('v128')
        e.f.set(local)
        if (key !== null) this.#constants.set(key, local)
      }
      this.#locals.set(node, local)
    }
    body.release()
  }

  find(node: Expr): Local | undefined {
    return this.#locals.get(node)
  }
}

function constantShiftOf(node: Expr): number | null {
  if (node.kind !== 'basic' || (node.op !== 'shl' && node.op !== 'shr' && node.op !== 'shru')) return null
  const count = node.args[1]!
  return count.kind === 'const' ? Number(BigInt.asUintN(6, BigInt(count.value))) : null
}
const isConstantShift = (node: Expr): boolean => constantShiftOf(node) !== null

/** The code of an expression for one vector of elements. A shared node is evaluated once, into a local. */
export class Body {
  readonly #e: Emitter
  readonly #leaves: Leaves
  readonly #hoisted: Hoisted | null
  readonly #uses: Map<Expr, number> = new Map()
  readonly #locals: Map<Expr, Local> = new Map()

  constructor(e: Emitter, leaves: Leaves, hoisted: Hoisted | null) {
    this.#e = e
    this.#leaves = leaves
    this.#hoisted = hoisted
  }

  /** the value of `root` on the stack */
  emit(root: Expr): void {
    this.#count(root)
    this.#emit(root)
  }

  /**
   * Evaluates `root` in all of `bodies` side by side, node by node, into locals: a constant that has left its register is
   * fetched once for all of them. Their leaves must not depend on what happens between the bodies.
   */
  static together(bodies: readonly Body[], root: Expr): void {
    for (const b of bodies) b.#count(root)
    const nodes = bodies[0]!.#inOrder(root)
    const lastUse = new Map<Expr, Expr>()
    for (const node of nodes) for (const a of E.argsOf(node)) lastUse.set(a, node)
    for (const node of nodes) {
      for (const b of bodies) b.#keep(node)
      for (const a of E.argsOf(node)) if (lastUse.get(a) === node) for (const b of bodies) b.#drop(a)
    }
  }

  /** what `root` needs computed, arguments first; without constants, and comparisons that their selection stands for */
  #inOrder(root: Expr): readonly Expr[] {
    const nodes: Expr[] = []
    const seen = new Set<Expr>()
    const visit = (node: Expr): void => {
      if (seen.has(node) || node.kind === 'const' || this.#hoisted?.find(node)) return
      seen.add(node)
      const args = E.argsOf(node)
      for (const a of node.kind === 'select' && this.#bound(node) ? args.slice(1) : args) visit(a)
      nodes.push(node)
    }
    visit(root)
    return nodes
  }

  #keep(node: Expr): void {
    this.#compute(node)
    const l = this.#e.f.local('v128')
    this.#locals.set(node, l)
    this.#e.f.set(l)
  }

  #drop(node: Expr): void {
    const l = this.#locals.get(node)
    if (!l) return
    this.#e.f.release(l)
    this.#locals.delete(node)
  }

  /** lets the next body reuse the locals of this one */
  release(): void {
    for (const l of this.#locals.values()) this.#e.f.release(l)
    this.#locals.clear()
  }

  #count(node: Expr): void {
    const n = this.#uses.get(node) ?? 0
    this.#uses.set(node, n + 1)
    if (n === 0) for (const a of E.argsOf(node)) this.#count(a)
  }

  #emit(node: Expr): void {
    const { f } = this.#e
    const known = this.#locals.get(node) ?? this.#hoisted?.find(node)
    if (known) return void f.get(known)
    this.#compute(node)
    if ((this.#uses.get(node) ?? 0) > 1 && node.kind !== 'const') {
      const l = f.local('v128')
      this.#locals.set(node, l)
      f.tee(l)
    }
  }

  #compute(node: Expr): void {
    const e = this.#e
    switch (node.kind) {
      case 'const':
        return constantVector(e, node.dtype, node.value)
      case 'basic': {
        const shift = constantShiftOf(node)
        this.#emit(node.args[0]!)
        if (shift === null && node.args[1]) this.#emit(node.args[1])
        return emitBasic(e, node.op, node.dtype, shift)
      }
      case 'compare':
        this.#emit(node.args[0])
        this.#emit(node.args[1])
        return emitCompare(e, node.op, node.args[0].dtype)
      case 'select':
        return this.#select(node)
      case 'cast':
        this.#emit(node.args[0])
        return emitCast(e, node.args[0].dtype, node.dtype)
      case 'bitcast':
        return this.#emit(node.args[0])
      case 'rare':
        return this.#rare(node)
      case 'math':
        throw new TypeError(
          `[backend-cpu] ${node.op}: expected lowered expressions, got a function; this is a fault of mapgrad, please report it`,
        )
      default:
        this.#leaves.emit(node)
    }
  }

  #select(node: Expr & { kind: 'select' }): void {
    const [cond, then, otherwise] = node.args
    const bound = this.#bound(node)
    if (bound) {
      this.#emit(otherwise)
      this.#emit(then)
      return void this.#e.f.op(bound)
    }
    this.#emit(then)
    this.#emit(otherwise)
    this.#emit(cond)
    selectLanes(this.#e, registerOf(then.dtype))
  }

  /** x < l ? l : x and h < x ? h : x are one instruction each, of x and the bound */
  #bound({ args: [cond, then, otherwise] }: Expr & { kind: 'select' }): 'f32x4.pmin' | 'f64x2.pmin' | 'f32x4.pmax' | 'f64x2.pmax' | null {
    const r = registerOf(then.dtype)
    if (cond.kind !== 'compare' || cond.op !== 'lt' || (r !== 'f32' && r !== 'f64') || this.#uses.get(cond) !== 1) return null
    const [low, high] = cond.args
    if (low === otherwise && high === then) return `${simd[r]}.pmax`
    return high === otherwise && low === then ? `${simd[r]}.pmin` : null
  }

  #rare(node: Expr & { kind: 'rare' }): void {
    const e = this.#e
    const { f } = e
    const [fast, when, of] = node.args
    const wide = node.dtype === 'float64'
    const value = f.local('v128')
    const mask = f.local('v128')
    const x = f.local('v128')
    this.#emit(fast)
    f.set(value)
    this.#emit(of)
    f.set(x)
    this.#emit(when)
    f.tee(mask).op('v128.any_true')
    const host = e.host(node.host)
    f.if(() => {
      f.get(x)
      perLane(e, wide ? 'f64' : 'f32', wide ? 'f64' : 'f32', 1, () => {
        if (!wide) f.op('f64.promote_f32')
        f.call(host)
        if (!wide) f.op('f32.demote_f64')
      })
      f.get(value).get(mask)
      selectLanes(e, registerOf(node.dtype))
      f.set(value)
    })
    f.get(value)
    for (const l of [value, mask, x]) f.release(l)
  }
}

/** [vector] → the same with its first `half` lanes and the next ones swapped, for combining across lanes */
export function swapLanes(e: Emitter, dtype: DType, distance: number): void {
  const { f } = e
  const bytes = laneBytes(registerOf(dtype), e.lanes)
  const v = f.local('v128')
  const map: number[] = []
  for (let i = 0; i < 16; i++) {
    const lane = Math.floor(i / bytes)
    map.push(((lane ^ distance) * bytes + (i % bytes)) & 15)
  }
  f.set(v).get(v).get(v).shuffle(map)
  f.release(v)
}
