import type { BackwardOptions, GradFn, Tensor } from '@mapgrad/tensor'
import {
  BACKWARD_OPTIONS,
  type AnyOp,
  type Autograd,
  type Tangent,
  TensorRangeError,
  type TensorTypeError,
  type Tensors,
  type Trace,
  Tracer,
  type Value,
  callUser,
  checkOptions,
  describe,
  diffOf,
  filledLike,
  internally,
  isTensor,
  numel,
  registry,
  sameShape,
  show,
  traceStack,
  isFloating,
} from '@mapgrad/tensor/plugin'
import { FREED, fault } from './call.ts'
import { customVjp } from './custom-rules.ts'
import { Pair, bare, bottom } from './pair.ts'
import { Leaf, type Node, Taped, backward } from './tape.ts'
import { VjpTrace, vjpOf } from './vjp.ts'

// Gradients as PyTorch code outside of transforms asks for them: a tape that is always there, below all transforms.
// A tensor that requires a gradient has a value of that tape, which every transform sees as one of an outer transform.

/** The place of a value on the tape. */
class EagerTaped extends Taped {
  override describe(inner: (v: Value) => string): string {
    const text = inner(this.primal.value).trim()
    const mark = this.node instanceof Leaf ? 'requires_grad=True' : `grad_fn=<${gradFnName(this.node)}>`
    return text.endsWith(')') ? `${text.replace(/^ {4}/gm, '').slice(0, -1)}, ${mark})` : text
  }
}

/** The tape below all transforms. */
class Tape extends VjpTrace {
  override readonly name = 'autograd'
  constructor() {
    super(false, true)
  }
  // outside of transforms every tensor may be changed
  override captured(): void {}
  protected override taped(primal: Tensor, node: Node, output: number): Taped {
    return new EagerTaped(this, primal, node, output)
  }
  // a gradient of zeros is not none: PyTorch code asks which tensors require one
  protected override follows(op: AnyOp): boolean {
    const diff = diffOf(op)
    return diff.kind !== 'constant' || diff.steps === true
  }
  protected override tape(ys: Tensors, node: Node, differentiable?: readonly boolean[]): Tensor[] {
    registry().scope?.recorded(() => node.holds())
    return super.tape(ys, node, differentiable)
  }
  /** A leaf of this value. */
  leaf(primal: Tensor): Taped {
    return this.taped(primal, new Leaf(this.next), 0)
  }
}

let tape: Tape | null = null
const theTape = (): Tape => {
  tape ??= new Tape()
  const r = registry()
  if (r.tape !== bottom.level || !bottom.level) r.tape = tape
  if (bottom.level) bottom.level.below = tape
  return tape
}

const gradFnName = ({ name }: Node): string => `${name.replace(/(?:^|_)([a-z0-9])/g, (_, c: string) => c.toUpperCase())}Backward`

/** The value of any tape that `x` is, whatever else is in flight. */
export const tapedOf = (x: { readonly value: Value }): Taped | null => {
  const value = bare(x.value)
  return value instanceof Taped ? value : null
}
const inTransform = (): boolean => {
  const { top } = registry()
  return top !== null && top !== tape && top !== bottom.level
}
/** Gives `x` another value beside its tangent, if it has one. */
const rebind = (x: Tensor, value: Value): void => x.rebind(x.value instanceof Pair ? x.value.around(x.wrap(value)) : value, null)

const refuse = (op: string): TensorTypeError =>
  fault(
    op,
    `You are attempting to call Tensor.${op}() (or perhaps using autograd.functional.* APIs) inside of a function being transformed by a functorch transform. This is unsupported, please attempt to use the functorch transforms (e.g. grad, vjp, jacrev, jacfwd, hessian) or call ${op}() outside of a function being transformed instead. The transforms in flight are ${traceStack()}`,
    'IN_TRANSFORM',
  )

/** Whether a value, or one that it is made of, is on a tape that is still there. */
function requires(given: Value): boolean {
  const value = bare(given)
  if (!(value instanceof Tracer)) return false
  if (value instanceof Taped && value.trace.open) return true
  return value.parts.some((x) => requires(x.value))
}

function require(x: Tensor, flag: boolean): void {
  if (inTransform()) throw refuse('requiresGrad_')
  const own = tapedOf(x)
  if (flag) {
    if (own) return
    if (!isFloating(x))
      throw fault(
        'requiresGrad_',
        `only Tensors of floating point dtype can require gradients, got ${x.dtype}. Convert with x.to('float32')`,
        'DTYPE',
      )
    rebind(x, theTape().leaf(x.wrap(bare(x.value))))
  } else if (own) {
    if (!(own.node instanceof Leaf))
      throw fault(
        'requiresGrad_',
        "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't require differentiation use x.detach()",
        'NOT_A_LEAF',
      )
    rebind(x, own.primal.value)
  }
}

const retained: WeakMap<Node, (Tensor | null)[]> = /* @__PURE__ */ new WeakMap()

