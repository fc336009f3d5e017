import { type Tensor, narrow } from '@mapgrad/tensor'
import {
  TensorRangeError,
  TensorTypeError,
  checkAlive,
  type End,
  checkEnd,
  checkOptions,
  describe,
  inStretches,
  internally,
  isOptions,
  isTensor,
  isWithin,
  owning,
  refusePromise,
  rewinding,
  treeBroadcastPrefix,
  treeFlatten,
  treeNode,
  type Dim,
} from '@mapgrad/tensor/plugin'
import { type BatchTrace, type Randomness, lendEach, materialize, vmapFlat } from './batch.ts'

/** Which axis holds the examples: one for all arguments, or a tree (outermost an array, one entry an argument) that is a prefix of theirs; `null` shares an argument among all examples. */
export type InDims = number | readonly InDimsTree[]
/** One entry of `InDims`: an axis, `null`, or a tree of them. */
export type InDimsTree =
  | number
  | null
  | undefined
  | readonly InDimsTree[]
  | ReadonlyMap<unknown, InDimsTree>
  | { readonly [key: string]: InDimsTree }
/** Where the examples go in the outputs: one for all, or a prefix tree; `null` for an output that depends on no example. */
export type OutDims = number | null | readonly OutDims[] | ReadonlyMap<unknown, OutDims> | { readonly [key: string]: OutDims }

/** Options of `vmap`, by name. */
export interface VmapOptions {
  /** default 0 */
  readonly inDims?: InDims | undefined
  /** default 0 */
  readonly outDims?: OutDims | undefined
  /** what random draws do: raise (default), differ per example, or be the same for all */
  readonly randomness?: Randomness | undefined
  /** computes at most so many examples at a time, and joins the results; default all at once */
  readonly chunkSize?: number | null | undefined
}

type AnyFunction = (...args: never[]) => unknown

const fault = (message: string, code: string): TensorTypeError => new TensorTypeError(message, { package: 'vmap', op: 'vmap', code })
const rangeFault = (message: string, code: string): TensorRangeError => new TensorRangeError(message, { package: 'vmap', op: 'vmap', code })

const dimsText = (d: unknown): string =>
  Array.isArray(d)
    ? `[${d.map(dimsText).join(', ')}]`
    : isOptions(d)
      ? `{${Object.entries(d)
          .map(([k, v]) => `${k}: ${dimsText(v)}`)
          .join(', ')}}`
      : typeof d === 'string'
        ? d
        : describe(d)
const isDim = (x: unknown): x is Dim | undefined => x === null || x === undefined || typeof x !== 'object'
/** The structure of a tree of dims, in which `null` is a leaf as numbers are. */
const structureOf = (dims: unknown): string => {
  const leaves = (d: unknown): unknown => (isDim(d) ? 0 : (treeNode(d)?.rebuild(treeNode(d)!.children.map(leaves)) ?? 0))
  return treeFlatten(leaves(dims))[1].text
}

interface Plan {
  readonly name: string
  readonly inDims: InDims
  readonly outDims: OutDims
  readonly randomness: Randomness
  readonly chunkSize: number | null
}

/** The axis of each leaf of the arguments, checked. */
function readInDims({ name, inDims }: Plan, args: readonly unknown[], leaves: readonly unknown[], spec: { readonly text: string }): Dim[] {
  const where = `vmap(${name}, inDims=${dimsText(inDims)}, ...)(<inputs>)`
  if (typeof inDims !== 'number' && !Array.isArray(inDims))
    throw fault(
      `${where}: expected \`inDims\` to be int or a (potentially nested) tuple matching the structure of inputs, got: ${describe(inDims)}.`,
      'IN_DIMS',
    )
  if (args.length === 0)
    throw fault(
      `vmap(${name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a function with no inputs. The latter is unsupported.`,
      'NO_INPUTS',
    )
  const flat = typeof inDims === 'number' ? leaves.map(() => inDims) : treeBroadcastPrefix(inDims, args, isDim)
  if (!flat)
    throw fault(
      `${where}: inDims is not compatible with the structure of \`inputs\`. inDims has structure ${structureOf(inDims)} but inputs has structure ${spec.text}.`,
      'IN_DIMS',
    )
  return flat.map((given, i): Dim => {
    const leaf = leaves[i]
    const dim = given ?? null
    if (dim === null) return null
    if (typeof dim !== 'number' || !Number.isInteger(dim))
      throw fault(`${where}: Got inDim=${dimsText(dim)} for an input but inDim must be either an integer dimension or null.`, 'IN_DIMS')
    if (!isTensor(leaf))
      throw fault(
        `${where}: Got inDim=${dim} for an input but the input is of type ${leaf === null ? 'null' : typeof leaf}. We cannot vmap over non-Tensor arguments, please use null as the respective inDim`,
        'IN_DIMS',
      )
    const rank = leaf.ndim
    if (dim < -rank || dim >= rank)
      throw rangeFault(
        `${where}: Got inDim=${dim} for some input, but that input is a Tensor of dimensionality ${rank} so expected inDim to satisfy -${rank} <= inDim < ${rank}.${rank === 0 ? ' A tensor without axes has nothing to map over: give null as its inDim' : ''}`,
        'IN_DIMS',
      )
    checkAlive('vmap', leaf.value)
    return dim < 0 ? dim + rank : dim
  })
}

