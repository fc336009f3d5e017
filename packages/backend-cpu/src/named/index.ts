import type { KernelName, NamedKernel } from '@mapgrad/kernel'
import type { Storage } from '@mapgrad/tensor'
import type { KernelContext } from '../context.ts'
import { createMatmul } from './matmul/index.ts'

/** The kernels that are not loops, over one heap. */
export function named(context: KernelContext): Readonly<Partial<Record<KernelName, NamedKernel<Storage>>>> {
  return { matmul: createMatmul(context) }
}
