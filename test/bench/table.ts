/** One line of the performance table. */
export interface Row {
  what: string
  value: string
  note?: string
  goal?: string
  met?: boolean
  /** The value that the goal limits, for --json. */
  number?: number
}

/** A part of the table. It is printed and written to --json as soon as it is measured. */
export interface Section {
  title: string
  rows: Row[]
}

/** The table as text: what, value, goal, met. */
export function tableText({ title, rows }: Section): string {
  const width = Math.max(...rows.map(({ what }) => what.length))
  const lines = rows.map(({ what, value, note, goal, met: encountered }) => {
    const verdict = goal === undefined ? '' : `   goal ${goal}: ${encountered ? 'met' : 'MISSED'}`
    return `  ${what.padEnd(width)}  ${value}${note ? `; ${note}` : ''}${verdict}`
  })
  return [title, ...lines, ''].join('\n')
}

export function within(what: string, value: number, most: number, unit: string): Row {
  return { what, value: `${value} ${unit}`, goal: `at most ${most} ${unit}`, met: value <= most, number: value }
}

/** The rows with a goal as a table of Markdown, for the README; empty if there are none. */
export function markdownTable({ title, rows }: Section): string {
  const lines = rows.flatMap(({ what, value, note = '', goal, met: encountered }) => {
    if (goal === undefined) return []
    const cells = [what, value, note, `${goal}: ${encountered ? 'met' : 'missed'}`]
    return [`| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`]
  })
  return lines.length === 0
    ? ''
    : [`| ${title} | result | details | goal |`, '|---|---|---|---|', ...lines, ''].join('\n')
}
