import * as t from '@mapgrad/tensor'
import type { Tensor } from '@mapgrad/tensor'
import { type OpSample, type Spec, fixed, float, int, positive } from './spec.ts'

type Make = (...shape: number[]) => Spec
const of = (op: string, f: (x: Tensor, y: Tensor) => Tensor, x: Make = float, y: Make = x): OpSample[] => [
  { op, f: (a, b) => f(a!, b!), xs: (n) => [x(n, 4), y(n, 4)] },
  { op, note: 'broadcast', f: (a, b) => f(a!, b!), xs: (n) => [x(n, 1, 2), y(3, 1)] },
]
/** Shifts by less than the width of the narrowest integer. */
const few: Make = (...shape) => ({ ...int(...shape), low: 0, high: 4 })

export const binaryExtra = (): readonly OpSample[] => [
  ...of('copysign', t.copysign),
  ...of('floatPower', t.floatPower, positive, float),
  ...of('fmax', t.fmax),
  ...of('fmin', t.fmin),
  ...of('heaviside', t.heaviside),
  ...of('hypot', t.hypot),
  ...of('isclose', (x, y) => t.isclose(x, y)).map((s) => ({ ...s, differentiable: false })),
  ...of(
    'ldexp',
    (x, y) => t.ldexp(x, y),
    float,
    (...shape) => fixed(few(...shape), 'int32'),
  ),
  ...of('logaddexp', t.logaddexp),
  ...of('logaddexp2', t.logaddexp2),
  ...of('rsub', (x, y) => t.rsub(x, y)),
  ...of('xlogy', t.xlogy, float, positive),
  ...of('bitwiseLeftShift', t.bitwiseLeftShift, few),
  ...of('bitwiseRightShift', t.bitwiseRightShift, few),
]
