import { type CompareOp, expr as e } from '@mapgrad/kernel'
import { type End, checkEnd } from '../core/args.ts'
import { type Op, defineOp } from '../core/op.ts'
import type { Scalar } from '../core/promote.ts'
import { broadcastAval, constant, pointwise } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { cast, promoted } from './cast.ts'

type Operand = Tensor | Scalar
type XY = [x: Tensor, y: Tensor]
type Compare = Op<XY, null, [x: Operand, y: Operand]>

/** Compares in the promoted dtype; a comparison with NaN is false, but `ne`, which is true. */
const compare = /* @__NO_SIDE_EFFECTS__ */ (op: CompareOp): Compare =>
  defineOp<XY, null, [x: Operand, y: Operand]>({
    name: op,
    args: (x, y, ...end: End) => {
      checkEnd(op, end)
      return [promoted(op, [x, y]).map((t) => (t.dtype === 'bool' ? cast(t, 'uint8') : t)) as XY, null]
    },
    result: broadcastAval(op, 'bool'),
    compute: pointwise((x, y) => e[op](x!, y!)),
    batch: 'pointwise',
    diff: constant,
  })

/** x = y, elementwise. */
export const eq: Compare = compare('eq')
/** x ≠ y, elementwise. */
export const ne: Compare = compare('ne')
/** x < y, elementwise. */
export const lt: Compare = compare('lt')
/** x ≤ y, elementwise. */
export const le: Compare = compare('le')
/** x > y, elementwise. */
export const gt: Compare = compare('gt')
/** x ≥ y, elementwise. */
export const ge: Compare = compare('ge')
