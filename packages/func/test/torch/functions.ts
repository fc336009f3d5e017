import {
  type FunctionContext,
  type Tensor,
  argsort,
  autograd,
  cat,
  mul,
  square,
  stopGradient,
  takeAlongDim,
  tensor,
  zeros,
} from '@mapgrad/func'
import { random } from '../rules.ts'
import { HostCat, HostCube, HostExp_, HostMul, HostSort, HostSplit, HostTake, HostView, Select } from './host-functions.ts'

// Functions of tensor ops whose batching rules are generated, and a table of them and of the functions of host data. Covers the
// samples that PyTorch keeps of autograd.Function.

export class MulGenerated extends autograd.Function {
  static generateVmapRule = true
  static forward(x: Tensor, y: Tensor): Tensor {
    return mul(x, y)
  }
  static setupContext(ctx: FunctionContext, [x, y]: [Tensor, Tensor]): void {
    ctx.saveForBackward(x, y)
    ctx.saveForForward(x, y)
  }
  static backward(ctx: FunctionContext, ct: Tensor): (Tensor | null)[] {
    const [x, y] = ctx.savedTensors as [Tensor, Tensor]
    const [gx, gy] = ctx.needsInputGrad
    return [gx ? MulGenerated.apply(ct, y) : null, gy ? MulGenerated.apply(ct, x) : null]
  }
  static jvp(ctx: FunctionContext, dx: Tensor, dy: Tensor): Tensor {
    const [x, y] = ctx.savedTensors as [Tensor, Tensor]
    return mul(dx, y).add(mul(dy, x))
  }
}

export class CubeGenerated extends autograd.Function {
  static generateVmapRule = true
  static forward(x: Tensor): [Tensor, Tensor] {
    return [mul(square(x), x), square(x).mul(3)]
  }
  static setupContext(ctx: FunctionContext, [x]: [Tensor], [, slope]: [Tensor, Tensor]): void {
    ctx.saveForBackward(x, slope)
    ctx.saveForForward(x, slope)
  }
  static backward(ctx: FunctionContext, ct: Tensor, ctSlope: Tensor): Tensor {
    const [x, slope] = ctx.savedTensors as [Tensor, Tensor]
    return mul(ct, slope).add(mul(ctSlope, x).mul(6))
  }
  static jvp(ctx: FunctionContext, dx: Tensor): [Tensor, Tensor] {
    const [x, slope] = ctx.savedTensors as [Tensor, Tensor]
    return [MulGenerated.apply(dx, slope), HostMul.apply(dx, x).mul(6)]
  }
}

export class TakeGenerated extends autograd.Function {
  static generateVmapRule = true
  static forward(x: Tensor, at: Tensor, _back: Tensor, dim: number): Tensor {
    return takeAlongDim(x, at, dim)
  }
  static setupContext(ctx: FunctionContext, [, at, back, dim]: [Tensor, Tensor, Tensor, number]): void {
    ctx.saveForBackward(at, back)
    ctx.saveForForward(at, back)
    ctx['dim'] = dim
  }
  static backward(ctx: FunctionContext, ct: Tensor): (Tensor | null)[] {
    const [at, back] = ctx.savedTensors as [Tensor, Tensor]
    return [TakeGenerated.apply(ct, back, at, ctx['dim'] as number), null, null, null]
  }
  static jvp(ctx: FunctionContext, dx: Tensor): Tensor {
    const [at, back] = ctx.savedTensors as [Tensor, Tensor]
    return TakeGenerated.apply(dx, at, back, ctx['dim'] as number)
  }
}

export class SortGenerated extends autograd.Function {
  static generateVmapRule = true
  static forward(x: Tensor, dim: number): [Tensor, Tensor, Tensor] {
    const at = argsort(x, dim)
    return [takeAlongDim(x, at, dim), at, argsort(at, dim)]
  }
  static setupContext(ctx: FunctionContext, [, dim]: [Tensor, number], [, at, back]: [Tensor, Tensor, Tensor]): void {
    ctx.markNonDifferentiable(at, back)
    ctx.saveForBackward(at, back)
    ctx.saveForForward(at, back)
    ctx['dim'] = dim
  }
  static backward(ctx: FunctionContext, ct: Tensor): (Tensor | null)[] {
    const [at, back] = ctx.savedTensors as [Tensor, Tensor]
    return [TakeGenerated.apply(ct, back, at, ctx['dim'] as number), null]
  }
  static jvp(ctx: FunctionContext, dx: Tensor): (Tensor | null)[] {
    const [at, back] = ctx.savedTensors as [Tensor, Tensor]
    return [TakeGenerated.apply(dx, at, back, ctx['dim'] as number), null, null]
  }
}

export class SelectGenerated extends autograd.Function {
  static generateVmapRule = true
  static forward(x: Tensor, i: number): Tensor {
    return x.at(i)
  }
  static setupContext(ctx: FunctionContext, [x, i]: [Tensor, number]): void {
    ctx['shape'] = x.shape
    ctx['i'] = i
  }
  static backward(ctx: FunctionContext, ct: Tensor): (Tensor | null)[] {
    const all = ct.newZeros(ctx['shape'] as number[])
    all.set(ctx['i'] as number, ct)
    return [all, null]
  }
  static jvp(ctx: FunctionContext, dx: Tensor): Tensor {
    return SelectGenerated.apply(dx, ctx['i'] as number)
  }
}

