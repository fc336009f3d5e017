import { type End, checkEnd } from '../core/args.ts'
import { expr as e } from '@mapgrad/kernel'
import { TensorTypeError } from '../core/errors.ts'
import { type Op, defineOp } from '../core/op.ts'
import { type Scalar, checkTensor } from '../core/promote.ts'
import { broadcastAval, pointwise } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { cast, filledLike, promoted } from './cast.ts'
import { isTensor } from '../core/handle.ts'

type Operand = Tensor | Scalar

/**
 * `condition ? x : y`, elementwise over their broadcast shape; x and y are promoted.
 * @throws TensorTypeError if the condition is neither bool nor uint8
 */
export const where: Op<[condition: Tensor, x: Tensor, y: Tensor], null, [condition: Tensor, x: Operand, y: Operand]> = defineOp({
  name: 'where',
  args: (condition: Tensor, x: Operand, y: Operand, ...end: End) => {
    checkEnd('where', end)
    checkTensor('where', condition, 'the condition to be a Tensor')
    if (condition.dtype !== 'bool' && condition.dtype !== 'uint8')
      throw new TensorTypeError(
        `where expected condition to be a boolean tensor, but got a tensor with dtype ${condition.dtype}. Compare first, such as x.ne(0)`,
        { op: 'where', code: 'MASK_DTYPE' },
      )
    const c = cast(condition, 'bool')
    const [a, b] = promoted('where', isTensor(x) || isTensor(y) ? [x, y] : [filledLike(c, x, defaultType(x)), y]) as [Tensor, Tensor]
    return [[c, a, b] as [Tensor, Tensor, Tensor], null]
  },
  result: broadcastAval('where', undefined, 1),
  compute: pointwise((c, x, y) => e.select(c!, x!, y!)),
  batch: 'pointwise',
  diff: {
    kind: 'custom',
    jvp: (_, [c, x], [, dx, dy]) => (dx || dy ? [where(c, dx ?? filledLike(x, 0), dy ?? filledLike(x, 0))] : [null]),
    vjp: (_, [c], [ct]) => (ct ? [null, where(c, ct, 0), where(c, 0, ct)] : [null, null, null]),
  },
})

const defaultType = (x: Operand): 'bool' | 'int64' | 'float32' =>
  typeof x === 'boolean' ? 'bool' : typeof x === 'bigint' ? 'int64' : 'float32'
