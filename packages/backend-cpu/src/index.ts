import type { Backend } from '@mapgrad/tensor/plugin'
import { createCpu } from './cpu.ts'

export { type CpuOptions, createCpu } from './cpu.ts'
export { reference } from './reference.ts'

/** The CPU: WebAssembly that is generated where it runs. Its memory and its code are made on first use. */
export const cpu: Backend = /* @__PURE__ */ createCpu()
