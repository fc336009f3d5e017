/** An axis and the step, in bytes, of each array along it. */
export interface Axis {
  readonly size: number
  readonly steps: readonly number[]
}

/** The axes of several arrays in row-major order; axes of size 1 are dropped, neighbours that all arrays walk alike are joined. */
export function axesOf(shape: readonly number[], steps: readonly (readonly number[])[]): Axis[] {
  const axes: Axis[] = []
  shape.forEach((size, i) => {
    if (size === 1) return
    const here = steps.map((s) => s[i]!)
    const last = axes.at(-1)
    if (last?.steps.every((step, at) => step === here[at]! * size)) axes[axes.length - 1] = { size: last.size * size, steps: here }
    else axes.push({ size, steps: here })
  })
  return axes
}

/** Visits all points of `axes` but those of the last one in row-major order, with the address of each array; true until a visit gives false. */
export function eachLine(
  axes: readonly Axis[],
  start: readonly number[],
  visit: (line: Axis, at: readonly number[]) => boolean | void,
): boolean {
  if (axes.some((a) => a.size === 0)) return true
  const line = axes.at(-1) ?? { size: 1, steps: start.map(() => 0) }
  const outer = axes.slice(0, -1)
  const counter = outer.map(() => 0)
  const at = [...start]
  for (;;) {
    if (visit(line, at) === false) return false
    let axis = outer.length - 1
    for (; axis >= 0; axis--) {
      const { size, steps } = outer[axis]!
      if (++counter[axis]! < size) {
        for (let i = 0; i < at.length; i++) at[i]! += steps[i]!
        break
      }
      counter[axis] = 0
      for (let i = 0; i < at.length; i++) at[i]! -= steps[i]! * (size - 1)
    }
    if (axis < 0) return true
  }
}

/** Strides in bytes. */
export const steps = (strides: readonly number[], bytes: number): number[] => strides.map((s) => s * bytes)
