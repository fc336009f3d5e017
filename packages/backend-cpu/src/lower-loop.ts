import { type Expr, type Loop, lower } from '@mapgrad/kernel'

/** The loop over basic operations and compute types; a body, an epilogue and coordinates keep the nodes they share. */
export function lowerLoop(loop: Loop): Loop {
  const done = new Map<Expr, Expr>()
  const once = (e: Expr): Expr => {
    let out = done.get(e)
    if (!out) done.set(e, (out = lower(e)))
    return out
  }
  return {
    ...loop,
    body: once(loop.body),
    epilogue: loop.epilogue && once(loop.epilogue),
    inputs: loop.inputs.map((a) => ({ ...a, coordinates: a.coordinates.map((c) => ({ ...c, expr: once(c.expr) })) })),
  }
}