function batchSize(leaves: readonly unknown[], dims: readonly Dim[]): number {
  const sizes = dims.flatMap((d, i) => (d === null ? [] : [(leaves[i] as Tensor).shape[d]!]))
  if (sizes.length === 0)
    throw fault('Expected at least one Tensor to vmap over. Give at least one argument an axis in inDims', 'NOTHING_MAPPED')
  if (sizes.some((n) => n !== sizes[0]))
    throw rangeFault(
      `Expected all tensors to have the same size in the mapped dimension, got sizes [${sizes.join(', ')}] for the mapped dimension. Give null in inDims for what all examples share: vmap(f, [null, 0])`,
      'SIZES_DIFFER',
    )
  return sizes[0]!
}

function checkOutDims({ name, outDims }: Plan): void {
  const ok = (d: unknown): boolean => Number.isInteger(d) || (treeNode(d)?.children.every(ok) ?? false)
  if (!ok(outDims))
    throw fault(
      `vmap(${name}, ..., outDims=${dimsText(outDims)}): \`outDims\` must be an int, null or a collection of ints representing where in the outputs the vmapped dimension should appear.`,
      'OUT_DIMS',
    )
}

/** The axis of each leaf of the outputs. */
function readOutDims({ name, outDims }: Plan, out: unknown, spec: { readonly text: string; readonly count: number }): (Dim | undefined)[] {
  if (Array.isArray(outDims) && outDims.length === 1 && isDim(outDims[0]) && isTensor(out)) return [outDims[0] as Dim]
  const flat = treeBroadcastPrefix(outDims, out, isDim)
  if (!flat)
    throw fault(
      `vmap(${name}, ..., outDims=${dimsText(outDims)})(<inputs>): outDims is not compatible with the structure of \`outputs\`. outDims has structure ${structureOf(outDims)} but outputs has structure ${spec.text}.`,
      'OUT_DIMS',
    )
  return flat
}

const notATensor = (name: string, y: unknown): TensorTypeError =>
  fault(
    `vmap(${name}, ...): \`${name}\` must only return Tensors, got type ${y === null ? 'null' : typeof y}. Did you mean to set outDims= to null for output?${y === undefined ? ' A function whose body stands in braces needs a return' : ''}`,
    'OUTPUT_TYPE',
  )

function finish(plan: Plan, trace: BatchTrace, y: unknown, dim: Dim | undefined): unknown {
  const { name } = plan
  if (dim === null || dim === undefined) {
    if (isTensor(y) && isWithin(y.value, trace))
      throw fault(`vmap(${name}, ...): \`${name}\` can not return a BatchedTensor when outDim is null`, 'OUT_DIMS')
    return y
  }
  if (!isTensor(y)) throw notATensor(name, y)
  const rank = y.ndim + 1
  if (dim < -rank || dim >= rank)
    throw rangeFault(`Dimension out of range (expected to be in range of [${-rank}, ${rank - 1}], but got ${dim})`, 'OUT_DIMS')
  return internally(() => materialize(trace, y, dim < 0 ? dim + rank : dim))
}

interface Mapped {
  readonly out: unknown
  readonly dims: readonly (Dim | undefined)[]
}

/** One pass over the examples that `leaves` hold. */
function mapOnce(
  plan: Plan,
  f: AnyFunction,
  leaves: readonly unknown[],
  dims: readonly Dim[],
  size: number,
  rebuild: (leaves: readonly unknown[]) => unknown,
): Mapped {
  let result: Mapped | undefined
  const tensors: Tensor[] = []
  const at: number[] = []
  leaves.forEach((x, i) => {
    if (isTensor(x)) at.push(tensors.push(x) && i)
  })
  vmapFlat(
    (examples, trace) => {
      const inner = [...leaves]
      examples.forEach((x, k) => {
        inner[at[k]!] = x
      })
      const out = refusePromise('vmap', 'vmap', f(...(rebuild(inner) as never[])))
      if ((out === undefined || out === null) && plan.outDims !== null) throw notATensor(plan.name, out)
      const [ys, spec] = treeFlatten(out)
      const outDims = readOutDims(plan, out, spec)
      result = { out: spec.unflatten(ys.map((y, i) => finish(plan, trace, y, outDims[i]))), dims: outDims }
      return []
    },
    tensors,
    at.map((i) => dims[i]!),
    size,
    plan.randomness,
  )
  return result!
}

