import { Handle } from '../core/handle.ts'
import * as binary from '../ops/binary.ts'
import * as compare from '../ops/compare.ts'
import * as unary from '../ops/unary.ts'
import * as selection from '../ops/where.ts'
import type { Tensor } from '../tensor.ts'

type Operand = binary.Operand

/** The pointwise functions as methods; each is the function of the same name with the tensor first. */
export abstract class PointwiseMethods extends Handle {
  neg(this: Tensor): Tensor { return unary.neg(this) }
  abs(this: Tensor): Tensor { return unary.abs(this) }
  sign(this: Tensor): Tensor { return unary.sign(this) }
  square(this: Tensor): Tensor { return unary.square(this) }
  exp(this: Tensor): Tensor { return unary.exp(this) }
  sin(this: Tensor): Tensor { return unary.sin(this) }
  cos(this: Tensor): Tensor { return unary.cos(this) }
  tanh(this: Tensor): Tensor { return unary.tanh(this) }
  add(this: Tensor, y: Operand, options?: binary.AlphaOptions): Tensor { return binary.add(this, y, options) }
  sub(this: Tensor, y: Operand, options?: binary.AlphaOptions): Tensor { return binary.sub(this, y, options) }
  mul(this: Tensor, y: Operand): Tensor { return binary.mul(this, y) }
  div(this: Tensor, y: Operand, options?: binary.DivOptions): Tensor { return binary.div(this, y, options) }
  pow(this: Tensor, y: Operand): Tensor { return binary.pow(this, y) }
  eq(this: Tensor, y: Operand): Tensor { return compare.eq(this, y) }
  where(this: Tensor, condition: Tensor, y: Operand): Tensor { return selection.where(condition, this, y) }
}
