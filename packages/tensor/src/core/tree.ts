import { type End, checkEnd } from './args.ts'
import { TensorTypeError, describe } from './errors.ts'
import { isTensor } from './handle.ts'
import { registry } from './registry.ts'
import type { Trees } from './tree-types.ts'

/**
 * Trees are nested arrays, plain objects, Maps and registered classes; everything else is a leaf.
 * Objects and Maps keep insertion order; `null` and `undefined` are empty trees, as in JAX.
 */
export interface TreeNode<T = unknown> {
  /** the children in order */
  readonly children: readonly unknown[]
  /** the names of the children, for paths in messages */
  readonly keys: readonly (string | number)[]
  /** the same kind of node around other children */
  readonly rebuild: (children: readonly unknown[]) => T
  /** what two nodes must agree on beside their children, as text */
  readonly kind: string
}

/** How instances of a class come apart and together again. */
export interface TreeClass<T> {
  readonly flatten: (x: T) => { readonly children: readonly unknown[]; readonly keys?: readonly (string | number)[] }
  readonly unflatten: (children: readonly unknown[], like: T) => T
}

const CLASSES: unique symbol = Symbol.for('mapgrad.tree.classes') as never
type Constructor<T> = abstract new (...args: never[]) => T

function classes(): Map<unknown, TreeClass<unknown>> {
  const { extensions } = registry()
  let map = extensions.get(CLASSES) as Map<unknown, TreeClass<unknown>> | undefined
  if (!map) extensions.set(CLASSES, (map = new Map()))
  return map
}

/** Makes instances of `type` nodes of trees, so that transforms look inside them. */
export function treeRegister<T>(type: Constructor<T>, how: TreeClass<T>, ...end: End): void {
  checkEnd('tree.register', end)
  classes().set(type, how as TreeClass<unknown>)
}

/** The node at the top of `x`, or `undefined` for a leaf. */
export function treeNode(x: unknown): TreeNode | undefined {
  if (x === null || x === undefined) return { children: [], keys: [], rebuild: () => x, kind: String(x) }
  if (typeof x !== 'object' || isTensor(x)) return undefined
  if (Array.isArray(x)) return { children: x, keys: [...x.keys()], rebuild: (c) => namedLike(x, [...c]), kind: 'array' }
  const proto: unknown = Object.getPrototypeOf(x)
  if (proto === Object.prototype || proto === null) {
    const keys = Object.keys(x)
    return {
      children: Object.values(x),
      keys,
      rebuild: (c) => Object.fromEntries(keys.map((k, i) => [k, c[i]])),
      kind: `object{${keys.join()}}`,
    }
  }
  if (x instanceof Map) {
    const keys = [...(x as Map<unknown, unknown>).keys()]
    return {
      children: [...x.values()],
      keys: keys.map(String),
      rebuild: (c) => new Map(keys.map((k, i) => [k, c[i]])),
      kind: `Map{${keys.map(String).join()}}`,
    }
  }
  const type = x.constructor
  const how = classes().get(type)
  if (!how) return undefined
  const { children, keys = [...children.keys()] } = how.flatten(x)
  return { children, keys, rebuild: (c) => how.unflatten(c, x), kind: type.name }
}

/** Multi-output results are arrays with names for their entries; those names survive a map. */
function namedLike(like: readonly unknown[], out: unknown[]): unknown[] {
  const names = Object.getOwnPropertyNames(like)
  // indices and `length` every array has
  if (names.length === like.length + 1) return out
  for (const name of names.slice(like.length + 1)) {
    const i = like.indexOf((like as unknown as Record<string, unknown>)[name])
    if (i >= 0) Object.defineProperty(out, name, { value: out[i], enumerable: Object.prototype.propertyIsEnumerable.call(like, name) })
  }
  return out
}

/** Deeper than any tree that is none of itself. */
const DEEP = 1000
function checkDepth(depth: number): void {
  if (depth > DEEP)
    throw new TensorTypeError(
      `expected a tree, got one more than ${DEEP} levels deep: an array or object that contains itself. Give what is no part of the tree as an instance of a class, or close over it`,
      { op: 'tree', code: 'TREE_CYCLE' },
    )
}

/** The leaves in order. */
export function treeLeaves(x: unknown, ...end: End): unknown[] {
  checkEnd('tree.leaves', end)
  const out: unknown[] = []
  const go = (t: unknown, depth: number): void => {
    checkDepth(depth)
    const node = treeNode(t)
    if (node) for (const c of node.children) go(c, depth + 1)
    else out.push(t)
  }
  go(x, 0)
  return out
}

/** The structure of a tree: puts leaves back in place, compares by text. */
export class TreeSpec {
  /** `[*, {a: *, b: *}]` */
  readonly text: string
  readonly count: number
  readonly #build: (take: () => unknown) => unknown
  constructor(text: string, count: number, build: (take: () => unknown) => unknown) {
    this.text = text
    this.count = count
    this.#build = build
  }
  /** The tree with these leaves. */
  unflatten(leaves: readonly unknown[]): unknown {
    if (leaves.length !== this.count)
      throw new TensorTypeError(`expected ${this.count} leaves for the structure ${this.text}, got ${leaves.length}`, {
        op: 'tree.unflatten',
        code: 'TREE_LEAVES',
      })
    let i = 0
    return this.#build(() => leaves[i++])
  }
  equals(other: TreeSpec): boolean {
    return this.text === other.text
  }
  toString(): string {
    return this.text
  }
}

