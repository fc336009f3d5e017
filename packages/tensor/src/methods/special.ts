import { assign } from '../ops/assign.ts'
import * as gamma from '../ops/gamma.ts'
import type { Tensor } from '../tensor.ts'
import { InPlaceMethods } from './in-place.ts'

type Tail<F> = F extends (x: Tensor, ...rest: infer R extends readonly unknown[]) => unknown ? R : never

// oxfmt-ignore
/** Special functions as methods, and in place. */
export abstract class SpecialMethods extends InPlaceMethods {
  lgamma(this: Tensor): Tensor { return gamma.lgamma(this) }
  lgamma_(this: Tensor): Tensor { return assign(this, 'lgamma_', gamma.lgamma(this)) }
  digamma(this: Tensor): Tensor { return gamma.digamma(this) }
  digamma_(this: Tensor): Tensor { return assign(this, 'digamma_', gamma.digamma(this)) }
  polygamma(this: Tensor, ...args: Tail<typeof gamma.polygammaMethod>): Tensor { return gamma.polygammaMethod(this, ...args) }
  polygamma_(this: Tensor, ...args: Tail<typeof gamma.polygammaMethod>): Tensor { return assign(this, 'polygamma_', gamma.polygammaMethod(this, ...args)) }
  mvlgamma(this: Tensor, ...args: Tail<typeof gamma.mvlgamma>): Tensor { return gamma.mvlgamma(this, ...args) }
  mvlgamma_(this: Tensor, ...args: Tail<typeof gamma.mvlgamma>): Tensor { return assign(this, 'mvlgamma_', gamma.mvlgamma(this, ...args)) }
  erfinv(this: Tensor): Tensor { return gamma.erfinv(this) }
  erfinv_(this: Tensor): Tensor { return assign(this, 'erfinv_', gamma.erfinv(this)) }
}
