import { type ApplicationReport, MAX_METRICS_PER_REPORT } from '../reports/application-report.js'
import { MODEL_NOT_OFFERED } from '../reports/messages.js'
import { applicationTables } from '../reports/tables.js'
import { remarks, summaries, titles } from './messages.js'
import { type RangeFormState, rangeFormView } from './range-form.js'
import {
  costTile,
  costView,
  emptyMessage,
  gapMessages,
  limitView,
  missingComparisonMessage,
  shareParts,
  sharesView,
  sourceRemark,
  tableTile,
  tableView,
} from './shared-views.js'

export function applicationUsageView(
  report: ApplicationReport,
  form: RangeFormState,
  modelIdLookup: string | null = null,
) {
  const { application, range, limits, estimate, caveats, gaps, omittedMetrics, readAt } = report
  const tables = applicationTables(report)
  const base = `/applications/${application.id}`
  return {
    title: titles.application(application.name),
    base,
    name: application.name,
    model: application.modelName ?? MODEL_NOT_OFFERED,
    modelHref: application.model ? `/models/${encodeURIComponent(application.model)}` : '',
    plan: application.planName,
    form: rangeFormView(report, form),
    gaps: gapMessages(gaps),
    empty: emptyMessage(range),
    tiles: [
      ...tables.map((table) => tableTile(table, range)),
      ...(estimate && !estimate.incomplete
        ? [costTile(estimate.monthToDate, estimate.expected, estimate.currency)]
        : []),
    ],
    tables: tables.map((table, index) => ({
      ...tableView(table, range, `numbers-${index}`),
      comparison: missingComparisonMessage(range, table.tooRecent),
      shares: sharesView(shareParts(table)),
      sharesTitle: table.id === 'calls' ? titles.byMethod : titles.byKind,
    })),
    limits: limits.map((state) => limitView(state, range.requestedZone, readAt)),
    noLimits: limits.length === 0,
    cost: estimate && costView(estimate),
    remarks: [
      remarks.delay,
      ...caveats,
      ...(modelIdLookup && isIn(range, modelIdLookup) ? [remarks.modelIdLookup(modelIdLookup)] : []),
      ...(limits.length > 0 ? [remarks.limitPeriods] : []),
      sourceRemark(report.upstreamCalls + 1, range, report.readAt),
    ],
    omittedMetrics: omittedMetrics.map(({ metric, name }) => ({
      name,
      href: `${base}/usage?${new URLSearchParams({ metric, range: range.preset ?? '30d' })}`,
    })),
    omittedMetricsIntro: summaries.omittedMetrics(MAX_METRICS_PER_REPORT),
  }
}

function isIn({ buckets }: ApplicationReport['range'], time: string): boolean {
  const [first, last] = [buckets[0], buckets.at(-1)]
  const at = Date.parse(time)
  return first !== undefined && last !== undefined && first.start <= at && at < last.end
}
