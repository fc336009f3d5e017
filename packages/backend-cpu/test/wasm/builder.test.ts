import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ModuleBuilder } from '../../src/wasm/builder.ts'
import { ByteWriter } from '../../src/wasm/encoder.ts'
import { type PlainOp, laneMemory, lanes, memory, plain, saturating, vector, vectorMemory } from '../../src/wasm/opcodes.ts'

function run(write: (f: ReturnType<ModuleBuilder['function']>) => void, result: 'i32' | 'i64' | 'f64', imports = {}): unknown {
  const module = new ModuleBuilder()
  const f = module.function('f', [], [result])
  write(f)
  const bytes = module.encode()
  expect(WebAssembly.validate(bytes)).toBe(true)
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    env: { memory: new WebAssembly.Memory({ initial: 1 }), ...imports },
  })
  return (instance.exports['f'] as () => unknown)()
}

test('numbers survive their encoding', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (n) => void expect(run((f) => f.i32(n), 'i32')).toBe(n)),
    { numRuns: 200 },
  )
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (n) => void expect(run((f) => f.i64(n), 'i64')).toBe(n)),
    { numRuns: 200 },
  )
  fc.assert(
    fc.property(fc.double(), (x) => void expect(run((f) => f.f64(x), 'f64')).toBe(x)),
    { numRuns: 100 },
  )
  for (const n of [0, 127, 128, 16383, 16384, 2 ** 32 - 1]) {
    const w = new ByteWriter()
    w.u32(n)
    expect(w.view().reduce((sum, b, i) => sum + (b & 127) * 2 ** (7 * i), 0)).toBe(n)
  }
})

test('branches reach their label from any depth', () => {
  const sum = run((f) => {
    const i = f.local('i32')
    const s = f.local('i32')
    f.block((done) => {
      f.loop((again) => {
        f.get(i)
          .i32(10)
          .op('i32.ge_s')
          .if(() => f.br(done))
        f.get(i)
          .i32(1)
          .op('i32.and')
          .if(
            () => f.get(s).get(i).op('i32.add').set(s),
            () => f.get(s).i32(100).op('i32.add').set(s),
          )
        f.get(i).i32(1).op('i32.add').set(i).br(again)
      })
    })
    f.get(s)
  }, 'i32')
  expect(sum).toBe(525)
})

/** operand and result types of an instruction, from its name */
function shape(name: string): { params: string[]; results: string[] } {
  const [type, op] = name.split('.') as [string, string]
  if (name in plain || name in saturating) {
    const from = /_([if]\d\d)(_[su])?$/.exec(op)?.[1]
    if (from) return { params: [from], results: [type] }
    if (/^eqz$/.test(op)) return { params: [type], results: ['i32'] }
    if (/^(eq|ne|lt|gt|le|ge)(_[su])?$/.test(op)) return { params: [type, type], results: ['i32'] }
    if (/^(clz|ctz|popcnt|abs|neg|ceil|floor|trunc|nearest|sqrt)$/.test(op)) return { params: [type], results: [type] }
    return { params: [type, type], results: [type] }
  }
  const scalar = type === 'f32x4' ? 'f32' : type === 'f64x2' ? 'f64' : type === 'i64x2' ? 'i64' : 'i32'
  if (op === 'splat') return { params: [scalar], results: ['v128'] }
  if (/^(any_true|all_true|bitmask)$/.test(op)) return { params: ['v128'], results: ['i32'] }
  if (/^(shl|shr_[su])$/.test(op)) return { params: ['v128', 'i32'], results: ['v128'] }
  if (op === 'bitselect' || op.startsWith('relaxed_')) return { params: ['v128', 'v128', 'v128'], results: ['v128'] }
  if (/^(not|abs|neg|sqrt|ceil|floor|trunc|nearest|extend_.*|convert_.*|trunc_sat_.*|demote_.*|promote_.*)$/.test(op))
    return { params: ['v128'], results: ['v128'] }
  return { params: ['v128', 'v128'], results: ['v128'] }
}

test.each(Object.keys({ ...plain, ...saturating, ...vector }).filter((n) => n.includes('.') && !n.includes('relaxed')) as PlainOp[])(
  '%s is that instruction',
  (name) => {
    const { params, results } = shape(name)
    const module = new ModuleBuilder()
    const f = module.function('f', params as 'i32'[], results as 'i32'[])
    params.forEach((_, i) => f.get(f.param(i)))
    f.op(name)
    expect(WebAssembly.validate(module.encode())).toBe(true)
  },
)

test('every load, store and lane access is valid', () => {
  const module = new ModuleBuilder()
  const f = module.function('f', [], [])
  const scalarOf = (name: string): 'i32' | 'i64' | 'f32' | 'f64' => name.slice(0, 3) as 'i32'
  const push = (type: string): void =>
    void (type === 'i32' ? f.i32(0) : type === 'i64' ? f.i64(0n) : type === 'f32' ? f.f32(0) : type === 'f64' ? f.f64(0) : f.i32x4(0))
  for (const name of [...Object.keys(memory), ...Object.keys(vectorMemory)] as (keyof typeof memory)[]) {
    f.i32(0)
    const stores = name.includes('store')
    if (stores) push(name in vectorMemory ? 'v128' : scalarOf(name))
    f.mem(name, 300)
    if (!stores) f.op('drop')
  }
  for (const name of Object.keys(laneMemory) as (keyof typeof laneMemory)[]) {
    f.i32(0).i32x4(0).memLane(name, 1, 8)
    if (name.includes('load')) f.op('drop')
  }
  for (const name of Object.keys(lanes) as (keyof typeof lanes)[]) {
    f.i32x4(0)
    if (name.includes('replace'))
      push(name.startsWith('f32') ? 'f32' : name.startsWith('f64') ? 'f64' : name.startsWith('i64') ? 'i64' : 'i32')
    f.lane(name, 1).op('drop')
  }
  expect(WebAssembly.validate(module.encode())).toBe(true)
})
