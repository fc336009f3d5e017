import type { End } from '../core/args.ts'
import { assign } from '../ops/assign.ts'
import * as gamma from '../ops/gamma.ts'
import type { Tensor } from '../tensor.ts'
import { InPlaceMethods } from './in-place.ts'

type Tail<F> = F extends (x: Tensor, ...rest: infer R extends readonly unknown[]) => unknown ? R : never

// oxfmt-ignore
/** Special functions as methods, and in place. */
export abstract class SpecialMethods extends InPlaceMethods {
  lgamma(this: Tensor, ...end: End): Tensor { return gamma.lgamma(this, ...end) }
  lgamma_(this: Tensor, ...end: End): Tensor { return assign(this, 'lgamma_', gamma.lgamma(this, ...end)) }
  digamma(this: Tensor, ...end: End): Tensor { return gamma.digamma(this, ...end) }
  digamma_(this: Tensor, ...end: End): Tensor { return assign(this, 'digamma_', gamma.digamma(this, ...end)) }
  polygamma(this: Tensor, ...args: Tail<typeof gamma.polygammaMethod>): Tensor { return gamma.polygammaMethod(this, ...args) }
  polygamma_(this: Tensor, ...args: Tail<typeof gamma.polygammaMethod>): Tensor { return assign(this, 'polygamma_', gamma.polygammaMethod(this, ...args)) }
  mvlgamma(this: Tensor, ...args: Tail<typeof gamma.mvlgamma>): Tensor { return gamma.mvlgamma(this, ...args) }
  mvlgamma_(this: Tensor, ...args: Tail<typeof gamma.mvlgamma>): Tensor { return assign(this, 'mvlgamma_', gamma.mvlgamma(this, ...args)) }
  erfinv(this: Tensor, ...end: End): Tensor { return gamma.erfinv(this, ...end) }
  erfinv_(this: Tensor, ...end: End): Tensor { return assign(this, 'erfinv_', gamma.erfinv(this, ...end)) }
}
