import { Loans, linearizeFlat, select, vjpFlat } from '@mapgrad/autodiff/plugin'
import { type Tensor, isMapgradError } from '@mapgrad/tensor'
import { type Tangent, type Tensors, filledLike, isFloating } from '@mapgrad/tensor/plugin'
import { besideVmap, fromColumns, fromRows, inDtype, noBlock, stacked } from './blocks.ts'
import { columnsAreCheaper } from './mode.ts'
import { type AnyFunction, type Plan, fault } from './options.ts'
import { type Op, type Result, assemble, readResult } from './result.ts'

// Jacobians from one evaluation of the function, recorded in reverse mode or in forward mode. Either derivative is linear,
// and the other is its transpose.

type Linear = (ds: readonly Tangent[]) => readonly Tangent[]

/** A function evaluated at a point, with its derivative there in one direction. */
interface Point {
  readonly leaves: Tensors
  readonly ys: Tensors
  /** cotangents of the outputs → those of the leaves */
  readonly pull: Linear | null
  /** tangents of the leaves → those of the outputs */
  readonly push: Linear | null
}

/** The Jacobian from one evaluation of `f`, which `recorded` in one direction; by rows or by columns. */
export function atPoint(op: Op, f: AnyFunction, args: readonly unknown[], plan: Plan, recorded: 'reverse' | 'forward'): unknown {
  const { argnums, hasAux, chunkSize, randomness, mode } = plan
  const { leaves, rebuild, restore } = select(op, args, argnums, op === 'jacfwd')
  let result: Result | undefined
  const loans = new Loans()
  const run = (xs: Tensors): Tensors => {
    result = readResult(op, f(...(rebuild(xs, loans) as never[])), hasAux)
    if (op === 'jacrev')
      for (const y of result.ys)
        if (!isFloating(y))
          throw fault(
            op,
            `vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype ${y.dtype}`,
            'OUTPUT_DTYPE',
          )
    return [...result.ys, ...result.aux]
  }
  const noting = (xs: Tensors, lower: (x: Tensor) => Tensor): Tensors => {
    const out = run(xs)
    loans.collect(lower)
    return out
  }
  // what f writes into the leaves, too, is theirs at the end
  const record = (): ReturnType<typeof vjpFlat> =>
    recorded === 'reverse'
      ? vjpFlat(noting, leaves)
      : linearizeFlat(
          noting,
          leaves.map((x) => loans.lend(x, x.value)),
        )
  const [flat, linear] = op === 'jacrev' ? record() : besideVmap(randomness, record)
  loans.collect((y) => y)
  loans.settle()
  const ys = flat.slice(0, result!.ys.length)
  const aux = flat.slice(ys.length)
  const point: Point =
    recorded === 'reverse'
      ? { leaves, ys, pull: (cts) => linear([...cts, ...aux.map(() => null)]), push: null }
      : { leaves, ys, pull: null, push: (dxs) => linear(dxs).slice(0, ys.length) }
  const columns = mode === 'forward' || (mode === 'auto' && columnsAreCheaper(leaves, ys, recorded))
  const blocks = (columns && byColumns(point, chunkSize)) || byRows(point, chunkSize)
  const typed = ys.map((y, k) =>
    leaves.map((x, j) => {
      const like = op === 'jacrev' ? x : y
      const block = blocks[k]![j]
      return block ? inDtype(block, like) : noBlock(y.shape, x.shape, like)
    }),
  )
  return assemble(typed, { ...result!, aux }, restore)
}

type Blocks = readonly (readonly Tangent[])[]

function byRows({ leaves, ys, pull, push }: Point, chunkSize: number | null): Blocks {
  const back = pull ?? transposed(push!, leaves)
  return ys.map((y, k) => {
    if (!isFloating(y)) return leaves.map(() => null)
    const rows = stacked(y, chunkSize, leaves, (ct) => back(ys.map((_, i) => (i === k ? ct : null))))
    return rows.map((r, j) => fromRows(r, y.shape, leaves[j]!.shape))
  })
}

/** Not at all (`null`) where a rule of the user's has no derivative of its own. */
function byColumns({ leaves, ys, pull, push }: Point, chunkSize: number | null): Blocks | null {
  try {
    const ahead = push ?? transposed(pull!, ys)
    const columns = leaves.map((x, j) => stacked(x, chunkSize, ys, (dx) => ahead(leaves.map((_, i) => (i === j ? dx : null)))))
    return ys.map((y, k) => leaves.map((x, j) => fromColumns(columns[j]![k]!, y.shape, x.shape)))
  } catch (e) {
    if (!push && isMapgradError(e) && e.code === 'MISSING_DERIVATIVE') return null
    throw e
  }
}

/** The transpose of a linear function of tensors like `xs`, of which those that are no floats do not matter. */
function transposed(linear: Linear, xs: Tensors): Linear {
  const place = (ds: readonly Tangent[]): Tangent[] => {
    let k = 0
    return xs.map((x) => (isFloating(x) ? ds[k++]! : null))
  }
  let reached: readonly boolean[] = []
  const [, back] = vjpFlat(
    (ds) => {
      const ys = linear(place(ds))
      reached = ys.map((y) => y !== null)
      return ys.flatMap((y) => y ?? [])
    },
    xs.filter(isFloating).map((x) => filledLike(x, 0, x.dtype, x.shape)),
  )
  return (cts) => place(back(cts.filter((_, i) => reached[i])))
}
