import type { Tensor } from '../tensor.ts'
import { TensorTypeError } from './errors.ts'
import type { Handle } from './handle.ts'
import type { Vjp } from './op.ts'
import { registry } from './registry.ts'

/** The names of `BackwardOptions`. */
export const BACKWARD_OPTIONS = ['retainGraph', 'createGraph', 'inputs'] as const

/** What `x.backward()` takes. */
export interface BackwardOptions {
  /** keeps what the gradients were computed from, so that they can be computed again; default: the value of `createGraph` */
  readonly retainGraph?: boolean | undefined
  /** records the computation of the gradients, so that they can be differentiated; default false */
  readonly createGraph?: boolean | undefined
  /** adds gradients up in these tensors alone; default: in all that the tensor was computed from */
  readonly inputs?: Tensor | readonly Tensor[] | null | undefined
}

/** What made a tensor that requires a gradient. */
export interface GradFn {
  /** such as `MulBackward` */
  readonly name: string
}

/** Derivatives, for packages that cannot import those who compute them. `@mapgrad/autodiff` provides it. */
export interface Autograd {
  /** reverse mode: outputs of a function of tensors, and the pullback */
  readonly vjp: Vjp
  /** a function with a derivative by hand: `forward` gives `[output, residuals]`, `backward` one cotangent an argument */
  readonly customVjp: <A extends readonly unknown[], R, S>(
    f: (...args: A) => R,
    rules: { readonly forward: (...args: A) => readonly [R, S]; readonly backward: (residuals: S, cotangent: R) => readonly unknown[] },
  ) => (...args: A) => R
  /** whether anything computed from `x` is recorded */
  requires(x: Handle): boolean
  /** makes `x` a leaf whose gradient is asked for, or no longer one */
  require(x: Tensor, flag: boolean): void
  isLeaf(x: Handle): boolean
  gradFn(x: Handle): GradFn | null
  grad(x: Handle): Tensor | null
  setGrad(x: Tensor, grad: Tensor | null): void
  retainGrad(x: Handle): void
  registerHook(x: Handle, hook: (grad: Tensor) => Tensor | null | undefined | void): () => void
  backward(x: Tensor, gradient: Tensor | null, options: BackwardOptions): void
}

/** `x`, of which a creation function's options may ask for the gradient. */
export function leaf(op: string, x: Tensor, { requiresGrad = false }: { readonly requiresGrad?: boolean | undefined }): Tensor {
  if (requiresGrad) autogradOf(op).require(x, true)
  return x
}

/** The provider, or a named error that says how to get it. */
export function autogradOf(op: string): Autograd {
  const { autograd } = registry()
  if (!autograd)
    throw new TensorTypeError(
      'expected somebody to compute gradients, got nobody. Import @mapgrad/func, or call enableAutograd() of @mapgrad/autodiff',
      { op, code: 'NO_AUTOGRAD' },
    )
  return autograd
}
