import { type Tensor, getRngState, setRngState, stopGradient } from '@mapgrad/tensor'
import {
  type Dim,
  type Fn,
  type Op,
  type Tensors,
  type Trace,
  type Tracer,
  decompose,
  defineOp,
  registry,
  resultOfFunctions,
  type End,
  checkEnd,
} from '@mapgrad/tensor/plugin'
import { Call, inFlight } from './call.ts'
import { DerivativeTrace, type Met } from './derivative.ts'
import { checkFunction, named } from './flat.ts'
import { Pair, bottom } from './pair.ts'

interface CheckpointParams {
  readonly f: Fn
}

/** Calls a function that reverse mode calls again instead of keeping what it computed. */
const again: Op<Tensors, CheckpointParams, [xs: Tensors, f: Fn], Tensors> = defineOp({
  name: 'checkpoint',
  captures: true,
  args: (xs: Tensors, f: Fn) => [xs, { f }] as const,
  result: resultOfFunctions,
  compute: decompose((xs, { f }) => f(...xs)),
  batch: (xs, dims, { f }, { under }) => {
    let at: readonly Dim[] = []
    const ys = again(xs, (...examples) => {
      const [out, d] = under(f, dims)(...examples)
      at = d
      return out
    })
    return [ys, at]
  },
  diff: { kind: 'through', again: true, around: ({ f }, wrap) => ({ f: wrap(f) }) },
})

/**
 * `f`, of which reverse mode keeps only the arguments: what `f` computes on the way is freed at once, and computed again
 * when the gradient passes. Values and derivatives of every order are those of `f`, under every transform, and of what
 * `f` closes over too. Draws from the default generator are the same each time; draw from others outside.
 */
export function checkpoint<A extends readonly unknown[], R>(f: (...args: A) => R, ...end: End): (...args: A) => R {
  checkEnd('checkpoint', end, [], 'autodiff')
  checkFunction('checkpoint', f)
  return named((...args: A): R => {
    if (!inFlight()) return f(...args)
    const call = new Call('checkpoint', args)
    const run = repeatable((xs: Tensors) => call.run(xs, f, false))
    return call.result(again(call.args.tensors, (...xs) => run(xs))) as R
  }, f)
}

/** `f` that draws the same numbers each time it runs, and leaves the generator as it was but the first time. */
function repeatable<A, R>(f: (a: A) => R): (a: A) => R {
  const start = getRngState()
  let first = true
  return (a) => {
    if (first) {
      first = false
      return f(a)
    }
    const now = getRngState()
    setRngState(start)
    try {
      return f(a)
    } finally {
      setRngState(now)
    }
  }
}

/**
 * `f` whose results are constants for every derivative in flight around the call, in forward and reverse mode alike, as is
 * whatever else it computes; nothing is recorded. Transforms that start inside `f` are not affected.
 */
export function noGrad<A extends readonly unknown[], R>(f: (...args: A) => R, ...end: End): (...args: A) => R {
  checkEnd('noGrad', end, [], 'autodiff')
  checkFunction('noGrad', f)
  return named(
    (...args: A): R =>
      besidesAll(registry().current, nothing, () => {
        const call = new Call('noGrad', [])
        return call.result(call.took(f(...args)).map(cut)) as unknown
      }) as R,
    f,
  )
}

/** `noGrad` by PyTorch's other name. There is nothing to gain over it here, and what it gives may be used anywhere. */
export function inferenceMode<A extends readonly unknown[], R>(f: (...args: A) => R, ...end: End): (...args: A) => R {
  checkEnd('inferenceMode', end, [], 'autodiff')
  checkFunction('inferenceMode', f)
  return noGrad(f)
}

const nothing = (): void => {}
/** A constant of every derivative but those that `noGrad` does not stop. */
const cut = (y: Tensor): Tensor => (y.value instanceof Pair ? y.wrap(y.value.around(cut(y.value.primal))) : stopGradient(y))

/** The tape of tensors that require gradients, if there is one. */
function theTape(): Trace | null {
  const { tape } = registry()
  return tape === bottom.level ? (bottom.level?.below ?? null) : tape
}

/** Runs `f` with every derivative from `trace` outwards standing aside (`met`) or taking part (`null`), also that of tensors that require gradients. */
function besidesAll<R>(trace: Trace | null, met: Met<Tracer> | null, f: () => R): R {
  const tape = theTape()
  if (!trace) return tape instanceof DerivativeTrace ? tape.besides(met, f) : f()
  if (trace === tape) return besidesAll(null, met, f)
  const inner = (): R => besidesAll(trace.parent, met, f)
  return trace instanceof DerivativeTrace && trace.stoppable ? trace.besides(met, inner) : inner()
}

/**
 * `f` during whose calls derivatives are recorded again inside of `noGrad`: of the transforms in flight around the call, and of
 * tensors that require gradients.
 */
export function enableGrad<A extends readonly unknown[], R>(f: (...args: A) => R, ...end: End): (...args: A) => R {
  checkEnd('enableGrad', end, [], 'autodiff')
  checkFunction('enableGrad', f)
  return named((...args: A): R => besidesAll(registry().current, null, () => f(...args)), f)
}

/** Whether derivatives are recorded: not inside of `noGrad`. */
export function isGradEnabled(...end: End): boolean {
  checkEnd('isGradEnabled', end, [], 'autodiff')
  let trace = registry().current
  while (trace instanceof DerivativeTrace && !trace.stoppable) trace = trace.parent
  trace ??= theTape()
  return !(trace instanceof DerivativeTrace) || trace.aside === null
}
