import type { End } from '../core/args.ts'
import type { Scalar } from '../core/promote.ts'
import { assign, copyInto, fillDiagonal, fillWith, reshaped, setIn } from '../ops/assign.ts'
import * as indexing from '../ops/at.ts'
import * as linear from '../ops/linear.ts'
import * as scan from '../ops/scan.ts'
import * as scatters from '../ops/scatter.ts'
import * as shape from '../ops/shape.ts'
import * as strided from '../ops/strided.ts'
import * as takes from '../ops/take.ts'
import * as triangular from '../ops/triangular.ts'
import { stopGradient } from '../ops/unary.ts'
import * as random from '../random/in-place.ts'
import type { Tensor } from '../tensor.ts'
import { InPlacePointwiseMethods } from './in-place-pointwise.ts'

/** The parameters of a function after its tensor. */
type Rest<F> = F extends (...args: infer P) => unknown ? (P extends readonly [Tensor, ...infer A] ? A : never) : never

const PLACED = { placed: true } as const

// oxfmt-ignore
/** In-place operations beyond the pointwise ones: writes, indices, shapes, random numbers. */
export abstract class InPlaceMethods extends InPlacePointwiseMethods {
  /** The elements of `source`, broadcast and converted to this tensor's dtype. */
  copy_(this: Tensor, source: Tensor | Scalar, ...end: End): Tensor { return copyInto(this, source, end) }
  fill_(this: Tensor, value: Tensor | Scalar, ...end: End): Tensor { return fillWith(this, 'fill_', value, end) }
  zero_(this: Tensor, ...end: End): Tensor { return fillWith(this, 'zero_', 0, end) }
  fillDiagonal_(this: Tensor, ...args: Rest<typeof fillDiagonal>): Tensor { return fillDiagonal(this, ...args) }
  /** `x.set(...index, value)`: what `x[index] = value` does. Returns the tensor itself. */
  set(this: Tensor, ...args: readonly [...index: indexing.AnyIndex[], value: Tensor | Scalar]): Tensor { return setIn(this, args) }
  indexPut_(this: Tensor, ...args: Rest<typeof indexing.indexPut>): Tensor { return assign(this, 'indexPut_', indexing.indexPut(this, ...args), PLACED) }
  scatter_(this: Tensor, ...args: Rest<typeof scatters.scatter>): Tensor { return assign(this, 'scatter_', scatters.scatter(this, ...args), PLACED) }
  scatterAdd_(this: Tensor, ...args: Rest<typeof scatters.scatterAdd>): Tensor { return assign(this, 'scatterAdd_', scatters.scatterAdd(this, ...args), PLACED) }
  scatterReduce_(this: Tensor, ...args: Rest<typeof scatters.scatterReduce>): Tensor { return assign(this, 'scatterReduce_', scatters.scatterReduce(this, ...args), PLACED) }
  indexAdd_(this: Tensor, ...args: Rest<typeof takes.indexAdd>): Tensor { return assign(this, 'indexAdd_', takes.indexAdd(this, ...args), PLACED) }
  indexCopy_(this: Tensor, ...args: Rest<typeof takes.indexCopy>): Tensor { return assign(this, 'indexCopy_', takes.indexCopy(this, ...args), PLACED) }
  indexFill_(this: Tensor, ...args: Rest<typeof takes.indexFill>): Tensor { return assign(this, 'indexFill_', takes.indexFill(this, ...args), PLACED) }
  indexReduce_(this: Tensor, ...args: Rest<typeof takes.indexReduce>): Tensor { return assign(this, 'indexReduce_', takes.indexReduce(this, ...args), PLACED) }
  put_(this: Tensor, ...args: Rest<typeof takes.put>): Tensor { return assign(this, 'put_', takes.put(this, ...args), PLACED) }
  maskedFill_(this: Tensor, ...args: Rest<typeof takes.maskedFill>): Tensor { return assign(this, 'maskedFill_', takes.maskedFill(this, ...args), PLACED) }
  cumsum_(this: Tensor, ...args: Rest<typeof scan.cumsum>): Tensor { return assign(this, 'cumsum_', scan.cumsum(this, ...args)) }
  cumprod_(this: Tensor, ...args: Rest<typeof scan.cumprod>): Tensor { return assign(this, 'cumprod_', scan.cumprod(this, ...args)) }
  tril_(this: Tensor, ...args: Rest<typeof triangular.tril>): Tensor { return assign(this, 'tril_', triangular.tril(this, ...args)) }
  triu_(this: Tensor, ...args: Rest<typeof triangular.triu>): Tensor { return assign(this, 'triu_', triangular.triu(this, ...args)) }
  addmm_(this: Tensor, ...args: Rest<typeof linear.addmm>): Tensor { return assign(this, 'addmm_', linear.addmm(this, ...args)) }
  addmv_(this: Tensor, ...args: Rest<typeof linear.addmv>): Tensor { return assign(this, 'addmv_', linear.addmv(this, ...args)) }
  addbmm_(this: Tensor, ...args: Rest<typeof linear.addbmm>): Tensor { return assign(this, 'addbmm_', linear.addbmm(this, ...args)) }
  baddbmm_(this: Tensor, ...args: Rest<typeof linear.baddbmm>): Tensor { return assign(this, 'baddbmm_', linear.baddbmm(this, ...args)) }
  addr_(this: Tensor, ...args: Rest<typeof linear.addr>): Tensor { return assign(this, 'addr_', linear.addr(this, ...args)) }

