import * as tensorLibrary from '@mapgrad/tensor'
import { Tensor } from '@mapgrad/tensor'
import { exceptions } from './exceptions.ts'

/** An operator under PyTorch's calling convention: positional arguments, then keywords under our names. */
export type Operator = (args: readonly unknown[], keywords: Readonly<Record<string, unknown>>) => unknown

/** Functions by name, and namespaces of them. */
export type Library = Readonly<Record<string, unknown>>

/** `log_softmax` → `logSoftmax`; a trailing underscore stays. */
export const camelCase = (name: string): string => name.replace(/(?<=.)_([a-zA-Z0-9])/g, (_, c: string) => c.toUpperCase())

function find(library: Library, path: readonly string[]): ((...args: unknown[]) => unknown) | undefined {
  let at: unknown = library
  for (const part of path) at = (at as Library | undefined)?.[part]
  return typeof at === 'function' ? (at as (...args: unknown[]) => unknown) : undefined
}

const withKeywords = (args: readonly unknown[], keywords: Readonly<Record<string, unknown>>): unknown[] =>
  Object.keys(keywords).length ? [...args, keywords] : [...args]

/** A function that takes its keywords in one trailing object. */
export const call =
  (f: (...args: unknown[]) => unknown): Operator =>
  (args, keywords) =>
    f(...withKeywords(args, keywords))

/** A method of the first argument. */
export const method =
  (name: string): Operator =>
  ([self, ...args], keywords) =>
    (self as Record<string, (...a: unknown[]) => unknown>)[name]!(...withKeywords(args, keywords))

const hasMethod = (name: string): boolean =>
  name in Tensor.prototype && typeof Object.getOwnPropertyDescriptor(ownerOf(name), name)?.value === 'function'

function ownerOf(name: string): object {
  let proto: object = Tensor.prototype
  while (!Object.hasOwn(proto, name)) proto = Object.getPrototypeOf(proto) as object
  return proto
}

/** A function that `@mapgrad/tensor` exports under this path. */
export const ownFunction = (path: string): ((...args: unknown[]) => unknown) | undefined => find(tensorLibrary as Library, path.split('.'))

/**
 * The mapgrad function for a PyTorch operator, `undefined` if this version has none. `extra` holds functions of packages
 * above `@mapgrad/tensor`: `{ functional: … }` for `torch.nn.functional`.
 */
export function resolve(name: string, extra: Library = {}): Operator | undefined {
  const library: Library = { ...(tensorLibrary as Library), ...extra }
  const exception = exceptions[name]
  if (exception)
    return exception(
      (path) => find(library, path.split('.')),
      (key) => key in Tensor.prototype,
    )
  const path = name.split('.').map(camelCase)
  if (name.startsWith('nn.functional.')) {
    const last = path.at(-1)!
    const f = find(library, ['functional', last]) ?? find(library, [last])
    return f && call(f)
  }
  const f = find(library, path)
  if (f) return call(f)
  return path.length === 1 && hasMethod(path[0]!) ? method(path[0]!) : undefined
}
