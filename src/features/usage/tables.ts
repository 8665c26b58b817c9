import { type CsvOptions, csv } from '../../web/csv.js'
import type { AccountReport, Amounts, ModelRow } from './account-report.js'
import type { ApplicationReport } from './application-report.js'
import { isTokens } from './losses.js'
import type { Role } from './measures.js'
import { type Series, total } from './series.js'
import { localTimes } from './time-words.js'

/** What a column is in the chart over the table: the whole, the whole of the period before, or a part of the whole. */
export type ColumnKind = 'total' | 'before' | 'part'

export interface Column {
  /** for people */
  label: string
  /** for programs, as the head of a CSV column */
  key: string
  kind: ColumnKind
  values: number[]
  total: number
}

/** One chart and its table. Pages, CSV and charts are made of the same columns. */
export interface Table {
  id: 'calls' | 'tokens' | 'other'
  title: string
  unit: string
  columns: Column[]
  /** the comparison is missing because what is counted is younger than the period before */
  young: Series['young']
}

export function applicationTables({ series }: Pick<ApplicationReport, 'series'>): Table[] {
  const of = (role: Role) => series.filter(({ measure }) => measure.role === role)
  const [calls] = of('calls')
  const methods = of('method')
  const sides = [...of('prompt_tokens'), ...of('completion_tokens')]
  const [tokens] = of('total_tokens')
  const tables = [
    tableOf('calls', 'Calls', 'calls', calls, methods),
    tableOf('tokens', 'Tokens', 'tokens', tokens, sides),
    ...of('other').map((one) => tableOf('other', one.measure.name, one.measure.unit || 'units', one, [])),
  ]
  return tables.filter((table) => table !== undefined)
}

function tableOf(
  id: Table['id'],
  title: string,
  unit: string,
  whole: Series | undefined,
  parts: Series[],
): Table | undefined {
  const first = whole ?? parts[0]
  if (!first) return undefined
  const before = whole && !whole.young ? whole.before : undefined
  return {
    id,
    title,
    unit,
    young: whole?.young,
    columns: [
      ...(whole ? [column(labelOf(whole), whole.measure.metric, 'total', whole)] : []),
      ...(whole && before ? [column('Period before', `${whole.measure.metric}_before`, 'before', before)] : []),
      ...parts.map((part) => column(labelOf(part), part.measure.metric, 'part', part)),
      ...rest(id, whole, parts),
    ],
  }
}

/** Calls that no method counts, so that the parts make the whole. */
function rest(id: Table['id'], whole: Series | undefined, parts: Series[]): Column[] {
  if (id !== 'calls' || !whole || parts.length === 0) return []
  const values = whole.values.map((value, index) =>
    Math.max(0, value - total(parts.map((part) => part.values[index] ?? 0))),
  )
  return total(values) === 0 ? [] : [column('Other calls', 'other_calls', 'part', { values, total: total(values) })]
}

function labelOf({ measure }: Series): string {
  if (measure.role === 'calls') return 'Calls'
  if (!isTokens(measure)) return measure.name
  return (
    { prompt_tokens: 'Prompt tokens', completion_tokens: 'Completion tokens' }[measure.role as string] ?? 'All tokens'
  )
}

function column(label: string, key: string, kind: ColumnKind, amounts: { values: number[]; total: number }): Column {
  return { label, key, kind, values: amounts.values, total: amounts.total }
}

export function accountTables({ calls, tokens, models }: Pick<AccountReport, 'calls' | 'tokens' | 'models'>): Table[] {
  const table = (id: 'calls' | 'tokens', title: string, whole: Amounts): Table => ({
    id,
    title,
    unit: id,
    young: undefined,
    columns: [
      column(id === 'calls' ? 'Calls' : 'All tokens', id, 'total', whole),
      ...(whole.before ? [column('Period before', `${id}_before`, 'before', whole.before)] : []),
      ...models.map((row) => column(row.name, `${id}_${row.model || 'undeployed'}`, 'part', amountsOf(row, id))),
    ],
  })
  return [table('calls', 'Calls', calls), table('tokens', 'Tokens', tokens)]
}

function amountsOf(row: ModelRow, id: 'calls' | 'tokens'): Amounts {
  return row[id]
}

/** The tables side by side, RFC 4180; times in the zone of the range, with its offset. */
export function tablesCsv(tables: Table[], { range }: Pick<ApplicationReport, 'range'>, options: CsvOptions): string {
  const columns = tables.flatMap((table) => table.columns)
  const edges = (edge: 'start' | 'end') =>
    localTimes(
      range.buckets.map((bucket) => bucket[edge]),
      range.zone,
    )
  const [starts, ends] = [edges('start'), edges('end')]
  const rows = range.buckets.map((_, index) => [
    starts[index] ?? '',
    ends[index] ?? '',
    ...columns.map(({ values }) => values[index] ?? 0),
  ])
  return csv([['start', 'end', ...columns.map(({ key }) => key)], ...rows], options)
}

export function applicationsCsv({ rows }: Pick<AccountReport, 'rows'>, options: CsvOptions): string {
  const lines = [
    ['application', 'name', 'model', 'plan', 'calls', 'tokens', 'prompt_tokens', 'completion_tokens'],
    ...rows.map(({ application, calls, tokens, promptTokens, completionTokens }) => [
      application.id,
      application.name,
      application.model,
      application.planName,
      calls?.total ?? '',
      tokens?.total ?? '',
      promptTokens ?? '',
      completionTokens ?? '',
    ]),
  ]
  return csv(lines, options)
}