/** The examples a few at a time, in memory of a few; results are joined along their axes. */
function mapInChunks(
  plan: Plan,
  chunk: number,
  f: AnyFunction,
  leaves: readonly unknown[],
  dims: readonly Dim[],
  size: number,
  rebuild: (leaves: readonly unknown[]) => unknown,
): unknown {
  const [joined, { leaves: others, spec }] = rewinding((back) =>
    inStretches(size, chunk, (from, n) => {
      if (plan.randomness === 'same') back()
      const some = lendEach(leaves, dims, (x, dim) => narrow(x as Tensor, dim, from, n))
      const { out, dims: outDims } = mapOnce(plan, f, some, dims, n, rebuild)
      const [ys, outSpec] = treeFlatten(out)
      const parts = ys.filter((_, i) => outDims[i] !== null && outDims[i] !== undefined) as Tensor[]
      const axes = outDims.filter((d) => d !== null && d !== undefined)
      return {
        parts,
        dims: axes.map((d, i) => (d < 0 ? d + parts[i]!.ndim : d)),
        rest: { leaves: ys.map((y, i) => (outDims[i] === null || outDims[i] === undefined ? { kept: y } : null)), spec: outSpec },
      }
    }),
  )
  let k = 0
  return spec.unflatten(others.map((y) => (y ? y.kept : joined[k++])))
}

/**
 * `f` over every example of its arguments at once. `f` is written for one example: inside it, the mapped axes are gone.
 * It runs once; side effects happen once. Outputs get the examples back along `outDims`.
 * By position `vmap(f, inDims, outDims, { randomness, chunkSize })`, or all by name in one object.
 *
 * `inDims` and `outDims` are prefixes of the trees of arguments and outputs; keys of objects may come in any order. An options
 * object is an argument like any other, so options can be mapped: `vmap(f, [0, { scale: 0, dim: null }])(xs, { scale, dim: 1 })`.
 * What is no tensor needs `null`. Views stay views: what only moves axes copies nothing.
 * @throws TensorTypeError or TensorRangeError for dims that do not fit the arguments or the outputs, for a tensor that escaped
 * from a transform which has returned, and for what cannot be asked of one example: its value, a shape that depends on it
 */
export function vmap<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  inDims?: InDims | VmapOptions,
  outDims?: OutDims | Omit<VmapOptions, 'inDims'>,
  options?: Pick<VmapOptions, 'randomness' | 'chunkSize'>,
  ...end: End
): (...args: A) => R {
  checkEnd('vmap', end, [], 'vmap')
  if (typeof f !== 'function') throw fault(`expected a function, got ${describe(f)}`, 'NOT_A_FUNCTION')
  const plan = readPlan(f.name || 'anonymous', inDims, outDims, options)
  const mapped = (...args: A): R => {
    checkOutDims(plan)
    const [leaves, spec] = treeFlatten(args)
    const dims = readInDims(plan, args, leaves, spec)
    const size = batchSize(leaves, dims)
    const { chunkSize } = plan
    return owning(() =>
      chunkSize !== null && chunkSize < size
        ? mapInChunks(plan, chunkSize, f as AnyFunction, leaves, dims, size, (l) => spec.unflatten(l))
        : mapOnce(plan, f as AnyFunction, leaves, dims, size, (l) => spec.unflatten(l)).out,
    ) as R
  }
  return Object.defineProperty(mapped, 'name', { value: f.name, configurable: true })
}

const KNOWN = ['inDims', 'outDims', 'randomness', 'chunkSize']

function readPlan(name: string, inDims: unknown, outDims: unknown, options: unknown): Plan {
  const given: Record<string, unknown> = {}
  const take = (o: object, known: readonly string[]): void => {
    checkOptions('vmap', o as Record<string, unknown>, known, 'vmap')
    Object.assign(given, o)
  }
  if (options !== undefined) take(options as object, KNOWN.slice(2))
  // an object in outDims' place whose keys are all options is options; else it is a tree of dims
  if (isOptions(outDims) && Object.keys(outDims).length > 0 && Object.keys(outDims).every((k) => KNOWN.includes(k))) take(outDims, KNOWN)
  else if (outDims !== undefined) given['outDims'] = outDims
  if (isOptions(inDims)) take(inDims, KNOWN)
  else if (inDims !== undefined) given['inDims'] = inDims
  const { randomness = 'error', chunkSize = null } = given as VmapOptions
  if (randomness !== 'error' && randomness !== 'different' && randomness !== 'same')
    throw fault(`Only allowed values for randomness are 'error', 'different', or 'same'. Got ${String(randomness)}`, 'RANDOMNESS')
  if (chunkSize !== null && (typeof chunkSize !== 'number' || !Number.isInteger(chunkSize) || chunkSize <= 0))
    throw rangeFault(`chunkSize should be null or greater than 0. (got ${describe(chunkSize)})`, 'CHUNK_SIZE')
  return {
    name,
    inDims: (given['inDims'] === undefined ? 0 : given['inDims']) as InDims,
    outDims: (given['outDims'] === undefined ? 0 : given['outDims']) as OutDims,
    randomness,
    chunkSize,
  }
}