function gradOf(x: { readonly value: Value }): Tensor | null {
  const own = tapedOf(x)
  if (!own) return null
  return own.node instanceof Leaf ? own.node.grad : (retained.get(own.node)?.[own.output] ?? null)
}

function setGrad(x: Tensor, grad: Tensor | null): void {
  const own = tapedOf(x)
  if (grad === null) {
    if (own?.node instanceof Leaf) own.node.grad = null
    else if (own && retained.has(own.node)) retained.get(own.node)![own.output] = null
    return
  }
  if (!isTensor(grad)) throw fault('grad', `assigned grad expected to be a Tensor or None but got grad of type ${describe(grad)}`, 'GRAD')
  if (!own || !(own.node instanceof Leaf))
    throw fault(
      'grad',
      'expected a leaf that requires a gradient, got a tensor that has none to assign. Call x.requiresGrad_() first',
      'NOT_A_LEAF',
    )
  if (!sameShape(grad.shape, x.shape) || grad.dtype !== x.dtype)
    throw new TensorRangeError(
      `assigned grad has data of a different size or dtype: expected ${x.dtype}${show(x.shape)}, got ${grad.dtype}${show(grad.shape)}`,
      { package: 'autodiff', op: 'grad', code: 'GRAD' },
    )
  keepGrad(own.node, grad)
}

/** A gradient outlives whatever scope it was computed in. */
function keepGrad(node: Leaf, grad: Tensor): void {
  node.grad = grad
  registry().scope?.wrote(node, 0, () => node.grad?.value.arrays() ?? [])
}

/** The cotangents that a derivative starts from: given, or one for a scalar. */
export function seeds(op: string, ys: Tensors, given: readonly (Tensor | null)[]): Tensor[] {
  return ys.map((y, i) => {
    const g = given[i] ?? null
    if (g === null) {
      if (numel(y.shape) !== 1)
        throw new TensorRangeError(
          `grad can be implicitly created only for scalar outputs, got one of shape ${show(y.shape)}. Give its gradient, or sum it`,
          {
            package: 'autodiff',
            op,
            code: 'NOT_A_SCALAR',
          },
        )
      return filledLike(y, 1, y.dtype, y.shape)
    }
    if (!isTensor(g)) throw fault(op, `gradients can be either Tensors or None, but got ${describe(g)}`, 'GRADIENT')
    if (!sameShape(g.shape, y.shape))
      throw new TensorRangeError(
        `Mismatch in shape: grad_output[${i}] has a shape of ${show(g.shape)} and output[${i}] has a shape of ${show(y.shape)}.`,
        { package: 'autodiff', op, code: 'SHAPE_MISMATCH' },
      )
    if (g.dtype !== y.dtype)
      throw fault(op, `expected a gradient of dtype ${y.dtype}, got ${g.dtype}. Convert with g.to('${y.dtype}')`, 'DTYPE_MISMATCH')
    return g
  })
}

/** The values of `ys` on one tape, the innermost that any is on. */
export function onTape(op: string, ys: Tensors): { readonly trace: Trace; readonly ends: (Taped | undefined)[] } {
  let trace: Trace | null = null
  for (const y of ys) {
    const own = tapedOf(y)
    if (own && own.trace.open && (!trace || own.trace.level > trace.level)) trace = own.trace
  }
  ys.forEach((y, i) => {
    if (y.value.trace?.floats)
      throw fault(
        op,
        `element ${i} of tensors has first-class dims. Reduce over them, x.sum(i), or make them axes, x.order(i)`,
        'DIMS_LEAVE',
      )
    if (!trace || tapedOf(y)?.trace !== trace)
      throw fault(
        op,
        `element ${i} of tensors does not require grad and does not have a grad_fn. Compute it from tensors with requiresGrad, outside of noGrad, or use the transforms grad and vjp`,
        'NO_GRAD_FN',
      )
  })
  return { trace: trace!, ends: ys.map((y) => tapedOf(y)!) }
}

/** What of the tape a walk uses up. */
export interface Use {
  readonly retainGraph: boolean
  readonly createGraph: boolean
}

/** Walks a tape that is still there: see `backward`. What was walked is freed, unless it shall be kept. */
export function walk(
  ends: readonly (Taped | undefined)[],
  cts: readonly Tangent[],
  starts: readonly (Taped | undefined)[],
  { retainGraph, createGraph }: Use,
  reached?: (node: Node, output: number, ct: Tensor) => void,
): readonly Tangent[] {
  const walked: Node[] = []
  const entering = (node: Node): void => {
    if (node.freed) throw fault('backward', FREED, 'FREED')
    walked.push(node)
  }
  const noted = (node: Node, output: number, ct: Tensor): void => {
    const slots = retained.get(node)
    if (slots && output in slots) slots[output] = ct
    reached?.(node, output, ct)
  }
  const run = (): readonly Tangent[] => backward(ends, cts, starts, { recording: createGraph, entering, reached: noted, toStarts: true })
  const grads = createGraph ? run() : internally(run)
  if (!retainGraph) for (const node of walked) node.free()
  return grads
}

