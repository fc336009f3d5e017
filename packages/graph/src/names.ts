/** Words that a name in printed code may not be: JavaScript's, and what the code itself imports or declares. */
const TAKEN: ReadonlySet<string> = /* @__PURE__ */ new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if ' +
    'implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof ' +
    'undefined var void while with yield NaN Infinity ' +
    'ops Tensor Generator Op Tensors tensor full nextKey resolveDevice forward atob Uint8Array Float32Array Float64Array Int8Array Int16Array Int32Array BigInt64Array Map'
  ).split(' '),
)

/** An op's name as an identifier: `log_softmax` → `logSoftmax`. Also the name that its `home` exports it under. */
export const camelCase = (name: string): string => name.replace(/_+(\w)/g, (_, c: string) => c.toUpperCase())

/** Any text as an identifier. */
function identifier(text: string): string {
  const clean = text.replace(/[^\p{ID_Continue}$]+/gu, '_').replace(/^_+(?=.)|_+$/g, '')
  return clean === '' || /^\d/.test(clean) ? `_${clean}` : clean
}

/** Gives names out, each once: `mul`, `mul_1`, `mul_2`. */
export class Names {
  readonly #used = new Set<string>()
  readonly #next = new Map<string, number>()

  /** A name that says `text`, unlike any before. */
  take(text: string): string {
    const base = identifier(text)
    let n = this.#next.get(base) ?? (TAKEN.has(base) ? 1 : 0)
    let name = n === 0 ? base : `${base}_${n}`
    while (this.#used.has(name)) name = `${base}_${++n}`
    this.#next.set(base, n + 1)
    this.#used.add(name)
    return name
  }
  has(name: string): boolean {
    return this.#used.has(name)
  }
}
