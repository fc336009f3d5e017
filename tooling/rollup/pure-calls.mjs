import MagicString from 'magic-string'

const functions = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])
const calls = new Set(['CallExpression', 'NewExpression'])
const kept = new Set(['VariableDeclaration', 'ClassDeclaration'])

/** Where the calls start that run when the module loads and whose result is kept. A bare call statement is no such call. */
export function topLevelCalls(program) {
  const starts = []
  const visit = (node) => {
    if (node === null || typeof node !== 'object' || functions.has(node.type)) return
    if (calls.has(node.type)) starts.push(node.start)
    // a method runs when called; a static field, a computed key and what is extended run now
    if (node.type === 'MethodDefinition' || (node.type === 'PropertyDefinition' && !node.static)) return node.computed && visit(node.key)
    for (const key in node) if (key !== 'parent') [node[key]].flat().forEach(visit)
  }
  for (const node of program.body) {
    const declared = node.type.startsWith('Export') ? node.declaration : node
    if (node.type === 'ExportDefaultDeclaration' || kept.has(declared?.type)) visit(declared)
  }
  return [...new Set(starts)]
}

/**
 * Marks every top-level call as pure, so that bundlers drop the ops a program does not use. Declaring the callee free of
 * side effects is not enough: esbuild and rolldown heed only the mark at the call.
 */
export const pureCalls = () => ({
  name: 'pure-calls',
  transform(code) {
    const text = new MagicString(code)
    for (const start of topLevelCalls(this.parse(code))) text.appendLeft(start, '/* @__PURE__ */ ')
    return { code: text.toString(), map: text.generateMap({ hires: true }) }
  },
})
