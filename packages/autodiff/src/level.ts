import type { Tensor } from '@mapgrad/tensor'
import { type AnyOp, type Outputs, type Tangent, type Tensors, type Trace, bind, registry } from '@mapgrad/tensor/plugin'
import { decomposed, functionDiff } from './derivative.ts'
import { ForwardTrace } from './jvp.ts'
import { type Level, Pair, bottom } from './pair.ts'
import { listOf } from './rules.ts'
import { type Moving, type Node, Taped } from './tape.ts'

/** Under the first transform, over the tape of tensors that require gradients. */
const BETWEEN = 0.5

/**
 * Forward mode that begins and ends where the user says. Outside of transforms it lies between them and the tape, so that the tape records values
 * and tangents; inside of one it is a transform like another. Left, it is still there for its values, which then are what they are without tangents.
 */
export class LevelTrace extends ForwardTrace<Pair> implements Level {
  readonly name = 'forwardAd'
  // as PyTorch's no_grad
  override readonly stoppable = false
  live = true
  /** the tape, if there is one; `null` inside of a transform */
  below: Trace | null = null
  readonly #outside: boolean
  #tangents = new WeakMap<Pair, Tensor>()
  /** of ops on the tape */
  #moves = new WeakMap<Node, Moving>()
  #around: Pick<ReturnType<typeof registry>, 'top' | 'current' | 'home'> | null = null

  constructor(outside: boolean) {
    super(false, outside)
    this.#outside = outside
    if (outside) this.level = BETWEEN
  }

  /** Begins to follow tangents. */
  enter(): void {
    const r = registry()
    if (this.#outside) {
      this.below = r.tape
      r.tape = bottom.level = this
    } else {
      this.#around = { top: r.top, current: r.current, home: r.home }
      r.top = r.current = r.home = this
    }
  }
  /** Whether nothing else is in flight inside. */
  get innermost(): boolean {
    const { top, tape } = registry()
    return this.#outside ? top === null && tape === this : top === this
  }
  /** Drops all tangents. */
  exit(): void {
    const r = registry()
    this.live = false
    this.#tangents = new WeakMap()
    this.#moves = new WeakMap()
    if (this.#outside) {
      bottom.level = null
      r.tape = this.below
    } else Object.assign(r, this.#around)
  }

  // every tensor may be changed
  override captured(): void {}

  own(x: Tensor): Pair | undefined {
    return x.value instanceof Pair && x.value.trace === this ? x.value : undefined
  }
  tangent(x: Tensor): Tangent {
    return this.own(x)?.tangent ?? null
  }
  tangentOf(x: Pair): Tangent {
    return this.#tangents.get(x) ?? null
  }
  dual(primal: Tensor, tangent: Tensor): Pair {
    const pair = new Pair(this, primal)
    if (this.live) this.#tangents.set(pair, tangent)
    return pair
  }

  override process(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    if (!this.#outside) return super.process(op, inputs, params)
    // what calls functions goes on to the tape
    const r = registry()
    const { tape } = r
    r.tape = this.live ? this.below : tape
    try {
      return super.process(op, inputs, params)
    } finally {
      r.tape = tape
    }
  }

  protected override call(op: AnyOp, inputs: Tensors, xs: Tensors, dxs: readonly Tangent[], params: unknown): Tensors {
    // op by op, so that the tape sees each with its tangents
    if (functionDiff(op).kind === 'through') return decomposed(this, op, inputs, params)
    if (!this.live) return listOf(bind(op, xs, params))
    const duals = super.call(op, inputs, xs, dxs, params)
    if (dxs.every((d) => d === null) || !xs.some((x) => x.value instanceof Taped)) return duals
    // a rule may compute the outputs in its own way, of which the tape knows no tangents
    const ys = duals.map((y) => this.primal(y))
    const recorded = ys.every((y) => !(y.value instanceof Taped) || y.value.node.of(op, xs)) ? ys : listOf(bind(op, xs, params))
    const dys = duals.map((y) => this.tangent(y))
    this.applied(recorded, dxs, dys)
    return this.pair(recorded, dys)
  }

  protected override applied(ys: Tensors, dxs: readonly Tangent[], dys: readonly Tangent[]): void {
    const taped = ys.find((y) => y.value instanceof Taped)
    if (!taped) return
    const { node } = taped.value as Taped
    node.follower = this
    this.#moves.set(node, { dxs, dys, pair: (x, dx) => x.wrap(this.dual(x, dx)) })
  }
  movesOf(node: Node): Moving | null {
    return this.#moves.get(node) ?? null
  }
}
