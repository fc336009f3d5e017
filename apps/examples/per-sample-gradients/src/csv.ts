import { parse } from 'csv-parse/sync'

export interface CsvDigits {
  readonly rows: readonly { readonly label: number; readonly pixels: readonly number[] }[]
  /** pixels of one picture: the same in every row, a square */
  readonly size: number
  /** one more than the largest label */
  readonly classes: number
}

/** A malformed file: which line, what was expected there, what it holds. */
export class CsvError extends Error {
  override readonly name = 'CsvError'
}

/**
 * Reads `label, pixels…` rows: an integer label from 0 on, then the grey values of a square picture, either all in
 * [0, 1] or all integers in [0, 255], which are divided by 255. A first line of column names is skipped.
 * @throws CsvError with the line number of the first malformed row
 */
export function readCsv(text: string, path: string): CsvDigits {
  const fail = (line: number, message: string): never => {
    throw new CsvError(`${path}, line ${line}: ${message}`)
  }
  const records = readRows(text, path)
  const body =
    records.length > 0 &&
    records[0]!.record.some((c) => c.trim() !== '' && Number.isNaN(Number(c))) &&
    !/^\s*-?\d/.test(records[0]!.record[0]!)
      ? records.slice(1)
      : records
  if (body.length < 20)
    throw new CsvError(`${path}: expected at least 20 rows of \`label, pixels…\` to train and test with, got ${body.length}`)
  const size = body[0]!.record.length - 1
  if (size < 1 || !Number.isInteger(Math.sqrt(size)))
    fail(body[0]!.line, `expected a label and the pixels of a square picture (such as 784), got ${size} pixels`)
  let classes = 0
  let largest = 0
  const rows = body.map(({ record, line }) => {
    if (record.length !== size + 1) fail(line, `expected a label and ${size} pixels as in the first row, got ${record.length} values`)
    const values = record.map((cell, i) => {
      const n = cell.trim() === '' ? NaN : Number(cell)
      if (!Number.isFinite(n)) fail(line, `expected a number in column ${i + 1}, got ${JSON.stringify(cell)}`)
      return n
    })
    const [label, ...pixels] = values as [number, ...number[]]
    if (!Number.isInteger(label) || label < 0 || label > 999)
      fail(line, `expected an integer label from 0 to 999 in column 1, got ${label}`)
    pixels.forEach((p, i) => {
      if (p < 0 || p > 255) fail(line, `expected a grey value from 0 to 255 in column ${i + 2}, got ${p}`)
      largest = Math.max(largest, p)
    })
    classes = Math.max(classes, label + 1)
    return { label, pixels }
  })
  if (classes < 2) throw new CsvError(`${path}: expected at least two different labels, got only label 0`)
  const scale = largest > 1 ? 1 / 255 : 1
  return { rows: rows.map(({ label, pixels }) => ({ label, pixels: pixels.map((p) => p * scale) })), size, classes }
}

interface Row {
  readonly record: readonly string[]
  readonly line: number
}

function readRows(text: string, path: string): Row[] {
  try {
    return (
      parse(text, { info: true, bom: true, skip_empty_lines: true, relax_column_count: true, trim: true }) as unknown as {
        record: string[]
        info: { lines: number }
      }[]
    ).map(({ record, info }) => ({ record, line: info.lines }))
  } catch (e) {
    throw new CsvError(`${path}: ${(e as Error).message}`, { cause: e })
  }
}