const textOf = (node: TreeNode, parts: readonly string[]): string => {
  if (node.kind === 'array') return `[${parts.join(', ')}]`
  if (node.kind === 'null' || node.kind === 'undefined') return node.kind
  const body = `{${parts.map((p, i) => `${node.keys[i]}: ${p}`).join(', ')}}`
  return node.kind.startsWith('object') ? body : `${node.kind.split('{')[0]}${body}`
}

/** Leaves and structure of a tree. */
export function treeFlatten(x: unknown, ...end: End): [leaves: unknown[], spec: TreeSpec] {
  checkEnd('tree.flatten', end)
  const leaves: unknown[] = []
  const go = (t: unknown, depth: number): TreeSpec => {
    checkDepth(depth)
    const node = treeNode(t)
    if (!node) {
      leaves.push(t)
      return new TreeSpec('*', 1, (take) => take())
    }
    const specs = node.children.map((c) => go(c, depth + 1))
    let count = 0
    for (const s of specs) count += s.count
    return new TreeSpec(
      textOf(
        node,
        specs.map((s) => s.text),
      ),
      count,
      (take) => node.rebuild(specs.map((s) => s.unflatten(Array.from({ length: s.count }, take)))),
    )
  }
  const spec = go(x, 0)
  return [leaves, spec]
}

/** The tree that `spec` describes, with these leaves. */
export function treeUnflatten(leaves: readonly unknown[], spec: TreeSpec, ...end: End): unknown {
  checkEnd('tree.unflatten', end)
  if (!(spec instanceof TreeSpec))
    throw new TensorTypeError(`expected the structure that tree.flatten gave, got ${describe(spec)}`, {
      op: 'tree.unflatten',
      code: 'TREE_STRUCTURE',
    })
  return spec.unflatten(leaves)
}

/** `f` of every leaf, in the same structure; with more trees, of the leaves at the same place. */
export function treeMap(f: (leaf: never, ...others: never[]) => unknown, tree: unknown, ...others: unknown[]): unknown {
  if (typeof f !== 'function')
    throw new TensorTypeError(`expected a function, got ${describe(f)}. The function comes first: tree.map(f, tree)`, {
      op: 'tree.map',
      code: 'NOT_A_FUNCTION',
    })
  const [leaves, spec] = treeFlatten(tree)
  const more = others.map((o) => {
    const [l, s] = treeFlatten(o)
    if (!s.equals(spec))
      throw new TensorTypeError(`expected trees of one structure, got ${spec} and ${s}`, { op: 'tree.map', code: 'TREE_STRUCTURE' })
    return l
  })
  return spec.unflatten(leaves.map((leaf, i) => f(leaf as never, ...more.map((l) => l[i] as never))))
}

/** The leaves with the path to each, such as `layers[0].weight`. */
export function treePaths(x: unknown, ...end: End): [path: string, leaf: unknown][] {
  checkEnd('tree.paths', end)
  const out: [string, unknown][] = []
  const go = (t: unknown, path: string, depth: number): void => {
    checkDepth(depth)
    const node = treeNode(t)
    if (!node) out.push([path, t])
    else
      for (const [i, c] of node.children.entries())
        go(
          c,
          typeof node.keys[i] === 'number' ? `${path}[${node.keys[i]}]` : path ? `${path}.${node.keys[i]}` : String(node.keys[i]),
          depth + 1,
        )
  }
  go(x, '', 0)
  return out
}

/** The children of `node` in the order of `like`, if both are one kind of node: names may come in any order. */
function childrenLike(node: TreeNode, like: TreeNode): readonly unknown[] | null {
  if (node.children.length !== like.children.length) return null
  if (node.kind === like.kind) return node.children
  const [family, other] = [node.kind.split('{')[0], like.kind.split('{')[0]]
  if (family !== other || !node.kind.includes('{')) return null
  const places = like.keys.map((k) => node.keys.indexOf(k))
  return places.includes(-1) ? null : places.map((i) => node.children[i])
}

/**
 * Leaves of a prefix tree spread over a full tree: one entry a leaf of `tree`.
 * A leaf of the prefix (told by `isLeaf`) stands for everything below it.
 */
export function treeBroadcastPrefix<T>(prefix: unknown, tree: unknown, isLeaf: (x: unknown) => x is T): T[] | null {
  const out: T[] = []
  const go = (p: unknown, t: unknown): boolean => {
    if (isLeaf(p)) {
      for (let n = treeLeaves(t).length; n > 0; n--) out.push(p)
      return true
    }
    const a = treeNode(p)
    const b = treeNode(t)
    const children = a && b && childrenLike(a, b)
    return children ? children.every((c, i) => go(c, b.children[i])) : false
  }
  return go(prefix, tree) ? out : null
}

/** Trees of tensors: nested arrays, plain objects, Maps and registered classes. */
export const tree: Trees = {
  flatten: treeFlatten as Trees['flatten'],
  unflatten: treeUnflatten as Trees['unflatten'],
  leaves: treeLeaves as Trees['leaves'],
  map: treeMap as Trees['map'],
  paths: treePaths as Trees['paths'],
  register: treeRegister,
}
