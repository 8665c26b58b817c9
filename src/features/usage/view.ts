import { type ApplicationReport, MOST_METRICS } from './application-report.js'
import { type Choice, choiceView } from './choice.js'
import {
  callWords,
  comparisonWords,
  costTile,
  costView,
  emptyWords,
  gapWords,
  limitView,
  partsOf,
  sharesView,
  tableTile,
  tableView,
} from './parts.js'
import { applicationTables } from './tables.js'

export function applicationUsageView(report: ApplicationReport, choice: Choice) {
  const { application, range, limits, estimate, losses, gaps, notAsked, readAt } = report
  const tables = applicationTables(report)
  const base = `/applications/${application.id}`
  return {
    title: `Usage of ${application.name}`,
    base,
    name: application.name,
    model: application.modelName,
    modelHref: application.model ? `/models/${encodeURIComponent(application.model)}` : '',
    plan: application.planName,
    choice: choiceView(report, choice),
    gaps: gapWords(gaps),
    empty: emptyWords(range),
    tiles: [
      ...tables.map((table) => tableTile(table, range)),
      ...(estimate && !estimate.incomplete ? [costTile(estimate.soFar, estimate.expected, estimate.currency)] : []),
    ],
    tables: tables.map((table, index) => ({
      ...tableView(table, range, `numbers-${index}`),
      comparison: comparisonWords(range, table.young),
      shares: sharesView(partsOf(table)),
      sharesTitle: table.id === 'calls' ? 'By method' : 'By kind',
    })),
    limits: limits.map((state) => limitView(state, range.askedZone, readAt)),
    noLimits: limits.length === 0,
    cost: estimate && costView(estimate),
    notes: [
      'Numbers are as reported by the gateway, some seconds after a call.',
      ...losses,
      ...(limits.length > 0
        ? ['Limits count in 3scale’s periods, which are those of UTC; weeks begin on Monday.']
        : []),
      callWords(report.calls + 1, range, report.readAt),
    ],
    more: notAsked.map(({ metric, name }) => ({
      name,
      href: `${base}/usage?${new URLSearchParams({ metric, range: range.preset ?? '30d' })}`,
    })),
    moreWords: `At most ${MOST_METRICS} metrics are read at once. The others:`,
  }
}