/** The identity, with a derivative of 3.14. */
export class ScaleGrad extends autograd.Function {
  static generateVmapRule = true
  static forward(x: Tensor): Tensor {
    return x.clone()
  }
  static setupContext(): void {}
  static backward(_: FunctionContext, ct: Tensor): Tensor {
    return mul(ct, 3.14)
  }
  static jvp(_: FunctionContext, dx: Tensor): Tensor {
    return mul(dx, 3.14)
  }
}

/** The identity of two, with zeros for derivatives; one gradient has axes too many, which are summed. */
export class ZeroGrads extends autograd.Function {
  static generateVmapRule = true
  static forward(x: Tensor, y: Tensor): [Tensor, Tensor] {
    return [x.clone(), y.clone()]
  }
  static setupContext(): void {}
  static backward(_: FunctionContext, gx: Tensor, gy: Tensor): [Tensor, Tensor] {
    return [zeros([3, 4, ...gx.shape], { dtype: 'float64' }), zeros(gy.shape, { dtype: 'float64' })]
  }
  static jvp(_: FunctionContext, gx: Tensor, gy: Tensor): [Tensor, Tensor] {
    return [zeros(gx.shape, { dtype: 'float64' }), zeros(gy.shape, { dtype: 'float64' })]
  }
}

/** A function of tensors, and the same of ops that have rules of their own. */
export interface Sample {
  readonly name: string
  readonly args: readonly Tensor[]
  readonly op: (...xs: Tensor[]) => Tensor[]
  readonly plain: (...xs: Tensor[]) => Tensor[]
  /** whether the rules are the derivative of the values */
  readonly honest: boolean
}

const positive = (...shape: number[]): Tensor =>
  random(...shape)
    .mul(0.5)
    .add(1.4)
const cubed = (x: Tensor): Tensor[] => [mul(square(x), x), square(x).mul(3)]
const at = tensor([
  [4, 1, 0, 3, 2],
  [0, 2, 4, 1, 3],
  [1, 0, 3, 2, 4],
], { dtype: 'int32' }) // prettier-ignore
const back = argsort(at, 1).to('int32')
const sample = (name: string, args: Tensor[], op: Sample['op'], plain: Sample['plain'], honest = true): Sample => ({
  name,
  args,
  op,
  plain,
  honest,
})

export const samples: readonly Sample[] = [
  sample(
    'HostView',
    [random(3, 4)],
    (x) => [HostView.apply(x!, [2, 6])],
    (x) => [x!.reshape([2, 6])],
  ),
  sample(
    'HostSplit',
    [random(3, 5)],
    (x) => HostSplit.apply(x!, [2, 1, 2], 1),
    (x) => x!.split([2, 1, 2], 1),
  ),
  sample(
    'HostCat',
    [random(2, 3), random(1, 3), random(3, 3)],
    (...xs) => [HostCat.apply(xs, -2)],
    (...xs) => [cat(xs, 0)],
  ),
  sample(
    'HostCube',
    [positive(1)],
    (x) => HostCube.apply(x!),
    (x) => cubed(x!),
  ),
  sample(
    'HostExp_',
    [positive(1)],
    (x) => [HostExp_.apply(x!.clone())],
    (x) => [x!.exp()],
  ),
  sample(
    'HostMul',
    [positive(4), positive(3, 4)],
    (x, y) => [HostMul.apply(x!, y!)],
    (x, y) => [mul(x!, y!)],
  ),
  sample(
    'HostSort',
    [random(3, 5)],
    (x) => [HostSort.apply(x!, 1)[0]],
    (x) => [x!.sort(1).values],
  ),
  sample(
    'HostTake',
    [random(3, 5), at, back],
    (x, i, j) => [HostTake.apply(x!, i!, j!, -1)],
    (x, i) => [takeAlongDim(x!, i!, 1)],
  ),
  sample(
    'Select',
    [random(3, 5)],
    (x) => [Select.apply(x!, 1)],
    (x) => [x!.at(1)],
  ),
  sample(
    'Select with its default',
    [random(3, 5)],
    (x) => [Select.apply(x!)],
    (x) => [x!.at(2)],
  ),
  sample(
    'CubeGenerated',
    [positive(1)],
    (x) => CubeGenerated.apply(x!),
    (x) => cubed(x!),
  ),
  sample(
    'MulGenerated',
    [positive(4), positive(3, 4)],
    (x, y) => [MulGenerated.apply(x!, y!)],
    (x, y) => [mul(x!, y!)],
  ),
  sample(
    'SortGenerated',
    [random(3, 5)],
    (x) => [SortGenerated.apply(x!, 1)[0]],
    (x) => [x!.sort(1).values],
  ),
  sample(
    'TakeGenerated',
    [random(3, 5), at, back],
    (x, i, j) => [TakeGenerated.apply(x!, i!, j!, 1)],
    (x, i) => [takeAlongDim(x!, i!, 1)],
  ),
  sample(
    'SelectGenerated',
    [random(3, 5)],
    (x) => [SelectGenerated.apply(x!, 2)],
    (x) => [x!.at(2)],
  ),
  sample(
    'ScaleGrad',
    [positive(1)],
    (x) => [ScaleGrad.apply(x!)],
    (x) => [mul(x!, 3.14).sub(stopGradient(mul(x!, 2.14)))],
    false,
  ),
  sample(
    'ZeroGrads',
    [positive(4), positive(3, 4)],
    (x, y) => ZeroGrads.apply(x!, y!),
    (x, y) => [stopGradient(x!), stopGradient(y!)],
    false,
  ),
]
