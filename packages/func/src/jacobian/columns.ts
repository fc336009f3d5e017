import { Loans, jvpFlat, select } from '@mapgrad/autodiff/plugin'
import { type Tensor, narrow } from '@mapgrad/tensor'
import { type Tangent, type Tensors, filledLike, inStretches, internally, numel, reshapeTo } from '@mapgrad/tensor/plugin'
import { materialize, vmapFlat } from '@mapgrad/vmap/plugin'
import { fromColumns, units } from './blocks.ts'
import type { AnyFunction, Plan } from './options.ts'
import { type Result, assemble, readResult } from './result.ts'

const first = (x: Tensor): Tensor => reshapeTo(narrow(x, 0, 0, 1), x.shape.slice(1))

/**
 * The Jacobian by forward mode where each column has random numbers of its own: `f` runs on values and tangents together, once for all columns of all
 * leaves, or once for each chunk of them.
 */
export function byTangents(f: AnyFunction, args: readonly unknown[], { argnums, hasAux, chunkSize }: Plan): unknown {
  const { leaves, rebuild, restore } = select('jacfwd', args, argnums, true)
  let n = 0
  const starts = leaves.map((x) => (n += numel(x.shape)) - numel(x.shape))
  let result: Result | undefined
  // what f writes into its arguments it writes once
  let written: Loans | undefined
  /** `f` along `dxs`: its tangents, and the aux */
  const along = (dxs: readonly Tangent[]): [dys: Tensors, aux: Tensors] => {
    const loans = new Loans()
    const lent = leaves.map((y) => loans.lend(y, y.value))
    const [ys, dys] = jvpFlat(
      (xs, lower) => {
        result = readResult('jacfwd', f(...(rebuild(xs, loans) as never[])), hasAux)
        loans.collect(lower)
        return [...result.ys, ...result.aux]
      },
      lent,
      dxs,
    )
    loans.collect((y) => y)
    written ??= loans
    const count = result!.ys.length
    return [ys.slice(0, count).map((y, i) => dys[i] ?? filledLike(y, 0, y.dtype, y.shape)), ys.slice(count)]
  }
  /** The columns from `from` on, in batches; `null` for a leaf that has no part in them. */
  const unitsOf = (from: number, count: number): Tangent[] =>
    leaves.map((x, j) => {
      const at = from - starts[j]!
      return leaves.length > 1 && (at + count <= 0 || at >= numel(x.shape)) ? null : units(x, at, count)
    })
  const [columns, { aux }] = inStretches(n, chunkSize ?? Math.max(n, 1), (from, count) => {
    const mapped = chunkSize !== 1 || n === 0
    const units = unitsOf(from, count)
    const given = mapped ? units.filter((d) => d !== null) : []
    let extra: Tensors = []
    const parts = vmapFlat(
      (vs, trace) => {
        let k = 0
        const [dys, more] = along(units.map((d) => d && (mapped ? vs[k++]! : first(d))))
        // only a random draw makes aux differ between columns; like torch.func, the first one's is given
        extra = more.map((y) => (trace.own(y) ? internally(() => first(materialize(trace, y, 0))) : y))
        return internally(() => dys.map((dy) => materialize(trace, dy, 0)))
      },
      given,
      given.map(() => 0),
      count,
      'different',
    )
    return { parts, dims: parts.map(() => 0), rest: { aux: extra, written: written!.written } }
  })
  written!.settle()
  const { ys } = result!
  const blocks = ys.map((_, k) =>
    leaves.map((x, j) => {
      const c = internally(() => narrow(columns[k]!, 0, starts[j]!, numel(x.shape)))
      return fromColumns(c.wrap(c.value), c.shape.slice(1), x.shape)
    }),
  )
  return assemble(blocks, { ...result!, aux }, restore)
}
