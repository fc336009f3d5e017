import { type BackwardOptions, type Tensor, detectAnomaly, isAnomalyEnabled, setDetectAnomaly } from '@mapgrad/tensor'
import { BACKWARD_OPTIONS, type End, type Tensors, checkEnd, readArgs, filledLike, registry } from '@mapgrad/tensor/plugin'
import { fault } from './call.ts'
import { backwardAll, eager, onTape, seeds, several, tapedOf, walk } from './eager.ts'
import { type ForwardAd, forwardAd } from './forward-ad.ts'
import { AutogradFunction, onceDifferentiable } from './function.ts'
import { type Functional, functional } from './functional.ts'

/** Options of `autograd.grad`. */
export interface AutogradGradOptions {
  /** keeps what the gradients were computed from, so that they can be computed again; default: the value of `createGraph` */
  readonly retainGraph?: boolean | undefined
  /** records the computation of the gradients, so that they can be differentiated; default false */
  readonly createGraph?: boolean | undefined
  /** gives `null` for an input that the outputs do not depend on, instead of raising an error; default false, or the value of `materializeGrads` */
  readonly allowUnused?: boolean | undefined
  /** gives zeros for such an input; default false */
  readonly materializeGrads?: boolean | undefined
}

type OneOrSeveral<T> = T | readonly T[]
/** One result an input, in an array. */
export type PerInput<I extends Tensor | readonly Tensor[], T = Tensor> = I extends readonly Tensor[] ? { -readonly [K in keyof I]: T } : [T]

/** Options of `autograd.grad`, its one positional parameter among them. */
export type GradientOptions<O> = O & { readonly gradOutputs?: OneOrSeveral<Tensor | null> | null | undefined }
/** What `autograd.grad` takes behind outputs and inputs: `gradOutputs` and options, or all by name. */
export type GradientArgs<O> = [gradOutputs: OneOrSeveral<Tensor | null> | null | undefined, options: O] | [options: GradientOptions<O>]
/** What lets inputs be unused. */
export interface Unused {
  readonly allowUnused: true
  readonly materializeGrads?: false | undefined
}

function given(op: string, x: unknown, count: number): (Tensor | null)[] {
  const list: unknown[] = x === null || x === undefined ? new Array<null>(count).fill(null) : Array.isArray(x) ? x : [x]
  if (list.length !== count) throw fault(op, `got ${count} tensors and ${list.length} gradients. Give one a tensor`, 'COUNT')
  return list as (Tensor | null)[]
}

const KNOWN = ['retainGraph', 'createGraph', 'allowUnused', 'materializeGrads'] as const

/** Gradients at tensors of a tape, `null` where there are none: what `autograd.grad` and its batched form share. */
export function gradients(
  ys: Tensors,
  xs: Tensors,
  cts: Tensors,
  { createGraph = false, retainGraph = createGraph, materializeGrads = false, allowUnused = materializeGrads }: AutogradGradOptions,
): (Tensor | null)[] {
  if (materializeGrads && !allowUnused)
    throw fault(
      'grad',
      'Expected allowUnused to be true or not passed when materializeGrads: true, but got: allowUnused: false.',
      'ALLOW_UNUSED',
    )
  const { trace, ends } = onTape('grad', ys)
  const starts = xs.map((x) => {
    const own = tapedOf(x)
    if (!own || !own.trace.open)
      throw fault('grad', 'One of the differentiated Tensors does not require grad. Make it with { requiresGrad: true }', 'NO_GRAD')
    return own.trace === trace ? own : undefined
  })
  const grads = walk(ends, cts, starts, { retainGraph, createGraph })
  return xs.map((x, i) => {
    const g = grads[i]
    if (g) return g.wrap(g.value)
    if (!allowUnused)
      throw fault(
        'grad',
        'One of the differentiated Tensors appears to not have been used in the graph. Set allowUnused: true if this is the desired behavior.',
        'UNUSED',
      )
    return materializeGrads ? filledLike(x, 0, x.dtype, x.shape) : null
  })
}

