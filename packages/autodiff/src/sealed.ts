import type { Tensor } from '@mapgrad/tensor'
import { type Op, type Tensors, decompose, defineOp, unsupported } from '@mapgrad/tensor/plugin'

// Results that depend on more than transforms can know: asking for their derivative raises, instead of giving zeros.

type Sealed = Op<Tensors, null, readonly Tensor[]>

/** Makes an op that gives its first operand, which depends on the others in a way that has no derivative. */
function sealing(name: string, reason: string): Sealed {
  const op: Sealed = defineOp<Tensors, null, readonly Tensor[]>({
    name,
    args: (...xs) => [xs, null],
    result: ([x]) => x!,
    compute: decompose(([x]) => x!),
    batch: (xs, dims) => [op(...xs), dims[0] ?? null],
    diff: unsupported(reason),
  })
  return op
}

/** For a backward that says so. */
export const once: Sealed = /* @__PURE__ */ sealing(
  'onceDifferentiable',
  'trying to differentiate twice a function that was marked with onceDifferentiable',
)

/** For what a rule made of numbers. */
export const fromNumbers: Sealed = /* @__PURE__ */ sealing(
  'custom',
  'a rule of a custom function (backward, jvp) read numbers out of a tensor that is being differentiated (dataSync, tolist, item) and made its result of them, so that the rule cannot be differentiated itself. Compute with tensor operations, choose with cond or where, or mark a backward with onceDifferentiable',
)
