import { crossEntropy, nllLoss } from '@mapgrad/tensor'
import { type OpSample, float, index, positive } from './spec.ts'

export const crossEntropies = (): readonly OpSample[] => [
  { op: 'crossEntropy', f: (x, y) => crossEntropy(x!, y!), xs: (n) => [float(n, 5), index(5, n)] },
  {
    op: 'crossEntropy',
    note: 'images, smoothed',
    f: (x, y) => crossEntropy(x!, y!, { reduction: 'none', labelSmoothing: 0.2 }),
    xs: (n) => [float(n, 4, 2), index(4, n, 2)],
  },
  {
    op: 'crossEntropy',
    note: 'probabilities',
    f: (x, y) => crossEntropy(x!, y!, { reduction: 'sum' }),
    xs: (n) => [float(n, 4), positive(n, 4)],
  },
  {
    op: 'crossEntropy',
    note: 'weights',
    f: (x, y, w) => crossEntropy(x!, y!, { weight: w! }),
    xs: (n) => [float(n, 5), index(5, n), positive(5)],
  },
  { op: 'nllLoss', f: (x, y) => nllLoss(x!, y!), xs: (n) => [float(n, 5), index(5, n)] },
  {
    op: 'nllLoss',
    note: 'ignored',
    f: (x, y) => nllLoss(x!, y!, { ignoreIndex: 1, reduction: 'sum' }),
    xs: (n) => [float(n, 3), index(3, n)],
  },
]
