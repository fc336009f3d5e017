import { type FunctionContext, type Tensor, type VmapContext, autograd, mul, tensor } from '@mapgrad/func'

// Functions as users write them around code that no transform can look into (here: loops over host data), with derivatives
// and batching rules by hand.

/** Elementwise on host data, broadcast. */
function host(f: (...v: number[]) => number, ...xs: Tensor[]): Tensor {
  const rank = Math.max(...xs.map((x) => x.ndim))
  const shape = Array.from({ length: rank }, (_, i) => Math.max(...xs.map((x) => x.shape[x.ndim - rank + i] ?? 1)))
  const data = xs.map((x) => x.expand(shape).dataSync() as Float64Array)
  return tensor(Float64Array.from(data[0]!, (_, i) => f(...data.map((d) => d[i]!)))).reshape(shape)
}

/** For every line of x along `dim` what `f` makes of it, on host data. */
function lines(f: (line: number[], at: number) => readonly number[], x: Tensor, dim: number, dtype: 'float64' | 'int32'): Tensor {
  const last = x.movedim(dim, -1)
  const n = last.shape.at(-1)!
  const data = Array.from(last.dataSync() as Float64Array, Number)
  const out: number[] = []
  for (let i = 0; i < data.length; i += n) out.push(...f(data.slice(i, i + n), i))
  return tensor(out, { dtype }).reshape(last.shape).movedim(-1, dim)
}

const order = (v: readonly number[]): number[] => [...v.keys()].sort((a, b) => v[a]! - v[b]!)
const front = (x: Tensor, d: number | null, size: number): Tensor => (d === null ? x.expand([size, ...x.shape]) : x.movedim(d, 0))

export class HostMul extends autograd.Function {
  static forward(x: Tensor, y: Tensor): Tensor {
    return host((a, b) => a * b, x, y)
  }
  static setupContext(ctx: FunctionContext, [x, y]: [Tensor, Tensor]): void {
    ctx.saveForBackward(x, y)
    ctx.saveForForward(x, y)
  }
  static backward(ctx: FunctionContext, ct: Tensor): (Tensor | null)[] {
    const [x, y] = ctx.savedTensors as [Tensor, Tensor]
    const [gx, gy] = ctx.needsInputGrad
    return [gx ? HostMul.apply(ct, y) : null, gy ? HostMul.apply(ct, x) : null]
  }
  static jvp(ctx: FunctionContext, dx: Tensor, dy: Tensor): Tensor {
    const [x, y] = ctx.savedTensors as [Tensor, Tensor]
    return mul(dx, y).add(mul(dy, x))
  }
  static vmap(_: VmapContext, [dx, dy]: [number | null, number | null], x: Tensor, y: Tensor): [Tensor, number] {
    const last = (t: Tensor, d: number | null): Tensor => (d === null ? t.unsqueeze(-1) : t.movedim(d, -1))
    return [HostMul.apply(last(x, dx), last(y, dy)).movedim(-1, 0), 0]
  }
}

export class HostCube extends autograd.Function {
  static forward(x: Tensor): [Tensor, Tensor] {
    return [host((v) => v ** 3, x), host((v) => 3 * v ** 2, x)]
  }
  static setupContext(ctx: FunctionContext, [x]: [Tensor], [, slope]: [Tensor, Tensor]): void {
    ctx.saveForBackward(x, slope)
    ctx.saveForForward(x, slope)
  }
  static backward(ctx: FunctionContext, ct: Tensor, ctSlope: Tensor): Tensor {
    const [x, slope] = ctx.savedTensors as [Tensor, Tensor]
    return HostMul.apply(ct, slope).add(HostMul.apply(ctSlope, x).mul(6))
  }
  static jvp(ctx: FunctionContext, dx: Tensor): [Tensor, Tensor] {
    const [x, slope] = ctx.savedTensors as [Tensor, Tensor]
    return [HostMul.apply(dx, slope), HostMul.apply(dx, x).mul(6)]
  }
  static vmap(_: VmapContext, [d]: [number], x: Tensor): [[Tensor, Tensor], [number, number]] {
    return [HostCube.apply(x), [d, d]]
  }
}

