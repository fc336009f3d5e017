import { type Tensors, numel } from '@mapgrad/tensor/plugin'

const elements = (xs: Tensors): number => xs.reduce((n, x) => n + numel(x.shape), 0)

/** What it costs to turn a recorded derivative round, counted in rows or columns: measured, see docs/adr/0014-jacobian-mode.md. */
const TRANSPOSING = 64

/** Whether columns take less time than rows where the derivative was recorded in one direction: by the number of each. */
export function columnsAreCheaper(leaves: Tensors, ys: Tensors, recorded: 'reverse' | 'forward'): boolean {
  const [columns, rows] = [elements(leaves), elements(ys)]
  return recorded === 'reverse' ? columns + TRANSPOSING < rows : columns <= rows + TRANSPOSING
}
