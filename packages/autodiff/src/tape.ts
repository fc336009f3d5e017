import { type Tensor, add } from '@mapgrad/tensor'
import {
  type AnyOp,
  type ArrayValue,
  type Tangent,
  type Tensors,
  type Trace,
  type Vjp,
  diffOf,
  origin,
  withOrigin,
} from '@mapgrad/tensor/plugin'
import { Tracked } from './derivative.ts'
import { pullback } from './rules.ts'

// What reverse mode remembers: the ops of a program in the order they ran, each with what its pullback needs.

/** What forward mode knows of an op on a tape: where it is followed outside of transforms, gradients have tangents, too. */
export interface Moving {
  /** of the operands */
  readonly dxs: readonly Tangent[]
  /** of the outputs */
  readonly dys: readonly Tangent[]
  /** a value with its tangent */
  readonly pair: (x: Tensor, dx: Tensor) => Tensor
}

/** One op on the tape: how cotangents of its outputs become cotangents of its operands, and whose those are. */
export abstract class Node {
  /** grows along the program, so that descending order is a reverse topological one */
  readonly id: number
  /** of the op */
  readonly name: string
  readonly parents: readonly (Taped | undefined)[]
  readonly outputs: number
  /** where the user's code called the op; known while anomalies are looked for */
  readonly origin: string | null
  /** what follows tangents through it, as long as it does */
  follower: { movesOf(node: Node): Moving | null } | null = null
  /** what users want to see or change, before cotangents go on */
  hooks: ((output: number, ct: Tensor) => Tensor)[] | null = null

  constructor(id: number, name: string, parents: Node['parents'], outputs: number) {
    this.id = id
    this.name = name
    this.parents = parents
    this.outputs = outputs
    this.origin = parents.length === 0 ? null : origin()
  }
  /** Whether it is this op on these operands. */
  of(op: AnyOp, xs: Tensors): boolean {
    return this.name === op.name && xs.length === this.parents.length && xs.every((x, i) => !this.parents[i] || x.value === this.parents[i])
  }
  /** Cotangents of the parents. `recording`: in terms of tensors of this tape, so that they can be differentiated in turn. */
  abstract pull(cts: readonly Tangent[], recording: boolean): readonly Tangent[]
  /** Forgets what the pullback needs. */
  free(): void {
    this.follower = null
  }
  protected get moving(): Moving | null {
    return this.follower && this.follower.movesOf(this)
  }
  /** Whether that has happened. */
  get freed(): boolean {
    return false
  }
  /** The arrays that it keeps alive, `null` if only a rule of the user's knows. */
  holds(): readonly ArrayValue[] | null {
    return []
  }
}

/** Where a tape begins. */
export class Leaf extends Node {
  /** the gradient that has been added up here */
  grad: Tensor | null = null
  constructor(id: number) {
    super(id, 'AccumulateGrad', [], 1)
  }
  pull(): readonly Tangent[] {
    return []
  }
}

/** A transform that keeps a tape. */
export interface Taping extends Trace {
  /** what rules of higher-order ops are handed */
  readonly vjp: Vjp
}

interface Kept {
  readonly op: AnyOp
  readonly ys: Tensors
  readonly xs: Tensors
  readonly params: unknown
}

/** An op that is differentiated by its rule. */
export class OpNode extends Node {
  readonly #trace: Taping
  #kept: Kept | null
  #holds = true

