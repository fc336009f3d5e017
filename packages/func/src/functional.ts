import { type Autograd, type Functional, type FunctionOf, type OneOrMore, autograd as base } from '@mapgrad/autodiff'
import { inForm, inputList, outputOf, refuseConstants, refuseLinear, rowsOf, scalarGradient, vjpFlat } from '@mapgrad/autodiff/plugin'
import type { Tensor } from '@mapgrad/tensor'
import { type End, TensorTypeError, checkOptions, describe, filledLike, isTensor, type Tensors } from '@mapgrad/tensor/plugin'
import { type GradOfTensors, grad } from './autograd-grad.ts'
import { jacfwd, jacrev } from './jacobian.ts'
import { type JacobianMode, checkFunction, checkMode } from './jacobian/options.ts'

const fault = (op: string, message: string, code: string): TensorTypeError => new TensorTypeError(message, { package: 'func', op, code })
type Strategy = 'reverse-mode' | 'forward-mode'

/** Options of `jacobian`. */
export interface FunctionalJacobianOptions {
  /** kept for PyTorch's sake: results are always differentiable */
  readonly createGraph?: boolean | undefined
  /** refuse a Jacobian that is structurally zero, instead of giving zeros; default false */
  readonly strict?: boolean | undefined
  /** kept for PyTorch's sake: all rows are always computed at once */
  readonly vectorize?: boolean | undefined
  /** PyTorch's word for `mode`: 'forward-mode' or 'reverse-mode' */
  readonly strategy?: Strategy | undefined
  /** by rows ('reverse'), by columns ('forward'), or whichever takes less time for the shapes; default 'auto' without a `strategy`, and 'reverse' in strict mode */
  readonly mode?: JacobianMode | undefined
  /** computes at most so many rows or columns at a time, in memory of the result and of one such chunk; default all at once */
  readonly chunkSize?: number | null | undefined
}
/** Options of `functional.hessian`. */
export interface FunctionalHessianOptions extends Omit<FunctionalJacobianOptions, 'strategy' | 'mode' | 'chunkSize'> {
  /** how the Jacobian of the gradient is computed; default 'reverse-mode' */
  readonly outerJacobianStrategy?: Strategy | undefined
}

/** For one Tensor in and out one Tensor; for several, arrays by output, then by input. */
export type JacobianOf<X extends OneOrMore, R extends OneOrMore> = R extends Tensor ? X : { readonly [K in keyof R]: X }

function checkStrategy(op: string, strategy: unknown, strict: boolean): asserts strategy is Strategy {
  if (strategy !== 'reverse-mode' && strategy !== 'forward-mode')
    throw fault(
      op,
      `Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode". Got ${describe(strategy)}`,
      'STRATEGY',
    )
  if (strict && strategy === 'forward-mode')
    throw fault(
      op,
      `torch.autograd.functional.${op}: \`strict=True\` and \`strategy="forward-mode"\` are not supported together (yet). Please either set \`strict=False\` or \`strategy="reverse-mode"\`.`,
      'STRATEGY',
    )
}

/** In strict mode: every output must depend on every input. */
function checkDependence(op: string, f: (...xs: Tensors) => unknown, xs: Tensors): void {
  const [ys, pull] = vjpFlat((leaves) => outputOf(op, f(...leaves)), xs)
  const rows = rowsOf(ys, xs, pull)
  refuseConstants(op, rows)
  rows.forEach((row, i) =>
    row.forEach((g, j) => {
      if (!g)
        throw fault(
          op,
          `Output ${i} of the user-provided function is independent of input ${j}. This is not allowed in strict mode.`,
          'INDEPENDENT',
        )
    }),
  )
}

/**
 * The Jacobian of a function of one Tensor or of several (an array): shape `[...out, ...in]`; for several outputs an array by
 * output, for several inputs an array by input inside it. `func` runs once.
 * @throws TensorTypeError for a strategy that does not exist, or in strict mode if an output does not depend on an input
 */
