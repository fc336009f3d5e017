import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { BACKWARD_OPTIONS, type BackwardOptions, type GradFn, autogradOf } from '../core/autograd.ts'
import { registry } from '../core/registry.ts'
import type { Tensor } from '../tensor.ts'
import { FactMethods } from './facts.ts'

type GradientOptions = BackwardOptions & { readonly gradient?: Tensor | null }

/** Gradients outside of transforms, as PyTorch has them. They need `@mapgrad/func`, or `enableAutograd()` of `@mapgrad/autodiff`. */
export abstract class AutogradMethods extends FactMethods {
  /** Whether what is computed from this tensor is recorded, so that it can have a gradient. Can be set on leaves. */
  get requiresGrad(): boolean {
    return registry().autograd?.requires(this) ?? false
  }
  set requiresGrad(flag: boolean) {
    autogradOf('requiresGrad_').require(this as unknown as Tensor, flag)
  }
  /**
   * Asks for a gradient of this tensor, or (`false`) no longer. Of a view it makes a tensor of its own.
   * @throws TensorTypeError for a dtype that is no floating point one, a result of recorded operations, or inside a transform
   */
  requiresGrad_(this: Tensor, ...args: Args<[requiresGrad?: boolean], { readonly requiresGrad?: boolean }>): Tensor {
    const { requiresGrad = true } = readArgs<{ readonly requiresGrad?: boolean }>('requiresGrad_', args, ['requiresGrad'])
    autogradOf('requiresGrad_').require(this, requiresGrad)
    return this
  }
  /** The gradient that `backward` added up in this leaf; `null` where there is none (yet). Can be set. */
  get grad(): Tensor | null {
    return registry().autograd?.grad(this) ?? null
  }
  set grad(grad: Tensor | null) {
    autogradOf('grad').setGrad(this as unknown as Tensor, grad)
  }
  /** Whether this tensor is no result of recorded operations. */
  get isLeaf(): boolean {
    return registry().autograd?.isLeaf(this) ?? true
  }
  /** The recorded operation that made it: `{ name: 'MulBackward' }`; `null` for leaves. */
  get gradFn(): GradFn | null {
    return registry().autograd?.gradFn(this) ?? null
  }
  /** Lets `grad` of this result be kept, as that of leaves is. */
  retainGrad(this: Tensor, ...end: End): void {
    checkEnd('retainGrad', end)
    autogradOf('retainGrad').retainGrad(this)
  }
  /** Calls `hook` with each gradient that reaches this tensor; what it returns takes the gradient's place. Gives a function that removes the hook. */
  registerHook(this: Tensor, hook: (grad: Tensor) => Tensor | null | undefined | void, ...end: End): () => void {
    checkEnd('registerHook', end)
    return autogradOf('registerHook').registerHook(this, hook)
  }
  /**
   * Adds the derivative of this tensor (times `gradient`, where it has more than one element) to `grad` of every leaf that it
   * was computed from.
   * @throws TensorTypeError or TensorRangeError if nothing was recorded, `gradient` does not fit, it was called before without `retainGraph`, or inside a transform
   */
  backward(this: Tensor, ...args: [gradient?: Tensor | null, options?: BackwardOptions] | [options: GradientOptions]): void {
    const { gradient = null, ...options } = readArgs<GradientOptions>('backward', args, ['gradient'], BACKWARD_OPTIONS, 'autodiff')
    autogradOf('backward').backward(this, gradient, options)
  }
}
