/** The element types, in PyTorch's names. `int32` is the default integer, `float32` the default float. */
export type DType = 'bool' | 'uint8' | 'int8' | 'int16' | 'int32' | 'int64' | 'float16' | 'bfloat16' | 'float32' | 'float64'

/** What promotion looks at first: any bool < any integer < any float. */
export type Category = 'bool' | 'int' | 'float'

/** Facts about one dtype. */
export interface DTypeInfo {
  readonly name: DType
  /** bytes of one element */
  readonly bytes: number
  readonly category: Category
  readonly signed: boolean
}

const info = (name: DType, bytes: number, category: Category, signed = true): DTypeInfo => ({ name, bytes, category, signed })

/** What is known of each dtype. */
export const dtypes: Readonly<Record<DType, DTypeInfo>> = {
  bool: info('bool', 1, 'bool', false),
  uint8: info('uint8', 1, 'int', false),
  int8: info('int8', 1, 'int'),
  int16: info('int16', 2, 'int'),
  int32: info('int32', 4, 'int'),
  int64: info('int64', 8, 'int'),
  float16: info('float16', 2, 'float'),
  bfloat16: info('bfloat16', 2, 'float'),
  float32: info('float32', 4, 'float'),
  float64: info('float64', 8, 'float'),
}

/** Whether a dtype is a floating-point one. */
export const isFloat = (d: DType): boolean => dtypes[d].category === 'float'
/** Whether a dtype is an integer one. */
export const isInt = (d: DType): boolean => dtypes[d].category === 'int'
/** Bytes of one element. */
export const bytesOf = (d: DType): number => dtypes[d].bytes

/** The type a value of `d` is computed in: half floats in float32, small integers in int32. */
export function computeType(d: DType): DType {
  switch (d) {
    case 'float16':
    case 'bfloat16':
      return 'float32'
    case 'uint8':
    case 'int8':
    case 'int16':
      return 'int32'
    default:
      return d
  }
}
