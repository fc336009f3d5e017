import { bytesOf } from '@mapgrad/kernel'
import { type End, checkEnd } from '../core/args.ts'
import * as facts from '../ops/facts.ts'
import type { Tensor } from '../tensor.ts'
import { SpecialMethods } from './special.ts'

type Tail2<F> = F extends (x: Tensor, y: Tensor, ...rest: infer R) => unknown ? R : never

/** What is known of a tensor as plain JavaScript values. */
export abstract class FactMethods extends SpecialMethods {
  /** The number of elements. */
  nelement(this: Tensor, ...end: End): number {
    return facts.numel(this, ...end)
  }
  /** Bytes of one element. */
  get itemsize(): number {
    return bytesOf(this.dtype)
  }
  /** Bytes of one element. */
  elementSize(...end: End): number {
    checkEnd('elementSize', end)
    return this.itemsize
  }
  /** Bytes of all elements. */
  get nbytes(): number {
    return facts.numel(this as unknown as Tensor) * this.itemsize
  }
  isFloatingPoint(this: Tensor, ...end: End): boolean {
    return facts.isFloatingPoint(this, ...end)
  }
  isComplex(this: Tensor, ...end: End): boolean {
    return facts.isComplex(this, ...end)
  }
  isSigned(this: Tensor, ...end: End): boolean {
    return facts.isSigned(this, ...end)
  }
  isSameSize(this: Tensor, y: Tensor, ...end: End): boolean {
    return facts.isSameSize(this, y, ...end)
  }
  isNonzero(this: Tensor, ...end: End): boolean {
    return facts.isNonzero(this, ...end)
  }
  equal(this: Tensor, y: Tensor, ...end: End): boolean {
    return facts.equal(this, y, ...end)
  }
  allclose(this: Tensor, y: Tensor, ...args: Tail2<typeof facts.allclose>): boolean {
    return facts.allclose(this, y, ...args)
  }
}
