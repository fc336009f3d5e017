import { Tensor } from '@mapgrad/tensor'
import { type End, type Value, checkEnd } from '@mapgrad/tensor/plugin'
import { type Method, along, withAxes } from './axes.ts'
import { type IndexSpec, expand, index } from './arrange.ts'
import { type OrderSpec, order } from './order.ts'
import { typeFault } from './errors.ts'
import { indexing } from './indexing.ts'
import { split } from './join.ts'
import { Factors, dimsOfSum, dot, mayWait } from './product.ts'
import { behind, dimsIn, layoutOf } from './trace.ts'
import type { Dim, DimTensor } from './types.ts'

/** `values`, then what their axes are. */
function text(x: Tensor): string {
  const layout = layoutOf(x.value)
  const base = behind(x)
  if (base === x) return Tensor.prototype.toString.call(x)
  const many = (list: readonly unknown[]): string => `(${list.join(', ')}${list.length === 1 ? ',' : ''})`
  return `${Tensor.prototype.toString.call(base)}\nwith dims=${many(layout.map((a) => (typeof a === 'number' ? a : a.name)))} sizes=${many(base.shape)}`
}

/** What tensors with dims do besides; the other methods get their dims by `withAxes`. */
class Basic extends Tensor {
  override wrap(value: Value): Tensor {
    return new FirstClass(value)
  }
  get dims(): readonly Dim[] {
    return dimsIn(this.value) as unknown as readonly Dim[]
  }
  get '~mapgrad.index'(): typeof indexing {
    return indexing
  }
  order(...dims: readonly OrderSpec[]): DimTensor {
    return order(this, ...dims)
  }
  index(dims: IndexSpec | readonly IndexSpec[], indices: unknown): DimTensor {
    return index(this, dims, indices)
  }
  override toString(): string {
    return text(this)
  }
  // it prints, unlike an example inside of `vmap`; as a number it is refused as that is
  override [Symbol.toPrimitive](hint: string): number | boolean | bigint | string {
    return hint === 'string' ? this.toString() : super[Symbol.toPrimitive](hint)
  }
}

/** The handles of tensors with dims. */
export const FirstClass: typeof Basic = /* @__PURE__ */ withAxes(Basic, text, {
  expand,
  split,
  permute: order,
  mul,
  multiply: mul,
  sum,
  requiresGrad_,
})

/** A product that waits for what is done with it. */
class Product extends FirstClass {
  readonly factors: Factors
  #changed = false

  constructor(factors: Factors) {
    super(factors.x.value)
    this.factors = factors
  }
  override get value(): Value {
    return this.#changed || this.alias ? super.value : this.factors.value
  }
  override rebind(...args: Parameters<Tensor['rebind']>): void {
    this.#changed = true
    super.rebind(...args)
  }
  // what nobody looked at is not computed to be freed
  override dispose(...end: End): void {
    if (!this.untouched) return super.dispose(...end)
    checkEnd('dispose', end)
    this.factors.dispose()
  }
  get untouched(): boolean {
    return !this.#changed && !this.alias && this.factors.open
  }
}

function requiresGrad_(x: Tensor, ...args: readonly unknown[]): Tensor {
  const [dim] = dimsIn(x.value)
  if (dim && args[0] !== false)
    throw typeFault(
      'requiresGrad_',
      `expected a tensor without dims, got one with dim ${dim.name}, which its gradient would not have. Ask the tensor before it is bound: x.requiresGrad_(), then x.at(${dim.name})`,
      'DIM_GRAD',
    )
  return Tensor.prototype.requiresGrad_.apply(x, args as never)
}
function mul(x: Tensor, ...args: readonly unknown[]): Tensor {
  return mayWait(x, args) ? new Product(new Factors(x, args[0])) : Tensor.prototype.mul.apply(x, args as never)
}
function sum(x: Tensor, ...args: readonly unknown[]): unknown {
  const dims = x instanceof Product && x.untouched ? dimsOfSum(args) : null
  return dims ? dot((x as Product).factors, dims) : along('sum', Tensor.prototype.sum as Method, x, args)
}
