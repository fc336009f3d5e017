// Editors show what stands above a declaration. Methods are the functions of the same name, which are documented once, in the sources: here, in
// the declarations that are published, methods get the text of their functions, and both get the names of parameters that a type hides.
// Lines stay where they are, so that declaration maps hold.
import { readFileSync, writeFileSync } from 'node:fs'
import { filesBelow } from './workspace.mjs'

const isDeclaration = (name) => name.endsWith('.d.ts')
const comment = String.raw`/\*\*((?:(?!\*/)[\s\S])*)\*/\n`

/** The text of a comment in one line. */
const inOneLine = (text) =>
  text
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trim())
    .filter(Boolean)
    .join(' ')
    .replaceAll('@throws', 'Throws')

/** What the declarations say of types, options and functions, by name; `null` where two say different things. */
export function factsOf(texts) {
  const facts = { types: new Map(), interfaces: new Map(), docs: new Map(), rests: new Map() }
  const note = (map, name, value) => map.set(name, map.has(name) && map.get(name) !== value ? null : value)
  for (const text of texts) {
    for (const [, name, type] of text.matchAll(/^(?:export )?(?:declare )?type (\w+)[^=\n]*= ([\s\S]*?);$/gm)) note(facts.types, name, type)
    for (const [, name, head, body] of text.matchAll(/^(?:export )?interface (\w+)([^{\n]*)\{\n([\s\S]*?)^\}/gm))
      note(facts.interfaces, name, `${head}{\n${body}`)
    for (const [, doc, name] of text.matchAll(new RegExp(`${comment}export declare (?:function|const) (\\w+)`, 'g')))
      if (!facts.docs.has(name)) facts.docs.set(name, inOneLine(doc))
    for (const [, name, type] of text.matchAll(/^export declare function (\w+)\(\w+: Tensor, \.\.\.args: (.*?)\): /gm))
      note(facts.rests, name, type)
  }
  return facts
}

/** The names of options that a type has. */
function optionsOf(type, { interfaces }) {
  const found = interfaces.get(type)
  if (!found) return []
  const [head, body] = [found.slice(0, found.indexOf('{')), found.slice(found.indexOf('{'))]
  const inherited = /^\s*extends\s+([\w\s,]+)$/.exec(head)?.[1].split(',') ?? []
  return [
    ...inherited.flatMap((name) => optionsOf(name.trim(), { interfaces })),
    ...[...body.matchAll(/^\s*readonly (\w+\??):/gm)].map(([, name]) => name),
  ]
}

/** The parameters behind `Args<[dim?: number, keepdim?: boolean], SumOptions>`, or a name of such a type: `dim?, keepdim?, { dtype? }`. */
export function parametersOf(type, facts) {
  const [, positional, options] = /^Args<\[(.*)\], (?:\w+\.)?(\w+)>$/s.exec(type.trim()) ?? []
  if (positional === undefined) {
    // the rest of a function's parameters
    const of = /^\w+<typeof (?:\w+\.)?(\w+)>$/.exec(type.trim())?.[1]
    if (of) return facts.rests.get(of) ? parametersOf(facts.rests.get(of), facts) : undefined
    const alias = /^(?:\w+\.)?(\w+)$/.exec(type.trim())?.[1]
    const meaning = alias && facts.types.get(alias)
    return meaning ? parametersOf(meaning, facts) : undefined
  }
  if (/\.\.\./.test(positional)) return undefined
  const names = [...positional.matchAll(/(?:^|, )(\w+\??): /g)].map(([, name]) => name)
  const plain = (name) => name.replace('?', '')
  const others = optionsOf(options, facts).filter((name) => !names.some((n) => plain(n) === plain(name)))
  return [...names, ...(others.length > 0 ? [`{ ${others.join(', ')} }`] : [])].join(', ')
}

const sentence = (parameters) => (parameters ? ` Parameters: \`${parameters}\`.` : '')

/** A declaration file with what its methods and functions have to say. */
export function documented(text, facts) {
  const methods = text.replace(/(\*\/\n)?^( {4})(\w+)\(this: Tensor([^\n]*)$/gm, (line, above, indent, name, rest) => {
    const doc = facts.docs.get(name) ?? facts.docs.get(name.replace(/_$/, ''))
    if (above || !doc) return line
    const parameters = /\.\.\.args: (.*?)\): /.exec(rest)?.[1]
    const also = facts.docs.has(name) ? '' : 'In place: '
    const said = doc.replace(/(?= Throws |$)/, sentence(parameters && parametersOf(parameters, facts)))
    return `${indent}/** ${also}${said} */ ${name}(this: Tensor${rest}`
  })
  return methods.replace(
    new RegExp(`(${comment})(export declare function \\w+\\([^\\n]*?\\.\\.\\.args: ([^\\n]*?)\\): )`, 'g'),
    (whole, above, _, declaration, type) => {
      const parameters = parametersOf(type, facts)
      return parameters ? `${above.replace(/(\s+\* @throws|\s+\*\/\n)/, `${sentence(parameters)}$1`)}${declaration}` : whole
    },
  )
}

/** Documents the declarations in `dist`; gives how many files changed. */
export function documentMethods(dist) {
  const files = filesBelow(dist, isDeclaration).map((file) => [file, readFileSync(file, 'utf8')])
  const facts = factsOf(files.map(([, text]) => text))
  let changed = 0
  for (const [file, text] of files) {
    const after = documented(text, facts)
    if (after === text) continue
    if (after.split('\n').length !== text.split('\n').length) throw new Error(`${file}: lines moved`)
    writeFileSync(file, after)
    changed++
  }
  return changed
}

if (import.meta.filename === process.argv[1]) console.log(documentMethods(process.argv[2]))