  t_(this: Tensor, ...args: Rest<typeof shape.t>): Tensor { return reshaped(this, 't_', shape.t(this, ...args)) }
  transpose_(this: Tensor, ...args: Rest<typeof shape.transpose>): Tensor { return reshaped(this, 'transpose_', shape.transpose(this, ...args)) }
  swapdims_(this: Tensor, ...args: Rest<typeof shape.swapdims>): Tensor { return reshaped(this, 'swapdims_', shape.swapdims(this, ...args)) }
  swapaxes_(this: Tensor, ...args: Rest<typeof shape.swapaxes>): Tensor { return reshaped(this, 'swapaxes_', shape.swapaxes(this, ...args)) }
  squeeze_(this: Tensor, ...args: Rest<typeof shape.squeeze>): Tensor { return reshaped(this, 'squeeze_', shape.squeeze(this, ...args)) }
  unsqueeze_(this: Tensor, ...args: Rest<typeof shape.unsqueeze>): Tensor { return reshaped(this, 'unsqueeze_', shape.unsqueeze(this, ...args)) }
  asStrided_(this: Tensor, ...args: Rest<typeof strided.asStrided>): Tensor { return reshaped(this, 'asStrided_', strided.asStrided(this, ...args)) }
  /** This handle with the same values and no derivative. */
  detach_(this: Tensor, ...end: End): Tensor { return reshaped(this, 'detach_', stopGradient(this, ...end)) }

  normal_(this: Tensor, ...args: Rest<typeof random.fillNormal>): Tensor { return random.fillNormal(this, ...args) }
  logNormal_(this: Tensor, ...args: Rest<typeof random.fillLogNormal>): Tensor { return random.fillLogNormal(this, ...args) }
  uniform_(this: Tensor, ...args: Rest<typeof random.fillUniform>): Tensor { return random.fillUniform(this, ...args) }
  cauchy_(this: Tensor, ...args: Rest<typeof random.fillCauchy>): Tensor { return random.fillCauchy(this, ...args) }
  exponential_(this: Tensor, ...args: Rest<typeof random.fillExponential>): Tensor { return random.fillExponential(this, ...args) }
  geometric_(this: Tensor, ...args: Rest<typeof random.fillGeometric>): Tensor { return random.fillGeometric(this, ...args) }
  random_(this: Tensor, ...args: Rest<typeof random.fillRandom>): Tensor { return random.fillRandom(this, ...args) }
  bernoulli_(this: Tensor, ...args: Rest<typeof random.fillBernoulli>): Tensor { return random.fillBernoulli(this, ...args) }
}