function backwardFrom(x: Tensor, gradient: Tensor | null, options: BackwardOptions): void {
  backwardAll([x], [gradient], options)
}

/** The tensors of an argument that may be one or several. */
export function several(op: string, what: string, x: unknown): Tensor[] {
  const list: unknown[] = Array.isArray(x) ? x : [x]
  if (list.length === 0) throw fault(op, `${op} requires non-empty ${what}.`, 'EMPTY')
  for (const y of list)
    if (!isTensor(y)) throw fault(op, `expected ${what} to be a tensor or an array of tensors, got ${describe(y)}`, 'NOT_A_TENSOR')
  return list as Tensor[]
}

/** Adds the gradients of `ys` up in the leaves that they were computed from: see `autograd.backward`. */
export function backwardAll(ys: Tensors, given: readonly (Tensor | null)[], options: BackwardOptions): void {
  checkOptions('backward', options as Record<string, unknown>, BACKWARD_OPTIONS, 'autodiff')
  if (inTransform())
    throw fault(
      'backward',
      `backward() called inside a functorch transform. This is not supported, please use functorch.grad or functorch.vjp instead or call backward() outside of functorch transforms. In flight are ${traceStack()}`,
      'IN_TRANSFORM',
    )
  const { createGraph = false, retainGraph = createGraph, inputs = null } = options
  const { ends } = onTape('backward', ys)
  const cts = seeds('backward', ys, given)
  const wanted = inputs === null ? leavesOf(ends) : several('backward', 'inputs', inputs).map((x) => leafOf(x))
  const grads = walk(ends, cts, wanted, { retainGraph, createGraph })
  wanted.forEach((leaf, i) => {
    const g = grads[i]
    if (!g) return
    const node = leaf.node as Leaf
    const total = node.grad ? internally(() => node.grad!.add(g)) : g
    // not recorded, the gradient is a plain tensor of its own
    keepGrad(node, total.wrap(createGraph ? total.value : bare(total.value)))
  })
}

function leafOf(x: Tensor): Taped {
  const own = tapedOf(x)
  if (!own || !(own.node instanceof Leaf))
    throw fault(
      'backward',
      'expected inputs to be leaves that require gradients, got another tensor. For those of others use autograd.grad',
      'NOT_A_LEAF',
    )
  return own
}

/** The leaves that values were computed from. */
function leavesOf(ends: readonly (Taped | undefined)[]): Taped[] {
  const nodes = new Set<Node>()
  const leaves = new Map<Node, Taped>()
  const visit = (x: Taped | undefined): void => {
    if (!x) return
    if (x.node instanceof Leaf) leaves.set(x.node, x)
    nodes.add(x.node)
  }
  ends.forEach(visit)
  for (const n of nodes) n.parents.forEach(visit)
  return [...leaves.values()]
}

function registerHook(x: { readonly value: Value }, hook: (grad: Tensor) => Tensor | null | undefined | void): () => void {
  const own = tapedOf(x)
  if (!own || !own.trace.open)
    throw fault(
      'registerHook',
      "cannot register a hook on a tensor that doesn't require gradient. Call x.requiresGrad_() first",
      'NO_GRAD_FN',
    )
  if (typeof hook !== 'function') throw fault('registerHook', `expected a function, got ${describe(hook)}`, 'NOT_A_FUNCTION')
  const { node, output } = own
  const one = (at: number, ct: Tensor): Tensor => {
    if (at !== output) return ct
    const { out: to, lent } = callUser([ct], ([g]): unknown => hook(g!))
    if (to === null || to === undefined) return lent[0]!
    if (!isTensor(to) || !sameShape(to.shape, ct.shape) || to.dtype !== ct.dtype)
      throw fault(
        'registerHook',
        `expected the hook to return a gradient like the one it was given, ${ct.dtype}${show(ct.shape)}, or nothing, got ${describe(to)}`,
        'HOOK',
      )
    return to
  }
  ;(node.hooks ??= []).push(one)
  return () => {
    const at = node.hooks!.indexOf(one)
    if (at >= 0) node.hooks!.splice(at, 1)
  }
}

/** What tensors' own methods call, and packages beside this one. */
export const eager: Autograd = {
  vjp: vjpOf,
  customVjp: customVjp as Autograd['customVjp'],
  requires: (x) => requires(x.value),
  require,
  isLeaf: (x) => {
    const own = tapedOf(x)
    return !own || own.node instanceof Leaf
  },
  gradFn: (x): GradFn | null => {
    const own = tapedOf(x)
    return own && !(own.node instanceof Leaf) ? { name: gradFnName(own.node) } : null
  },
  grad: gradOf,
  setGrad,
  retainGrad: (x) => {
    if (inTransform()) throw refuse('retainGrad')
    const own = tapedOf(x)
    if (!own) throw fault('retainGrad', "can't retain_grad on Tensor that has requires_grad=False", 'NO_GRAD_FN')
    if (own.node instanceof Leaf) return
    if (!retained.has(own.node)) retained.set(own.node, [])
    retained.get(own.node)![own.output] ??= null
  },
  registerHook,
  backward: backwardFrom,
}