/**
 * The sum of the gradients of `outputs` with respect to each input, times `gradOutputs` (one an output; may be left out for outputs
 * of one element). Inputs and outputs are tensors of one tape: of tensors with `requiresGrad`, or of a `grad` or `vjp` around the call.
 * By position `grad(outputs, inputs, gradOutputs, options)`.
 * @throws TensorTypeError if an output was not recorded, an input does not require a gradient or (without `allowUnused`) is not used
 */
export function grad<const I extends OneOrSeveral<Tensor>>(
  outputs: OneOrSeveral<Tensor>,
  inputs: I,
  ...options: GradientArgs<AutogradGradOptions & Unused>
): PerInput<I, Tensor | null>
export function grad<const I extends OneOrSeveral<Tensor>>(
  outputs: OneOrSeveral<Tensor>,
  inputs: I,
  ...options: [] | [gradOutputs: OneOrSeveral<Tensor | null> | null | undefined] | GradientArgs<AutogradGradOptions>
): PerInput<I>
export function grad(outputs: OneOrSeveral<Tensor>, inputs: OneOrSeveral<Tensor>, ...args: readonly unknown[]): never {
  const { gradOutputs, ...options } = readArgs<GradientOptions<AutogradGradOptions>>('grad', args, ['gradOutputs'], KNOWN, 'autodiff')
  const ys = several('grad', 'outputs', outputs)
  const xs = several('grad', 'inputs', inputs)
  return gradients(ys, xs, seeds('grad', ys, given('grad', gradOutputs, ys.length)), options) as never
}

/** `x.backward()` of several tensors at once. `gradTensors` has one gradient a tensor; `null` for one of one element. */
export function backward(
  tensors: OneOrSeveral<Tensor>,
  ...args:
    | [gradTensors?: OneOrSeveral<Tensor | null> | null, options?: BackwardOptions]
    | [options: BackwardOptions & { readonly gradTensors?: OneOrSeveral<Tensor | null> | null }]
): void {
  const { gradTensors, ...options } = readArgs<BackwardOptions & { readonly gradTensors?: unknown }>(
    'backward',
    args,
    ['gradTensors'],
    BACKWARD_OPTIONS,
    'autodiff',
  )
  const ys = several('backward', 'tensors', tensors)
  backwardAll(ys, given('backward', gradTensors, ys.length), options)
}

/**
 * Lets tensors have gradients outside of transforms: `requiresGrad`, `x.backward()`, `x.grad`. `@mapgrad/func` calls it when it is
 * imported; call it once where you import single packages.
 */
export function enableAutograd(...end: End): void {
  checkEnd('enableAutograd', end, [], 'autodiff')
  registry().autograd ??= eager
}

/** The names of `torch.autograd`. */
export interface Autograd {
  /** base class of functions with rules of their own */
  readonly Function: typeof AutogradFunction
  readonly onceDifferentiable: typeof onceDifferentiable
  readonly functional: Functional
  /** tensors that carry tangents: `torch.autograd.forward_ad` */
  readonly forwardAd: ForwardAd
  readonly grad: typeof grad
  readonly backward: typeof backward
  readonly detectAnomaly: typeof detectAnomaly
  readonly setDetectAnomaly: typeof setDetectAnomaly
  readonly isAnomalyEnabled: typeof isAnomalyEnabled
}
/**
 * `autograd.Function` for rules of one's own; `autograd.grad` and `autograd.backward` for tensors with `requiresGrad`; `autograd.detectAnomaly`
 * to find where NaN comes from; `autograd.forwardAd` for tensors that carry tangents; `autograd.functional` with those of torch.autograd.functional's names that need no `vmap`.
 */
export const autograd: Autograd = {
  Function: AutogradFunction,
  onceDifferentiable,
  functional,
  forwardAd,
  grad,
  backward,
  detectAnomaly,
  setDetectAnomaly,
  isAnomalyEnabled,
}
