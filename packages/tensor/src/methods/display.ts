import { print } from '../core/print.ts'
import type { Tensor } from '../tensor.ts'
import { AutogradMethods } from './autograd.ts'

type Class = typeof AutogradMethods

/** Adds what hosts look for by symbols that are not JavaScript's own: they have no place in a declared class. */
function withDisplay(Base: Class): Class {
  abstract class Displayed extends Base {}
  const text = function (this: Tensor): string {
    return print(this.value)
  }
  const hooks: readonly [string, unknown][] = [
    ['nodejs.util.inspect.custom', text],
    ['Deno.customInspect', text],
    [
      'Jupyter.display',
      function (this: Tensor) {
        return { 'text/plain': print(this.value) }
      },
    ],
    // what compilers of `using` fall back to where the runtime has no Symbol.dispose
    [
      'Symbol.dispose',
      function (this: Tensor) {
        this.dispose()
      },
    ],
  ]
  for (const [name, value] of hooks)
    Object.defineProperty(Displayed.prototype, Symbol.for(name), { value, writable: true, configurable: true })
  return Displayed
}

/** The methods of tensors, with `console.log` of Node, Bun and Deno, and notebooks. */
export const Displayed: Class = /* @__PURE__ */ withDisplay(AutogradMethods)
