import type { Args } from '../core/args.ts'
import * as linear from '../ops/linear.ts'
import * as matmul from '../ops/matmul.ts'
import * as products from '../ops/products.ts'
import type { Tensor } from '../tensor.ts'
import { IndexingMethods } from './indexing.ts'

/** Products of matrices and vectors as methods; each is the function of the same name with the tensor first. */
export abstract class LinalgMethods extends IndexingMethods {
  matmul(this: Tensor, y: Tensor): Tensor {
    return matmul.matmul(this, y)
  }
  mm(this: Tensor, y: Tensor): Tensor {
    return matmul.mm(this, y)
  }
  bmm(this: Tensor, y: Tensor): Tensor {
    return matmul.bmm(this, y)
  }
  mv(this: Tensor, y: Tensor): Tensor {
    return matmul.mv(this, y)
  }
  dot(this: Tensor, y: Tensor): Tensor {
    return matmul.dot(this, y)
  }
  vdot(this: Tensor, y: Tensor): Tensor {
    return matmul.vdot(this, y)
  }
  inner(this: Tensor, y: Tensor): Tensor {
    return matmul.inner(this, y)
  }
  outer(this: Tensor, y: Tensor): Tensor {
    return matmul.outer(this, y)
  }
  ger(this: Tensor, y: Tensor): Tensor {
    return matmul.ger(this, y)
  }
  addmm(this: Tensor, a: Tensor, b: Tensor, options?: linear.AddProductOptions): Tensor {
    return linear.addmm(this, a, b, options)
  }
  addmv(this: Tensor, a: Tensor, v: Tensor, options?: linear.AddProductOptions): Tensor {
    return linear.addmv(this, a, v, options)
  }
  addbmm(this: Tensor, a: Tensor, b: Tensor, options?: linear.AddProductOptions): Tensor {
    return linear.addbmm(this, a, b, options)
  }
  baddbmm(this: Tensor, a: Tensor, b: Tensor, options?: linear.AddProductOptions): Tensor {
    return linear.baddbmm(this, a, b, options)
  }
  addr(this: Tensor, u: Tensor, v: Tensor, options?: linear.AddProductOptions): Tensor {
    return linear.addr(this, u, v, options)
  }
  kron(this: Tensor, y: Tensor): Tensor {
    return linear.kron(this, y)
  }
  cross(this: Tensor, y: Tensor, ...args: Args<[dim?: number], { readonly dim?: number }>): Tensor {
    return products.cross(this, y, ...args)
  }
}
