import MagicString from 'magic-string'

const pure = '/* @__PURE__ */ '
const functions = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])
const classes = new Set(['ClassDeclaration', 'ClassExpression'])
const calls = new Set(['CallExpression', 'NewExpression'])

/** All nodes below `node` that run when the module loads, `node` included; functions are given, their bodies are not. */
function* loaded(node) {
  if (Array.isArray(node)) for (const child of node) yield* loaded(child)
  if (!node?.type) return
  yield node
  if (functions.has(node.type)) return
  // a method runs when called; a static field, a computed key and what is extended run now
  const later = node.type === 'MethodDefinition' || (node.type === 'PropertyDefinition' && !node.static)
  if (later && !node.computed) return
  for (const key in node) {
    const names = !node.computed && ['key', 'property'].includes(key)
    const called = key === 'callee' && node.callee.type === 'Identifier'
    if (key !== 'parent' && !names && !called && !(later && key === 'value')) yield* loaded(node[key])
  }
}

/** The names a module declares or imports at its top level; any other name is a global, which may not be there. */
function namesOf(program) {
  const names = new Set(['undefined'])
  const addPattern = (node) => {
    for (const { type, name } of loaded(node)) if (type === 'Identifier') names.add(name)
  }
  for (const node of program.body) {
    const declared = node.type.startsWith('Export') ? node.declaration : node
    for (const { local } of (node.type === 'ImportDeclaration' && node.specifiers) || []) names.add(local.name)
    if (declared?.id) names.add(declared.id.name)
    for (const { id } of declared?.declarations ?? []) addPattern(id)
  }
  return names
}

const isPlainNumber = (node) => node.type === 'Literal' && typeof node.value === 'number'

/** Whether bundlers take the node to have an effect of its own, calls aside: reading a property or a global, arithmetic. */
function mayHaveEffect(node, names) {
  switch (node.type) {
    case 'BinaryExpression':
    case 'MemberExpression':
    case 'SpreadElement':
    case 'TaggedTemplateExpression':
      return true
    case 'Identifier':
      return !names.has(node.name)
    case 'TemplateLiteral':
      return node.expressions.length > 0
    case 'UnaryExpression':
      return !['!', 'typeof', 'void'].includes(node.operator) && !isPlainNumber(node.argument)
    default:
      return false
  }
}

/** Marks what an initialiser, a default export or a class does when the module loads. */
function mark(node, text, names) {
  if (!node || functions.has(node.type)) return
  const parts = [...loaded(node)]
  if (parts.some(({ type }) => type === 'AwaitExpression')) return
  if (!classes.has(node.type) && parts.some((part) => mayHaveEffect(part, names))) {
    text.appendLeft(node.start, `${pure}(() => (`).appendRight(node.end, '))()')
    return
  }
  for (const start of new Set(parts.filter(({ type }) => calls.has(type)).map((call) => call.start))) text.appendLeft(start, pure)
}

/**
 * Marks what the top level of a module computes as pure, so that bundlers drop the ops a program does not use: each call,
 * or, where bundlers see another possible effect (`f(a.b)`, `1 / f()`), the whole as one call of a function. Declaring callees
 * free of effects is not enough: esbuild and rolldown heed only the mark at the call. A bare call statement stays as it is.
 */
export const pureCalls = () => ({
  name: 'pure-calls',
  transform(code) {
    const text = new MagicString(code)
    const program = this.parse(code)
    const names = namesOf(program)
    for (const node of program.body) {
      const declared = node.type.startsWith('Export') ? node.declaration : node
      if (node.type === 'ExportDefaultDeclaration' || declared?.type === 'ClassDeclaration') mark(declared, text, names)
      if (declared?.type === 'VariableDeclaration') for (const { init } of declared.declarations) mark(init, text, names)
    }
    return { code: text.toString(), map: text.generateMap({ hires: true }) }
  },
})
