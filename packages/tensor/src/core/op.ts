import type { Expr, Loop, LoopSpec, ReduceOp } from '@mapgrad/kernel'
import type { Tensor } from '../tensor.ts'
import { follow } from './alias.ts'
import { released } from './memory.ts'
import { bind, type Outputs } from './trace.ts'
import type { ArrayValue, Aval } from './value.ts'

/** The batch axis of an operand; `null` when it has none. */
export type Dim = number | null
/** A tangent or cotangent; `null` is a structural zero. */
export type Tangent = Tensor | null
/** Operands or outputs of an op. */
export type Tensors = readonly Tensor[]
type Each<X extends Tensors, T> = { readonly [K in keyof X]: T }

/** Where the elements of an array lie: strides and offset count elements. */
export interface Layout {
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly offset: number
}

/** A loop nest over chosen axes, as an op with computed coordinates asks for it. */
export interface LoopRequest {
  /** distinguishes loops of one op beyond the dtypes of its inputs; a bounded set of values */
  readonly variant: string
  readonly loop: () => Omit<LoopSpec, 'name'>
  /** sizes of the kept axes, then of the reduced ones; by default the result's shape */
  readonly sizes?: readonly number[]
  readonly reducedAxes?: number
  /** for each input: its strides over the loop's axes, the axes its computed coordinates walk, and which operand it is (by default the one of its place) */
  readonly inputs: readonly {
    readonly operand?: number
    readonly strides: readonly number[]
    readonly offset: number
    readonly coordinates?: readonly { readonly stride: number; readonly size: number }[]
  }[]
  readonly scalars?: readonly (number | bigint)[]
}

/** What a write to a view makes of what it is a view of: `x` with `v` in place of the elements that the view shows. */
export type Put<P> = (x: Tensor, v: Tensor, params: P) => Tensor

/** The same where the operand may be seen several times: `whole`, which that operand is part of, with `v` at the places, counted in rows, that `layout` names. */
export type Place = (whole: Tensor, v: Tensor, layout: Layout) => Tensor

/** How a view op leads from a tensor to its view, and a write back: what handles remember of it. */
export interface Rebase {
  readonly view: (x: Layout, params: unknown, shape: readonly number[]) => Layout | null
  readonly again: (x: Tensor, params: unknown) => Tensor
  readonly put?: Put<unknown>
  readonly place?: Place
  readonly severs?: (x: Tensor, v: Tensor) => Tensor
}

/** How an op is computed. A backend may bring its own kernel for any of them. */
export type Compute<X extends Tensors, P> =
  | { readonly kind: 'pointwise'; readonly build: (...xs: Expr[]) => Expr }
  | { readonly kind: 'reduce'; readonly op: ReduceOp; readonly build: (...xs: Expr[]) => Expr }
  | {
      readonly kind: 'view'
      readonly view: (x: Layout, params: P, shape: readonly number[]) => Layout | null
      readonly put?: Put<P>
      readonly place?: Place
      /** for a view of all elements that no derivative follows: the values of `v` with the derivative of `x` */
      readonly severs?: (x: Tensor, v: Tensor) => Tensor
      readonly again?: (x: Tensor, params: P) => Tensor
    }
  | {
      readonly kind: 'pieces'
      readonly places: (xs: Each<X, Layout & Aval>, params: P, out: Layout) => readonly Layout[]
      readonly cover: boolean
    }
  | { readonly kind: 'loop'; readonly request: (xs: Each<X, Layout & Aval>, params: P, out: Aval) => LoopRequest }
  | {
      readonly kind: 'kernel'
      readonly name: string
      readonly params: (params: P) => unknown
      readonly views: ((xs: Each<X, Layout>, params: P, out: Aval) => readonly Layout[]) | null
    }
  | { readonly kind: 'decompose'; readonly decompose: (xs: X, params: P) => Outputs }

/** A partial derivative ∂y/∂xᵢ of an elementwise op: in terms of y and the operands, or +1, −1, or none. */
export type Partial<X extends Tensors, P> = ((y: Tensor, xs: X, params: P) => Tensor) | 'one' | 'minusOne' | null

/** Higher-order rules are handed the transform, so that ops import no interpreter. */
export type Fn = (...xs: Tensor[]) => Tensor | readonly Tensor[]
/** Forward mode as a higher-order rule is handed it: outputs of `f` and their tangents. */
export type Jvp = (f: Fn, primals: Tensors, tangents: readonly Tangent[]) => readonly [ys: Tensors, dys: readonly Tangent[]]
/** Reverse mode as a higher-order rule is handed it: outputs of `f` and the pullback. */
export type Vjp = (f: Fn, primals: Tensors) => readonly [ys: Tensors, pullback: (cts: readonly Tangent[]) => readonly Tangent[]]
/** Forward mode with the tangents left open, as a higher-order rule is handed it: outputs of `f` and the linear map from tangents of the primals to theirs. */
export type Linearize = (f: Fn, primals: Tensors) => readonly [ys: Tensors, push: (dxs: readonly Tangent[]) => readonly Tangent[]]
/** Batching as a higher-order rule is handed it. */
export type Vmap = (f: Fn, dims: readonly Dim[]) => Fn

