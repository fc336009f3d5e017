import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CpuStorage } from '../../src/heap/block.ts'
import { Heap } from '../../src/heap/heap.ts'
import { SpanAllocator } from '../../src/heap/spans.ts'

test('runs of pages against a model: no overlap, neighbours merge', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 40 })), { maxLength: 200, size: 'max' }), (steps) => {
      const spans = new SpanAllocator()
      spans.extend(64)
      spans.extend(192)
      const owner = new Array<number>(256).fill(0)
      const held: { page: number; n: number; id: number }[] = []
      let id = 0
      for (const [take, n] of steps) {
        if (take) {
          const page = spans.take(n)
          if (page < 0) {
            // good fit may miss a run of nearly the length, never one an eighth longer
            const longest = Math.max(
              ...owner
                .join(' ')
                .split(/[^0 ]+|(?<=\d)\d+/)
                .map((s) => s.split(' ').filter((x) => x === '0').length),
            )
            expect(longest).toBeLessThan(Math.ceil(n * 1.25))
            continue
          }
          id++
          for (let i = page; i < page + n; i++) {
            expect(owner[i]).toBe(0)
            owner[i] = id
          }
          held.push({ page, n, id })
        } else if (held.length > 0) {
          const [gone] = held.splice(n % held.length, 1)
          spans.give(gone!.page, gone!.n)
          owner.fill(0, gone!.page, gone!.page + gone!.n)
        }
        expect(spans.free).toBe(owner.filter((o) => o === 0).length)
      }
      for (const h of held) spans.give(h.page, h.n)
      expect(spans.take(256)).toBe(0)
    }),
    { numRuns: 200 },
  )
})

const MiB = 2 ** 20

/** fills a storage with a pattern of its own */
function fill(heap: Heap, s: CpuStorage, seed: number): void {
  const at = heap.pin(s.block)
  for (let i = 0; i < s.block.bytes; i++) heap.bytes[at + i] = seed + i * 7
}
function check(heap: Heap, s: CpuStorage, seed: number): void {
  const bytes = heap.read(s, 0, s.block.bytes)
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== ((seed + i * 7) & 255)) expect.fail(`byte ${i} of ${bytes.length}: ${bytes[i]}`)
}

describe('the heap against a model', () => {
  test('contents survive spilling and coming back; the totals are exact', () => {
    // one heap for all runs: a memory reserves gigabytes of addresses until the collector comes, which no run of a
    // property waits for
    const heap = new Heap(MiB)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 400_000 })), {
          minLength: 20,
          maxLength: 120,
          size: 'max',
        }),
        (steps) => {
          const held: { s: CpuStorage; seed: number }[] = []
          let live = 0
          try {
            for (const [what, n] of steps) {
              heap.call++
              if (what < 5) {
                const s = heap.alloc(what < 2 ? n % 3000 : n)
                fill(heap, s, held.length)
                held.push({ s, seed: held.length })
                held[held.length - 1]!.seed = held.length - 1
                live += s.block.bytes
              } else if (held.length > 0) {
                const at = n % held.length
                const { s, seed } = held[at]!
                if (what < 7) {
                  heap.free(s)
                  heap.free(s)
                  live -= s.block.bytes
                  held.splice(at, 1)
                } else {
                  if (what === 9) heap.pin(s.block)
                  check(heap, s, seed)
                }
              }
              const info = heap.info()
              expect([info.live, info.storages]).toEqual([live, held.length])
              expect(info.spilled).toBe(held.reduce((sum, h) => sum + (h.s.block.pointer === 0 ? h.s.block.bytes : 0), 0))
              // the budget, a quarter of it for fragmentation, an empty slab kept for each of 18 sizes (1.1 MiB), and what
              // these leave between them that is too small for a block
              expect(heap.memory.buffer.byteLength).toBeLessThanOrEqual(4 * MiB)
            }
            for (const { s, seed } of held) check(heap, s, seed)
          } finally {
            for (const { s } of held) heap.free(s)
          }
          expect(heap.info()).toMatchObject({ live: 0, storages: 0, spilled: 0 })
        },
      ),
      { numRuns: 60 },
    )
  })

  test('pinned blocks stay, however many do not fit', () => {
    const heap = new Heap(MiB)
    const all = Array.from({ length: 8 }, (_, i) => {
      const s = heap.alloc(MiB / 2)
      fill(heap, s, i)
      heap.call++
      return s
    })
    expect(heap.info().spilled).toBeGreaterThan(2 * MiB)
    heap.call++
    const pointers = all.map((s) => heap.pin(s.block))
    expect(all.map((s) => s.block.pointer)).toEqual(pointers)
    expect(new Set(pointers).size).toBe(8)
    all.forEach((s, i) => check(heap, s, i))
    expect(heap.info().spilled).toBe(0)
    // the next call needs only one of them: the heap shrinks back to its budget
    heap.call++
    heap.alloc(MiB / 2)
    expect(heap.info().live - heap.info().spilled).toBeLessThanOrEqual(MiB)
  })

  test('the least recently used block goes first', () => {
    const heap = new Heap(MiB)
    const [a, b] = [heap.alloc(MiB / 2 - 65536), heap.alloc(MiB / 2 - 65536)]
    heap.call++
    heap.pin(a.block)
    heap.call++
    heap.alloc(MiB / 2 - 65536)
    expect([a.block.pointer > 0, b.block.pointer > 0]).toEqual([true, false])
  })

  test('where the heap holds too many blocks, the newest one stays: its address is about to be written to', () => {
    const heap = new Heap(64 * MiB)
    const held = Array.from({ length: 1 << 16 }, () => heap.alloc(8))
    // used since they were queued, so that the search for an old block starts over
    for (const s of held) {
      heap.call++
      heap.pin(s.block)
    }
    for (let i = 0; i < 100; i++) {
      heap.call++
      const s = heap.alloc(8)
      expect(s.block.pointer).toBeGreaterThan(0)
      held.push(s)
    }
  })

  test('fragments merge: many sizes in turn do not grow the heap', () => {
    const heap = new Heap(64 * MiB)
    let top = 0
    for (let round = 0; round < 40; round++) {
      const bytes = 1000 * 1.35 ** (round % 30)
      const all = Array.from({ length: Math.floor((8 * MiB) / bytes / 4) + 1 }, () => heap.alloc(Math.floor(bytes)))
      for (const [i, s] of all.entries()) if (i % 2) heap.free(s)
      for (const [i, s] of all.entries()) if (i % 2 === 0) heap.free(s)
      if (round === 29) top = heap.memory.buffer.byteLength
    }
    expect(heap.info().live).toBe(0)
    expect(heap.memory.buffer.byteLength).toBe(top)
    expect(top).toBeLessThan(16 * MiB)
  })

  test('a freed storage is refused, an empty one is not', () => {
    const heap = new Heap(MiB)
    const empty = heap.alloc(0)
    expect(heap.pin(empty.block)).toBeGreaterThan(0)
    expect(heap.read(empty, 0, 0)).toHaveLength(0)
    const s = heap.alloc(8)
    heap.free(s)
    expect(() => heap.pin(s.block)).toThrow('[backend-cpu] expected a storage in use, got one that was freed')
    expect(() => heap.read(s, 0, 8)).toThrow('freed')
  })
})
