import { type Tensor, mul } from '@mapgrad/tensor'
import {
  type BatchContext,
  type Dim,
  type Fn,
  type Op,
  type Tangent,
  type Tensors,
  batchFirst,
  decompose,
  defineOp,
  expandTo,
  filledLike,
  moveAxis,
  resultOfFunctions,
  sumDims,
} from '@mapgrad/tensor/plugin'
import { fault } from './call.ts'
import { refuseCaptured } from './derivative.ts'
import { orZero } from './flat.ts'
import { vjpFlat } from './vjp.ts'

/** A function of lists of tensors with rules of its own. */
export interface CustomRule {
  readonly f: Fn
  /** outputs, the pullback, and which outputs have a derivative */
  readonly tape: (
    xs: Tensors,
    needs: readonly boolean[],
  ) => readonly [ys: Tensors, pull: (cts: readonly Tangent[]) => readonly Tangent[], differentiable?: readonly boolean[]]
  /** outputs and their tangents */
  readonly push: (xs: Tensors, dxs: readonly Tangent[]) => readonly [ys: Tensors, dys: readonly Tangent[]]
  /** how the function takes a batch; `null` maps it and its rules */
  readonly map: ((xs: Tensors, dims: readonly Dim[], context: BatchContext) => readonly [ys: Tensors, dims: readonly Dim[]]) | null
}

/** Calls a function that has rules of its own. Params: the rules. */
export const custom: Op<Tensors, CustomRule, [xs: Tensors, rule: CustomRule], Tensors> = defineOp({
  name: 'custom',
  captures: true,
  args: (xs: Tensors, rule: CustomRule) => [xs, rule] as const,
  result: resultOfFunctions,
  compute: decompose((xs, { f }) => f(...xs)),
  batch: (xs, dims, rule, context) => {
    if (rule.map && dims.some((d) => d !== null)) return rule.map(xs, dims, context)
    let at: readonly Dim[] = []
    const mapped = mapRule(rule, dims, context, (d) => {
      at = d
    })
    const ys = custom(xs, mapped)
    return [ys, at]
  },
  diff: {
    kind: 'augmented',
    jvp: (xs, dxs, { push }) => push(xs, dxs),
    vjp: (xs, { tape }, _, needs) => tape(xs, needs),
    around: closedOver,
  },
})

/** The rules where the function gets what it closes over as operands behind its `count` own: the rules know nothing of those. */
function closedOver({ f, tape, push, map }: CustomRule, wrap: (f: Fn) => Fn, count: number): CustomRule {
  const refuse = refuseCaptured(custom.def)
  const own = <T>(xs: readonly T[], moves: (x: T) => boolean): T[] => {
    if (xs.slice(count).some(moves)) refuse()
    return xs.slice(0, count)
  }
  const unknown = (): boolean => false
  return {
    f: wrap(f),
    tape: (xs, needs) => {
      const [ys, pull, ...differentiable] = tape(
        own(xs, unknown),
        own(needs, (n) => n),
      )
      const nothing = xs.slice(count).map(() => null)
      return [ys, (cts) => [...pull(cts), ...nothing], ...differentiable]
    },
    push: (xs, dxs) =>
      push(
        own(xs, unknown),
        own(dxs, (d) => d !== null),
      ),
    map:
      map &&
      ((xs, dims, context) =>
        map(
          own(xs, unknown),
          own(dims, (d) => d !== null),
          context,
        )),
  }
}

