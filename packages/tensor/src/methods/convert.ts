import type { Scalar } from '../core/promote.ts'
import type { Shape } from '../core/shape.ts'
import type { TensorData, TensorOptions } from '../create/host.ts'
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

/** Conversions, copies, and tensors made like another one. */
export abstract class ConvertMethods extends LinalgMethods {
  /** This tensor as another dtype, on another device, or both: `to(dtype)`, `to(device)`, `to(device, dtype)`, `to(other)`, `to({ dtype, device })`. Itself where nothing changes. */
  to(this: Tensor, ...args: To): Tensor {
    return convert(this, args)
  }
  /** As the dtype and on the device of `other`. */
  typeAs(this: Tensor, other: Tensor): Tensor {
    return convert(this, [other])
  }
  float(this: Tensor): Tensor {
    return convert(this, ['float32'])
  }
  double(this: Tensor): Tensor {
    return convert(this, ['float64'])
  }
  half(this: Tensor): Tensor {
    return convert(this, ['float16'])
  }
  bfloat16(this: Tensor): Tensor {
    return convert(this, ['bfloat16'])
  }
  int(this: Tensor): Tensor {
    return convert(this, ['int32'])
  }
  long(this: Tensor): Tensor {
    return convert(this, ['int64'])
  }
  short(this: Tensor): Tensor {
    return convert(this, ['int16'])
  }
  char(this: Tensor): Tensor {
    return convert(this, ['int8'])
  }
  byte(this: Tensor): Tensor {
    return convert(this, ['uint8'])
  }
  bool(this: Tensor): Tensor {
    return convert(this, ['bool'])
  }
  /** On the device named 'cpu'. */
  cpu(this: Tensor): Tensor {
    return convert(this, ['cpu'])
  }
  /** The same values, with no derivative. */
  detach(this: Tensor): Tensor {
    return stopGradient(this)
  }
  /** The same values under another handle; it has derivatives. Values never change, so memory is shared. */
  clone(this: Tensor): Tensor {
    return clone(this)
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
  newFull(this: Tensor, size: Shape | number, value: Scalar, options?: TensorOptions): Tensor {
    return fill.newFull(this, size, value, options)
  }
  newTensor(this: Tensor, data: TensorData, options?: TensorOptions): Tensor {
    return fill.newTensor(this, data, options)
  }

  bernoulli(this: Tensor, ...args: Tail<typeof random.bernoulli>): Tensor {
    return random.bernoulli(this, ...args)
  }
  multinomial(this: Tensor, ...args: Tail<typeof multinomial>): Tensor {
    return multinomial(this, ...args)
  }
}
