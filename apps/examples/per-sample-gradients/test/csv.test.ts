import { describe, expect, test } from 'vitest'
import { readCsv } from '../src/csv.ts'

const row = (label: number | string, pixels: readonly (number | string)[]): string => [label, ...pixels].join(',')
const good = (n: number): string[] => Array.from({ length: n }, (_, i) => row(i % 3, [0, 255, 17, i % 256]))

describe('readCsv', () => {
  test('labels, and pixels scaled to [0, 1]', () => {
    const { rows, size, classes } = readCsv(good(24).join('\n'), 'x.csv')
    expect([rows.length, size, classes]).toEqual([24, 4, 3])
    expect(rows[2]).toEqual({ label: 2, pixels: [0, 1, 17 / 255, 2 / 255] })
  })
  test('a first line of names is skipped, a byte order mark and empty lines too', () => {
    expect(readCsv(`\uFEFFlabel,a,b,c,d\n\n${good(20).join('\r\n')}\n`, 'x.csv').rows.length).toBe(20)
  })
  test('values in [0, 1] stay', () => {
    const text = Array.from({ length: 20 }, (_, i) => row(i % 2, [0, 0.5, 1, 0.25])).join('\n')
    expect(readCsv(text, 'x.csv').rows[0]!.pixels).toEqual([0, 0.5, 1, 0.25])
  })
  test.each([
    [row(1, [0, 1, 2]), 'x.csv, line 11: expected a label and 4 pixels as in the first row, got 4 values'],
    [row(1, [0, 1, 2, 3, 4]), 'x.csv, line 11: expected a label and 4 pixels as in the first row, got 6 values'],
    [row(1, [0, 'x', 2, 3]), 'x.csv, line 11: expected a number in column 3, got "x"'],
    [row(1, [0, '', 2, 3]), 'x.csv, line 11: expected a number in column 3, got ""'],
    [row(1, [0, 'Infinity', 2, 3]), 'x.csv, line 11: expected a number in column 3, got "Infinity"'],
    [row(1.5, [0, 1, 2, 3]), 'x.csv, line 11: expected an integer label from 0 to 999 in column 1, got 1.5'],
    [row(-1, [0, 1, 2, 3]), 'x.csv, line 11: expected an integer label from 0 to 999 in column 1, got -1'],
    [row(1, [0, 256, 2, 3]), 'x.csv, line 11: expected a grey value from 0 to 255 in column 3, got 256'],
    ['"1,2,3,4', 'x.csv: Quote Not Closed'],
  ])('%s is refused', (bad, message) => {
    const lines = good(24)
    lines.splice(10, 0, bad)
    expect(() => readCsv(lines.join('\n'), 'x.csv')).toThrow(message)
  })
  test('too few rows, no square picture, one label', () => {
    expect(() => readCsv('', 'x.csv')).toThrow('x.csv: expected at least 20 rows of `label, pixels…` to train and test with, got 0')
    expect(() => readCsv(Array(20).fill('1,2,3').join('\n'), 'x.csv')).toThrow(
      'x.csv, line 1: expected a label and the pixels of a square picture (such as 784), got 2 pixels',
    )
    expect(() => readCsv(Array(20).fill('0,2,3,4,5').join('\n'), 'x.csv')).toThrow(
      'x.csv: expected at least two different labels, got only label 0',
    )
  })
})
