import type { Column } from '../compare/tolerance.ts'

/** A failure that is known. It must fail for at least one of this package's samples, else the run fails: the list can only shrink. */
export interface Expected {
  readonly op: string
  readonly columns: readonly Column[]
  /** what the failure says; another failure of the same operator is a failure */
  readonly message: RegExp
  readonly reason: string
  /** only on this backend */
  readonly backend?: string
}

const batched: readonly Column[] = ['vmap', 'vmapvjp']
const dynamic = (op: string, message: RegExp, reason: string, columns: readonly Column[] = batched): Expected => ({
  op,
  columns,
  message,
  reason,
})

/** Known failures, each with its reason. */
export const expectedFailures = (): readonly Expected[] => [
  dynamic('argwhere', /dynamic shape/, 'the shape of the result depends on the data; PyTorch refuses too', ['vmap']),
  dynamic('nonzero', /dynamic shape/, 'the shape of the result depends on the data; PyTorch refuses too', ['vmap']),
  dynamic('masked_select', /differently shaped/, 'the shape of the result depends on the data; PyTorch refuses too'),
  dynamic('index_put', /boolean mask/, 'a boolean mask per example selects another number of elements in each; PyTorch refuses too'),
  dynamic('repeat_interleave', /dynamic shape/, 'repeats per example give results of different lengths; PyTorch refuses too'),
  dynamic('nn.functional.one_hot', /explicit positive num_classes/, 'the number of classes depends on the data; PyTorch refuses too', [
    'vmap',
  ]),
  dynamic(
    'tensor_split',
    /\.(dataSync|tolist|item)\(\)/,
    'split points per example give results of different lengths; PyTorch refuses too',
  ),
  dynamic('narrow', /\.item\(\)/, 'a start per example; PyTorch refuses too'),
  {
    op: 'norm.nuc',
    columns: ['forward', 'vjp', 'jvp', 'vjpvjp', 'vmap', 'vmapvjp'],
    message: /nuc/,
    reason: 'the nuclear norm needs the singular value decomposition, which is not in this version',
  },
]

/** The entry for a failing column, if it is expected to fail with that message. */
export const expectedFailure = (op: string, column: Column, backend: string, message: string): Expected | undefined =>
  expectedFailures().find(
    (e) => e.op === op && e.columns.includes(column) && (e.backend === undefined || e.backend === backend) && e.message.test(message),
  )
