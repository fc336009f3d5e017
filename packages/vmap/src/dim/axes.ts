import { Tensor, isMapgradError } from '@mapgrad/tensor'
import { assign, isOptions, isTensor, permuteDims, treeMap } from '@mapgrad/tensor/plugin'
import { isDim, isDimList } from './brand.ts'
import { rangeFault, typeFault } from './errors.ts'
import { behind, bindAxes, bindAxis, layoutOf, owner, quietly } from './trace.ts'
import type { Dim } from './types.ts'

/** A method of tensors. */
export type Method = (this: Tensor, ...args: readonly unknown[]) => unknown

/** `x` with these of its dims as its last positional axes. */
export function freed(x: Tensor, dims: readonly Dim[]): Tensor {
  const layout = layoutOf(x.value)
  const at = dims.map((d) => {
    const axis = layout.indexOf(owner(d))
    if (axis < 0)
      throw rangeFault(
        'dim',
        `Tensor with dimensions (${layout.map((a) => (typeof a === 'number' ? a : a.name)).join(', ')}) does not contain ${d.name}`,
        'DIM_MISSING',
      )
    return axis
  })
  const kept = layout.flatMap((_, a) => (at.includes(a) ? [] : [a]))
  const order = [...kept, ...at]
  return quietly(() => {
    const base = behind(x)
    const y = order.every((a, i) => a === i) ? base : permuteDims(base, order)
    return bindAxes(x.wrap(y.value), [...kept.map((a) => layout[a]!), ...at.map(() => 0)])
  })
}

const listOf = (x: unknown): unknown => (isDimList(x) ? [...x] : x)
/** The dims in an argument, in order. */
const dimsAmong = (arg: unknown): readonly Dim[] =>
  isDim(arg)
    ? [arg]
    : Array.isArray(arg)
      ? arg.filter(isDim)
      : isOptions(arg)
        ? Object.values(arg).flatMap((v) => dimsAmong(listOf(v)))
        : []

/** An argument with numbers for the dims in `places`; other axes in a list with one are told from the front. */
function numbered(arg: unknown, places: ReadonlyMap<Dim, number>, rank: number): unknown {
  if (isDim(arg)) return places.get(arg) ?? arg
  if (Array.isArray(arg))
    return arg.some((a) => isDim(a) && places.has(a))
      ? arg.map((a: unknown) => (isDim(a) ? (places.get(a) ?? a) : typeof a === 'number' && a < 0 ? a + rank : a))
      : arg
  if (isOptions(arg)) return Object.fromEntries(Object.entries(arg).map(([k, v]) => [k, numbered(listOf(v), places, rank)]))
  return arg
}

/** What a method says that was given a Dim for the number of an axis, or that has no axes but dims. */
const wantsAxis = (e: unknown, x: Tensor): boolean => isMapgradError(e) && (e.code === 'DIM_TYPE' || (e.code === 'RANK' && x.ndim === 0))

/** How many of the dims among the arguments a method takes for axes, by method and where they stand: found out when it is first called so. */
const axesTaken = new Map<string, number>()
const shapeOf = (arg: unknown): string =>
  isDim(arg)
    ? 'd'
    : Array.isArray(arg)
      ? `[${arg.map(shapeOf).join('')}]`
      : isOptions(arg)
        ? `{${Object.entries(arg)
            .map(([k, v]) => `${k}:${shapeOf(listOf(v))}`)
            .join()}}`
        : '.'

/** `method` of a tensor with dims, some of which stand where a number says an axis. */
export function along(name: string, method: Method, x: Tensor, given: readonly unknown[]): unknown {
  const args = given.map(listOf)
  const all = args.flatMap(dimsAmong)
  if (all.length === 0) return method.apply(x, args)
  const key = `${name}(${args.map(shapeOf).join()})`
  const known = axesTaken.get(key)
  for (let n = known ?? 0; ; n++) {
    try {
      const out = n === 0 ? method.apply(x, args) : withNumbers(name, method, x, args, all.slice(0, n))
      axesTaken.set(key, n)
      return out
    } catch (e) {
      // a dim is a tensor: only the method knows whether it wants one
      if (n === all.length || !wantsAxis(e, x)) throw e
    }
  }
}

