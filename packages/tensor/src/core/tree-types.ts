import type { Tensor } from '../tensor.ts'
import type { TreeSpec, treeRegister } from './tree.ts'

/** What is never looked into, though it is an object. */
// oxlint-disable-next-line typescript/no-unsafe-function-type
type Opaque = Tensor | Function | ArrayBufferView | ArrayBufferLike | Date | RegExp | Promise<unknown> | ReadonlySet<unknown>

/** The type of the leaves of a tree of type `T`: `Tensor`, where it holds nothing else. */
export type LeafOf<T> = unknown extends T
  ? T
  : T extends null | undefined
    ? never
    : T extends Opaque
      ? T
      : T extends readonly (infer E)[]
        ? LeafOf<E>
        : T extends ReadonlyMap<unknown, infer V>
          ? LeafOf<V>
          : T extends object
            ? LeafOf<T[keyof T]>
            : T

/** The type of a tree like one of type `T` with leaves of type `U`: `T` itself, where its own are such. */
export type MappedTree<T, U> = unknown extends T ? T : [U] extends [LeafOf<T>] ? T : WithLeaves<T, U>

type WithLeaves<T, U> = T extends null | undefined
  ? T
  : T extends Opaque
    ? U
    : T extends ReadonlyMap<infer K, infer V>
      ? Map<K, WithLeaves<V, U>>
      : T extends object
        ? { [K in keyof T]: WithLeaves<T[K], U> }
        : U

/** The structure of a tree of type `T`, as `tree.flatten` gives it: its leaves as text, and how many they are. */
export interface TreeStructureOf<T> extends Pick<TreeSpec, 'text' | 'count'> {
  /**
   * The tree with these leaves.
   * @throws TensorTypeError if there are more or fewer than `count`
   */
  unflatten<U>(leaves: readonly U[]): MappedTree<T, U>
  /** Whether another tree has the same structure. */
  equals(other: TreeStructureOf<unknown>): boolean
}

/** Functions of trees: nested arrays, plain objects, Maps and registered classes; everything else is a leaf, `null` and `undefined` are empty trees. */
export interface Trees {
  /** Leaves and structure of a tree. */
  flatten<T>(this: void, tree: T): [leaves: LeafOf<T>[], structure: TreeStructureOf<T>]
  /**
   * The tree of that structure with these leaves.
   * @throws TensorTypeError for another number of leaves, or what is no structure that `flatten` gave
   */
  unflatten<T, U>(this: void, leaves: readonly U[], structure: TreeStructureOf<T>): MappedTree<T, U>
  /** The leaves in order. */
  leaves<T>(this: void, tree: T): LeafOf<T>[]
  /**
   * `f` of every leaf, in the same structure; with more trees, of the leaves at the same place.
   * @throws TensorTypeError if the trees have different structures
   */
  map<T, U, O extends readonly unknown[]>(
    this: void,
    f: (leaf: LeafOf<T>, ...others: { [K in keyof O]: LeafOf<O[K]> }) => U,
    tree: T,
    ...others: O
  ): MappedTree<T, U>
  /** The same for trees of an unknown type, all of whose leaves are tensors. */
  map<T>(this: void, f: (leaf: Tensor, ...others: Tensor[]) => Tensor, tree: T, ...others: unknown[]): T
  map(this: void, f: (leaf: never, ...others: never[]) => unknown, tree: unknown, ...others: unknown[]): unknown
  /** The leaves with the path to each, such as `layers[0].weight`. */
  paths<T>(this: void, tree: T): [path: string, leaf: LeafOf<T>][]
  /** Makes instances of a class nodes of trees, so that transforms look inside them. */
  readonly register: typeof treeRegister
}
