// A user's program, checked against the published declarations without skipLibCheck.
import * as autodiff from '@mapgrad/autodiff'
import { cpu } from '@mapgrad/backend-cpu'
import * as testkit from '@mapgrad/backend-testkit'
import * as func from '@mapgrad/func'
import { type FunctionContext, autograd, grad, jacrev, scan, tensor, type Tensor, tree, vjp, vmap } from '@mapgrad/func'
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

// several arguments, extra results, results of several tensors
const [gp, gx]: [Params, Tensor] = grad(loss, [0, -1])(params, tensor([3, 4]))
const [gw, aux] = grad((x: Tensor) => [x.sum(), { twice: x.mul(2) }], { hasAux: true })(gx)
export const rows: { y: Params; z: [Params, Params] } = jacrev((p: Params) => ({ y: p.w, z: [p.w, p.b] as [Tensor, Tensor] }))(gp)
const [out, pull] = vjp(loss, [params, gw])
export const pulled: [Params, Tensor] = pull(out.add(aux.twice.sum()))
export const [carry, ys] = scan((h: Tensor, x: Tensor) => [h.add(x), { x }], tensor(0), gx)
export const last: Tensor = ys.x

// trees, numbers, options that are undefined
const step: Params = tree.map((p, d) => p.sub(d.mul(0.1)), params, g)
export const norm: number = Math.sqrt(tree.leaves(step).reduce((sum, t) => sum + t.square().sum({ dim: undefined }).item(), 0))
export const table: number[][] = perSample.w.tolist()
export const rounded = tree.map((t) => t.item().toFixed(2), { a: carry, b: [carry] }).b[0]?.length

class Cube extends autograd.Function {
  static forward(x: Tensor): Tensor {
    return x.pow(3)
  }
  static setupContext(ctx: FunctionContext, [x]: [Tensor]): void {
    ctx.saveForBackward(x)
  }
  static backward(ctx: FunctionContext<[Tensor]>, ct: Tensor): Tensor {
    const [x] = ctx.savedTensors
    return ct.mul(x.square().mul(3))
  }
}
export const cubed: Tensor = Cube.apply(tensor(2))

// @ts-expect-error a string is no tensor
grad(loss)(params, 'x')
