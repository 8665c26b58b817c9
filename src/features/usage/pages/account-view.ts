import { formatCost, formatNumber } from '../../../web/pages/format.js'
import type { UsageEstimate } from '../limits/cost.js'
import type { AccountReport, Amounts, ApplicationRow } from '../reports/account-report.js'
import { MAX_APPLICATIONS_PER_PAGE } from '../reports/application-selection.js'
import { MODEL_NOT_OFFERED } from '../reports/messages.js'
import { accountTables } from '../reports/tables.js'
import { closestLimits, summarizeCosts } from '../reports/usage-summary.js'
import { countsTokens } from '../statistics/metric-roles.js'
import { cells, cost, remarks, summaries, titles } from './messages.js'
import { type RangeFormState, rangeFormView } from './range-form.js'
import {
  costTile,
  emptyMessage,
  gapMessages,
  limitView,
  sharesView,
  sourceRemark,
  tableTile,
  tableView,
} from './shared-views.js'

const MAX_CLOSEST_LIMITS = 4

export function accountUsageView(report: AccountReport, form: RangeFormState, orgName: string) {
  const { range, rows, models, gaps, page, pages, count, othersInUse, isReduced, readAt } = report
  const tables = accountTables(report)
  const parts = { calls: models.map(({ calls }) => calls), tokens: models.map(({ tokens }) => tokens) }
  const preset = range.preset ?? '30d'
  return {
    title: titles.account,
    orgName,
    form: rangeFormView(report, form),
    modelOptions: report.modelOptions.map(({ name, model }) => ({
      name,
      value: model,
      selected: model === form.query.model,
    })),
    gaps: gapMessages(gaps),
    empty: emptyMessage(range),
    none: count === 0 && !form.query.model,
    noneOfModel: count === 0 && Boolean(form.query.model),
    tiles: [...tables.map((table) => tableTile(table, range)), ...costTiles(report)],
    tables: tables
      .filter(({ id }) => parts[id as 'calls' | 'tokens'].some(isUsed) || id === 'calls')
      .map((table) => ({
        ...tableView(table, range, `numbers-${table.id}`),
        comparison: '',
        shares: sharesView(
          models.map((row) => ({
            label: row.modelName ?? MODEL_NOT_OFFERED,
            href: row.model ? `/usage?${new URLSearchParams({ model: row.model, range: preset })}` : '',
            amount: row[table.id as 'calls' | 'tokens'].total,
          })),
        ),
        sharesTitle: titles.byModel,
      })),
    rows: rows.map(({ application, calls, tokens, estimate }) => ({
      name: application.name,
      href: `/applications/${application.id}/usage?${new URLSearchParams({ range: preset })}`,
      model: application.modelName ?? MODEL_NOT_OFFERED,
      calls: calls ? formatNumber(calls.total) : cells.unavailable,
      tokens: tokensCell({ application, tokens }, isReduced),
      cost: costCell(estimate, isReduced),
    })),
    priced: rows.some(({ estimate }) => estimate),
    limits: closestLimits(report)
      .slice(0, MAX_CLOSEST_LIMITS)
      .map(({ state, application: { id, name } }) =>
        limitView(state, range.requestedZone, readAt, { name, href: `/applications/${id}/usage` }),
      ),
    applicationsSummary: summaries.applications({
      page,
      pages,
      shown: rows.length,
      count,
      isFiltered: Boolean(form.query.model),
    }),
    coverage:
      pages > 1
        ? summaries.coverage({ shown: rows.length, withoutTokens: countWithoutTokens(rows), count, othersInUse })
        : '',
    pages: pageLinks(report, form),
    remarks: [
      remarks.delay,
      remarks.tokensMayBeLow,
      remarks.deletedApplications,
      ...(pages > 1 ? [remarks.largeAccount(MAX_APPLICATIONS_PER_PAGE)] : []),
      ...(isReduced ? [remarks.reduced] : []),
      sourceRemark(report.upstreamCalls + 1, range, readAt),
    ],
  }
}

function tokensCell(
  { application, tokens }: Pick<ApplicationRow, 'application' | 'tokens'>,
  isReduced: boolean,
): string {
  if (tokens) return formatNumber(tokens.total)
  if (!application.measures.some(countsTokens)) return cells.notCounted
  return isReduced ? cells.onOwnPage : cells.unavailable
}

function countWithoutTokens(rows: ApplicationRow[]): number {
  return rows.filter(({ application, tokens }) => !tokens && application.measures.some(countsTokens)).length
}

function costCell(estimate: UsageEstimate | undefined, isReduced: boolean): string {
  if (!estimate) return cells.noPrice
  if (!estimate.incomplete) return formatCost(estimate.monthToDate, estimate.currency)
  return isReduced ? cells.onOwnPage : cells.unavailable
}

/** Applications without a known price are not included. */
function costTiles(report: AccountReport) {
  return summarizeCosts(report).map(({ currency, monthToDate, expected, priced, complete }) =>
    costTile(monthToDate, expected, currency, complete < priced ? cost.coverage(complete, priced) : ''),
  )
}

function pageLinks({ page, pages }: AccountReport, { query }: RangeFormState) {
  const { since, until, granularity, tz, range, model } = query
  const filters = Object.entries({ since, until, granularity, tz, range, model }).flatMap(
    ([name, value]): [string, string][] => (value ? [[name, value]] : []),
  )
  const href = (to: number) => `/usage?${new URLSearchParams([...filters, ['page', String(to)]])}`
  return { previous: page > 1 ? href(page - 1) : '', next: page < pages ? href(page + 1) : '' }
}

function isUsed({ total }: Amounts): boolean {
  return total > 0
}
