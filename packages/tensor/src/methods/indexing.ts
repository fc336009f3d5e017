import * as indexing from '../ops/at.ts'
import type { Indexed } from '../ops/indexer.ts'
import * as gathers from '../ops/gather.ts'
import * as dynamic from '../ops/nonzero.ts'
import * as fixed from '../ops/nonzero-static.ts'
import * as scatters from '../ops/scatter.ts'
import * as takes from '../ops/take.ts'
import type { Tensor } from '../tensor.ts'
import { ShapeMethods } from './shape.ts'

/** The parameters of a function after its tensor. */
type Rest<F> = F extends (x: Tensor, ...args: infer A extends readonly unknown[]) => unknown ? A : never

/** Indexing as methods; each is the function of the same name with the tensor first. */
export abstract class IndexingMethods extends ShapeMethods {
  at<I extends readonly indexing.AnyIndex[]>(this: Tensor, ...index: I): Indexed<I[number]> {
    return indexing.at(this, ...index)
  }
  indexPut(this: Tensor, ...args: Rest<typeof indexing.indexPut>): Tensor {
    return indexing.indexPut(this, ...args)
  }
  selectScatter(this: Tensor, ...args: Rest<typeof indexing.selectScatter>): Tensor {
    return indexing.selectScatter(this, ...args)
  }
  sliceScatter(this: Tensor, ...args: Rest<typeof indexing.sliceScatter>): Tensor {
    return indexing.sliceScatter(this, ...args)
  }
  gather(this: Tensor, ...args: Rest<typeof gathers.gather>): Tensor {
    return gathers.gather(this, ...args)
  }
  takeAlongDim(this: Tensor, ...args: Rest<typeof gathers.takeAlongDim>): Tensor {
    return gathers.takeAlongDim(this, ...args)
  }
  scatter(this: Tensor, ...args: Rest<typeof scatters.scatter>): Tensor {
    return scatters.scatter(this, ...args)
  }
  scatterAdd(this: Tensor, ...args: Rest<typeof scatters.scatterAdd>): Tensor {
    return scatters.scatterAdd(this, ...args)
  }
  scatterReduce(this: Tensor, ...args: Rest<typeof scatters.scatterReduce>): Tensor {
    return scatters.scatterReduce(this, ...args)
  }
  indexSelect(this: Tensor, ...args: Rest<typeof takes.indexSelect>): Tensor {
    return takes.indexSelect(this, ...args)
  }
  indexAdd(this: Tensor, ...args: Rest<typeof takes.indexAdd>): Tensor {
    return takes.indexAdd(this, ...args)
  }
  indexCopy(this: Tensor, ...args: Rest<typeof takes.indexCopy>): Tensor {
    return takes.indexCopy(this, ...args)
  }
  indexFill(this: Tensor, ...args: Rest<typeof takes.indexFill>): Tensor {
    return takes.indexFill(this, ...args)
  }
  indexReduce(this: Tensor, ...args: Rest<typeof takes.indexReduce>): Tensor {
    return takes.indexReduce(this, ...args)
  }
  take(this: Tensor, ...args: Rest<typeof takes.take>): Tensor {
    return takes.take(this, ...args)
  }
  put(this: Tensor, ...args: Rest<typeof takes.put>): Tensor {
    return takes.put(this, ...args)
  }
  maskedFill(this: Tensor, ...args: Rest<typeof takes.maskedFill>): Tensor {
    return takes.maskedFill(this, ...args)
  }
  argwhere(this: Tensor, ...args: Rest<typeof dynamic.argwhere>): Tensor {
    return dynamic.argwhere(this, ...args)
  }
  maskedSelect(this: Tensor, ...args: Rest<typeof dynamic.maskedSelect>): Tensor {
    return dynamic.maskedSelect(this, ...args)
  }
  nonzeroStatic(this: Tensor, ...args: Rest<typeof fixed.nonzeroStatic>): Tensor {
    return fixed.nonzeroStatic(this, ...args)
  }
  repeatInterleave(this: Tensor, ...args: Rest<typeof dynamic.repeatInterleave>): Tensor {
    return dynamic.repeatInterleave(this, ...args)
  }
  nonzero(this: Tensor, options: { readonly asTuple: true }): Tensor[]
  nonzero(this: Tensor, options?: dynamic.NonzeroOptions): Tensor
  nonzero(this: Tensor, ...args: readonly unknown[]): Tensor | Tensor[] {
    return dynamic.nonzero(this, ...(args as [options?: dynamic.NonzeroOptions]))
  }
}
