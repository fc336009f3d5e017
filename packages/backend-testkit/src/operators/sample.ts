import { type Backend, isTensor } from '@mapgrad/tensor/plugin'
import { type DType, type Tensor, tree } from '@mapgrad/tensor'
import { type Decoded, HostTensor, Word, decode, leavesOf, replaceLeaves } from '../format/decode.ts'
import type { EncodedSample } from '../format/types.ts'
import { type Operator, camelCase, ownFunction } from './resolve.ts'

/** One call of an operator, ready to be run on any tensors in place of its own. */
export class Sample {
  readonly encoded: EncodedSample
  readonly name: string
  readonly leaves: readonly Decoded[]
  /** places among the leaves that hold tensors */
  readonly tensorLeaves: readonly number[]
  readonly #operator: Operator
  readonly #tree: Decoded

  constructor(name: string, operator: Operator, encoded: EncodedSample) {
    this.name = name
    this.encoded = encoded
    this.#operator = operator
    this.#tree = [encoded.args.map(decode), Object.fromEntries(Object.entries(encoded.kwargs).map(([k, v]) => [k, decode(v)]))]
    this.leaves = leavesOf(this.#tree)
    this.tensorLeaves = this.leaves.flatMap((l, i) => (l instanceof HostTensor ? [i] : []))
  }

  /** The tensor operands, on the host. */
  get operands(): HostTensor[] {
    return this.tensorLeaves.map((i) => this.leaves[i] as HostTensor)
  }

  /** The operand that a leaf of `diffArgs` names. */
  operandOf(leaf: number): number {
    const k = this.tensorLeaves.indexOf(leaf)
    if (k < 0)
      throw new RangeError(
        `case file: expected diffArgs to name tensors, got leaf ${leaf} of ${this.name}[${this.encoded.sample}], which is none`,
      )
    return k
  }

  /** The outputs for these operands, flattened; absent outputs (`null`) are left out. */
  apply(operands: readonly Tensor[], backend: Backend): unknown[] {
    let k = 0
    const [args, keywords] = replaceLeaves(this.#tree, (leaf) =>
      leaf instanceof HostTensor ? operands[k++] : hostValue(leaf, backend),
    ) as [unknown[], Record<string, unknown>]
    const options: Record<string, unknown> = {}
    for (const [key, value] of Object.entries(keywords)) {
      if (value === DROPPED || key === 'requires_grad') continue
      options[camelCase(key)] = key === 'device' ? backend : value
    }
    while (args.at(-1) === DROPPED) args.pop()
    return tree.leaves(this.#operator(args, options))
  }
}

const DROPPED: unique symbol = Symbol('dropped')

function hostValue(leaf: Decoded, backend: Backend): unknown {
  if (leaf === 'cpu') return backend
  if (!(leaf instanceof Word)) return leaf
  switch (leaf.kind) {
    case 'dtype':
      return leaf.value
    case 'slice': {
      const [start, stop, step] = leaf.value as (number | null)[]
      return ownFunction('slice')?.(start, stop, step)
    }
    case 'skip':
      return DROPPED
    default:
      return leaf.value
  }
}

/** The dtypes a sample needs: of its operands, of the dtypes it names, and of its outputs. */
export function dtypesOf(sample: Sample): Set<string> {
  const all = new Set<string>(sample.encoded.outDtypes)
  for (const leaf of sample.leaves) {
    if (leaf instanceof HostTensor) all.add(leaf.dtype)
    else if (leaf instanceof Word && leaf.kind === 'dtype') all.add(leaf.value as string)
    else if (leaf instanceof Word && leaf.kind === 'complex') all.add('complex64')
  }
  return all
}

/** Operands on a backend; float32 ones in `dtype`. int64 indices become int32 where the backend has no int64. */
export const operandsOn = (sample: Sample, backend: Backend, dtype: DType): Tensor[] => sample.operands.map((x) => place(x, backend, dtype))

/** A host tensor on a backend; floats of the samples' own dtype in `dtype`. */
export function place(x: HostTensor, backend: Backend, dtype: DType): Tensor {
  if (x.dtype === 'float32') return x.on(backend, dtype)
  if (x.dtype === 'int64' && !backend.dtypes.includes('int64')) return x.on(backend, 'int32')
  return x.on(backend)
}

export const tensorsOf = (xs: readonly unknown[]): Tensor[] => xs.filter(isTensor)
