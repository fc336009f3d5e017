// A user's program, checked against the published declarations without skipLibCheck.
import * as autodiff from '@mapgrad/autodiff'
import { cpu } from '@mapgrad/backend-cpu'
import * as testkit from '@mapgrad/backend-testkit'
import * as func from '@mapgrad/func'
import { grad, tensor, type Tensor, vmap } from '@mapgrad/func'
import * as graph from '@mapgrad/graph'
import * as kernel from '@mapgrad/kernel'
import { matmul, setDefaultDevice } from '@mapgrad/tensor'
import * as ops from '@mapgrad/tensor/ops'
import * as plugin from '@mapgrad/tensor/plugin'
import * as batching from '@mapgrad/vmap'

setDefaultDevice(cpu)

type Params = { w: Tensor; b: Tensor }
const loss = ({ w, b }: Params, x: Tensor): Tensor => matmul(x, w).add(b).sum()
const params: Params = { w: tensor([1, 2]), b: tensor(0) }

// the gradient has the type of what it is taken of
const g: Params = grad(loss)(params, tensor([3, 4]))
export const perSample: Params = vmap(grad(loss), [null, 0])(params, tensor([[3, 4]]))
export const shape: readonly number[] = g.w.shape
export const all = [autodiff, batching, func, graph, kernel, ops, plugin, testkit]

// @ts-expect-error a string is no tensor
grad(loss)(params, 'x')