  constructor(trace: Taping, id: number, parents: Node['parents'], op: AnyOp, ys: Tensors, xs: Tensors, params: unknown) {
    super(id, op.name, parents, ys.length)
    this.#trace = trace
    this.#kept = { op, ys, xs, params }
  }
  pull(cts: readonly Tangent[], recording: boolean): readonly Tangent[] {
    const { op, params } = this.#kept!
    let { ys, xs } = this.#kept!
    if (recording) {
      ys = ys.map((y, i) => y.wrap(new Taped(this.#trace, y, this, i)))
      xs = followed(xs, this.parents)
    }
    const { moving } = this
    if (moving) {
      ys = moved(moving, ys, moving.dys, recording)
      xs = moved(moving, xs, moving.dxs, recording)
    }
    return pullback(op, ys, xs, params, cts, this.#trace.vjp, this.parents)
  }
  override free(): void {
    super.free()
    this.#holds = false
    if (this.#kept && needsValues(this.#kept)) this.#kept = null
  }
  override get freed(): boolean {
    return this.#kept === null
  }
  override holds(): readonly ArrayValue[] {
    if (!this.#kept || !this.#holds) return []
    const { dxs = [], dys = [] } = this.moving ?? {}
    return [...this.#kept.xs, ...this.#kept.ys, ...dxs, ...dys].flatMap((x) => x?.value.arrays() ?? [])
  }
}

/** Whether an op's pullback depends on its operands' elements: that of a sum, say, does not. */
function needsValues({ op, xs }: Kept): boolean {
  const diff = diffOf(op)
  if (diff.kind === 'linear') return xs.length > 1
  return diff.kind !== 'elementwise' || diff.partials.some((p) => typeof p === 'function')
}

/** `Node.pull` of a function. */
export type Calling = (cts: readonly Tangent[], recording: boolean, moving: Moving | null) => readonly Tangent[]

/** A function that is differentiated by a rule of the user's, or through what it does. */
export class CallNode extends Node {
  #pull: Calling | null
  constructor(id: number, name: string, parents: Node['parents'], outputs: number, pull: Calling) {
    super(id, name, parents, outputs)
    this.#pull = pull
  }
  pull(cts: readonly Tangent[], recording: boolean): readonly Tangent[] {
    return this.#pull!(cts, recording, this.moving)
  }
  override free(): void {
    super.free()
    this.#pull = null
  }
  override get freed(): boolean {
    return this.#pull === null
  }
  override holds(): readonly ArrayValue[] | null {
    return this.#pull ? null : []
  }
}

/** Values with their tangents, as the tape knows those or, where it is not `recording`, as the level below does. */
export const moved = ({ pair }: Moving, xs: Tensors, ds: readonly Tangent[], recording: boolean): Tensors =>
  xs.map((x, i) => {
    const d = ds[i]
    return d ? pair(x, !recording && d.value instanceof Taped ? d.value.primal : d) : x
  })

/** Operands as they were on the tape. */
export const followed = (xs: Tensors, parents: Node['parents']): Tensors => xs.map((x, i) => (parents[i] ? x.wrap(parents[i]) : x))

/** A value with its place on the tape. */
export class Taped extends Tracked {
  readonly node: Node
  /** which output of the node */
  readonly output: number
  constructor(trace: Trace, primal: Tensor, node: Node, output: number) {
    super(trace, primal)
    this.node = node
    this.output = output
  }
}

/** How `backward` walks. */
export interface Walk {
  /** nodes older than this are not entered */
  readonly since?: number
  /** see `Node.pull` */
  readonly recording?: boolean
  /** enters only nodes on the way to the starts; default: all */
  readonly toStarts?: boolean
  /** told of each node before its pullback runs */
  readonly entering?: (node: Node) => void
  /** told of what reached each output of each node */
  readonly reached?: (node: Node, output: number, ct: Tensor) => void
}

/** Walks the tape from the newest node back, adding up the cotangents that meet; gives what arrives at `starts`. */
export function backward(
  ends: readonly (Taped | undefined)[],
  seeds: readonly Tangent[],
  starts: readonly (Taped | undefined)[],
  { since = 0, recording = false, toStarts = false, entering, reached }: Walk = {},
): readonly Tangent[] {
  const cts = new Map<Node, Tangent[]>()
  const accumulate = (to: Taped | undefined, ct: Tangent | undefined): void => {
    if (!to || !ct) return
    let slots = cts.get(to.node)
    if (!slots) cts.set(to.node, (slots = new Array<Tangent>(to.node.outputs).fill(null)))
    const sofar = slots[to.output]
    slots[to.output] = sofar ? add(sofar, ct) : ct
  }
  ends.forEach((end, i) => accumulate(end, seeds[i]))
  const wanted = new Set(starts.map((x) => x?.node))
  const nodes = newestFirst(ends, since)
  const leading = toStarts ? leadingTo(wanted, nodes) : null
  for (const node of nodes) {
    const out = cts.get(node)
    if (!out || leading?.has(node) === false) continue
    if (node.hooks) for (const hook of node.hooks) out.forEach((ct, i) => ct && (out[i] = hook(i, ct)))
    if (reached) out.forEach((ct, i) => ct && reached(node, i, ct))
    if (!node.parents.length) continue
    entering?.(node)
    const grads = node.origin === null ? node.pull(out, recording) : withOrigin(node.name, node.origin, () => node.pull(out, recording))
    node.parents.forEach((p, i) => accumulate(p, grads[i]))
    if (!wanted.has(node)) cts.delete(node)
  }
  return starts.map((x) => (x ? (cts.get(x.node)?.[x.output] ?? null) : null))
}

function newestFirst(ends: readonly (Taped | undefined)[], since: number): Node[] {
  const seen = new Set<Node>()
  for (const end of ends) if (end && end.node.id >= since) seen.add(end.node)
  // a Set's iteration also visits what is added while it runs
  for (const n of seen) for (const p of n.parents) if (p && p.node.id >= since) seen.add(p.node)
  return [...seen].sort((a, b) => b.id - a.id)
}

/** The nodes that some of the wanted ones are behind. */
function leadingTo(wanted: ReadonlySet<Node | undefined>, nodes: readonly Node[]): ReadonlySet<Node> {
  const found = new Set<Node>()
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!
    if (wanted.has(node) || node.parents.some((p) => p && found.has(p.node))) found.add(node)
  }
  return found
}
