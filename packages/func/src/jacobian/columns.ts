import { Loans, jvpFlat, select } from '@mapgrad/autodiff/plugin'
import { type Tensor, narrow } from '@mapgrad/tensor'
import { type Tensors, filledLike, inStretches, internally, numel, reshapeTo, rewinding } from '@mapgrad/tensor/plugin'
import { materialize, vmapFlat } from '@mapgrad/vmap/plugin'
import { fromColumns, units } from './blocks.ts'
import type { AnyFunction, Plan } from './options.ts'
import { type Result, assemble, readResult } from './result.ts'

const first = (x: Tensor): Tensor => reshapeTo(narrow(x, 0, 0, 1), x.shape.slice(1))

/** The Jacobian by forward mode proper: `f` runs on values and tangents, once for each chunk of each leaf's columns. */
export function byTangents(f: AnyFunction, args: readonly unknown[], { argnums, hasAux, chunkSize, randomness }: Plan): unknown {
  const { leaves, rebuild, restore } = select('jacfwd', args, argnums, true)
  let result: Result | undefined
  // what f writes into its arguments it writes once
  let written: Loans | undefined
  /** `f` along `dx`, a tangent of leaf `j`: its tangents, and the aux */
  const along = (j: number, dx: Tensor | null): [dys: Tensors, aux: Tensors] => {
    const loans = new Loans()
    const lent = leaves.map((y) => loans.lend(y, y.value))
    const [ys, dys] = jvpFlat(
      (xs, lower) => {
        result = readResult('jacfwd', f(...(rebuild(xs, loans) as never[])), hasAux)
        loans.collect(lower)
        return [...result.ys, ...result.aux]
      },
      lent,
      leaves.map((_, i) => (i === j ? dx : null)),
    )
    loans.collect((y) => y)
    written ??= loans
    const n = result!.ys.length
    return [ys.slice(0, n).map((y, i) => dys[i] ?? filledLike(y, 0, y.dtype, y.shape)), ys.slice(n)]
  }
  let aux: Tensors = []
  const columnsOf = (x: Tensor, j: number, back: () => void): Tensors => {
    const n = numel(x.shape)
    const [joined, rest] = inStretches(n, chunkSize ?? Math.max(n, 1), (from, count) => {
      if (randomness === 'same') back()
      const mapped = chunkSize !== 1 || n === 0
      const d = mapped ? units(x, from, count) : reshapeTo(units(x, from, 1), x.shape)
      let extra: Tensors = []
      const parts = vmapFlat(
        ([v], trace) => {
          const [dys, more] = along(j, v ?? d)
          // only a random draw makes aux differ between columns; like torch.func, the first one's is given
          extra = more.map((y) => (trace.own(y) ? internally(() => first(materialize(trace, y, 0))) : y))
          return internally(() => dys.map((dy) => materialize(trace, dy, 0)))
        },
        mapped ? [d] : [],
        [0],
        count,
        randomness,
      )
      return { parts, dims: parts.map(() => 0), rest: { aux: extra, written: written!.written } }
    })
    aux = rest.aux
    return joined
  }
  const columns = rewinding((back) => leaves.map((x, j) => columnsOf(x, j, back)))
  if (leaves.length === 0) [, aux] = along(-1, null)
  written?.settle()
  const { ys } = result!
  const blocks = ys.map((_, k) =>
    leaves.map((x, j) => {
      const c = columns[j]![k]!
      return fromColumns(c, c.shape.slice(1), x.shape)
    }),
  )
  return assemble(blocks, { ...result!, aux }, restore)
}