/** The rules over all examples at once: what each closes over of this `vmap` means the same in them, also later. */
function mapRule(
  rule: CustomRule,
  dims: readonly Dim[],
  { size, under }: BatchContext,
  placed: (dims: readonly Dim[]) => void,
): CustomRule {
  /**
   * Where examples differ, each has outputs of its own, in front: the sum of their cotangents does not tell which of them goes with which
   * example, and a rule called later must give what the function gave.
   */
  const front = (ys: Tensors, found: readonly Dim[], differ: boolean): Tensor[] => {
    placed(ys.map(() => (differ ? 0 : null)))
    return differ ? ys.map((y, i) => inFront(y, found[i]!, size)) : [...ys]
  }
  const differing = (found: readonly Dim[]): boolean => [...dims, ...found].some((d) => d !== null)
  return {
    f: (...xs) => {
      const [ys, at] = under(rule.f, dims)(...xs)
      return front(ys, at, differing(at))
    },
    tape: (xs, needs) => {
      let taped: ReturnType<CustomRule['tape']> | undefined
      const [out, at] = under((...examples) => (taped = rule.tape(examples, needs))[0], dims)(...xs)
      const differ = differing(at)
      const ys = front(out, at, differ)
      const [, pull, differentiable] = taped!
      const back = (cts: readonly Tangent[]): readonly Tangent[] => {
        const live = cts.flatMap((c, i) => (c ? [i] : []))
        let given: readonly Tangent[] = []
        const [grads, gradDims] = under(
          (...examples) => {
            given = pull(cts.map((c, i) => (c ? examples[live.indexOf(i)]! : null)))
            return given.flatMap((g) => g ?? [])
          },
          live.map(() => (differ ? 0 : null)),
        )(...live.map((i) => cts[i]!))
        if (!differ && gradDims.some((d) => d !== null))
          throw fault(
            custom.def.name,
            'expected a backward that depends on the examples of a vmap only if the function does, got one that closes over mapped values of its own. Pass them as arguments',
            'CAPTURED',
          )
        let k = 0
        return given.map((g, i) => (g ? placeGrad(grads[k]!, gradDims[k++]!, dims[i]!, differ ? size : 1, size) : null))
      }
      return [ys, back, ...(differentiable ? [differentiable] : [])] as never
    },
    push: (xs, dxs) => {
      const moving = dxs.flatMap((d, i) => (d ? [i] : []))
      // a tangent that may be left open: met by values of this vmap, it must be one of them
      const shared = (i: number): boolean => dims[i] === null && dims.some((d) => d !== null)
      let count = 0
      let moved: readonly boolean[] = []
      const [all, at] = under(
        (...examples) => {
          const [ys, dys] = rule.push(
            examples.slice(0, xs.length),
            dxs.map((d, i) => (d ? examples[xs.length + moving.indexOf(i)]! : null)),
          )
          count = ys.length
          moved = dys.map((d) => d !== null)
          return [...ys, ...dys.flatMap((d) => d ?? [])]
        },
        [...dims, ...moving.map((i) => (shared(i) ? 0 : dims[i]!))],
      )(...xs, ...moving.map((i) => (shared(i) ? expandTo(dxs[i]!, [size, ...dxs[i]!.shape]) : dxs[i]!)))
      const differ = differing(at)
      let k = count
      const dys = moved.map((m): Tangent => {
        if (!m) return null
        const [dy, d] = [all[k]!, at[k++]!]
        return differ ? inFront(dy, d, size) : dy
      })
      return [front(all.slice(0, count), at, differ), dys]
    },
    map: rule.map && mapMap(rule.map, dims, under, placed),
  }
}

/** What examples have along `dim`, or all share, along a first axis. */
const inFront = (x: Tensor, dim: Dim, size: number): Tensor => (dim === null ? expandTo(x, [size, ...x.shape]) : moveAxis(x, dim, 0))

/** The gradient of an operand whose examples lie along `to`; one that all examples share gets the sum over them. */
function placeGrad(grad: Tensor, dim: Dim, to: Dim, times: number, size: number): Tensor {
  if (to !== null) return moveAxis(inFront(grad, dim, size), 0, to)
  if (dim === null) return times === 1 ? grad : mul(grad, times)
  return sumDims(grad, [dim - grad.ndim])
}

/** The batching rule of a function of which nothing is mapped here, for a transform below: what it closes over may be mapped here. */
function mapMap(
  map: NonNullable<CustomRule['map']>,
  dims: readonly Dim[],
  under: BatchContext['under'],
  placed: (dims: readonly Dim[]) => void,
): NonNullable<CustomRule['map']> {
  return (xs, below, context) => {
    let places: readonly Dim[] = []
    const [ys, at] = under((...examples) => {
      const [out, d] = map(examples, below, context)
      places = d
      return out
    }, dims)(...xs)
    // the batch of here goes in front of the one below
    placed(at.map((d) => (d === null ? null : 0)))
    return [
      ys.map((y, i) => (at[i] === null ? y : batchFirst(y, at[i]!))),
      places.map((d, i) => (d === null || at[i] === null ? d : d + 1)),
    ]
  }
}

/** Forward mode for a function whose reverse mode is given: its pullback is linear, and this is the transpose. */
export function transposed(rule: () => CustomRule): CustomRule['push'] {
  return (xs, dxs) => {
    const moving = dxs.flatMap((d, i) => (d ? [i] : []))
    const [out, pull] = rule().tape(
      xs,
      dxs.map((d) => d !== null),
    )
    const ys = custom(xs, rule())
    const [grads, transpose] = vjpFlat(
      (cts) => {
        const back = pull(cts)
        return moving.map((i) => orZero(back[i], xs[i]!))
      },
      out.map((y) => filledLike(y, 0, y.dtype, y.shape)),
    )
    return [ys, transpose(grads.map((_, k) => dxs[moving[k]!]!))]
  }
}

/** Reverse mode for a function whose forward mode is given: the tangents are linear in those of the operands, and this is the transpose. */
export function linearized(push: CustomRule['push']): CustomRule['tape'] {
  return (xs, needs) => {
    const moving = needs.flatMap((n, i) => (n ? [i] : []))
    let ys: Tensors = []
    let moved: readonly boolean[] = []
    const [, transpose] = vjpFlat(
      (dxs) => {
        const [out, dys] = push(
          xs,
          needs.map((n, i) => (n ? dxs[moving.indexOf(i)]! : null)),
        )
        ys = out
        moved = dys.map((d) => d !== null)
        return dys.flatMap((d) => d ?? [])
      },
      moving.map((i) => filledLike(xs[i]!, 0, xs[i]!.dtype, xs[i]!.shape)),
      false,
    )
    const pull = (cts: readonly Tangent[]): readonly Tangent[] => {
      const grads = transpose(cts.filter((_, i) => moved[i]))
      return needs.map((n, i) => (n ? grads[moving.indexOf(i)]! : null))
    }
    return [ys, pull, moved]
  }
}
