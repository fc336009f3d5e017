import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe, show } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { print } from '../core/print.ts'
import { type Shape, broadcastShapes } from '../core/shape.ts'
import { scalarTensor } from '../create/fill.ts'
import { checkSizes } from '../create/size.ts'
import { exp, sqrt, stopGradient } from '../ops/unary.ts'
import { filledLike } from '../ops/cast.ts'
import { expandTo } from '../ops/view.ts'
import type { SourceOptions } from '../random/attempts.ts'
import { foldIn } from '../random/keys.ts'
import { NORMAL, UNIFORM, drawnLike } from '../random/like.ts'
import type { Tensor } from '../tensor.ts'

/** A parameter of a distribution: one number for all, or a tensor that broadcasts with the others. */
export type Parameter = number | Tensor

/** How a distribution is made, beyond its parameters. */
export interface DistributionOptions {
  /** refuses parameters and values out of range, where they can be read at once: not inside transforms; default true */
  readonly validateArgs?: boolean
}
/** Arguments of `sample` and `rsample`. */
export interface SampleOptions extends SourceOptions {
  /** axes in front of those of the batch; default none */
  readonly sampleShape?: Shape
}

/** `sample([2, 3], { generator })`, `sample({ key })`: the sizes of the axes in front, and where the numbers come from. */
export type SampleArgs = Args<[sampleShape?: Shape], SampleOptions>

/** Parameters as tensors of one shape: numbers take the dtype of the first tensor. */
export function broadcastAll(op: string, parameters: Readonly<Record<string, Parameter>>): Tensor[] {
  for (const [name, x] of Object.entries(parameters))
    if (typeof x !== 'number' && !isTensor(x))
      throw new TensorTypeError(`expected ${name} to be a number or a Tensor, got ${describe(x)}`, { op, code: 'ARGUMENT' })
  const given = Object.values(parameters)
  const first = given.find(isTensor)
  const all = given.map((x) => (isTensor(x) ? x : first ? filledLike(first, x, first.dtype, []) : scalarTensor(x)))
  const shape = all.reduce<Shape>((s, x) => broadcastShapes(op, s, x.shape), [])
  return all.map((x) => expandTo(x, shape))
}

/** A distribution's parameters `T`, named `N`, by position or by name, and its options. */
export type ParameterArgs<T extends readonly unknown[], N extends string, P = Parameter> = Args<
  T,
  DistributionOptions & { readonly [K in N]?: P }
>

/** The parameters that a constructor is given, as tensors of one shape, and its options. */
export function readParameters(
  op: string,
  args: readonly unknown[],
  names: readonly string[],
  defaults: Readonly<Record<string, Parameter>> = {},
): [parameters: Tensor[], options: DistributionOptions] {
  const { validateArgs, ...given } = readArgs<Record<string, unknown>>(op, args, names, ['validateArgs'])
  const parameters = broadcastAll(op, Object.fromEntries(names.map((name) => [name, (given[name] ?? defaults[name]) as Parameter])))
  return [parameters, validateArgs === undefined ? {} : { validateArgs: validateArgs as boolean }]
}

/** Whether all of a tensor can be read at once. */
export const readable = ({ value }: Tensor): boolean => !value.trace && value.backend.syncRead

/**
 * What all distributions have, by the names of `torch.distributions`. Parameters may be mapped or differentiated like any
 * tensors; the shape of a sample is `[...sampleShape, ...batchShape, ...eventShape]`, and a log probability lacks the last.
 */
export abstract class Distribution {
  /** The shape of the parameters: one distribution an element. */
  readonly batchShape: Shape
  /** The shape of one value. */
  readonly eventShape: Shape
  /** Whether parameters and values are checked, where they can be read. */
  readonly validateArgs: boolean

  constructor(batchShape: Shape, eventShape: Shape, { validateArgs = true }: DistributionOptions) {
    this.batchShape = batchShape
    this.eventShape = eventShape
    this.validateArgs = validateArgs
  }

  /** Whether samples have derivatives with respect to the parameters. */
  get hasRsample(): boolean {
    return false
  }
  /** The mean; NaN where there is none. */
  abstract get mean(): Tensor
  /** The variance; NaN where there is none. */
  abstract get variance(): Tensor
  /** The likeliest value; NaN where there is none. */
  get mode(): Tensor {
    return this.missing('mode')
  }
  /** The root of the variance. */
  get stddev(): Tensor {
    return sqrt(this.variance)
  }

  /** A value for each element of a shape, which ends in the shapes of batch and event. */
  protected abstract draw(shape: Shape, source: SourceOptions): Tensor

  /** Values `[...sampleShape, ...batchShape, ...eventShape]`, without derivative. */
  sample(...args: SampleArgs): Tensor {
    const [shape, source] = this.readSample('sample', args)
    return stopGradient(this.draw(shape, source))
  }
  /** Values that are differentiable functions of the parameters and of noise. */
  rsample(...args: SampleArgs): Tensor {
    if (!this.hasRsample) return this.missing('rsample')
    const [shape, source] = this.readSample('rsample', args)
    return this.draw(shape, source)
  }
  private readSample(op: string, args: SampleArgs): [Shape, SourceOptions] {
    const { sampleShape = [], ...source } = readArgs<SampleOptions>(op, args, ['sampleShape'], ['generator', 'key'])
    if (!Array.isArray(sampleShape))
      throw new TensorTypeError(`expected sampleShape as an array, got ${describe(sampleShape)}: ${op}([2, 3])`, { op, code: 'SIZE' })
    return [[...checkSizes(op, sampleShape), ...this.batchShape, ...this.eventShape], source]
  }

