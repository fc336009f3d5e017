import type { Tensor } from '@mapgrad/tensor'
import type { Operator } from './resolve.ts'

type F = (...args: unknown[]) => unknown
type Find = (path: string) => F | undefined
type Has = (member: string) => boolean

const keywordsLast = (args: readonly unknown[], keywords: object): unknown[] =>
  Object.keys(keywords).length ? [...args, keywords] : [...args]

/** A function of the library whose arguments PyTorch's test suite orders differently. */
const reordered =
  (path: string, order: (args: readonly unknown[]) => readonly unknown[]): ((find: Find) => Operator | undefined) =>
  (find) => {
    const f = find(path)
    return f && ((args, keywords) => f(...keywordsLast(order(args), keywords)))
  }
const swapped = ([x, y, ...rest]: readonly unknown[]): readonly unknown[] => [y, x, ...rest]

const property =
  (name: string) =>
  (_: Find, has: Has): Operator | undefined =>
    has(name) ? ([x]) => (x as Record<string, unknown>)[name] : undefined

const method =
  (name: string, order: (args: readonly unknown[]) => readonly unknown[] = (args) => args) =>
  (_: Find, has: Has): Operator | undefined =>
    has(name) ? ([x, ...args], keywords) => (x as Record<string, F>)[name]!(...keywordsLast(order(args), keywords)) : undefined

/** Operators whose call cannot be told from their name alone: PyTorch's test suite wraps them in a lambda, or they are Python operators. */
export const exceptions: Readonly<Record<string, (find: Find, has: Has) => Operator | undefined>> = {
  // x[index]: a list that holds anything but numbers is an index an axis, as PyTorch reads it
  __getitem__: method('at', ([index]) =>
    Array.isArray(index) && (index as readonly unknown[]).some((i) => typeof i !== 'number') ? (index as readonly unknown[]) : [index],
  ),
  __radd__: reordered('add', swapped),
  __rsub__: reordered('sub', swapped),
  __rmul__: reordered('mul', swapped),
  __rdiv__: reordered('div', swapped),
  __rpow__: reordered('pow', swapped),
  __rmod__: reordered('remainder', swapped),
  __rmatmul__: reordered('matmul', swapped),
  __rand__: reordered('bitwiseAnd', swapped),
  __ror__: reordered('bitwiseOr', swapped),
  __rxor__: reordered('bitwiseXor', swapped),
  T: property('T'),
  H: property('H'),
  mT: property('mT'),
  mH: property('mH'),
  // (self, condition, other)
  where: reordered('where', swapped),
  // (tensors, equation)
  einsum: reordered('einsum', ([tensors, equation]) => [equation, ...(tensors as readonly Tensor[])]),
  // (x, n)
  polygamma: reordered('polygamma', swapped),
  'special.polygamma': reordered('special.polygamma', swapped),
  // (weight, indices)
  'nn.functional.embedding': (find) => reordered(find('functional.embedding') ? 'functional.embedding' : 'embedding', swapped)(find),
  'nn.functional.embedding_bag': (find) =>
    reordered(find('functional.embeddingBag') ? 'functional.embeddingBag' : 'embeddingBag', swapped)(find),
  // sliding blocks of images; the tensor method `unfold` is another operator
  'nn.functional.unfold': reordered('functional.unfold', (args) => args),
  // (x, dim, start, end, step); the library's own `slice` builds an index
  slice: (find, has) => {
    const slice = find('slice')
    if (!slice || !has('at')) return undefined
    return ([x, dim = 0, start, end, step]) => {
      const { ndim } = x as Tensor
      const index: unknown[] = Array.from({ length: ndim }, () => slice())
      index[((dim as number) + ndim) % ndim] = slice(start, end, step)
      return (x as unknown as Record<string, F>)['at']!(...index)
    }
  },
  // in-place on a copy
  zero_: (_, has) =>
    has('zero_') && has('clone') ? ([x]) => (x as unknown as { clone(): { zero_(): Tensor } }).clone().zero_() : undefined,
}
