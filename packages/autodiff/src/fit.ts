import type { Tensor } from '@mapgrad/tensor'
import { TensorRangeError, type Tangent, cast, isTensor, show, sumTo, treeNode, isFloating } from '@mapgrad/tensor/plugin'
import { fault, parts } from './call.ts'
import { kindOf } from './flat.ts'

// What rules of the user's give, in the structure, shapes and dtypes of what it belongs to.

/** The tangents of an output, in its structure, shapes and dtypes; what is no float has none. */
export function tangentsFor(op: string, output: unknown, tangent: unknown): Tangent[] {
  const [y, d] = [parts(output), parts(tangent)]
  if (!y.spec.equals(d.spec)) throw fault(op, `expected tangentOut in the structure of the output, ${y.spec}, got ${d.spec}`, 'STRUCTURE')
  return y.tensors.map((v, i) => {
    const t = d.tensors[i]!
    if (!isFloating(v)) return null
    if (show(t.shape) !== show(v.shape))
      throw new TensorRangeError(`expected tangentOut of the shape of the output, ${show(v.shape)}, got ${show(t.shape)}`, {
        package: 'autodiff',
        op,
        code: 'SHAPE_MISMATCH',
      })
    return cast(t, v.dtype)
  })
}

/** One cotangent a tensor of the arguments, from one tree (or `null`) an argument. */
export function cotangentsFor(op: string, args: readonly unknown[], grads: readonly unknown[]): Tangent[] {
  const out: Tangent[] = []
  args.forEach((arg, i) => spread(op, `backward's result ${i}`, 'argument', arg, grads[i], summed, out))
  return out
}

/** One tangent a tensor of an output, from what `jvp` gave: a tree like it, in which `null` is zero. */
export function movesOf(op: string, output: unknown, tangent: unknown): Tangent[] {
  const out: Tangent[] = []
  spread(op, "jvp's result", 'output', output, tangent, same, out)
  return out
}

/** A derivative that fits a tensor. */
type Fit = (op: string, where: string, x: Tensor, d: Tensor) => Tensor

function spread(op: string, where: string, to: 'argument' | 'output', like: unknown, d: unknown, fit: Fit, out: Tangent[]): void {
  const none = d === null || d === undefined
  if (isTensor(like)) {
    if (!none && !isTensor(d)) throw fault(op, `expected ${where} to be a Tensor or null, got ${kindOf(d)}`, 'STRUCTURE')
    out.push(none || !isFloating(like) ? null : cast(fit(op, where, like, d as Tensor), like.dtype))
    return
  }
  const node = treeNode(like)
  if (!node) return
  const given = none ? undefined : treeNode(d)
  if (!none && (!given || given.kind !== node.kind || given.children.length !== node.children.length))
    throw fault(op, `expected ${where} to be a tree like the ${to} it belongs to, or null, got ${kindOf(d)}`, 'STRUCTURE')
  node.children.forEach((c, i) => spread(op, where, to, c, given?.children[i], fit, out))
}

/** A gradient may have what broadcasting added. */
const summed: Fit = (op, where, x, grad) => {
  const lead = grad.ndim - x.ndim
  if (lead < 0 || !x.shape.every((n, i) => n === 1 || n === grad.shape[lead + i]))
    throw new TensorRangeError(
      `expected ${where} of the shape of its argument: got ${show(grad.shape)} but expected shape compatible with ${show(x.shape)}`,
      { package: 'autodiff', op, code: 'SHAPE_MISMATCH' },
    )
  return sumTo(grad, x.shape)
}

const same: Fit = (op, where, y, d) => {
  if (show(d.shape) !== show(y.shape))
    throw new TensorRangeError(`expected ${where} of the shape of its output: got ${show(d.shape)} but expected ${show(y.shape)}`, {
      package: 'autodiff',
      op,
      code: 'SHAPE_MISMATCH',
    })
  return d
}
