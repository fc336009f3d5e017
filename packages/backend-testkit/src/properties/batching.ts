import { jvp, vjp } from '@mapgrad/autodiff'
import { type Tensor, zeros } from '@mapgrad/tensor'
import { vmap } from '@mapgrad/vmap'
import { HostTensor } from '../format/decode.ts'
import type { Spec } from '../samples/spec.ts'
import { type Context, PropertyError, onBackend, ofVariables, outputs, same, toHost, variables, within } from './context.ts'
import { direction, draw, put } from './values.ts'

type Fn = (...xs: Tensor[]) => Tensor[]
type Place = 'none' | 'first' | 'middle' | 'last'

const SIZE = 4
const places: readonly Place[] = ['none', 'first', 'middle', 'last']

const axisOf = (place: Place, rank: number): number | null =>
  place === 'none' ? null : place === 'first' ? 0 : place === 'last' ? rank : Math.ceil(rank / 2)

/** Every choice of a place per operand but all-none for up to two operands; else all equal and one different from the rest. */
function choices(count: number): Place[][] {
  if (count <= 2) {
    let out: Place[][] = [[]]
    for (let i = 0; i < count; i++) out = out.flatMap((c) => places.map((p) => [...c, p]))
    return out.filter((c) => c.some((p) => p !== 'none'))
  }
  const out: Place[][] = places.slice(1).map((p) => new Array<Place>(count).fill(p))
  for (let i = 0; i < count; i++) {
    out.push(Array.from({ length: count }, (_, k) => (k === i ? 'last' : 'none')))
    out.push(Array.from({ length: count }, (_, k) => (k === i ? 'none' : 'first')))
  }
  return out
}

/** Examples along a new axis. */
function stack(examples: readonly HostTensor[], axis: number): HostTensor {
  const { shape, dtype } = examples[0]!
  const inner = shape.slice(axis).reduce((n, s) => n * s, 1)
  const outer = shape.slice(0, axis).reduce((n, s) => n * s, 1)
  const data = new Float64Array(inner * outer * examples.length)
  examples.forEach((x, b) => {
    const v = x.numbers()
    for (let o = 0; o < outer; o++) for (let i = 0; i < inner; i++) data[(o * examples.length + b) * inner + i] = v[o * inner + i]!
  })
  return new HostTensor(dtype, [...shape.slice(0, axis), examples.length, ...shape.slice(axis)], data)
}

/** `vmap(f)` is the loop over examples, wherever the batch axis of each operand is, for a batch of `size`. */
async function isLoop(c: Context, what: string, f: Fn, specs: readonly Spec[], size: number): Promise<void> {
  const examples = Array.from({ length: size }, () => specs.map((s) => draw(s, c.next)))
  const base = specs.map((s) => draw(s, c.next))
  const at = (x: HostTensor, i: number): Tensor => put(specs[i]!, x, c.backend, c.dtype)
  for (const choice of choices(specs.length)) {
    const dims = choice.map((p, i) => axisOf(p, specs[i]!.shape.length))
    const label = `${what} with the batch axis at (${choice.join(', ')}), batch of ${size}`
    const inputs = specs.map((_, i) =>
      at(
        dims[i] === null
          ? base[i]!
          : size === 0
            ? emptied(base[i]!, dims[i]!)
            : stack(
                examples.map((e) => e[i]!),
                dims[i]!,
              ),
        i,
      ),
    )
    const got = onBackend(c, () => named(label, () => vmap((...xs: Tensor[]) => f(...xs), dims, 0)(...inputs) as Tensor[]))
    const loops: HostTensor[][] = []
    for (let b = 0; b < size; b++)
      loops.push(
        await Promise.all(onBackend(c, () => f(...specs.map((_, i) => at(dims[i] === null ? base[i]! : examples[b]![i]!, i)))).map(toHost)),
      )
    const like = size ? loops[0]! : await Promise.all(onBackend(c, () => f(...specs.map((_, i) => at(base[i]!, i)))).map(toHost))
    if (got.length !== like.length) throw new PropertyError(`${label}: expected ${like.length} outputs, got ${got.length}`)
    for (const [k, g] of got.entries()) {
      if (g.dtype !== like[k]!.dtype) throw new PropertyError(`${label}: output ${k}: expected dtype ${like[k]!.dtype}, got ${g.dtype}`)
      same(
        `${label}: output ${k}`,
        await toHost(g),
        size
          ? stack(
              loops.map((l) => l[k]!),
              0,
            )
          : emptied(like[k]!, 0),
        within(g.dtype, 64),
      )
    }
  }
}

const emptied = (x: HostTensor, axis: number): HostTensor =>
  new HostTensor(x.dtype, [...x.shape.slice(0, axis), 0, ...x.shape.slice(axis)], new Float64Array(0))

