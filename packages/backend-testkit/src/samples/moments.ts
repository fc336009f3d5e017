import { std, stdMean, varMean } from '@mapgrad/tensor'
import * as t from '@mapgrad/tensor'
import { type OpSample, float } from './spec.ts'

export const moments = (): readonly OpSample[] => [
  { op: 'var', f: (x) => t.var(x!, 1), xs: (n) => [float(n, 5)] },
  { op: 'var', note: 'correction', f: (x) => t.var(x!, { dim: [1, 2], correction: 0, keepdim: true }), xs: (n) => [float(n, 3, 2)] },
  { op: 'std', f: (x) => std(x!, 1), xs: (n) => [float(n, 5)] },
  { op: 'varMean', f: (x) => varMean(x!, 1), xs: (n) => [float(n, 5)] },
  { op: 'stdMean', f: (x) => stdMean(x!, 1), xs: (n) => [float(n, 5)] },
]
