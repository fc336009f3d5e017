import { readFileSync } from 'node:fs'
import { type Tensor, ellipsis, slice, tensor } from '@mapgrad/func'

// Random programs of views and in-place operations, and what PyTorch makes of them: written by programs.py.

export interface Step {
  readonly of: number
  readonly method: string
  readonly args: readonly unknown[]
  /** which of several results; `null` for the only one; absent for a write */
  readonly take?: number | null
  readonly error?: string
}
export interface Program {
  readonly shape: readonly number[]
  readonly steps: readonly Step[]
  /** all tensors at the end: the first one, then one for each step that makes one */
  readonly values: readonly unknown[]
  /** of Σᵢ (i + 1) Σⱼ (j + 1) tensorᵢ[j] by the first tensor, where PyTorch gives it */
  readonly gradient: unknown
}

export const programs: readonly Program[] = JSON.parse(readFileSync(new URL('programs.json', import.meta.url), 'utf8')) as Program[]

function argument(a: unknown): unknown {
  if (typeof a !== 'object' || a === null || Array.isArray(a)) return a
  const o = a as {
    slice?: [number | null, number | null, number | null]
    ellipsis?: true
    list?: number[]
    tensor?: number[]
    mask?: boolean[]
    shape?: number[]
  }
  if (o.slice) return slice(...o.slice)
  if (o.ellipsis) return ellipsis
  if (o.list) return tensor(o.list, { dtype: 'int32' })
  return o.tensor ? tensor(o.tensor).reshape(o.shape!) : tensor(o.mask!, { dtype: 'bool' }).reshape(o.shape!)
}

type Methods = Record<string, Tensor | ((...args: unknown[]) => Tensor | Tensor[])>
function call(x: Tensor, { method, args, take }: Step): Tensor {
  const f = (x as unknown as Methods)[method]!
  const y = typeof f === 'function' ? f.apply(x, args.map(argument)) : f
  return Array.isArray(y) ? y[take!]! : y
}

/** The tensor that a program starts with. */
export const start = ({ shape }: Program): Tensor =>
  tensor(Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i)).reshape(shape)

/** All tensors of a program that starts with a copy of x; `refused` is told of steps that PyTorch refuses. */
export function run({ steps }: Program, x: Tensor, refused: (step: Step, f: () => Tensor) => void): Tensor[] {
  const tensors = [x.clone()]
  for (const step of steps) {
    const of = tensors[step.of]!
    if (step.error !== undefined) {
      refused(step, () => call(of, step))
      continue
    }
    const y = call(of, step)
    if (step.take !== undefined) tensors.push(y)
    else if (y !== of) throw new Error(`${step.method} gave another tensor`)
  }
  return tensors
}

/** What gradients of programs are of. */
export function weighted(tensors: readonly Tensor[]): Tensor {
  const parts = tensors.map((t, i) =>
    t.mul(t.newTensor(Array.from({ length: t.numel() }, (_, j) => (i + 1) * (j + 1))).reshape(t.shape)).sum(),
  )
  return parts.reduce((a, b) => a.add(b))
}
