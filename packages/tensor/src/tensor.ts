/// <reference lib="esnext.disposable" preserve="true" />
import { type End, checkEnd } from './core/args.ts'
import { TensorTypeError, show } from './core/errors.ts'
import { type Nested, type NumberArray, type TypedArray, nest, readAsync, readSync } from './core/read.ts'
import { print } from './core/print.ts'
import { numel } from './core/shape.ts'
import type { Value } from './core/value.ts'
import { Displayed } from './methods/display.ts'

/** A multi-dimensional array of one dtype on one device. Functions of it can be transformed. */
export class Tensor extends Displayed {
  override wrap(value: Value): Tensor {
    return new Tensor(value)
  }

  /** The number of elements. */
  numel(...end: End): number {
    checkEnd('numel', end)
    return numel(this.shape)
  }

  /**
   * The one element of a tensor that has one, as a number, boolean (bool), or bigint (int64). Its type is `number` unless another is
   * named or expected, since dtypes are no types: `x.gt(0).item<boolean>()`.
   * @throws TensorTypeError if there are more elements or none, or where a transform keeps values from being read
   */
  item<T extends number | boolean | bigint = number>(...end: End): T {
    checkEnd('item', end)
    return one(this, readSync(this.value.concrete('item'), 'item')) as T
  }
  /** `item` on any device. */
  async itemAsync<T extends number | boolean | bigint = number>(...end: End): Promise<T> {
    checkEnd('itemAsync', end)
    return one(this, await readAsync(this.value.concrete('item'))) as T
  }
  /**
   * The elements as nested arrays of numbers, booleans (bool), or bigints (int64). Its type may be named or expected:
   * `const rows: number[][] = x.tolist()`.
   * @throws TensorTypeError where a transform keeps values from being read
   */
  tolist<T extends Nested = Nested>(...end: End): T {
    checkEnd('tolist', end)
    return nest(readSync(this.value.concrete('tolist'), 'tolist'), this.shape, this.dtype) as T
  }
  /** `tolist` on any device. */
  async tolistAsync<T extends Nested = Nested>(...end: End): Promise<T> {
    checkEnd('tolistAsync', end)
    return nest(await readAsync(this.value.concrete('tolist')), this.shape, this.dtype) as T
  }
  /**
   * The elements row-major in a typed array of their own; half floats as float32, bools as bytes. Its type is that of an array of numbers
   * unless another is named or expected: `x.dataSync<Float32Array>()`, `x.dataSync<BigInt64Array>()` of int64.
   * @throws TensorTypeError where a transform keeps values from being read
   */
  dataSync<T extends TypedArray = NumberArray>(...end: End): T {
    checkEnd('dataSync', end)
    return readSync(this.value.concrete('dataSync'), 'dataSync') as T
  }
  /** `dataSync` on any device. */
  async data<T extends TypedArray = NumberArray>(...end: End): Promise<T> {
    checkEnd('data', end)
    return (await readAsync(this.value.concrete('data'))) as T
  }

  /** Gives the memory back now. Never a duty; using the tensor afterwards is a named error. */
  dispose(...end: End): void {
    checkEnd('dispose', end)
    for (const v of this.value.arrays()) v.dispose()
  }
  /** `dispose` at the end of the block of a `using` declaration. */
  [Symbol.dispose](): void {
    this.dispose()
  }

  /** The values, dtype and device in PyTorch's layout; a value inside a transform shows its level. */
  override toString(): string {
    return print(this.value)
  }
  /** `x.tolist()`, so that JSON.stringify writes the elements; raises where those cannot be read. */
  toJSON(): Nested {
    return this.tolist()
  }
  /**
   * What JavaScript's own operators see: the number of a tensor with one element, the printed form in a string. Inside
   * vmap and compile, where there is no one value, it raises; `x.toString()` and console.log always print.
   */
  [Symbol.toPrimitive](hint: string): number | boolean | bigint | string {
    if (hint === 'string') {
      // one that is gone says so, and raises nothing
      if (!this.value.arrays().some((v) => v.disposed)) this.value.concrete('toString')
      return print(this.value)
    }
    if (this.numel() !== 1)
      throw new TensorTypeError(
        `only tensors with one element can be converted to JavaScript numbers, got one of shape ${show(this.shape)}. Use methods such as x.add(y) instead of operators`,
        { op: 'toPrimitive', code: 'NOT_A_SCALAR' },
      )
    const x = this.item()
    return hint === 'number' ? Number(x) : x
  }
}

function one(x: Tensor, data: TypedArray): number | boolean | bigint {
  if (data.length !== 1)
    throw new TensorTypeError(
      `a Tensor with ${data.length} elements cannot be converted to Scalar; the shape is ${show(x.shape)}. Use x.tolist() or x.dataSync()`,
      { op: 'item', code: 'NOT_A_SCALAR' },
    )
  return x.dtype === 'bool' ? data[0] !== 0 : data[0]!
}