function named<R>(label: string, f: () => R): R {
  try {
    return f()
  } catch (cause) {
    throw new PropertyError(`${label}: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

const all =
  (c: Context): Fn =>
  (...xs) =>
    outputs(c.sample, xs)

/** vmap against the loop. */
export const vmapIsLoop = (c: Context): Promise<void> => isLoop(c, 'vmap', all(c), c.specs, SIZE)
/** vmap over no example and over one. */
export async function vmapOfFew(c: Context): Promise<void> {
  await isLoop(c, 'vmap', all(c), c.specs, 1)
  await isLoop(c, 'vmap', all(c), c.specs, 0)
}

const INNER = 3
const widened = (s: Spec, axis: number): Spec => ({ ...s, shape: [...s.shape.slice(0, axis), INNER, ...s.shape.slice(axis)] })

/** vmap inside vmap: every operand mapped at the inner level, the first alone, none of them. */
export async function vmapOfVmap(c: Context): Promise<void> {
  if (c.specs.length === 0) return
  // positions without repetition are so along their last axis
  const everyone = c.specs.map((s) => (s.distinct ? 0 : s.shape.length))
  const first = c.specs.map((_, i) => (i === 0 ? 0 : null))
  const nobody = c.specs.map(() => null)
  for (const dims of [everyone, first, nobody]) {
    const inner: Fn = (...xs) => vmap((_: Tensor, ...e: Tensor[]) => all(c)(...e), [0, ...dims])(zeros(INNER), ...xs)
    const specs = c.specs.map((s, i) => (dims[i] === null ? s : widened(s, dims[i]!)))
    await isLoop(c, `vmap of vmap over (${dims.join(', ')})`, inner, specs, 2)
  }
}

const slope = (shape: readonly number[]): Spec => ({ kind: 'float', shape, low: -1, high: 1 })

/** vmap of the pullback: operands and cotangents batched, or either. */
export async function vmapOfVjp(c: Context): Promise<void> {
  const at = variables(c)
  const count = c.specs.length
  const ys = onBackend(c, () => ofVariables(c, held(c), at)(...at.map((i) => held(c)[i]!)))
  const f: Fn = (...xs) => {
    const [, pull] = vjp(
      ofVariables(c, xs.slice(0, count), at),
      at.map((i) => xs[i]!),
    )
    return pull(xs.slice(count))
  }
  await isLoop(c, 'vmap(vjp)', f, [...c.specs, ...ys.map((y) => slope(y.shape))], 2)
}

/** vmap of the pushforward. */
export async function vmapOfJvp(c: Context): Promise<void> {
  const at = variables(c)
  const count = c.specs.length
  const f: Fn = (...xs) =>
    jvp(
      ofVariables(c, xs.slice(0, count), at),
      at.map((i) => xs[i]!),
      xs.slice(count),
    )[1]
  await isLoop(c, 'vmap(jvp)', f, [...c.specs, ...at.map((i) => slope(c.specs[i]!.shape))], 2)
}

/** The pullback of vmap is vmap of the pullback. */
export async function vjpOfVmap(c: Context): Promise<void> {
  const at = variables(c)
  const batch = c.specs.map((s) => ({ ...s, shape: [2, ...s.shape] }))
  const inputs = batch.map((s, i) => put(s, draw(s, c.next), c.backend, c.dtype) ?? i)
  const mapped = (...xs: Tensor[]): Tensor[] => {
    const whole = [...inputs]
    at.forEach((k, i) => (whole[k] = xs[i]!))
    return vmap((...e: Tensor[]) => outputs(c.sample, e).filter((y) => y.dtype.includes('float')), 0, 0)(...whole) as Tensor[]
  }
  const primals = at.map((i) => inputs[i]!)
  const [got, want] = onBackend(c, () => {
    const [ys, pull] = vjp(mapped, primals)
    const cts = ys.map((y) => direction(y.shape, c.next).on(c.backend, y.dtype))
    const each = vmap(
      (...xs: Tensor[]) => {
        const [, pullOne] = vjp(
          ofVariables(c, xs.slice(0, inputs.length), at),
          at.map((i) => xs[i]!),
        )
        return pullOne(xs.slice(inputs.length))
      },
      0,
      0,
    )(...inputs, ...cts) as Tensor[]
    return [pull(cts), each] as const
  })
  for (const [i, g] of got.entries())
    same(`vjp(vmap) against vmap(vjp), gradient ${i}`, await toHost(g), await toHost(want[i]!), within(g.dtype, 64))
}

const held = (c: Context): Tensor[] => c.host.map((x, i) => put(c.specs[i]!, x, c.backend, c.dtype))
