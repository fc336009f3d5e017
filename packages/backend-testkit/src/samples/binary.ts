import * as t from '@mapgrad/tensor'
import type { Tensor } from '@mapgrad/tensor'
import { type OpSample, type Spec, bool, float, int, positive } from './spec.ts'

type Make = (...shape: number[]) => Spec
type Binary = (x: Tensor, y: Tensor) => Tensor

/** Equal shapes, and shapes that broadcast against each other in both directions. */
const of = (op: string, f: Binary, x: Make = float, y: Make = x): OpSample[] => [
  { op, f: (a, b) => f(a!, b!), xs: (n) => [x(n, 4), y(n, 4)] },
  { op, note: 'broadcast', f: (a, b) => f(a!, b!), xs: (n) => [x(n, 1, 2), y(3, 1)] },
  { op, note: 'with a 0-d tensor', f: (a, b) => f(a!, b!), xs: (n) => [x(), y(n, 2)] },
]

export const binary = (): readonly OpSample[] => [
  ...of('add', t.add),
  ...of('add', (x, y) => t.add(x, y, { alpha: 2 }))
    .slice(0, 1)
    .map((s) => ({ ...s, note: 'alpha' })),
  ...of('sub', t.sub),
  ...of('mul', t.mul),
  ...of('div', (x, y) => t.div(x, y), float, positive),
  ...of('div', (x, y) => t.div(x, y, { roundingMode: 'floor' }), float, positive)
    .slice(0, 1)
    .map((s) => ({ ...s, note: 'floor' })),
  ...of('div', (x, y) => t.div(x, y, { roundingMode: 'trunc' }), float, positive)
    .slice(0, 1)
    .map((s) => ({ ...s, note: 'trunc' })),
  ...of('floorDivide', t.floorDivide, float, positive),
  ...of('pow', t.pow, positive, float),
  { op: 'pow', note: 'number exponent', f: (x) => t.pow(x!, 3), xs: (n) => [float(n, 4)] },
  { op: 'pow', note: 'number base', f: (x) => t.pow(2, x!), xs: (n) => [float(n, 4)] },
  ...of('maximum', t.maximum),
  ...of('minimum', t.minimum),
  ...of('atan2', t.atan2),
  ...of('fmod', t.fmod, float, positive),
  ...of('remainder', t.remainder, float, positive),
  ...of('logicalAnd', t.logicalAnd, bool),
  ...of('logicalOr', t.logicalOr, bool),
  ...of('logicalXor', t.logicalXor, bool),
  ...of('bitwiseAnd', t.bitwiseAnd, int),
  ...of('bitwiseOr', t.bitwiseOr, int),
  ...of('bitwiseXor', t.bitwiseXor, int),
]