  /** The logarithm of the density, or of the probability, of a value that broadcasts with batch and event. */
  abstract logProb(value: Parameter): Tensor
  /** The probability of values up to this one. */
  cdf(_value: Parameter, ...end: End): Tensor {
    checkEnd('cdf', end)
    return this.missing('cdf')
  }
  /** The value that `cdf` maps to this probability. */
  icdf(_value: Parameter, ...end: End): Tensor {
    checkEnd('icdf', end)
    return this.missing('icdf')
  }
  /** The entropy, in nats. */
  entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    return this.missing('entropy')
  }
  /** e to the entropy. */
  perplexity(...end: End): Tensor {
    checkEnd('perplexity', end)
    return exp(this.entropy())
  }

  /** The same distribution with its parameters repeated to a larger batch shape. */
  expand(batchShape: Shape, ...end: End): this {
    checkEnd('expand', end)
    const out = Object.create(Object.getPrototypeOf(this) as object) as this
    const before = this.batchShape.length
    for (const [name, x] of Object.entries(this))
      Object.assign(out, {
        [name]: isTensor(x)
          ? expandTo(x, [...batchShape, ...x.shape.slice(before)])
          : x instanceof Distribution
            ? x.expand([...batchShape, ...x.batchShape.slice(before)])
            : (x as unknown),
      })
    return Object.assign(out, { batchShape: [...batchShape] })
  }

  /** `Normal([3], [])`: the class and the shapes of batch and event. */
  toString(): string {
    return `${this.constructor.name}(batchShape: ${show(this.batchShape)}, eventShape: ${show(this.eventShape)})`
  }

  /** Refuses a parameter that breaks a constraint somewhere, if it can be read. */
  protected check(name: string, x: Tensor, constraint: string, holds: (x: Tensor) => Tensor): void {
    if (!this.validateArgs || !readable(x)) return
    if (falseSomewhere(holds(x)))
      throw new TensorRangeError(
        `Expected parameter ${name} (Tensor of shape ${show(x.shape)}) of distribution ${this.toString()} to satisfy the constraint ${constraint}, but found invalid values: ${print(x.value)}`,
        { op: this.constructor.name, code: 'PARAMETER' },
      )
  }
  /** A value as a tensor; refuses one whose event has another shape, or that lies outside of the support, if it can be read. */
  protected value(given: Parameter, like: Tensor, support: string, holds: (x: Tensor) => Tensor): Tensor {
    const op = this.constructor.name
    if (typeof given !== 'number' && !isTensor(given))
      throw new TensorTypeError('The value argument to log_prob must be a Tensor', { op, code: 'ARGUMENT' })
    const x = isTensor(given) ? given : filledLike(like, given, like.dtype, [])
    if (!this.validateArgs) return x
    const events = this.eventShape.length
    if (x.ndim < events || this.eventShape.some((n, i) => x.shape.at(i - events) !== n))
      throw new TensorRangeError(`The right-most size of value must match event_shape: ${show(x.shape)} vs ${show(this.eventShape)}.`, {
        op,
        code: 'SHAPE_MISMATCH',
      })
    broadcastShapes(op, x.shape, [...this.batchShape, ...this.eventShape])
    if (readable(x)) {
      const ok = holds(x)
      if (readable(ok) && falseSomewhere(ok))
        throw new TensorRangeError(
          `Expected value argument (Tensor of shape ${show(x.shape)}) to be within the support (${support}) of the distribution ${this.toString()}, but found invalid values: ${print(x.value)}`,
          { op, code: 'SUPPORT' },
        )
    }
    return x
  }

  /** What this distribution does not have. */
  protected missing(what: string): never {
    throw new TensorTypeError(`has no ${what}: torch.distributions has none for it either, or mapgrad lacks what it needs`, {
      op: this.constructor.name,
      code: 'NOT_IMPLEMENTED',
    })
  }
}

const falseSomewhere = (ok: Tensor): boolean => ok.dataSync().some((v) => !v)

/** Standard normal noise of a shape, like a parameter. */
export const normalNoise = (x: Tensor, shape: Shape, source: SourceOptions): Tensor =>
  drawnLike('rsample', x, shape, x.dtype, NORMAL, source)
/** Uniform noise in [0, 1) of a shape, like a parameter. */
export const uniformNoise = (x: Tensor, shape: Shape, source: SourceOptions): Tensor =>
  drawnLike('rsample', x, shape, x.dtype, UNIFORM, source)
/** Where the second draw of one sample comes from: of a key, another one. */
export const second = (source: SourceOptions): SourceOptions => (source.key ? { ...source, key: foldIn(source.key, 1) } : source)
/** A tensor like a parameter, of one number. */
export const constantLike = (x: Tensor, value: number): Tensor => filledLike(x, value, x.dtype, x.shape)
