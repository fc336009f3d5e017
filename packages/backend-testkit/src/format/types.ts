// Case files: gzipped JSON, one an operator, `<op>[.<variant>].json.gz`. Every number was computed by PyTorch.

/** An array as case files hold it: base64 of the little-endian, row-major buffer; half floats are stored as float32. */
export interface EncodedTensor {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data: string
}

/** A value as case files hold it: JSON scalars and containers, and one-key objects for what JSON lacks. */
export type Encoded =
  | number
  | string
  | boolean
  | null
  | readonly Encoded[]
  | { readonly $tensor: EncodedTensor }
  | { readonly $float: 'nan' | 'inf' | '-inf' }
  | { readonly $complex: readonly [number, number] }
  | { readonly $dtype: string }
  | { readonly $slice: readonly (number | null)[] }
  | { readonly $ellipsis: true }
  | { readonly $skip: string }
  | { readonly [key: string]: Encoded }

/** One call of an operator, what it gave, and its derivatives. */
export interface EncodedSample {
  /** the place in PyTorch's own list of samples */
  readonly sample: number
  readonly args: readonly Encoded[]
  readonly kwargs: { readonly [key: string]: Encoded }
  /** dtype of each output of the float32 call, or the Python type of what is no tensor */
  readonly outDtypes: readonly string[]
  /** the outputs, flattened, computed in float64 wherever the operator allows it */
  readonly out: readonly Encoded[]
  /** leaves of [args, kwargs] that were differentiated; `null` counts as a leaf */
  readonly diffArgs?: readonly number[]
  /** outputs that were differentiated */
  readonly diffOuts?: readonly number[]
  readonly cotangents?: readonly Encoded[]
  readonly vjp?: readonly Encoded[]
  readonly tangents?: readonly Encoded[]
  readonly jvp?: readonly Encoded[]
  /** gradient of Σ⟨vjp, tangents⟩ with respect to the differentiated leaves */
  readonly vjpvjp?: readonly Encoded[]
}

/** What one case file holds. */
export interface CaseFile {
  /** the operator's name in PyTorch, with its variant */
  readonly op: string
  readonly name: string
  readonly variant: string
  readonly autograd: boolean
  readonly forwardAd: boolean
  readonly samples: readonly EncodedSample[]
}
