import type { Tensor } from '@mapgrad/tensor'
import {
  type AnyOp,
  type End,
  type Aval,
  type Choices,
  checkOptions,
  describe,
  isOptions,
  owning,
  refusePromise,
  sameShape,
  show,
} from '@mapgrad/tensor/plugin'
import { defOf } from './checks.ts'
import { fault } from './faults.ts'
import { type GraphModule, checkApart, graphModule } from './module.ts'
import { type Structure, assemble, structureOf, withNumbers } from './structure.ts'
import type { Recording } from './symbolic/compare.ts'
import { type GivenNumber, generalise } from './symbolic/generalise.ts'
import { Size } from './symbolic/size.ts'
import { type Decomposition, traceFlat } from './trace.ts'

/** Options of `makeFx`. */
export interface MakeFxOptions {
  /**
   * `'real'` (default) also computes each op while it is recorded, so that values can be printed and shapes may depend on data;
   * `'fake'` knows shapes and dtypes alone; `'symbolic'` is `'fake'` at several sizes, for a graph that takes all of them
   */
  readonly tracingMode?: 'real' | 'fake' | 'symbolic' | undefined
  /** what ops are recorded as instead: op → function of its operands (an array) and params */
  readonly decompositionTable?: ReadonlyMap<{ readonly def: AnyOp }, Decomposition>
}

function readOptions(
  options: MakeFxOptions,
  end: readonly unknown[],
): { mode: 'real' | 'fake' | 'symbolic'; decompositions: ReadonlyMap<AnyOp, Decomposition> } {
  if (!isOptions(options)) throw fault('makeFx', `expected options, got ${describe(options)}`, 'OPTIONS')
  checkOptions('makeFx', options as Record<string, unknown>, ['tracingMode', 'decompositionTable'], 'graph', end)
  const { tracingMode = 'real', decompositionTable = new Map<{ readonly def: AnyOp }, Decomposition>() }: MakeFxOptions = options
  if (tracingMode !== 'real' && tracingMode !== 'fake' && tracingMode !== 'symbolic')
    throw fault('makeFx', `expected tracingMode to be 'real', 'fake' or 'symbolic', got ${describe(tracingMode)}`, 'TRACING_MODE')
  if (!(decompositionTable instanceof Map))
    throw fault(
      'makeFx',
      `expected decompositionTable to be a Map from ops to functions, got ${describe(decompositionTable)}`,
      'DECOMPOSITION',
    )
  return {
    mode: tracingMode,
    decompositions: new Map([...decompositionTable].map(([op, f]): [AnyOp, Decomposition] => [defOf('makeFx', op), f])),
  }
}

/** Numbers among the arguments that are symbols in symbolic mode, as in PyTorch: whole ones, but 0, 1 and −1, which mean something of their own. */
const isVariable = (x: number): boolean => Number.isSafeInteger(x) && Math.abs(x) >= 2

/** A graph gives an argument new elements, but no other shape. */
function checkMutation(x: Tensor, before: Aval, name: string): void {
  if (x.dtype !== before.dtype || !sameShape(x.shape, before.shape))
    throw fault(
      'makeFx',
      `expected in-place operations on arguments to keep their shape, got ${name} of shape ${show(before.shape)} made into one of ${show(x.shape)}. Return the result instead`,
      'CAPTURED_MUTATION',
    )
}

/**
 * The graph of `f` for arguments like those that follow: `makeFx(f)(...args)`. Every op is recorded, also those that
 * `grad`, `vmap` and the other transforms inside `f` make; tensors that `f` captures become constants; random draws are
 * drawn anew in each run; in-place operations become pure ones, and arguments that they change get their new elements at
 * the end of each run (not while tracing). The graph is made for these shapes, dtypes and arguments other than tensors;
 * with `tracingMode: 'symbolic'`, `f` runs once at each of several sizes, and the graph is for all sizes above 1: equal
 * ones must stay equal, those at whose other values `f` throws are fixed. Whole number arguments may change there, too, where
 * they change nothing but numbers in the program.
 * @throws TensorTypeError where `f` reads the numbers of a tensor, or, traced at several sizes, is not one program for all
 */
export function makeFx<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: MakeFxOptions = {},
  ...end: End
): (...args: A) => GraphModule<A, R> {
  if (typeof f !== 'function') throw fault('makeFx', `expected a function, got ${describe(f)}`, 'NOT_A_FUNCTION')
  const { mode, decompositions } = readOptions(options, end)
  const trace = (...args: A): GraphModule<A, R> =>
    owning(() => {
      const tensors: Tensor[] = []
      const paths: string[] = []
      const structures = args.map((a, i) => structureOf(a, tensors, paths, String(i)))
      const names = paths.map((p) => `arg${p}`)
      const numbers: GivenNumber[] = []
      if (mode === 'symbolic')
        structures.forEach((s, i) =>
          withNumbers(s, (value, path) => (isVariable(value) ? numbers.push({ name: `arg${path}`, value }) : value), String(i)),
        )
      /** the arguments with others in the place of those numbers */
      const withThese = (values: readonly unknown[]): Structure[] => {
        const next = values.values()
        return structures.map((s, i) => withNumbers(s, (v) => (numbers.length && isVariable(v) ? next.next().value : v), String(i)))
      }
      const record = (avals: readonly Aval[], values: readonly number[] = [], choices: Choices | null = null): Recording => {
        let result: Structure | undefined
        const mutated: number[] = []
        const body = (xs: readonly Tensor[]): Tensor[] => {
          const before = xs.map((x) => x.value)
          const inputs = xs.values()
          const given = withThese(values).map((s) => assemble(s, () => inputs.next().value)) as unknown as A
          const ys: Tensor[] = []
          result = structureOf(refusePromise('makeFx', 'graph', f(...given)), ys)
          xs.forEach((x, i) => {
            if (x.value === before[i]) return
            checkMutation(x, before[i]!, names[i]!)
            mutated.push(i)
            ys.push(x)
          })
          return ys
        }
        const graph = traceFlat(body, tensors, {
          real: mode === 'real',
          decompositions,
          names,
          avals,
          everything: mode === 'symbolic',
          choices,
        })
        return { graph, result: result!, mutated }
      }
      if (mode === 'symbolic') {
        const { graph, result, mutated, symbols } = generalise(tensors, names, numbers, record)
        checkApart('makeFx', tensors, mutated)
        const given = withThese(numbers.map(({ value }, i) => (symbols[i] === null ? value : Size.symbol(symbols[i]!))))
        return graphModule<A, R>(graph, { args: given, result, mutated }, f.name || 'forward')
      }
      const { graph, result, mutated } = record(tensors)
      checkApart('makeFx', tensors, mutated)
      return graphModule<A, R>(graph, { args: structures, result, mutated }, f.name || 'forward')
    })
  return Object.defineProperty(trace, 'name', { value: f.name, configurable: true })
}
