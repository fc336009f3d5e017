import type { BasicOp, CompareOp, DType } from '@mapgrad/kernel'
import { type Emitter, maskFrom32, perLane, registerOf } from './lanes.ts'

/** [operands] → `op` of them, in a compute type (lowering has seen to small integers and half floats); a shift by a constant finds only the shifted value on the stack */
export function emitBasic(e: Emitter, op: BasicOp, dtype: DType, constantShift: number | null): void {
  switch (registerOf(dtype)) {
    case 'f32':
    case 'f64':
      return floats(e, op, registerOf(dtype) as 'f32' | 'f64')
    case 'i32':
    case 'i64':
      return ints(e, op, registerOf(dtype) as 'i32' | 'i64', constantShift)
    case 'mask':
      return masks(e, op)
  }
}

function unknown(op: BasicOp, what: string): never {
  throw new TypeError(`[backend-cpu] ${op}: expected an operation on ${what}, got one that it does not have; insert a cast`)
}

const floatOps = new Set<BasicOp>(['add', 'sub', 'mul', 'div', 'min', 'max', 'neg', 'abs', 'sqrt', 'floor', 'ceil', 'trunc', 'round'])

function floats(e: Emitter, op: BasicOp, r: 'f32' | 'f64'): void {
  const { f } = e
  if (op === 'rem') {
    const fmod = e.host('fmod')
    if (r === 'f64') return perLane(e, r, r, 2, () => f.call(fmod))
    // an exact remainder of float32 numbers is a float32 number
    return perLanePromoted(e, () => f.call(fmod))
  }
  if (!floatOps.has(op)) unknown(op, 'floats')
  const name = op === 'round' ? 'nearest' : (op as 'add')
  f.op(r === 'f32' ? `f32x4.${name}` : `f64x2.${name}`)
}

/** two float32 operands, a float64 function, a float32 result, lane by lane */
function perLanePromoted(e: Emitter, call: () => void): void {
  const { f } = e
  const second = f.local('f64')
  perLane(e, 'f32', 'f32', 2, () => {
    f.op('f64.promote_f32').set(second).op('f64.promote_f32').get(second)
    call()
    f.op('f32.demote_f64')
  })
  f.release(second)
}

function ints(e: Emitter, op: BasicOp, r: 'i32' | 'i64', constantShift: number | null): void {
  const { f } = e
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul':
    case 'neg':
    case 'abs':
      return void f.op(r === 'i32' ? `i32x4.${op}` : `i64x2.${op}`)
    case 'and':
    case 'or':
    case 'xor':
    case 'not':
      return void f.op(`v128.${op}`)
    case 'min':
    case 'max': {
      if (r === 'i32') return void f.op(op === 'min' ? 'i32x4.min_s' : 'i32x4.max_s')
      const x = f.local('v128')
      const y = f.local('v128')
      f.set(y)
        .set(x)
        .get(x)
        .get(y)
        .get(x)
        .get(y)
        .op(op === 'min' ? 'i64x2.lt_s' : 'i64x2.gt_s')
        .op('v128.bitselect')
      f.release(x)
      return f.release(y)
    }
    case 'div':
    case 'rem':
      return division(e, op, r)
    case 'shl':
    case 'shr':
    case 'shru':
      return shift(e, op, r, constantShift)
    case 'mulhi':
      if (r === 'i64') unknown(op, 'int64')
      return mulhi(e)
    case 'floor':
    case 'ceil':
    case 'trunc':
    case 'round':
      return
    default:
      unknown(op, 'integers')
  }
}

/** truncating; by zero 0, and INT_MIN / −1 wraps: the hardware would trap on both */
function division(e: Emitter, op: 'div' | 'rem', r: 'i32' | 'i64'): void {
  const { f } = e
  const x = f.local(r)
  const y = f.local(r)
  const number = (n: number): void => void (r === 'i32' ? f.i32(n) : f.i64(BigInt(n)))
  perLane(e, r, r, 2, () => {
    f.set(y).set(x)
    f.get(y).op(`${r}.eqz`)
    f.if(
      () => number(0),
      () => {
        f.get(y)
        number(-1)
        f.op(`${r}.eq`)
        f.if(
          () => {
            number(0)
            if (op === 'div') f.get(x).op(`${r}.sub`)
          },
          () => f.get(x).get(y).op(`${r}.${op}_s`),
          r,
        )
      },
      r,
    )
  })
  f.release(x)
  f.release(y)
}

/** counts are taken modulo the register's width */
function shift(e: Emitter, op: 'shl' | 'shr' | 'shru', r: 'i32' | 'i64', constant: number | null): void {
  const name = op === 'shl' ? 'shl' : op === 'shr' ? 'shr_s' : 'shr_u'
  if (constant !== null) return void e.f.i32(constant).op(r === 'i32' ? `i32x4.${name}` : `i64x2.${name}`)
  perLane(e, r, r, 2, () => e.f.op(`${r}.${name}`))
}

/** the high halves of the unsigned 64-bit products */
function mulhi({ f }: Emitter): void {
  const x = f.local('v128')
  const y = f.local('v128')
  f.set(y).set(x)
  f.get(x).get(y).op('i64x2.extmul_low_i32x4_u').get(x).get(y).op('i64x2.extmul_high_i32x4_u')
  f.shuffle([4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31])
  f.release(x)
  f.release(y)
}

function masks({ f }: Emitter, op: BasicOp): void {
  switch (op) {
    case 'and':
    case 'mul':
    case 'min':
      return void f.op('v128.and')
    case 'or':
    case 'add':
    case 'max':
      return void f.op('v128.or')
    case 'xor':
    case 'sub':
      return void f.op('v128.xor')
    case 'not':
      return void f.op('v128.not')
    case 'abs':
    case 'neg':
      return
    default:
      unknown(op, 'bool')
  }
}

/** [x, y] of `dtype` → a mask */
export function emitCompare(e: Emitter, op: CompareOp, dtype: DType): void {
  const { f } = e
  const r = registerOf(dtype)
  switch (r) {
    case 'f32':
    case 'f64':
      f.op(r === 'f32' ? `f32x4.${op}` : `f64x2.${op}`)
      break
    case 'i32':
      f.op(op === 'eq' || op === 'ne' ? `i32x4.${op}` : `i32x4.${op}_s`)
      break
    case 'i64':
      f.op(op === 'eq' || op === 'ne' ? `i64x2.${op}` : `i64x2.${op}_s`)
      break
    case 'mask': {
      // true is −1 in a mask: the order turns round
      const turned = ({ eq: 'eq', ne: 'ne', lt: 'gt_s', le: 'ge_s', gt: 'lt_s', ge: 'le_s' } as const)[op]
      return void f.op(e.lanes === 4 ? `i32x4.${turned}` : `i64x2.${turned}`)
    }
  }
  if (r === 'f32' || r === 'i32') maskFrom32(e)
}