function withNumbers(name: string, method: Method, x: Tensor, args: readonly unknown[], dims: readonly Dim[]): unknown {
  const distinct = [...new Set(dims)]
  if (args.some((a) => isOptions(a) && a['keepdim'] === true)) throw keepdim(name)
  const t = freed(x, distinct)
  const rank = x.ndim
  const negative = args.find((a) => typeof a === 'number' && a < 0)
  if (rank > 0 && negative !== undefined)
    throw rangeFault(
      name,
      `expected axes beside a Dim to be told from the front, since the Dim is among them while this is computed; got ${negative as number}. If it is no axis, order(${distinct.map((d) => d.name).join(', ')}) first`,
      'DIM_RANGE',
    )
  const places = new Map(distinct.map((d, i) => [d, rank + i]))
  const out = method.apply(
    t,
    args.map((a) => numbered(a, places, rank)),
  )
  const back = (y: unknown): unknown => (isTensor(y) ? again(name, args, x, t, y, distinct) : y)
  if (name.endsWith('_') && isTensor(out)) return assign(x, name, back(out) as Tensor)
  return treeMap(back, out)
}

const keepdim = (name: string): Error => typeFault(name, 'cannot preserve first-class dimensions with keepdim=true', 'KEEPDIM')

/** What came of `t`, with its last axes bound again to the dims they were, unless the method took them away. */
function again(name: string, args: readonly unknown[], x: Tensor, t: Tensor, y: Tensor, dims: readonly Dim[]): Tensor {
  // with other axes that it took away
  if (y.ndim <= x.ndim) return y
  const first = y.ndim - dims.length
  if (y.ndim === t.ndim) {
    const changed = dims.find((d, i) => y.shape[first + i] !== d.length)
    if (!changed) return quietly(() => dims.reduceRight<Tensor>((z, d, i) => bindAxis(z, first + i, owner(d)), y))
    // of a dim of size 1 it is the same
    if (args.includes(true) && dims.every((_, i) => y.shape[first + i] === 1)) throw keepdim(name)
    throw typeFault(
      name,
      `expected dim ${changed.name} to keep its size ${changed.length}, got ${y.shape[first + dims.indexOf(changed)]}. Use x.order(${changed.name}), and bind the result to a Dim of its own`,
      'DIM_SIZE',
    )
  }
  throw typeFault(
    name,
    `expected it to keep its axes or to reduce them, which it does not. Use x.order(${dims.map((d) => d.name).join(', ')}) first`,
    'DIM_SIZE',
  )
}

/** What takes dims as indices, and what is no method of a user's. */
const apart: readonly string[] = ['at', 'set', 'indexPut', 'indexPut_', 'constructor', 'rebind']

type Class = abstract new (...args: never[]) => Tensor

/** `Base`, whose methods take dims where they take numbers of axes. */
export function withAxes<C extends Class>(
  Base: C,
  text: (x: Tensor) => string,
  special: Readonly<Record<string, (x: Tensor, ...args: readonly never[]) => unknown>>,
): C {
  const proto = Base.prototype as Tensor
  const define = (name: string | symbol, value: unknown): void => {
    Object.defineProperty(proto, name, { value, writable: true, configurable: true })
  }
  for (let p: object = Object.getPrototypeOf(proto) as object; p !== Object.prototype; p = Object.getPrototypeOf(p) as object)
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(p))) {
      if (typeof value !== 'function' || apart.includes(name) || Object.hasOwn(proto, name)) continue
      define(name, function (this: Tensor, ...args: readonly unknown[]): unknown {
        return along(name, value as Method, this, args)
      })
    }
  for (const [name, f] of Object.entries(special))
    define(name, function (this: Tensor, ...args: readonly never[]): unknown {
      return f(this, ...args)
    })
  // a tensor there is the other operand; a dim is an axis
  for (const name of ['max', 'min'] as const) {
    const method = Tensor.prototype[name] as Method
    define(name, function (this: Tensor, ...args: readonly unknown[]): unknown {
      return isDim(args[0]) ? withNumbers(name, method, this, args, [args[0]]) : along(name, method, this, args)
    })
  }
  for (const hook of ['nodejs.util.inspect.custom', 'Deno.customInspect'])
    define(Symbol.for(hook), function (this: Tensor): string {
      return this.toString()
    })
  define(Symbol.for('Jupyter.display'), function (this: Tensor): unknown {
    return { 'text/plain': text(this) }
  })
  return Base
}
