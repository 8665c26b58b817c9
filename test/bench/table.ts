/** One line of the performance table. */
export interface Row {
  what: string
  value: string
  note?: string
  goal?: string
  met?: boolean
  /** what the goal is about, for --json */
  number?: number
}

/** The table as text: what, value, goal, met. */
export function tableText(title: string, rows: Row[]): string {
  const width = Math.max(...rows.map(({ what }) => what.length))
  const lines = rows.map(({ what, value, note, goal, met }) => {
    const verdict = goal === undefined ? '' : `   goal ${goal}: ${met ? 'met' : 'MISSED'}`
    return `  ${what.padEnd(width)}  ${value}${note ? `; ${note}` : ''}${verdict}`
  })
  return [title, ...lines, ''].join('\n')
}
