import * as t from '@mapgrad/tensor'
import type { Tensor } from '@mapgrad/tensor'
import { type OpSample, float } from './spec.ts'

type Out = Tensor | readonly Tensor[]
const of = (op: string, f: (x: Tensor) => Out, ...rest: number[]): OpSample => ({ op, f: (x) => f(x!), xs: (n) => [float(n, ...rest)] })

export const shapes = (): readonly OpSample[] => [
  of('adjoint', (x) => t.adjoint(x), 2, 4),
  { op: 'broadcastTensors', f: (x, y) => t.broadcastTensors(x!, y!), xs: (n) => [float(n, 1, 2), float(3, 1)] },
  of('broadcastTo', (x) => t.broadcastTo(x, [2, x.shape[0]!, 3]), 1),
  of('expand', (x) => t.expand(x, -1, 4), 1),
  { op: 'expandAs', f: (x, y) => t.expandAs(x!, y!), xs: (n) => [float(n, 1), float(n, 3)] },
  of('flatten', (x) => t.flatten(x, 1), 2, 3),
  { op: 'meshgrid', f: (x, y) => t.meshgrid(x!, y!, { indexing: 'ij' }), xs: (n) => [float(n), float(3)] },
  of('movedim', (x) => t.movedim(x, 0, -1), 2, 3),
  of('moveaxis', (x) => t.moveaxis(x, [0, 1], [1, 2]), 2, 3),
  of('permute', (x) => t.permute(x, [2, 0, 1]), 2, 3),
  of('ravel', t.ravel, 2),
  of('repeat', (x) => t.repeat(x, 2, 1, 3), 4),
  of('reshape', (x) => t.reshape(x, x.shape[0]!, 6), 2, 3),
  { op: 'reshapeAs', f: (x, y) => t.reshapeAs(x!, y!), xs: (n) => [float(n, 6), float(n, 2, 3)] },
  of('roll', (x) => t.roll(x, [1, -2], [0, 1]), 5),
  { ...of('roll', (x) => t.roll(x, 2), 3), note: 'flat' },
  of('rot90', (x) => t.rot90(x, 1, [0, 1]), 4),
  of('squeeze', (x) => t.squeeze(x, 1), 1, 3),
  of('swapaxes', (x) => t.swapaxes(x, 0, 1), 2),
  of('swapdims', (x) => t.swapdims(x, 0, -1), 2, 3),
  of('t', t.t, 4),
  of('tile', (x) => t.tile(x, [2, 2]), 3),
  of('transpose', (x) => t.transpose(x, 0, 2), 2, 3),
  of('unflatten', (x) => t.unflatten(x, 1, [2, 3]), 6),
  of('unsqueeze', (x) => t.unsqueeze(x, 1), 3),
  of('view', (x) => t.view(t.contiguous(x), x.shape[0]!, 6), 2, 3),
  { op: 'viewAs', f: (x, y) => t.viewAs(x!.contiguous(), y!), xs: (n) => [float(n, 6), float(n, 2, 3)] },
  of('clone', t.clone, 3),
  of('contiguous', (x) => t.contiguous(t.transpose(x, 0, 1)), 3),
]