/** In place, which `markDirty` says. */
export class HostExp_ extends autograd.Function {
  static forward(x: Tensor): Tensor {
    return x.copy_(host(Math.exp, x))
  }
  static setupContext(ctx: FunctionContext, [x]: [Tensor], y: Tensor): void {
    ctx.markDirty(x)
    ctx.saveForBackward(y)
    ctx.saveForForward(y)
  }
  static backward(ctx: FunctionContext, ct: Tensor): Tensor {
    return HostMul.apply(ct, ctx.savedTensors[0]!)
  }
  static jvp(ctx: FunctionContext, dx: Tensor): Tensor {
    return dx.mul_(ctx.savedTensors[0]!)
  }
  static vmap(_: VmapContext, [d]: [number], x: Tensor): [Tensor, number] {
    HostExp_.apply(x)
    return [x, d]
  }
}

export class HostTake extends autograd.Function {
  static forward(x: Tensor, at: Tensor, _back: Tensor, dim: number): Tensor {
    const index = at.movedim(dim, -1).dataSync() as Int32Array
    return lines((line, i) => line.map((_, k) => line[index[i + k]!]!), x.expand(at.shape), dim, 'float64')
  }
  static setupContext(ctx: FunctionContext, [, at, back, dim]: [Tensor, Tensor, Tensor, number]): void {
    ctx.saveForBackward(at, back)
    ctx.saveForForward(at, back)
    ctx['dim'] = dim
  }
  static backward(ctx: FunctionContext, ct: Tensor): (Tensor | null)[] {
    const [at, back] = ctx.savedTensors as [Tensor, Tensor]
    return [HostTake.apply(ct, back, at, ctx['dim'] as number), null, null, null]
  }
  static jvp(ctx: FunctionContext, dx: Tensor, dAt: unknown, dBack: unknown): Tensor {
    if (dAt !== null || dBack !== null) throw new Error('integers have no tangent')
    const [at, back] = ctx.savedTensors as [Tensor, Tensor]
    return HostTake.apply(dx, at, back, ctx['dim'] as number)
  }
  static vmap(
    { batchSize }: VmapContext,
    [dx, da, db]: (number | null)[],
    x: Tensor,
    at: Tensor,
    back: Tensor,
    dim: number,
  ): [Tensor, number] {
    return [HostTake.apply(front(x, dx!, batchSize), front(at, da!, batchSize), front(back, db!, batchSize), dim < 0 ? dim : dim + 1), 0]
  }
}

export class HostSort extends autograd.Function {
  static forward(x: Tensor, dim: number): [Tensor, Tensor, Tensor] {
    const at = lines((line) => order(line), x, dim, 'int32')
    return [lines((line) => order(line).map((i) => line[i]!), x, dim, 'float64'), at, lines((line) => order(line), at, dim, 'int32')]
  }
  static setupContext(ctx: FunctionContext, [, dim]: [Tensor, number], [, at, back]: [Tensor, Tensor, Tensor]): void {
    ctx.markNonDifferentiable(at, back)
    ctx.saveForBackward(at, back)
    ctx.saveForForward(at, back)
    ctx['dim'] = dim
  }
  static backward(ctx: FunctionContext, ct: Tensor): (Tensor | null)[] {
    const [at, back] = ctx.savedTensors as [Tensor, Tensor]
    return [HostTake.apply(ct, back, at, ctx['dim'] as number), null]
  }
  static jvp(ctx: FunctionContext, dx: Tensor): (Tensor | null)[] {
    const [at, back] = ctx.savedTensors as [Tensor, Tensor]
    return [HostTake.apply(dx, at, back, ctx['dim'] as number), null, null]
  }
  static vmap(_: VmapContext, [d]: [number, null], x: Tensor, dim: number): [[Tensor, Tensor, Tensor], number] {
    return [HostSort.apply(x.movedim(d, 0), dim < 0 ? dim : dim + 1), 0]
  }
}

