import * as t from '@mapgrad/tensor'
import type { Tensor } from '@mapgrad/tensor'
import { type OpSample, float } from './spec.ts'

const of = (op: string, f: (x: Tensor) => Tensor, note?: string): OpSample => ({
  op,
  ...(note !== undefined && { note }),
  f: (a) => f(a!),
  xs: (n) => [float(n, 6)],
})

export const activation = (): readonly OpSample[] => [
  of('celu', (x) => t.celu(x)),
  of('elu', (x) => t.elu(x)),
  of('gelu', (x) => t.gelu(x)),
  of('gelu', (x) => t.gelu(x, { approximate: 'tanh' }), 'tanh'),
  of('glu', (x) => t.glu(x)),
  of('hardshrink', (x) => t.hardshrink(x)),
  of('hardsigmoid', (x) => t.hardsigmoid(x)),
  of('hardswish', (x) => t.hardswish(x)),
  of('hardtanh', (x) => t.hardtanh(x)),
  of('leakyRelu', (x) => t.leakyRelu(x, 0.1)),
  of('logsigmoid', t.logsigmoid),
  of('mish', t.mish),
  { op: 'prelu', f: (x, w) => t.prelu(x!, w!), xs: (n) => [float(n, 4), float(4)] },
  of('relu6', t.relu6),
  of('selu', t.selu),
  of('silu', t.silu),
  of('softplus', (x) => t.softplus(x)),
  of('softplus', (x) => t.softplus(x, 2, 1), 'beta and threshold'),
  of('softshrink', (x) => t.softshrink(x)),
  of('softsign', t.softsign),
  of('tanhshrink', t.tanhshrink),
  of('threshold', (x) => t.threshold(x, 0.3, -1)),
]
