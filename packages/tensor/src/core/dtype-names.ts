import { type DType, dtypes } from '@mapgrad/kernel'

/** PyTorch's other names of dtypes. */
const otherNames: Readonly<Record<string, DType>> = {
  double: 'float64',
  float: 'float32',
  half: 'float16',
  long: 'int64',
  int: 'int32',
  short: 'int16',
  byte: 'uint8',
  boolean: 'bool',
}

/** What is meant by another name of a dtype, for the end of a message: `. Did you mean 'float64'?` for 'torch.double'. */
export function meantDType(name: unknown): string {
  const plain = typeof name === 'string' ? name.replace(/^torch\./, '') : ''
  const dtype = Object.hasOwn(otherNames, plain) ? otherNames[plain] : plain
  return dtype !== undefined && Object.hasOwn(dtypes, dtype) ? `. Did you mean '${dtype}'?` : ''
}
