import * as t from '@mapgrad/tensor'
import { type OpSample, float } from './spec.ts'

export const joins = (): readonly OpSample[] => [
  { op: 'atleast1d', f: (x) => t.atleast1d(x!), xs: () => [float()] },
  { op: 'atleast2d', f: (x) => t.atleast2d(x!), xs: (n) => [float(n)] },
  { op: 'atleast3d', f: (x) => t.atleast3d(x!), xs: (n) => [float(n, 2)] },
  { op: 'cat', f: (x, y) => t.cat([x!, y!], 1), xs: (n) => [float(n, 2), float(n, 3)] },
  { op: 'cat', note: 'first', f: (x, y) => t.cat([x!, y!, x!]), xs: (n) => [float(n, 2), float(1, 2)] },
  { op: 'columnStack', f: (x, y) => t.columnStack([x!, y!]), xs: (n) => [float(n), float(n, 2)] },
  { op: 'dstack', f: (x, y) => t.dstack([x!, y!]), xs: (n) => [float(n, 2), float(n, 2)] },
  { op: 'hstack', f: (x, y) => t.hstack([x!, y!]), xs: (n) => [float(n, 2), float(n, 1)] },
  { op: 'vstack', f: (x, y) => t.vstack([x!, y!]), xs: (n) => [float(n, 2), float(2)] },
  { op: 'stack', f: (x, y) => t.stack([x!, y!], 1), xs: (n) => [float(n, 2), float(n, 2)] },
]
