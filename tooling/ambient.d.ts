/// <reference path="./ambient-wasm.d.ts" />

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
