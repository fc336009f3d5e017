import { jvp, vjp } from '@mapgrad/autodiff'
import type { Tensor } from '@mapgrad/tensor'
import { HostTensor } from '../format/decode.ts'
import type { Tolerance } from '../compare/tolerance.ts'
import { type Context, onBackend, ofVariables, operands, same, toHost, variables, within } from './context.ts'
import { direction } from './values.ts'

type Fn = (...xs: Tensor[]) => Tensor[]

const dotOf = (xs: readonly HostTensor[], ys: readonly HostTensor[]): number =>
  xs.reduce((s, x, i) => s + (x.data as Float64Array).reduce((t, v, j) => t + v * Number(ys[i]!.data[j]), 0), 0)
const scale = (xs: readonly HostTensor[], ys: readonly HostTensor[]): number =>
  xs.reduce((s, x, i) => s + (x.data as Float64Array).reduce((t, v, j) => t + Math.abs(v * Number(ys[i]!.data[j])), 0), 1)
const number = (v: number): HostTensor => new HostTensor('float64', [], Float64Array.of(v))

interface Point {
  readonly at: readonly number[]
  readonly held: readonly Tensor[]
  readonly primals: readonly Tensor[]
  readonly f: Fn
  /** random tangents of the variables */
  readonly dx: readonly HostTensor[]
}

function pointOf(c: Context): Point {
  const at = variables(c)
  const held = operands(c)
  return { at, held, primals: at.map((i) => held[i]!), f: ofVariables(c, held, at), dx: at.map((i) => direction(c.host[i]!.shape, c.next)) }
}
const place = (c: Context, xs: readonly HostTensor[], like: readonly Tensor[]): Tensor[] =>
  xs.map((x, i) => x.on(c.backend, like[i]!.dtype))
const cotangents = (c: Context, ys: readonly Tensor[]): HostTensor[] => ys.map((y) => direction(y.shape, c.next))

/** `(g(x + h·dx) − g(x − h·dx)) / 2h` with Richardson's extrapolation, on the host. */
async function differences(c: Context, g: Fn, p: Point): Promise<HostTensor[]> {
  const h = c.dtype === 'float64' ? 1e-4 : 2e-2
  const at = async (t: number): Promise<HostTensor[]> => {
    const moved = p.at.map(
      (i, k) =>
        new HostTensor(
          'float64',
          c.host[i]!.shape,
          (c.host[i]!.data as Float64Array).map((v, j) => v + t * Number(p.dx[k]!.data[j])),
        ),
    )
    return await Promise.all(onBackend(c, () => g(...place(c, moved, p.primals))).map(toHost))
  }
  const [a, b, d, e] = [await at(h), await at(-h), await at(2 * h), await at(-2 * h)]
  return a.map(
    (y, k) =>
      new HostTensor(
        'float64',
        y.shape,
        (y.data as Float64Array).map(
          (v, i) => (8 * (v - Number(b[k]!.data[i])) - (Number(d[k]!.data[i]) - Number(e[k]!.data[i]))) / (12 * h),
        ),
      ),
  )
}

const close = (c: Context): Tolerance =>
  c.dtype === 'float64' ? { rtol: 1e-7, spread: 1e-7, atol: 1e-8 } : { rtol: 1e-2, spread: 5e-3, atol: 5e-3 }

/** jvp is the central difference along a random direction. */
export async function jvpIsDifference(c: Context): Promise<void> {
  const p = pointOf(c)
  const dys = onBackend(c, () => jvp(p.f, [...p.primals], place(c, p.dx, p.primals))[1])
  const want = await differences(c, p.f, p)
  for (const [i, dy] of dys.entries()) same(`tangent ${i} against central differences`, await toHost(dy), want[i]!, close(c))
}

/** ⟨ct, J dx⟩ = ⟨Jᵀ ct, dx⟩. */
export async function transposeIsAdjoint(c: Context): Promise<void> {
  await adjoint(c, pointOf(c), pointOf(c).f, '⟨ct, J dx⟩ against ⟨Jᵀ ct, dx⟩')
}

async function adjoint(c: Context, p: Point, g: Fn, what: string): Promise<void> {
  const [dys, ct, grads] = onBackend(c, () => {
    const dys = jvp(g, [...p.primals], place(c, p.dx, p.primals))[1]
    const [ys, pull] = vjp(g, [...p.primals])
    const ct = cotangents(c, ys)
    return [dys, ct, pull(place(c, ct, ys))] as const
  })
  const [left, right] = [await Promise.all(dys.map(toHost)), await Promise.all(grads.map(toHost))]
  const size = scale(ct, left) + scale(right, p.dx)
  const { rtol, spread, atol } = within(c.dtype, 64)
  same(what, number(dotOf(right, p.dx)), number(dotOf(ct, left)), { rtol, spread, atol: atol * size })
}

/** The pullback as a function of the variables, for fixed cotangents. */
function pulled(c: Context, p: Point): Fn {
  const ct = cotangents(
    c,
    onBackend(c, () => p.f(...p.primals)),
  )
  return (...xs) => {
    const [ys, pull] = vjp(p.f, xs)
    return pull(place(c, ct, ys))
  }
}

/** Forward over reverse is the central difference of the pullback; reverse over reverse is its adjoint. */
export async function secondOrder(c: Context): Promise<void> {
  const p = pointOf(c)
  const g = pulled(c, p)
  const dgs = onBackend(c, () => jvp(g, [...p.primals], place(c, p.dx, p.primals))[1])
  const want = await differences(c, g, p)
  for (const [i, dg] of dgs.entries())
    same(`second derivative ${i} against central differences of the pullback`, await toHost(dg), want[i]!, close(c))
  await adjoint(c, p, g, 'reverse over reverse against forward over reverse')
}
