import { type Tensors, numel, registry } from '@mapgrad/tensor/plugin'

const elements = (xs: Tensors): number => xs.reduce((n, x) => n + numel(x.shape), 0)

// The numbers are measured: see docs/adr/0014-jacobian-mode.md.

/** What it costs to turn a recorded derivative round, counted in rows or columns. */
const TRANSPOSING = 64

/** Whether what runs is being written down for sizes other than those at hand, so that none may decide anything. */
export function sizesAreOpen(): boolean {
  for (let t = registry().top; t; t = t.parent) if (t.records && t.ambient === t) return true
  return false
}

/** Whether columns take less time than rows where the derivative was recorded in one direction: by the number of each. */
export function columnsAreCheaper(leaves: Tensors, ys: Tensors, recorded: 'reverse' | 'forward'): boolean {
  if (sizesAreOpen()) return recorded === 'forward'
  const [columns, rows] = [elements(leaves), elements(ys)]
  return recorded === 'reverse' ? columns + TRANSPOSING < rows : columns <= rows + TRANSPOSING
}

/** From so many elements on, a Hessian takes less time by reverse over reverse than by forward over reverse mode. */
const MANY = 32

/** Whether a Hessian should be computed by forward mode, before it is known how many outputs the function has. Inside another derivative it adds less to what that records. */
export function forwardIsSafer(leaves: Tensors): boolean {
  for (let t = registry().top; t; t = t.parent) if (t.package === 'autodiff') return true
  return sizesAreOpen() || elements(leaves) < MANY
}
