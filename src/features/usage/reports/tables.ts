import { type CsvOptions, toCsv } from '../../../web/api/csv.js'
import { countsTokens, type MetricRole } from '../statistics/metric-roles.js'
import { type MetricSeries, sumEach, total } from '../statistics/series.js'
import { bucketTimes } from '../time-range/format.js'
import type { AccountReport, Amounts, ModelRow } from './account-report.js'
import type { ApplicationReport } from './application-report.js'
import { columnLabels, MODEL_NOT_OFFERED, tableTitles } from './messages.js'

/** Kind of a column in the chart: the total, the total of the previous period, or a part of the total. */
export type UsageColumnKind = 'total' | 'previous' | 'part'

export interface UsageColumn {
  /** heading in tables */
  label: string
  /** header in CSV */
  key: string
  kind: UsageColumnKind
  values: number[]
  total: number
}

/** One chart and its table. Pages, CSV, and charts share the columns. */
export interface UsageTable {
  id: 'calls' | 'tokens' | 'other'
  title: string
  unit: string
  columns: UsageColumn[]
  /** why there is no comparison with the previous period */
  tooRecent: MetricSeries['tooRecent']
}

export function applicationTables({ series }: Pick<ApplicationReport, 'series'>): UsageTable[] {
  const of = (role: MetricRole) => series.filter(({ measure }) => measure.role === role)
  const [calls] = of('calls')
  const methods = of('method')
  const sides = [...of('prompt_tokens'), ...of('completion_tokens')]
  const [tokens] = of('total_tokens')
  const tables = [
    buildTable('calls', tableTitles.calls, 'calls', calls, methods),
    buildTable('tokens', tableTitles.tokens, 'tokens', tokens, sides),
    ...of('other').map((other) =>
      buildTable('other', other.measure.name, other.measure.unit || columnLabels.defaultUnit, other, []),
    ),
  ]
  return tables.filter((table) => table !== undefined)
}

function buildTable(
  id: UsageTable['id'],
  title: string,
  unit: string,
  whole: MetricSeries | undefined,
  parts: MetricSeries[],
): UsageTable | undefined {
  const first = whole ?? parts[0]
  if (!first) return undefined
  const previous = whole && !whole.tooRecent ? whole.previous : undefined
  return {
    id,
    title,
    unit,
    tooRecent: whole?.tooRecent,
    columns: [
      ...(whole ? [toColumn(columnLabel(whole), whole.measure.metric, 'total', whole)] : []),
      ...(whole && previous
        ? [toColumn(columnLabels.previous, `${whole.measure.metric}_previous`, 'previous', previous)]
        : []),
      ...parts.map((part) => toColumn(columnLabel(part), part.measure.metric, 'part', part)),
      ...otherCalls(id, whole, parts),
    ],
  }
}

/** Calls that no method counts, so that the parts add up to the total. */
function otherCalls(id: UsageTable['id'], whole: MetricSeries | undefined, parts: MetricSeries[]): UsageColumn[] {
  if (id !== 'calls' || !whole || parts.length === 0) return []
  const counted = sumEach(
    parts.map((part) => part.values),
    whole.values.length,
  )
  const values = whole.values.map((value, index) => Math.max(0, value - (counted[index] ?? 0)))
  return total(values) === 0
    ? []
    : [toColumn(columnLabels.otherCalls, 'other_calls', 'part', { values, total: total(values) })]
}

function columnLabel({ measure }: MetricSeries): string {
  if (measure.role === 'calls') return columnLabels.calls
  if (!countsTokens(measure)) return measure.name
  if (measure.role === 'prompt_tokens') return columnLabels.promptTokens
  return measure.role === 'completion_tokens' ? columnLabels.completionTokens : columnLabels.totalTokens
}

function toColumn(
  label: string,
  key: string,
  kind: UsageColumnKind,
  amounts: { values: number[]; total: number },
): UsageColumn {
  return { label, key, kind, values: amounts.values, total: amounts.total }
}

export function accountTables({
  calls,
  tokens,
  models,
}: Pick<AccountReport, 'calls' | 'tokens' | 'models'>): UsageTable[] {
  const table = (id: 'calls' | 'tokens', title: string, whole: Amounts): UsageTable => ({
    id,
    title,
    unit: id,
    tooRecent: undefined,
    columns: [
      toColumn(id === 'calls' ? columnLabels.calls : columnLabels.totalTokens, id, 'total', whole),
      ...(whole.previous ? [toColumn(columnLabels.previous, `${id}_previous`, 'previous', whole.previous)] : []),
      ...models.map((row) =>
        toColumn(row.modelName ?? MODEL_NOT_OFFERED, `${id}_${row.model ?? 'undeployed'}`, 'part', amountsOf(row, id)),
      ),
    ],
  })
  return [table('calls', tableTitles.calls, calls), table('tokens', tableTitles.tokens, tokens)]
}

function amountsOf(row: ModelRow, id: 'calls' | 'tokens'): Amounts {
  return row[id]
}

/** All tables in one CSV (RFC 4180). Times are in the zone of the range, with its offset. */
export function tablesToCsv(
  tables: UsageTable[],
  { range }: Pick<ApplicationReport, 'range'>,
  options: CsvOptions,
): string {
  const columns = tables.flatMap((table) => table.columns)
  const { starts, ends } = bucketTimes(range)
  const rows = range.buckets.map((_, index) => [
    starts[index] ?? '',
    ends[index] ?? '',
    ...columns.map(({ values }) => values[index] ?? 0),
  ])
  return toCsv([['start', 'end', ...columns.map(({ key }) => key)], ...rows], options)
}

export function applicationsToCsv({ rows }: Pick<AccountReport, 'rows'>, options: CsvOptions): string {
  const lines = [
    [
      'application',
      'name',
      'model',
      'model_name',
      'plan',
      'plan_name',
      'calls',
      'tokens',
      'prompt_tokens',
      'completion_tokens',
    ],
    ...rows.map(({ application, calls, tokens, promptTokens, completionTokens }) => [
      application.id,
      application.name,
      application.model ?? '',
      application.modelName ?? '',
      application.plan ?? '',
      application.planName,
      calls?.total ?? '',
      tokens?.total ?? '',
      promptTokens ?? '',
      completionTokens ?? '',
    ]),
  ]
  return toCsv(lines, options)
}