/** What is known about the derivative of an op. Each transform reads it in its own way. */
export type Diff<X extends Tensors, P> =
  | { readonly kind: 'constant'; readonly steps?: true }
  /** `gates`: what a partial of 0 meets is 0, also where it is not finite */
  | { readonly kind: 'elementwise'; readonly partials: readonly Partial<X, P>[]; readonly gates?: true }
  | { readonly kind: 'linear'; readonly transpose: (ct: Tensor, xs: X, params: P) => Tensor | readonly Tensor[] }
  | { readonly kind: 'multilinear'; readonly transposes: readonly (((ct: Tensor, xs: X, params: P) => Tensor) | null)[] }
  | {
      readonly kind: 'custom'
      /** tangents of the outputs from those of the operands */
      readonly jvp: (ys: Tensors, xs: X, dxs: Each<X, Tangent>, params: P, jvp: Jvp) => readonly Tangent[]
      /** cotangents of the operands from those of the outputs */
      readonly vjp: (ys: Tensors, xs: X, cts: readonly Tangent[], params: P, vjp: Vjp) => readonly Tangent[]
    }
  | {
      /** the rule replaces the computation itself; such an op gives a list */
      readonly kind: 'augmented'
      /** outputs and their tangents, from the operands and theirs */
      readonly jvp: (xs: X, dxs: Each<X, Tangent>, params: P, jvp: Jvp) => readonly [ys: Tensors, dys: readonly Tangent[]]
      /** outputs, the pullback, and which outputs have a derivative (by default all); `needs` says which operands are differentiated */
      readonly vjp: (
        xs: X,
        params: P,
        vjp: Vjp,
        needs: readonly boolean[],
      ) => readonly [ys: Tensors, pullback: (cts: readonly Tangent[]) => readonly Tangent[], differentiable?: readonly boolean[]]
      /** outputs and the map from tangents of the operands to theirs, without computing the outputs again; without it, `jvp` with the tangents left open */
      readonly linearize?: (
        xs: X,
        params: P,
        linearize: Linearize,
        needs: readonly boolean[],
      ) => readonly [ys: Tensors, push: (dxs: readonly Tangent[]) => readonly Tangent[]]
      /** for ops that say `captures`: the params with another function to call, which takes more operands behind the `count` that there were */
      readonly around?: (params: P, wrap: (f: Fn) => Fn, count: number) => P
    }
  | {
      /** calls one of the functions in its params on its last operands, gives the list that it gives, and is differentiated through it */
      readonly kind: 'through'
      /** whether reverse mode calls the function again instead of keeping what it computed */
      readonly again: boolean
      /** the params with other functions, which take as many operands more at the end as the op then gets */
      readonly around: (params: P, wrap: (f: Fn) => Fn, count?: number) => P
    }
  | { readonly kind: 'unsupported'; readonly reason: string }

/** What a batching rule knows of the `vmap` it runs in. */
export interface BatchContext {
  /** the number of examples */
  readonly size: number
  readonly randomness: 'error' | 'different' | 'same'
  readonly vmap: Vmap
  /** `f` under this very transform, even after it has returned, so that what `f` closes over means the same: operands → outputs and their batch axes */
  readonly under: (f: Fn, dims: readonly Dim[]) => (...xs: Tensor[]) => readonly [ys: Tensors, dims: readonly Dim[]]
  /** `f`, which closes over nothing, under a transform like this one of its own: operands → outputs and their batch axes */
  readonly each: (f: Fn, dims: readonly Dim[]) => (...xs: Tensor[]) => readonly [ys: Tensors, dims: readonly Dim[]]
}

/**
 * How an op takes a batch axis: `pointwise` ops keep it where it is, ops that broadcast over leading axes and count
 * their own from the end (`leading`) get it in front, others have a rule: operands and their batch dims → outputs and theirs.
 */
export type Batch<X extends Tensors, P> =
  | 'pointwise'
  | 'leading'
  | ((xs: X, dims: Each<X, Dim>, params: P, context: BatchContext) => readonly [Outputs, Dim | readonly Dim[]])
  | { readonly kind: 'unsupported'; readonly reason: string }

/** What a program among the params of an op takes, and what it gives. */
export interface ProgramAvals {
  readonly takes: readonly Aval[]
  readonly gives: readonly Aval[]
}