/** One row, by an index that may be left out. */
export class Select extends autograd.Function {
  static forward(x: Tensor, i = 2): Tensor {
    return x.at(i)
  }
  static setupContext(ctx: FunctionContext, [x, i = 2]: [Tensor, number?]): void {
    ctx['shape'] = x.shape
    ctx['i'] = i
  }
  static backward(ctx: FunctionContext, ct: Tensor): (Tensor | null)[] {
    const all = ct.newZeros(ctx['shape'] as number[])
    all.set(ctx['i'] as number, ct)
    return [all, null]
  }
  static jvp(ctx: FunctionContext, dx: Tensor): Tensor {
    return Select.apply(dx, ctx['i'] as number)
  }
  static vmap(_: VmapContext, [d]: [number, null], x: Tensor, i = 2): [Tensor, number] {
    return [Select.apply(x.movedim(d, 1), i), 0]
  }
}

/** The elements of x in another shape. */
export class HostView extends autograd.Function {
  static forward(x: Tensor, shape: readonly number[]): Tensor {
    return host((v) => v, x).reshape([...shape])
  }
  static setupContext(ctx: FunctionContext, [x, shape]: [Tensor, readonly number[]]): void {
    Object.assign(ctx, { from: x.shape, to: shape })
  }
  static backward(ctx: FunctionContext, ct: Tensor): (Tensor | null)[] {
    return [HostView.apply(ct, ctx['from'] as number[]), null]
  }
  static jvp(ctx: FunctionContext, dx: Tensor): Tensor {
    return HostView.apply(dx, ctx['to'] as number[])
  }
  static vmap({ batchSize }: VmapContext, [d]: [number, null], x: Tensor, shape: readonly number[]): [Tensor, number] {
    return [HostView.apply(x.movedim(d, 0), [batchSize, ...shape]), 0]
  }
}

/** Several of one, of given sizes along an axis. */
export class HostSplit extends autograd.Function {
  static forward(x: Tensor, sizes: readonly number[], dim: number): Tensor[] {
    let start = 0
    return sizes.map((n) => host((v) => v, x.narrow(dim, (start += n) - n, n)))
  }
  static setupContext(ctx: FunctionContext, [, sizes, dim]: [Tensor, readonly number[], number]): void {
    Object.assign(ctx, { sizes, dim })
  }
  static backward(ctx: FunctionContext, ...cts: Tensor[]): unknown[] {
    return [HostCat.apply(cts, ctx['dim'] as number), null, null]
  }
  static jvp(ctx: FunctionContext, dx: Tensor): Tensor[] {
    return HostSplit.apply(dx, ctx['sizes'] as number[], ctx['dim'] as number)
  }
  static vmap(_: VmapContext, [d]: [number, null, null], x: Tensor, sizes: readonly number[], dim: number): [Tensor[], number] {
    return [HostSplit.apply(x.movedim(d, 0), sizes, dim < 0 ? dim : dim + 1), 0]
  }
}

/** One of several, along an axis: a list of tensors is the argument. */
export class HostCat extends autograd.Function {
  static forward(xs: readonly Tensor[], dim: number): Tensor {
    const fronts = xs.map((x) => x.movedim(dim, 0))
    const data = fronts.flatMap((x) => Array.from(x.dataSync() as Float64Array))
    const length = fronts.reduce((n, x) => n + x.shape[0]!, 0)
    return tensor(Float64Array.from(data)).reshape([length, ...fronts[0]!.shape.slice(1)]).movedim(0, dim) // prettier-ignore
  }
  static setupContext(ctx: FunctionContext, [xs, dim]: [readonly Tensor[], number]): void {
    Object.assign(ctx, { sizes: xs.map((x) => x.shape.at(dim)!), dim })
  }
  static backward(ctx: FunctionContext, ct: Tensor): unknown[] {
    return [HostSplit.apply(ct, ctx['sizes'] as number[], ctx['dim'] as number), null]
  }
  static jvp(ctx: FunctionContext, dxs: readonly Tensor[]): Tensor {
    return HostCat.apply(dxs, ctx['dim'] as number)
  }
  static vmap({ batchSize }: VmapContext, [ds]: [readonly (number | null)[], null], xs: readonly Tensor[], dim: number): [Tensor, number] {
    const fronts = xs.map((x, i) => front(x, ds[i]!, batchSize))
    return [HostCat.apply(fronts, dim < 0 ? dim : dim + 1), 0]
  }
}
