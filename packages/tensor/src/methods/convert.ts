import type { DType } from '@mapgrad/kernel'
import { type End, checkEnd } from '../core/args.ts'
import * as fill from '../create/like.ts'
import type { SizeArgs } from '../create/size.ts'
import { type To, convert } from '../ops/convert.ts'
import { clone } from '../ops/view.ts'
import { stopGradient } from '../ops/unary.ts'
import { multinomial } from '../random/choice.ts'
import * as random from '../random/like.ts'
import type { Tensor } from '../tensor.ts'
import { LinalgMethods } from './linalg.ts'

type Tail<F> = F extends (x: Tensor, ...rest: infer R) => unknown ? R : never

function converted(x: Tensor, op: string, to: Tensor | DType | 'cpu', end: readonly unknown[]): Tensor {
  checkEnd(op, end)
  return convert(x, [to] as To)
}

/** Conversions, copies, and tensors made like another one. */
export abstract class ConvertMethods extends LinalgMethods {
  /** This tensor as another dtype, on another device, or both: `to(dtype)`, `to(device)`, `to(device, dtype)`, `to(other)`, `to({ dtype, device })`. Itself where nothing changes. */
  to(this: Tensor, ...args: To): Tensor {
    return convert(this, args)
  }
  /** As the dtype and on the device of `other`. */
  typeAs(this: Tensor, other: Tensor, ...end: End): Tensor {
    return converted(this, 'typeAs', other, end)
  }
  float(this: Tensor, ...end: End): Tensor {
    return converted(this, 'float', 'float32', end)
  }
  double(this: Tensor, ...end: End): Tensor {
    return converted(this, 'double', 'float64', end)
  }
  half(this: Tensor, ...end: End): Tensor {
    return converted(this, 'half', 'float16', end)
  }
  bfloat16(this: Tensor, ...end: End): Tensor {
    return converted(this, 'bfloat16', 'bfloat16', end)
  }
  int(this: Tensor, ...end: End): Tensor {
    return converted(this, 'int', 'int32', end)
  }
  long(this: Tensor, ...end: End): Tensor {
    return converted(this, 'long', 'int64', end)
  }
  short(this: Tensor, ...end: End): Tensor {
    return converted(this, 'short', 'int16', end)
  }
  char(this: Tensor, ...end: End): Tensor {
    return converted(this, 'char', 'int8', end)
  }
  byte(this: Tensor, ...end: End): Tensor {
    return converted(this, 'byte', 'uint8', end)
  }
  bool(this: Tensor, ...end: End): Tensor {
    return converted(this, 'bool', 'bool', end)
  }
  /** On the device named 'cpu'. */
  cpu(this: Tensor, ...end: End): Tensor {
    return converted(this, 'cpu', 'cpu', end)
  }
  /** The same values, with no derivative. */
  detach(this: Tensor, ...end: End): Tensor {
    return stopGradient(this, ...end)
  }
  /** The same values under another handle; it has derivatives. Values never change, so memory is shared. */
  clone(this: Tensor, ...end: End): Tensor {
    return clone(this, ...end)
  }

  newZeros(this: Tensor, ...args: SizeArgs): Tensor {
    return fill.newZeros(this, ...args)
  }
  newOnes(this: Tensor, ...args: SizeArgs): Tensor {
    return fill.newOnes(this, ...args)
  }
  newEmpty(this: Tensor, ...args: SizeArgs): Tensor {
    return fill.newEmpty(this, ...args)
  }
  newFull(this: Tensor, ...args: Tail<typeof fill.newFull>): Tensor {
    return fill.newFull(this, ...args)
  }
  newTensor(this: Tensor, ...args: Tail<typeof fill.newTensor>): Tensor {
    return fill.newTensor(this, ...args)
  }

  bernoulli(this: Tensor, ...args: Tail<typeof random.bernoulli>): Tensor {
    return random.bernoulli(this, ...args)
  }
  multinomial(this: Tensor, ...args: Tail<typeof multinomial>): Tensor {
    return multinomial(this, ...args)
  }
}
