import { type Autograd, type AutogradGradOptions, type PerInput, autograd } from '@mapgrad/autodiff'
import { type GradientArgs, type GradientOptions, type Unused, gradients, several } from '@mapgrad/autodiff/plugin'
import type { Tensor } from '@mapgrad/tensor'
import { TensorRangeError, TensorTypeError, isTensor, readArgs, sameShape, show } from '@mapgrad/tensor/plugin'
import { materialize, vmapFlat } from '@mapgrad/vmap/plugin'

/** Options of `autograd.grad`. */
export interface BatchedGradOptions extends AutogradGradOptions {
  /** `gradOutputs` have one more axis in front, and so have the results: one gradient for each entry of it; default false */
  readonly isGradsBatched?: boolean | undefined
}

type OneOrSeveral<T> = T | readonly T[]

/** `autograd.grad`, with batches of cotangents. */
export interface GradOfTensors {
  <const I extends OneOrSeveral<Tensor>>(
    outputs: OneOrSeveral<Tensor>,
    inputs: I,
    ...options: GradientArgs<BatchedGradOptions & Unused>
  ): PerInput<I, Tensor | null>
  <const I extends OneOrSeveral<Tensor>>(
    outputs: OneOrSeveral<Tensor>,
    inputs: I,
    ...options: [] | [gradOutputs: OneOrSeveral<Tensor | null> | null | undefined] | GradientArgs<BatchedGradOptions>
  ): PerInput<I>
}

const KNOWN = ['retainGraph', 'createGraph', 'allowUnused', 'materializeGrads', 'isGradsBatched'] as const

function batch(outputs: readonly Tensor[], cts: readonly Tensor[]): number {
  if (cts.length !== outputs.length)
    throw new TensorTypeError(`got ${outputs.length} tensors and ${cts.length} gradients. Give one a tensor`, {
      package: 'func',
      op: 'grad',
      code: 'COUNT',
    })
  const size = cts[0]!.shape[0]
  cts.forEach((ct, i) => {
    if (size === undefined || ct.shape[0] !== size || !sameShape(ct.shape.slice(1), outputs[i]!.shape))
      throw new TensorRangeError(
        `If \`isGradsBatched=True\`, we interpret the first dimension of each grad_output as the batch dimension. The sizes of the remaining dimensions are expected to match the shape of corresponding output, but a mismatch was detected: grad_output[${i}] has a shape of ${show(ct.shape)} and output[${i}] has a shape of ${show(outputs[i]!.shape)}.`,
        { package: 'func', op: 'grad', code: 'SHAPE_MISMATCH' },
      )
  })
  return size!
}

/** `autograd.grad`, with `isGradsBatched` on top of `vmap`. */
export const grad: GradOfTensors = (outputs: OneOrSeveral<Tensor>, inputs: OneOrSeveral<Tensor>, ...args: readonly unknown[]): never => {
  const {
    isGradsBatched = false,
    gradOutputs = null,
    ...rest
  } = readArgs<GradientOptions<BatchedGradOptions>>('grad', args, ['gradOutputs'], KNOWN, 'func')
  if (!isGradsBatched) return (autograd.grad as Autograd['grad'])(outputs, inputs, gradOutputs, rest) as never
  const ys = several('grad', 'outputs', outputs)
  const xs = several('grad', 'inputs', inputs)
  const cts = several('grad', 'gradOutputs with isGradsBatched', gradOutputs)
  const size = batch(ys, cts)
  let grads: (Tensor | null)[] = []
  const found = vmapFlat(
    (examples, trace) => {
      grads = gradients(ys, xs, examples, rest)
      return grads.filter(isTensor).map((g) => materialize(trace, g, 0))
    },
    cts,
    cts.map(() => 0),
    size,
    'error',
  ).values()
  return grads.map((g) => (g ? found.next().value! : g)) as never
}
