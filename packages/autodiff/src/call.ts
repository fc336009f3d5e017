import type { Tensor } from '@mapgrad/tensor'
import {
  TensorTypeError,
  type TreeSpec,
  callUser,
  isTensor,
  refusePromise,
  registry,
  treeFlatten,
  write,
  type Tensors,
} from '@mapgrad/tensor/plugin'

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
  /** for each tensor of the result, which argument it is, if any */
  #is: readonly number[] = []
  /** the arguments that the function wrote into and returned */
  readonly #dirty = new Set<number>()

  constructor(op: string, args: readonly unknown[]) {
    this.op = op
    this.args = parts(args)
  }

  /** The arguments with these tensors in them. */
  given(xs: Tensors): unknown[] {
    return this.args.rebuild(xs) as unknown[]
  }
  /** Calls a function of the user's on the arguments with these tensors in them. What it writes into them it must return, or not write. */
  run(xs: Tensors, f: (...args: never[]) => unknown, returned = true): Tensor[] {
    const { out, lent, written } = callUser(xs, (own) => this.took(f(...(this.given(own) as never[]))))
    this.#is = out.map((y) => lent.indexOf(y))
    written.forEach((w, i) => {
      if (!w) return
      if (!returned || !this.#is.includes(i)) throw this.#unreturned(returned)
      this.#dirty.add(i)
    })
    return out
  }
  #unreturned(returned: boolean): TensorTypeError {
    return fault(
      this.op,
      returned
        ? 'Some elements marked as dirty during the forward method were not returned as output. The inputs that are modified inplace must all be outputs of the Function. Return the argument that was written into, or work on x.clone()'
        : 'expected a function that leaves its arguments as they are, since it may be called again, got one that writes into them. Work on x.clone()',
      'DIRTY',
    )
  }
  /** Says that an argument, by the tensor that stood for it, is given back under the same handle. */
  mark(x: unknown, xs: Tensors): void {
    const i = xs.indexOf(x as Tensor)
    if (i < 0 || !this.#is.includes(i)) throw this.#unreturned(true)
    this.#dirty.add(i)
  }
  /** The tensors of the arguments as they are after the call. */
  after(xs: Tensors, ys: Tensors): Tensor[] {
    return xs.map((x, i) => {
      const y = this.#dirty.has(i) ? ys[this.#is.indexOf(i)]! : x
      return y.wrap(y.value)
    })
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
  /** The result for the caller, whose arguments get what was written into them. */
  settled(ys: Tensors): unknown {
    return this.result(
      ys.map((y, k) => {
        const i = this.#is[k] ?? -1
        if (!this.#dirty.has(i)) return y
        const x = this.args.tensors[i]!
        write(x, this.op, y)
        return x
      }),
    )
  }
}

/** Whether anything is in flight that could ask for a rule: a transform, or the tape of tensors that require gradients. */
export const inFlight = (): boolean => registry().top !== null || registry().tape !== null

export const fault = (op: string, message: string, code: string): TensorTypeError =>
  new TensorTypeError(message, { package: 'autodiff', op, code })

/** What a tape says that was walked and let go of. */
export const FREED =
  'Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retainGraph: true if you need to backward through the graph a second time or if you need to access saved tensors after calling backward.'
