import type { Tensor } from '@mapgrad/tensor'
import { TensorRangeError, type Tangent, callUser, cast, isTensor, show, sumTo, treeNode } from '@mapgrad/tensor/plugin'
import { Call, fault, inFlight, parts } from './call.ts'
import { type CustomRule, custom, linearized, transposed } from './custom.ts'
import { checkFunction, isFloating, kindOf, named, orZero } from './flat.ts'

/** A tree like `R`, whose tuples may be arrays. */
export type TreeLike<R> = R extends Tensor
  ? Tensor
  : R extends readonly unknown[]
    ? readonly TreeLike<R[number]>[]
    : R extends object
      ? { readonly [K in keyof R]: TreeLike<R[K]> }
      : R

/** The derivative of a function by hand, for `customVjp`. */
export interface VjpRules<A extends readonly unknown[], R, S> {
  /** the output, and whatever `backward` will need */
  readonly forward: (...args: A) => readonly [output: TreeLike<R>, residuals: S]
  /** from what `forward` kept and the cotangent of the output: one cotangent an argument, a tree like it, with `null` for none */
  readonly backward: (residuals: S, cotangent: R) => readonly unknown[]
}

/**
 * `f` with a derivative given by hand. In reverse mode `forward` runs in its place, and `backward` turns the cotangent of
 * the output into one cotangent an argument (a tree like the argument, or `null`). Forward mode is the transpose of
 * `backward`, so that both modes agree. Under `vmap` all three are mapped, and gradients of what examples share are summed.
 * @throws TensorTypeError if `backward` gives something else, or a function closes over a value that is being differentiated
 */
export function customVjp<A extends readonly unknown[], R, S>(f: (...args: A) => R, rules: VjpRules<A, R, S>): (...args: A) => R {
  checkFunction('customVjp', f)
  checkFunction('customVjp', rules?.forward)
  checkFunction('customVjp', rules?.backward)
  return named((...args: A): R => {
    if (!inFlight()) return f(...args)
    const call = new Call('customVjp', args)
    const rule: CustomRule = {
      f: (...xs) => call.run(xs, f),
      tape: (xs) => {
        let residuals: S
        const ys = call.run(xs, (...given: never[]) => {
          const out: unknown = rules.forward(...(given as unknown as A))
          if (!Array.isArray(out) || out.length !== 2)
            throw fault('customVjp', `expected forward to return [output, residuals], got ${kindOf(out)}`, 'FORWARD_OUTPUT')
          residuals = out[1] as S
          return out[0] as unknown
        })
        const pull = (cts: readonly Tangent[]): readonly Tangent[] => {
          const { out: grads } = callUser(
            ys.map((y, i) => orZero(cts[i], y)),
            (given): unknown => rules.backward(residuals, call.result(given) as R),
          )
          if (!Array.isArray(grads) || grads.length !== args.length)
            throw fault(
              'customVjp',
              `expected backward to return one cotangent an argument (a tree like it, or null), ${args.length} in all, got ${Array.isArray(grads) ? grads.length : kindOf(grads)}`,
              'BACKWARD_COUNT',
            )
          return cotangentsFor('customVjp', args, grads)
        }
        return [ys, pull]
      },
      push: (xs, dxs) => transposed(() => rule)(xs, dxs),
      map: null,
    }
    return call.settled(custom(call.args.tensors, rule)) as R
  }, f)
}

/**
 * `f` with a forward derivative given by hand: `rule(primals, tangents)` gives `[output, tangentOut]`, where both
 * arguments are arrays with one tree an argument of `f`. What does not move has tangent zero. Reverse mode is the
 * transpose of the rule, which must be linear in the tangents. Under `vmap` both functions are mapped.
 * @throws TensorTypeError if the rule gives something else, or a function closes over a value that is being differentiated
 */
export function customJvp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  rule: (primals: A, tangents: A) => readonly [output: TreeLike<R>, tangentOut: TreeLike<R>],
): (...args: A) => R {
  checkFunction('customJvp', f)
  checkFunction('customJvp', rule)
  return named((...args: A): R => {
    if (!inFlight()) return f(...args)
    const call = new Call('customJvp', args)
    const push: CustomRule['push'] = (xs, dxs) => {
      let dys: Tangent[] = []
      const ys = call.run(xs, (...given: never[]) => {
        const own = xs.map((x, i) => orZero(dxs[i], x)).map((d) => d.wrap(d.value))
        const out: unknown = rule(given as unknown as A, call.given(own) as unknown as A)
        if (!Array.isArray(out) || out.length !== 2)
          throw fault('customJvp', `expected the rule to return [output, tangentOut], got ${kindOf(out)}`, 'RULE_OUTPUT')
        dys = tangentsFor('customJvp', out[0], out[1])
        return out[0] as unknown
      })
      return [ys, dys]
    }
    return call.settled(
      custom(call.args.tensors, {
        f: (...xs) => call.run(xs, f),
        tape: linearized(push),
        push,
        map: null,
      }),
    ) as R
  }, f)
}

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
  args.forEach((arg, i) => spread(op, `backward's result ${i}`, arg, grads[i], out))
  return out
}

function spread(op: string, where: string, like: unknown, grad: unknown, out: Tangent[]): void {
  if (isTensor(like)) {
    out.push(grad === null || grad === undefined ? null : fit(op, where, like, grad))
    return
  }
  const node = treeNode(like)
  if (!node) return
  const given = grad === null || grad === undefined ? undefined : treeNode(grad)
  if (grad !== null && grad !== undefined && (!given || given.kind !== node.kind || given.children.length !== node.children.length))
    throw fault(op, `expected ${where} to be a tree like the argument it belongs to, or null, got ${kindOf(grad)}`, 'STRUCTURE')
  node.children.forEach((c, i) => spread(op, where, c, given?.children[i], out))
}

function fit(op: string, where: string, x: Tensor, grad: unknown): Tangent {
  if (!isTensor(grad)) throw fault(op, `expected ${where} to be a Tensor or null, got ${kindOf(grad)}`, 'STRUCTURE')
  if (!isFloating(x)) return null
  const lead = grad.ndim - x.ndim
  const fits = lead >= 0 && x.shape.every((n, i) => n === 1 || n === grad.shape[lead + i])
  if (!fits)
    throw new TensorRangeError(
      `expected ${where} of the shape of its argument: got ${show(grad.shape)} but expected shape compatible with ${show(x.shape)}`,
      { package: 'autodiff', op, code: 'SHAPE_MISMATCH' },
    )
  return cast(sumTo(grad, x.shape), x.dtype)
}
