import type { KernelName, NamedKernel } from '@mapgrad/kernel'
import type { Storage } from '@mapgrad/tensor/plugin'
import type { KernelContext } from '../context.ts'
import { createMatmul } from './matmul/index.ts'
import { createScan } from './scan.ts'
import { createScatter } from './scatter.ts'
import { createSort } from './sort.ts'

/** The kernels that are not loops, over one heap. Each compiles what a dtype needs when it first meets it. */
export function named(context: KernelContext): Readonly<Record<KernelName, NamedKernel<Storage>>> {
  return { matmul: createMatmul(context), sort: createSort(context), scan: createScan(context), scatter: createScatter(context) }
}
