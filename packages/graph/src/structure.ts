import { treeNode } from '@mapgrad/tensor/plugin'
import { isTensor } from '@mapgrad/tensor/plugin'
import { encodeValue, decodeValue } from './literal.ts'
import { fault } from './faults.ts'
import type { NumberInput } from './symbolic/bind.ts'
import { Size } from './symbolic/size.ts'

/**
 * The structure of a tree, as data: where its tensors go, and the other leaves themselves. A registered class keeps an
 * instance, which is all that can make another one.
 */
export type Structure =
  | { readonly kind: 'tensor' }
  | { readonly kind: 'leaf'; readonly value: unknown }
  | { readonly kind: 'array'; readonly children: readonly Structure[] }
  | { readonly kind: 'object' | 'map'; readonly keys: readonly string[]; readonly children: readonly Structure[] }
  | { readonly kind: 'class'; readonly name: string; readonly like: object; readonly children: readonly Structure[] }

/** The structure of a tree; its tensors are added to `tensors` in order, the path to each to `paths`. */
export function structureOf(x: unknown, tensors: unknown[] = [], paths: string[] = [], path = ''): Structure {
  if (isTensor(x)) {
    tensors.push(x)
    paths.push(path)
    return { kind: 'tensor' }
  }
  const node = treeNode(x)
  if (!node || x === null || x === undefined) return { kind: 'leaf', value: x }
  const children = node.children.map((c, i) => structureOf(c, tensors, paths, `${path}_${node.keys[i]}`))
  if (Array.isArray(x)) return { kind: 'array', children }
  const keys = node.keys.map(String)
  if (x instanceof Map) {
    if ([...(x as Map<unknown, unknown>).keys()].every((k) => typeof k === 'string')) return { kind: 'map', keys, children }
  } else if (node.kind.startsWith('object{')) return { kind: 'object', keys, children }
  return { kind: 'class', name: node.kind, like: x as object, children }
}

/** A tree of that structure with these tensors in order. */
export function assemble(s: Structure, take: () => unknown): unknown {
  switch (s.kind) {
    case 'tensor':
      return take()
    case 'leaf':
      return s.value
    case 'array':
      return s.children.map((c) => assemble(c, take))
    case 'object':
      return Object.fromEntries(s.children.map((c, i) => [s.keys[i], assemble(c, take)]))
    case 'map':
      return new Map(s.children.map((c, i) => [s.keys[i], assemble(c, take)]))
    case 'class':
      return treeNode(s.like)!.rebuild(s.children.map((c) => assemble(c, take)))
  }
}

/** What stands for the numbers of a graph among its arguments. */
export const numberLeaves = ({ numbers }: { readonly numbers: readonly NumberInput[] }): Structure[] =>
  numbers.map(({ symbol }) => ({ kind: 'leaf', value: Size.symbol(symbol) }))

/** A structure with other values in the place of its numbers; `path` is where it is. */
export function withNumbers(s: Structure, replace: (value: number, path: string) => unknown, path: string): Structure {
  if (s.kind === 'leaf') return typeof s.value === 'number' ? { kind: 'leaf', value: replace(s.value, path) } : s
  if (s.kind === 'tensor') return s
  const keys = 'keys' in s ? s.keys : s.children.map((_, i) => i)
  return { ...s, children: s.children.map((c, i) => withNumbers(c, replace, `${path}_${keys[i]}`)) }
}

/** The structure as text, for comparison and messages: `[*, { w: *, b: * }, 2]`. */
export function structureText(s: Structure): string {
  const inner = (keys: readonly string[], children: readonly Structure[]): string =>
    children.map((c, i) => `${keys[i]}: ${structureText(c)}`).join(', ')
  switch (s.kind) {
    case 'tensor':
      return '*'
    case 'leaf':
      return typeof s.value === 'string'
        ? JSON.stringify(s.value)
        : typeof s.value === 'function'
          ? `function ${s.value.name}`
          : Object.is(s.value, -0)
            ? '-0'
            : String(s.value)
    case 'array':
      return `[${s.children.map(structureText).join(', ')}]`
    case 'object':
      return `{${inner(s.keys, s.children)}}`
    case 'map':
      return `Map{${inner(s.keys, s.children)}}`
    case 'class':
      return `${s.name}(${s.children.map(structureText).join(', ')})`
  }
}

/** Whether two trees have one structure and the same leaves beside their tensors. */
export const sameStructure = (a: Structure, b: Structure): boolean => fitsStructure(a, b, [])

/** The same, where a symbol among the leaves of `b` takes any whole number, which is added to `numbers`. */
export function fitsStructure(a: Structure, b: Structure, numbers: number[]): boolean {
  if (a.kind === 'leaf' && b.kind === 'leaf' && b.value instanceof Size) {
    if (!Number.isSafeInteger(a.value)) return false
    numbers.push(a.value as number)
    return true
  }
  if (a.kind === 'leaf') return b.kind === 'leaf' && Object.is(a.value, b.value)
  if (a.kind === 'tensor' || b.kind === 'tensor' || b.kind === 'leaf') return a.kind === b.kind
  if (a.kind !== b.kind || a.children.length !== b.children.length) return false
  if (a.kind === 'class' && b.kind === 'class' && a.name !== b.name) return false
  if ((a.kind === 'object' || a.kind === 'map') && (b.kind === 'object' || b.kind === 'map') && a.keys.join('\n') !== b.keys.join('\n'))
    return false
  return a.children.every((c, i) => fitsStructure(c, b.children[i]!, numbers))
}

/** A structure as JSON. */
export function encodeStructure(s: Structure): unknown {
  switch (s.kind) {
    case 'tensor':
      return '*'
    case 'leaf':
      return { leaf: encodeValue(s.value) }
    case 'array':
      return s.children.map(encodeStructure)
    case 'object':
    case 'map':
      return { [s.kind]: s.children.map((c, i) => [s.keys[i], encodeStructure(c)]) }
    case 'class':
      throw fault(
        'toJSON',
        `expected trees of arrays, plain objects and Maps with string keys, got a ${s.name}. Convert it in the function that is traced`,
        'UNSERIALIZABLE',
      )
  }
}

/** The structure that `encodeStructure` encoded. */
export function decodeStructure(x: unknown): Structure {
  if (x === '*') return { kind: 'tensor' }
  if (Array.isArray(x)) return { kind: 'array', children: x.map(decodeStructure) }
  const { leaf, object, map } = x as { leaf?: unknown; object?: [string, unknown][]; map?: [string, unknown][] }
  const entries = object ?? map
  if (!entries) return { kind: 'leaf', value: decodeValue(leaf) }
  return { kind: object ? 'object' : 'map', keys: entries.map(([k]) => k), children: entries.map(([, c]) => decodeStructure(c)) }
}
