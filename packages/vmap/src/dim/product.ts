import { Tensor, einsum } from '@mapgrad/tensor'
import { ArrayValue, type Trace, type Value, isFloating, isTensor, registry } from '@mapgrad/tensor/plugin'
import { isDim, isDimList } from './brand.ts'
import { rangeFault } from './errors.ts'
import { type Owner, behind, bindAxes, layoutOf, owner, quietly } from './trace.ts'
import type { Dim } from './types.ts'

/** The transforms in flight that stand aside. */
function asides(): Trace[] {
  const { top, tape } = registry()
  const out = tape !== null && tape.aside ? [tape] : []
  for (let t = top; t; t = t.parent) if (t.aside) out.push(t)
  return out
}

/** `x` in a handle of its own, with memory that outlives it, for `op`. */
function held(op: string, x: Tensor): Tensor {
  const { value } = behind(x)
  if (!(value instanceof ArrayValue)) return x.wrap(x.value)
  const { shape, strides, offset } = value
  return bindAxes(x.wrap(value.concrete(op).view(shape, strides, offset)), layoutOf(x.value))
}

/** Whether `x` times `y` may wait for what is done with it: numbers with dims and without positional axes. */
export const mayWait = (x: Tensor, args: readonly unknown[]): args is readonly [Tensor] => {
  const [y] = args
  if (args.length !== 1 || !isTensor(y) || y.ndim > 0 || x.ndim > 0 || y.dtype !== x.dtype || !isFloating(x)) return false
  return behind(x) !== x && behind(y) !== y && asides().length === 0
}

/** A product that nobody has looked at. Summed over dims it is a product of matrices, which needs no memory for all pairs. */
export class Factors {
  readonly x: Tensor
  readonly y: Tensor
  readonly #current: Trace | null
  readonly #scope: ReturnType<typeof registry>['scope']
  #value: Value | null = null

  constructor(x: Tensor, y: Tensor) {
    this.x = held('mul', x)
    this.y = held('mul', y)
    const { current, scope } = registry()
    this.#current = current
    this.#scope = scope
  }

  /** Frees what it holds, before anybody asked for its elements. */
  dispose(): void {
    for (const { value } of [behind(this.x), behind(this.y)]) if (value instanceof ArrayValue) value.dispose()
  }
  /** Whether nobody has asked for its elements. */
  get open(): boolean {
    return this.#value === null
  }
  /** All its elements, computed as they would have been when it was asked for. */
  get value(): Value {
    if (this.#value) return this.#value
    const r = registry()
    const { current, scope } = r
    const aside = asides().map((t) => [t, t.aside] as const)
    for (const [t] of aside) t.aside = null
    if (this.#current === null || this.#current.open) r.current = this.#current
    r.scope = this.#scope
    try {
      return (this.#value = Tensor.prototype.mul.call(this.x, this.y).value)
    } finally {
      for (const [t, was] of aside) t.aside = was
      r.current = current
      r.scope = scope
    }
  }
}

/** The dims of a sum that is over dims alone. */
export function dimsOfSum(args: readonly unknown[]): readonly Dim[] | null {
  const [dim] = args
  if (args.length !== 1) return null
  const dims: readonly unknown[] = isDim(dim) ? [dim] : isDimList(dim) ? [...dim] : Array.isArray(dim) ? dim : []
  return dims.length > 0 && dims.every(isDim) && new Set(dims).size === dims.length ? dims : null
}

/** The sum of a product over dims, at once. */
export function dot(factors: Factors, dims: readonly Dim[]): Tensor {
  // a derivative may keep them longer than the product
  const [x, y] = [held('sum', factors.x), held('sum', factors.y)]
  const [a, b] = [layoutOf(x.value), layoutOf(y.value)] as readonly Owner[][] as [Owner[], Owner[]]
  const all = [...new Set([...a, ...b])]
  const missing = dims.find((d) => !all.includes(owner(d)))
  if (missing)
    throw rangeFault('sum', `Tensor with dimensions (${all.map((d) => d.name).join(', ')}) does not contain ${missing.name}`, 'DIM_MISSING')
  const stays = all.filter((d) => !dims.includes(d as unknown as Dim))
  const labels = (of: readonly Owner[]): number[] => of.map((d) => all.indexOf(d))
  return quietly(() => bindAxes(x.wrap(einsum(behind(x), labels(a), behind(y), labels(b), labels(stays)).value), stays))
}
