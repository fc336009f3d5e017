import type { Tensor } from '@mapgrad/tensor'
import { TensorTypeError, type TreeSpec, isTensor, refusePromise, registry, treeFlatten, type Tensors } from '@mapgrad/tensor/plugin'

// Between functions of trees, as users write them, and the lists of tensors that ops take.

/** A tree taken apart: its tensors, and the tree again around others. What is no tensor stays as it is. */
export interface Parts {
  readonly tensors: Tensor[]
  readonly spec: TreeSpec
  rebuild(tensors: Tensors): unknown
}

/** The tensors of a tree. */
export function parts(tree: unknown): Parts {
  const [leaves, spec] = treeFlatten(tree)
  const at = leaves.flatMap((x, i) => (isTensor(x) ? [i] : []))
  return {
    tensors: at.map((i) => leaves[i] as Tensor),
    spec,
    rebuild: (tensors) => {
      const out = [...leaves]
      at.forEach((i, k) => {
        out[i] = tensors[k]
      })
      return spec.unflatten(out)
    },
  }
}

/** One call of a function of trees, as functions of lists: `f` gives tensors and remembers what to put around them. */
export class Call {
  readonly op: string
  readonly args: Parts
  #out: Parts | null = null

  constructor(op: string, args: readonly unknown[]) {
    this.op = op
    this.args = parts(args)
  }

  /** The arguments with these tensors in them. */
  given(xs: Tensors): unknown[] {
    return this.args.rebuild(xs) as unknown[]
  }
  /** The tensors of a result, whose structure the whole call will have. */
  took(out: unknown): Tensor[] {
    refusePromise(this.op, 'autodiff', out)
    this.#out = parts(out)
    return this.#out.tensors
  }
  /** The result around these tensors. */
  result(ys: Tensors): unknown {
    return this.#out!.rebuild(ys)
  }
}

/** Whether any transform is in flight that could ask for a rule. */
export const inFlight = (): boolean => registry().top !== null

export const fault = (op: string, message: string, code: string): TensorTypeError =>
  new TensorTypeError(message, { package: 'autodiff', op, code })
