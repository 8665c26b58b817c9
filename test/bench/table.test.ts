import t from 'tap'
import { markdownTable, type Section, tableText, within } from './table.js'

const section: Section = {
  title: 'Pages',
  rows: [
    { what: 'home', value: '50 µs', note: 'no call' },
    within('memory', 140, 150, 'MB'),
    within('delay | p99', 30, 20, 'ms'),
  ],
}

t.test('a section as text has one aligned line for each row, with its goal', async (t) => {
  t.equal(
    tableText(section),
    `Pages
  home         50 µs; no call
  memory       140 MB   goal at most 150 MB: met
  delay | p99  30 ms   goal at most 20 ms: MISSED
`,
  )
})

t.test('a section as Markdown is a table of the rows with a goal, whose cells contain no separator', async (t) => {
  t.equal(
    markdownTable(section),
    `| Pages | result | details | goal |
|---|---|---|---|
| memory | 140 MB |  | at most 150 MB: met |
| delay \\| p99 | 30 ms |  | at most 20 ms: missed |
`,
  )
  t.equal(markdownTable({ title: 'Pages', rows: section.rows.slice(0, 1) }), '')
})
