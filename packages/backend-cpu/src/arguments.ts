import { type LoopCall, roundTo } from '@mapgrad/kernel'
import type { Storage } from '@mapgrad/tensor/plugin'
import { head } from './emit/layout.ts'
import type { CpuStorage } from './heap/block.ts'
import type { Heap } from './heap/heap.ts'
import type { LoopShape, Plan } from './plan.ts'

/** Writes a planned call into the argument block at `block`. Pins every operand. */
export function writeArguments(
  heap: Heap,
  block: number,
  call: LoopCall<Storage>,
  plan: Plan,
  shape: LoopShape,
  offsets?: Int32Array,
): void {
  const { layout, units } = shape
  const n = units.length
  const last = n - 1
  const { inputs } = call
  // pinning may grow the memory, so the views are read after it
  for (let k = 0; k < inputs.length; k++) heap.pin((inputs[k]!.storage as CpuStorage).block)
  heap.pin((call.out.storage as CpuStorage).block)
  const { words } = heap
  const at = block >>> 2
  const pointers = at + (layout.pointers >>> 2)
  for (let k = 0; k < inputs.length; k++) {
    const v = inputs[k]!
    words[pointers + k] = heap.pin((v.storage as CpuStorage).block) + v.offset * units[k]!
  }
  for (let k = inputs.length; k < last; k++) words[pointers + k] = 0
  words[pointers + last] = heap.pin((call.out.storage as CpuStorage).block) + call.out.offset * units[last]!
  if (offsets) for (let k = 0; k < n; k++) words[pointers + k] = words[pointers + k]! + offsets[k]! * units[k]!

  const { inner } = plan
  words[at + (head.count >>> 2)] = plan.emptyReduction ? 0 : inner < 0 ? 1 : plan.sizes[inner]!
  const strides = at + (layout.strides >>> 2)
  for (let k = 0; k < n; k++) words[strides + k] = inner < 0 ? units[k]! : plan.stride(k, inner) * units[k]!

  let row = block + layout.table
  row = writeTable(words, row, plan, shape, plan.reduced, plan.axes)
  words[at + (head.keptEnd >>> 2)] = row
  if (shape.loop.reduce) {
    words[at + (head.reducedTable >>> 2)] = row
    if (!plan.emptyReduction) row = writeTable(words, row, plan, shape, 0, plan.reduced)
    words[at + (head.reducedEnd >>> 2)] = row
    const a = plan.innerReduced
    words[at + (head.reducedCount >>> 2)] = a < 0 ? 1 : plan.sizes[a]!
    const reducedStrides = at + (layout.reducedStrides >>> 2)
    for (let k = 0; k < n; k++) words[reducedStrides + k] = a < 0 ? 0 : plan.stride(k, a) * units[k]!
  }
  if (layout.coordinates.length > 0) writeCoordinates(words, at + (layout.coordinateSlots >>> 2), call, shape)
  if (call.scalars.length > 0) writeScalars(heap, block + layout.scalars, call, shape)
}

/** rows of the axes [from, to) but for the innermost ones: each step undoes what the faster axes have walked */
function writeTable(words: Int32Array, address: number, plan: Plan, { layout, units }: LoopShape, from: number, to: number): number {
  const n = units.length
  let row = address
  for (let a = from; a < to; a++) {
    if (a === plan.inner || a === plan.innerReduced) continue
    const at = row >>> 2
    words[at] = plan.sizes[a]!
    words[at + 1] = plan.sizes[a]!
    for (let k = 0; k < n; k++) {
      let step = plan.stride(k, a)
      for (let faster = from; faster < a; faster++)
        if (faster !== plan.inner && faster !== plan.innerReduced) step -= plan.stride(k, faster) * (plan.sizes[faster]! - 1)
      words[at + 2 + k] = step * units[k]!
    }
    row += layout.rowBytes
  }
  return row
}

function writeCoordinates(words: Int32Array, at: number, call: LoopCall<Storage>, { layout, units }: LoopShape): void {
  let input = -1
  let i = 0
  for (const c of layout.coordinates) {
    i = c.stream === input ? i + 1 : 0
    input = c.stream
    const { size, stride } = call.inputs[input]!.coordinates![i]!
    words[at++] = size
    words[at++] = stride * units[input]!
  }
}

function writeScalars(heap: Heap, address: number, call: LoopCall<Storage>, { loop }: LoopShape): void {
  const { scalars } = loop
  for (let i = 0; i < scalars.length; i++, address += 8) {
    const value = call.scalars[i]!
    switch (scalars[i]!) {
      case 'float64':
        heap.doubles[address >>> 3] = Number(value)
        break
      case 'int64':
        heap.longs[address >>> 3] = BigInt(value)
        break
      case 'float32':
        heap.floats[address >>> 2] = Number(value)
        break
      case 'int32':
        heap.words[address >>> 2] = Number(value)
        break
      case 'float16':
      case 'bfloat16':
        heap.floats[address >>> 2] = Number(roundTo(value, scalars[i]!))
        break
      default:
        heap.words[address >>> 2] = Number(roundTo(value, scalars[i]!))
    }
  }
}
