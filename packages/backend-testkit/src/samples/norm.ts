import { dist, norm } from '@mapgrad/tensor'
import { type OpSample, float } from './spec.ts'

export const norms = (): readonly OpSample[] => [
  { op: 'norm', f: (x) => norm(x!), xs: (n) => [float(n, 4)] },
  ...[2, 1, 3, 0.5, Infinity, -Infinity].map((p): OpSample => ({
    op: 'norm',
    note: `p = ${p}`,
    f: (x) => norm(x!, p, 1),
    xs: (n) => [float(n, 4)],
  })),
  { op: 'dist', f: (x, y) => dist(x!, y!, 3), xs: (n) => [float(n, 4), float(4)] },
]