/** How an op with programs does without some of its last operands, which its programs take, and of its results. */
export interface Narrow<P> {
  /** how many results, the first, are the first operands of the next round: each stays with its operand */
  readonly carried: (params: P) => number
  /** programs that decide on the course: all that those give stays */
  readonly course?: readonly string[]
  /** the params where only those operands and results are left for which it holds; the programs are narrowed elsewhere */
  readonly params: (params: P, operands: readonly boolean[], results: readonly boolean[]) => P
}

/** Everything there is to know about an op. No interpreter, optimiser or backend knows it by name. */
export interface OpDef<X extends Tensors = Tensors, P = unknown, A extends readonly unknown[] = readonly unknown[]> {
  readonly name: string
  /** the module that exports the op, under its name in camelCase: so that a graph can be printed as code and read back */
  readonly home?: string | null
  /** public arguments → operands and static params; omit when every argument is an operand */
  readonly args?: (...args: A) => readonly [X, P]
  /** shape and dtype of the output, or of each output */
  readonly result: (xs: Each<X, Aval>, params: P) => Aval | readonly Aval[]
  readonly compute: Compute<X, P>
  /** may be left out by an op that decomposes: a batch of it is then what the ops that it is made of are of one */
  readonly batch?: Batch<X, P>
  readonly diff: Diff<X, P>
  /** draws from the stateful generator, so that every transform in flight must see it; a function says whether with these params */
  readonly random?: boolean | ((params: P) => boolean)
  /** calls functions in its params, which may close over values of any transform in flight, so that each of them must see it */
  readonly captures?: boolean
  /** for ops with functions in their params that close over nothing: what each of them takes and gives, by its name in the params. In a graph they are graphs */
  readonly programs?: (xs: Each<X, Aval>, params: P) => Readonly<Record<string, ProgramAvals>>
  /** what it gives is no value of the transform that computed it, and the caller's to keep when that has returned */
  readonly handsOver?: boolean
  /** for ops with programs: how they do without some operands and results */
  readonly narrow?: Narrow<P>
  /** says which index was out of range, from the operands as they were computed with; by default only their shapes are told */
  readonly outOfRange?: (xs: readonly ArrayValue[], params: P) => string
}

/** An op as interpreters see it. */
// rule functions are contravariant in their operand tuple, so "some op" needs `never`-free bivariance that only `any` gives
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyOp = OpDef<any, any, any> & { readonly loops: Map<string | number, Loop> }

/** An op is its public function, carrying its facts. */
export type Op<X extends Tensors, P = null, A extends readonly unknown[] = X, R extends Outputs = Tensor> = ((...args: A) => R) & {
  readonly def: AnyOp
  /** applies the op to operands and params as its rules see them */
  bind(xs: X, params: P): R
}

/** A function under a name, which transforms of it keep and messages say. */
export const named = <F extends object>(name: string, f: F): F => Object.defineProperty(f, 'name', { value: name, configurable: true })

/** Where the ops of this package can be imported from. */
const HOME = '@mapgrad/tensor/ops'

/** Makes an op of its facts. Adding an op is this one literal; nothing is registered. */
/* @__NO_SIDE_EFFECTS__ */
export function defineForeignOp<X extends Tensors, P = null, A extends readonly unknown[] = X, R extends Outputs = Tensor>(
  facts: OpDef<X, P, A>,
): Op<X, P, A, R> {
  return defineOp<X, P, A, R>({ home: null, ...facts })
}

/** An op of this package. */
/* @__NO_SIDE_EFFECTS__ */
export function defineOp<X extends Tensors, P = null, A extends readonly unknown[] = X, R extends Outputs = Tensor>(
  facts: OpDef<X, P, A>,
): Op<X, P, A, R> {
  const def = { home: HOME, ...facts, loops: new Map() } as unknown as AnyOp
  const { compute } = facts
  // what functions in params give on plain tensors, and what is drawn, is the caller's as other plain tensors are
  const plain =
    facts.captures || facts.random || facts.handsOver
      ? (xs: X, params: P): R => released(bind(def, xs, params)) as R
      : (xs: X, params: P): R => bind(def, xs, params) as R
  let apply = plain
  if (compute.kind === 'view' && (compute.put || compute.place || compute.severs)) {
    const again = compute.again ?? ((x: Tensor, params: P): Tensor => plain([x] as unknown as X, params) as Tensor)
    const rebase = { ...compute, again } as Rebase
    apply = (xs, params) => follow(xs[0]!, rebase, params, plain(xs, params) as Tensor) as R
  }
  const { args } = facts
  const call = args
    ? (...a: A): R => {
        const [xs, params] = args(...a)
        return apply(xs, params)
      }
    : (...a: A): R => apply(a as unknown as X, null as P)
  return Object.assign(
    named(
      facts.name.replace(/_+(\w)/g, (_, c: string) => c.toUpperCase()),
      call,
    ),
    { def, bind: apply },
  )
}
