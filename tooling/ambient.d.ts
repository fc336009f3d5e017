// What packages may use of the host beyond ECMAScript: present in browsers, workers, Node, Deno and Bun alike.
// Packages are checked without the DOM's and Node's types, so that nothing of either slips in. These names
// must stay out of exported signatures: a consumer's compiler may not know them (the dist check would fail).

interface ImportMeta {
  readonly url: string
}

declare const console: {
  debug(...data: unknown[]): void
  error(...data: unknown[]): void
  info(...data: unknown[]): void
  log(...data: unknown[]): void
  warn(...data: unknown[]): void
}

declare const performance: { now(): number }

declare function atob(data: string): string
declare function btoa(data: string): string
declare function queueMicrotask(callback: () => void): void
declare function setTimeout(callback: () => void, ms?: number): unknown

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>
}

declare class TextDecoder {
  constructor(label?: string)
  decode(bytes?: ArrayBufferView | ArrayBufferLike): string
}

declare class URL {
  constructor(url: string | URL, base?: string | URL)
  readonly href: string
  readonly protocol: string
}

declare namespace WebAssembly {
  type ImportValue = ((...args: never[]) => unknown) | Memory | Table | Global | number
  type Imports = Record<string, Record<string, ImportValue>>
  type Bytes = ArrayBufferView<ArrayBufferLike> | ArrayBufferLike

  class Module {
    constructor(bytes: Bytes)
  }
  class Instance {
    constructor(module: Module, imports?: Imports)
    readonly exports: Record<string, unknown>
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean })
    readonly buffer: ArrayBuffer
    grow(pages: number): number
  }
  class Table {
    constructor(descriptor: { element: 'anyfunc' | 'externref'; initial: number; maximum?: number })
    readonly length: number
    get(index: number): unknown
    grow(delta: number): number
    set(index: number, value: unknown): void
  }
  class Global {
    constructor(descriptor: { value: 'i32' | 'i64' | 'f32' | 'f64'; mutable?: boolean }, value?: number | bigint)
    value: number | bigint
  }
  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}

  function validate(bytes: Bytes): boolean
  function compile(bytes: Bytes): Promise<Module>
  function instantiate(module: Module, imports?: Imports): Promise<Instance>
}
