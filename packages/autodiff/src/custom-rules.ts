import type { Tensor } from '@mapgrad/tensor'
import { type Tangent, callUser, type End, checkEnd } from '@mapgrad/tensor/plugin'
import { Call, fault, inFlight } from './call.ts'
import { type CustomRule, custom, linearized, transposed } from './custom.ts'
import { cotangentsFor, tangentsFor } from './fit.ts'
import { checkFunction, kindOf, named, orZero } from './flat.ts'
import { Reads } from './reads.ts'

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
export function customVjp<A extends readonly unknown[], R, S>(
  f: (...args: A) => R,
  rules: VjpRules<A, R, S>,
  ...end: End
): (...args: A) => R {
  checkEnd('customVjp', end, [], 'autodiff')
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
        const reads = new Reads()
        const ys = call.run(xs, (...given: never[]) => {
          const out: unknown = reads.during(() => rules.forward(...(given as unknown as A)))
          if (!Array.isArray(out) || out.length !== 2)
            throw fault('customVjp', `expected forward to return [output, residuals], got ${kindOf(out)}`, 'FORWARD_OUTPUT')
          residuals = out[1] as S
          return out[0] as unknown
        })
        const pull = (cts: readonly Tangent[]): readonly Tangent[] => {
          const { out } = callUser(
            ys.map((y, i) => orZero(cts[i], y)),
            (given) => reads.during((): unknown => rules.backward(residuals, call.result(given) as R)),
          )
          const grads = reads.seal(out)
          if (!Array.isArray(grads) || grads.length !== args.length)
            throw fault(
              'customVjp',
              `expected backward to return one cotangent an argument (a tree like it, or null), ${args.length} in all, got ${Array.isArray(grads) ? grads.length : kindOf(grads)}`,
              'BACKWARD_COUNT',
            )
          return cotangentsFor('customVjp', args, grads)
        }
        return [reads.seal(ys) as Tensor[], pull]
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
  ...end: End
): (...args: A) => R {
  checkEnd('customJvp', end, [], 'autodiff')
  checkFunction('customJvp', f)
  checkFunction('customJvp', rule)
  return named((...args: A): R => {
    if (!inFlight()) return f(...args)
    const call = new Call('customJvp', args)
    const push: CustomRule['push'] = (xs, dxs) => {
      let dys: Tangent[] = []
      const reads = new Reads()
      const ys = call.run(xs, (...given: never[]) => {
        const own = xs.map((x, i) => orZero(dxs[i], x)).map((d) => d.wrap(d.value))
        const out: unknown = reads.during(() => rule(given as unknown as A, call.given(own) as unknown as A))
        if (!Array.isArray(out) || out.length !== 2)
          throw fault('customJvp', `expected the rule to return [output, tangentOut], got ${kindOf(out)}`, 'RULE_OUTPUT')
        dys = tangentsFor('customJvp', out[0], out[1])
        return out[0] as unknown
      })
      return [reads.seal(ys) as Tensor[], reads.seal(dys) as Tangent[]]
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
