import { diag, diagEmbed, diagflat, diagonal, diagonalScatter, trace, tril, triu } from '@mapgrad/tensor'
import { type OpSample, float } from './spec.ts'

export const triangular = (): readonly OpSample[] => [
  { op: 'diag', f: (x) => diag(x!), xs: (n) => [float(n)] },
  { op: 'diag', note: 'of a matrix', f: (x) => diag(x!, 1), xs: (n) => [float(n, 4)] },
  { op: 'diagEmbed', f: (x) => diagEmbed(x!, -1), xs: (n) => [float(n, 3)] },
  { op: 'diagflat', f: (x) => diagflat(x!), xs: (n) => [float(n, 2)] },
  { op: 'diagonal', f: (x) => diagonal(x!, 1, 1, 2), xs: (n) => [float(n, 4, 3)] },
  { op: 'diagonalScatter', f: (x, y) => diagonalScatter(x!, y!, 0, 1, 2), xs: (n) => [float(n, 4, 3), float(n, 3)] },
  { op: 'trace', f: (x) => trace(x!), xs: (n) => [float(n, 4)] },
  { op: 'tril', f: (x) => tril(x!, -1), xs: (n) => [float(n, 4, 3)] },
  { op: 'triu', f: (x) => triu(x!, 1), xs: (n) => [float(n, 3, 4)] },
]
