import { type DType, type Tensor, isMapgradError } from '@mapgrad/tensor'
import type { Backend } from '@mapgrad/tensor/plugin'
import { HostTensor } from '../format/decode.ts'
import { onDevice } from '../run/device.ts'
import { type Context, PropertyError, contextOf, epsilonOf, onBackend, operands, outputs, same, toHost, within } from './context.ts'
import { expanded, repeated, sliced, transposed } from './layouts.ts'
import { put } from './values.ts'

const evaluate = async (c: Context, backend: Backend, xs: readonly Tensor[]): Promise<HostTensor[]> =>
  await Promise.all(onDevice(backend, () => outputs(c.sample, xs)).map(toHost))

function agree(what: string, got: readonly HostTensor[], want: readonly HostTensor[], epsilons: number): void {
  if (got.length !== want.length) throw new PropertyError(`${what}: expected ${want.length} outputs, got ${got.length}`)
  got.forEach((g, i) => {
    if (g.dtype !== want[i]!.dtype) throw new PropertyError(`${what}: output ${i}: expected dtype ${want[i]!.dtype}, got ${g.dtype}`)
    same(`${what}: output ${i}`, g, want[i]!, within(g.dtype, epsilons))
  })
}

/** The result does not depend on where the elements of the operands lie. */
export async function layoutsAgree(c: Context): Promise<void> {
  const dtypes = c.specs.map((s, i) => s.fixed ?? (s.kind === 'float' ? c.dtype : (c.host[i]!.dtype as DType)))
  const want = await evaluate(c, c.backend, operands(c))
  for (const [name, layout] of [
    ['transposed', transposed],
    ['sliced', sliced],
  ] as const)
    agree(
      `${name} operands`,
      await evaluate(
        c,
        c.backend,
        c.host.map((x, i) => layout(x, c.backend, dtypes[i]!)),
      ),
      want,
      32,
    )
  if (c.specs.some((s) => s.shape.length === 0 || s.shape[0] === 0 || s.distinct)) return
  const plain = await evaluate(
    c,
    c.backend,
    c.host.map((x, i) => repeated(x).on(c.backend, dtypes[i]!)),
  )
  agree(
    'expanded operands',
    await evaluate(
      c,
      c.backend,
      c.host.map((x, i) => expanded(x, c.backend, dtypes[i]!)),
    ),
    plain,
    32,
  )
}

/** Leading sizes other than the usual one give results too, of the shape that the reference gives. */
export async function sizesAgree(c: Context): Promise<void> {
  for (const size of c.sample.sizes ?? [0, 1]) {
    const small = contextOf(c.sample, c.backend, c.reference, size)
    let got: HostTensor[]
    try {
      got = await evaluate(small, c.backend, operands(small))
    } catch (e) {
      throw new PropertyError(`leading size ${size}: ${e instanceof Error ? e.message : String(e)}`)
    }
    if (c.reference) agree(`leading size ${size}`, got, await evaluate(small, c.reference, operands(small, c.reference)), 64)
  }
}

const specials = [NaN, Infinity, -Infinity, -0, 0, 1e-20, 1e15, -1]
const extremes = [1e-45, 3e38, -3e38, -1e-45, 1e-30, 1e30]

/** NaN, infinities, zeros and extremes among float operands give what they give on the reference. */
export async function specialsAgree(c: Context): Promise<void> {
  if (!c.reference || !c.specs.some((s) => s.kind === 'float')) return
  for (const [name, values] of [
    ['special', specials],
    ...(c.sample.noExtremes === undefined ? [['extreme', extremes] as const] : []),
  ] as const) {
    // each operand's begin elsewhere, so that they meet one another
    const host = c.host.map((x, k) =>
      c.specs[k]!.kind === 'float'
        ? new HostTensor(
            x.dtype,
            x.shape,
            (x.data as Float64Array).map((v, i) => (i % 2 === k % 2 ? values[(i * 3 + k * 5) % values.length]! : v)),
          )
        : x,
    )
    for (const dtype of (['float32', 'float64'] as const).filter((d) => c.backend.dtypes.includes(d))) {
      const at = (b: Backend): Tensor[] => host.map((x, i) => put(c.specs[i]!, x, b, dtype))
      agree(`${name} values in ${dtype}`, await evaluate(c, c.backend, at(c.backend)), await evaluate(c, c.reference, at(c.reference)), 64)
    }
  }
}

/**
 * In every dtype an op either gives what the reference gives, in the same dtype, or refuses with a named error.
 * Without a reference, half and single floats are compared with the backend's own float64.
 */
export async function dtypesAgree(c: Context): Promise<void> {
  for (const dtype of c.sample.dtypes ?? c.backend.dtypes) {
    const at = (b: Backend): Tensor[] => c.specs.map((s, i) => inDtype(c.host[i]!, s.fixed ?? dtype, b))
    const got = await attempt(() => evaluate(c, c.backend, at(c.backend)))
    if (typeof got === 'string') {
      if (c.reference && typeof (await attempt(() => evaluate(c, c.reference!, at(c.reference!)))) !== 'string')
        throw new PropertyError(`${dtype}: refused, though the reference computes it: ${got}`)
      continue
    }
    if (c.reference) agree(dtype, got, await evaluate(c, c.reference, at(c.reference)), 64)
    else if (epsilonOf(dtype) > epsilonOf('float64') && c.dtype === 'float64') {
      // the same rounded operands in float64
      const rounded = await Promise.all(onBackend(c, () => at(c.backend)).map(toHost))
      const exact = await evaluate(
        c,
        c.backend,
        rounded.map((x, i) => (c.specs[i]!.fixed ? at(c.backend)[i]! : x.on(c.backend, 'float64'))),
      )
      got.forEach((g, i) => same(`${dtype}: output ${i}`, g, exact[i]!, within(dtype, 64)))
    }
  }
}

/** The drawn numbers in a dtype; whole numbers become small enough for each, floats for ints are scaled away from zero. */
function inDtype(x: HostTensor, dtype: DType, backend: Backend): Tensor {
  const unsigned = dtype === 'uint8' || dtype === 'bool'
  const data = Float64Array.from(x.numbers(), (v) =>
    dtype === 'bool'
      ? v > 0
        ? 1
        : 0
      : dtype.includes('float')
        ? v
        : (unsigned ? Math.abs : (w: number) => w)(Number.isInteger(v) ? v : Math.trunc(v * 3) || 1),
  )
  return new HostTensor(dtype, x.shape, data).on(backend, dtype)
}

/** A result, or the message of a named refusal; other errors are faults. */
async function attempt(f: () => Promise<HostTensor[]>): Promise<HostTensor[] | string> {
  try {
    return await f()
  } catch (e) {
    if (isMapgradError(e) && e.code !== 'INTERNAL') return e.message
    throw e
  }
}
