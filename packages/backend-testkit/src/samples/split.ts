import * as t from '@mapgrad/tensor'
import { type OpSample, float } from './spec.ts'

export const splits = (): readonly OpSample[] => [
  { op: 'chunk', f: (x) => t.chunk(x!, 3, 1), xs: (n) => [float(n, 5)] },
  { op: 'split', f: (x) => t.split(x!, 2, 1), xs: (n) => [float(n, 5)] },
  { op: 'splitWithSizes', f: (x) => t.splitWithSizes(x!, [1, 4], 1), xs: (n) => [float(n, 5)] },
  { op: 'tensorSplit', f: (x) => t.tensorSplit(x!, [1, 3], 1), xs: (n) => [float(n, 5)] },
  { op: 'hsplit', f: (x) => t.hsplit(x!, 2), xs: (n) => [float(n, 4)] },
  { op: 'vsplit', f: (x) => t.vsplit(x!, [1]), xs: (n) => [float(n, 2)] },
  { op: 'dsplit', f: (x) => t.dsplit(x!, 2), xs: (n) => [float(n, 1, 4)] },
  { op: 'unbind', f: (x) => t.unbind(x!, 1), xs: (n) => [float(n, 3)] },
]
