import { expect, test } from 'vitest'
import { blocksOf, ownOutput, programOf } from '../run-doc-blocks.mjs'

const fence = '```'
const page = `
# Title

${fence}ts
const x = 1
console.log(x)
${fence}

${fence}text
1
${fence}

Then:

<!-- continues -->
${fence}ts
console.log(x + 1)
${fence}

and some words

<!-- prints -->
${fence}text
2
${fence}

<!-- no-run: needs a GPU -->
${fence}ts
gpu()
${fence}

prose in between

${fence}text
not an output
${fence}

${fence}sh
npm test
${fence}
`

test('finds the blocks, what they print and which are not run', () => {
  expect(blocksOf(page)).toEqual([
    { line: 4, code: 'const x = 1\nconsole.log(x)', continues: false, noRun: undefined, prints: '1' },
    { line: 16, code: 'console.log(x + 1)', continues: true, noRun: undefined, prints: '2' },
    { line: 28, code: 'gpu()', continues: false, noRun: 'needs a GPU', prints: undefined },
  ])
})

test('a block that continues runs after the one before, and only its own output counts', () => {
  const program = programOf(blocksOf(page), 1)
  const printed = []
  // oxlint-disable-next-line no-implied-eval -- the program under test, three lines above
  new Function('console', program.replace('export {}', ''))({ log: (line) => printed.push(`${line}\n`) })
  expect(printed).toHaveLength(3)
  expect(ownOutput(printed.join(''))).toBe('2')
  expect(ownOutput('1\n')).toBe('1')
})
