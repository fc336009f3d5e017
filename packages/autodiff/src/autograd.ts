import { AutogradFunction, onceDifferentiable } from './function.ts'
import { type Functional, functional } from './functional.ts'

/** The names of `torch.autograd`. */
export interface Autograd {
  /** base class of functions with rules of their own */
  readonly Function: typeof AutogradFunction
  readonly onceDifferentiable: typeof onceDifferentiable
  readonly functional: Functional
}
/** `autograd.Function` for rules of one's own, `autograd.functional` with those of torch.autograd.functional's names that need no `vmap`. */
export const autograd: Autograd = { Function: AutogradFunction, onceDifferentiable, functional }
