import { cpu, reference } from '@mapgrad/backend-cpu'
import * as T from '@mapgrad/tensor'
import { type DType, type Tensor, setDefaultDevice, tensor } from '@mapgrad/tensor'
import { describe, expect, test } from 'vitest'
import { numbers } from '../checks.ts'
import stored from './numerics.json' with { type: 'json' }

// PyTorch 2.13's values and refusals; numerics.py computed them.

interface Encoded {
  readonly shape: readonly number[]
  readonly dtype: DType
  readonly data: readonly unknown[]
}
interface Case {
  readonly name: string
  readonly args: readonly unknown[]
  readonly options: Readonly<Record<string, unknown>>
}

const isEncoded = (x: unknown): x is Encoded => typeof x === 'object' && x !== null && 'dtype' in x
const scalar = (x: unknown): unknown =>
  typeof x === 'object' && x !== null && 'float' in x ? { inf: Infinity, '-inf': -Infinity, nan: NaN }[x.float as 'inf'] : x

type Layout = 'row-major' | 'transposed'
function decode(x: unknown, layout: Layout): unknown {
  if (!isEncoded(x)) return scalar(x)
  const data = x.data.map(scalar) as number[]
  const y = tensor(x.dtype === 'int64' ? data.map(BigInt) : data, { dtype: x.dtype }).reshape([...x.shape])
  if (layout === 'row-major' || y.ndim < 2) return y
  const back = x.shape.map((_, i) => y.ndim - 1 - i)
  return y.permute(back).contiguous().permute(back)
}

const functions = T as unknown as Record<string, (...args: unknown[]) => Tensor | readonly Tensor[]>
function call({ name, args, options }: Case, layout: Layout): readonly Tensor[] {
  const named = Object.entries(options).map(([k, v]) => [k, decode(v, layout)])
  const out = functions[name]!(...args.map((a) => decode(a, layout)), ...(named.length ? [Object.fromEntries(named)] : []))
  return Array.isArray(out) ? out : [out as Tensor]
}

const shown = (x: unknown): string => (isEncoded(x) ? `${x.dtype}[${x.shape}]` : JSON.stringify(scalar(x) ?? null))
const title = ({ name, args, options }: Case): string =>
  `${name}(${args.map(shown).join(', ')}${Object.entries(options)
    .map(([k, v]) => `, ${k}: ${shown(v)}`)
    .join('')})`

const tolerances: Partial<Record<DType, number>> = { float64: 1e-12, float32: 2e-6, float16: 1e-3, bfloat16: 8e-3 }

/** What is wrong with a result; nothing if it is PyTorch's. */
function fault(got: Tensor, want: Encoded): string | undefined {
  if (got.dtype !== want.dtype || `${got.shape}` !== `${want.shape}`) return `got ${got.dtype}[${got.shape}], want ${shown(want)}`
  const tolerance = tolerances[want.dtype] ?? 0
  const values = numbers(got)
  // sums cancel: what is near 0 is compared with 0.3
  const at = values.findIndex((v, i) => {
    const w = Number(scalar(want.data[i]))
    return !(Object.is(v, w) || v === w || Math.abs(v - w) <= tolerance * Math.max(Math.abs(w), 0.3))
  })
  return at < 0 ? undefined : `element ${at}: got ${values[at]}, want ${String(scalar(want.data[at]))}`
}

const byName = Map.groupBy(stored.values as (Case & { want: Encoded[] })[], (c) => c.name)

describe.each([cpu, reference])('PyTorch 2.13 on $name', (backend) => {
  test.each([...byName])('%s', (_, cases) => {
    setDefaultDevice(backend)
    const faults = cases.flatMap((c) =>
      (['row-major', 'transposed'] as const).flatMap((layout) => {
        const ys = call(c, layout)
        if (ys.length !== c.want.length) return [`${title(c)}: got ${ys.length} outputs, want ${c.want.length}`]
        return ys.flatMap((y, i) => fault(y, c.want[i]!)?.replace(/^/, `${title(c)}, ${layout}, output ${i}: `) ?? [])
      }),
    )
    expect(faults).toEqual([])
  })
})

// what our sentences say differently: no Python names in them
const ours = (text: string): string =>
  text
    .replace(/torch\.Size\(([^)]*)\)/g, '$1')
    .replace('of None', 'of null')
    .replace('Got: Int', 'Got: int32')
    .replace('Got Int', 'Got int32')
    .replace('`~` or `logical_not()` operator instead', '`bitwiseNot()` or `logicalNot()` function instead')
    .replace('nanmedian()', 'median()')
    .replace(/\.$/, '')

test.each((stored.errors as (Case & { error: string })[]).map((c) => [title(c), c] as const))('refused as by PyTorch: %s', (_, c) => {
  setDefaultDevice(cpu)
  let thrown: unknown
  try {
    call(c, 'row-major')
  } catch (e) {
    thrown = e
  }
  expect(T.isMapgradError(thrown)).toBe(true)
  expect(ours((thrown as Error).message)).toContain(ours(c.error))
  // the op is named
  expect((thrown as { op?: string }).op).toBeTruthy()
})