export function jacobian<X extends OneOrMore, R extends OneOrMore>(
  func: FunctionOf<X, R>,
  inputs: X,
  options: FunctionalJacobianOptions = {},
  ...end: End
): JacobianOf<X, R> {
  const op = 'jacobian'
  checkFunction(op, func)
  checkOptions(op, options as Record<string, unknown>, ['createGraph', 'strict', 'vectorize', 'strategy', 'mode', 'chunkSize'], 'func', end)
  const { strict = false, vectorize = false, strategy, mode = strict ? 'reverse' : 'auto', chunkSize = null } = options
  checkMode(op, mode)
  if (strategy !== undefined) {
    checkStrategy(op, strategy, strict)
    if (options.mode !== undefined)
      throw fault(op, `expected one of strategy and mode, got both ('${strategy}' and '${mode}'). Leave out strategy`, 'STRATEGY')
  }
  if (strict && vectorize)
    throw fault(
      op,
      'torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. Please either set `strict=False` or `vectorize=False`.',
      'STRICT',
    )
  const xs = inputList(op, inputs)
  const f = func as unknown as (...xs: Tensors) => OneOrMore
  if (strict) checkDependence(op, f, xs)
  const argnums = xs.map((_, i) => i)
  let out: OneOrMore | undefined
  const run = (...leaves: Tensor[]): Tensor[] => outputOf(op, (out = f(...leaves)))
  const transform =
    strategy === 'forward-mode'
      ? jacfwd(run, { argnums, chunkSize })
      : jacrev(run, { argnums, chunkSize, mode: strategy ? 'reverse' : mode })
  const rows = transform(...xs) as unknown as Tensor[][]
  return inForm(
    out,
    rows.map((row) => inForm(inputs, row) as Tensor),
  ) as JacobianOf<X, R>
}

/**
 * The Hessian of a function of one element of one Tensor or of several (an array): shape `[...in, ...in]`; for several inputs
 * an array of arrays.
 */
function hessian<X extends OneOrMore>(
  func: FunctionOf<X, Tensor>,
  inputs: X,
  options: FunctionalHessianOptions = {},
  ...end: End
): X extends Tensor ? Tensor : readonly X[] {
  const op = 'hessian'
  checkFunction(op, func)
  checkOptions(op, options as Record<string, unknown>, ['createGraph', 'strict', 'vectorize', 'outerJacobianStrategy'], 'func', end)
  const { strict = false, outerJacobianStrategy: strategy = 'reverse-mode' } = options
  checkStrategy(op, strategy, strict)
  const xs = inputList(op, inputs)
  const gradient = (...leaves: Tensor[]): Tensor[] => {
    const [, grads] = scalarGradient(op, func as unknown as (...xs: Tensor[]) => unknown, leaves)
    if (strict) refuseConstants(op, [grads])
    return leaves.map((x, i) => grads[i] ?? filledLike(x, 0, x.dtype, x.shape))
  }
  if (strict) {
    const [ys, pull] = vjpFlat((leaves) => gradient(...leaves), xs)
    refuseLinear(
      op,
      rowsOf(ys, xs, pull).map((row) => row.some(Boolean)),
    )
  }
  const table = jacobian<readonly Tensor[], readonly Tensor[]>(gradient, xs, { strategy }) as readonly (readonly Tensor[])[]
  return (isTensor(inputs) ? table[0]![0] : table) as never
}

/** The names of `torch.autograd`, with those that need `vmap`. */
export interface FullAutograd extends Omit<Autograd, 'functional' | 'grad'> {
  readonly grad: GradOfTensors
  readonly functional: Functional & { readonly jacobian: typeof jacobian; readonly hessian: typeof hessian }
}
/**
 * `autograd.Function` for rules of one's own; `autograd.grad` and `autograd.backward` for tensors with `requiresGrad`; `autograd.detectAnomaly`
 * to find where NaN comes from; `autograd.functional` with torch.autograd.functional's names.
 */
export const autograd: FullAutograd = /* @__PURE__ */ (() => ({ ...base, grad, functional: { ...base.functional, jacobian, hessian } }))()
