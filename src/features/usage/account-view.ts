import { money, number } from '../../web/words.js'
import { type AccountReport, type Amounts, APPLICATIONS_AT_ONCE } from './account-report.js'
import { type Choice, choiceView } from './choice.js'
import type { Estimate } from './cost.js'
import { callWords, costTile, emptyWords, gapWords, limitView, sharesView, tableTile, tableView } from './parts.js'
import { accountTables } from './tables.js'

export function accountUsageView(report: AccountReport, choice: Choice, orgName: string) {
  const { range, rows, models, gaps, page, pages, count, readAt } = report
  const tables = accountTables(report)
  const parts = { calls: models.map(({ calls }) => calls), tokens: models.map(({ tokens }) => tokens) }
  const shown = rows.length
  return {
    title: 'Usage',
    orgName,
    choice: choiceView(report, choice),
    modelChoice: report.choosable.map(({ name, model }) => ({
      name,
      value: model,
      selected: model === choice.query.model,
    })),
    gaps: gapWords(gaps),
    empty: emptyWords(range),
    none: count === 0 && !choice.query.model,
    noneOfModel: count === 0 && Boolean(choice.query.model),
    tiles: [...tables.map((table) => tableTile(table, range)), ...costTiles(report)],
    tables: tables
      .filter(({ id }) => parts[id as 'calls' | 'tokens'].some(used) || id === 'calls')
      .map((table) => ({
        ...tableView(table, range, `numbers-${table.id}`),
        comparison: '',
        shares: sharesView(
          models.map((row) => ({
            label: row.name,
            href: row.model ? `/usage?${new URLSearchParams({ model: row.model, range: range.preset ?? '30d' })}` : '',
            amount: row[table.id as 'calls' | 'tokens'].total,
          })),
        ),
        sharesTitle: 'By model',
      })),
    rows: rows.map(({ application, calls, tokens, estimate }) => ({
      name: application.name,
      href: `/applications/${application.id}/usage?${new URLSearchParams({ range: range.preset ?? '30d' })}`,
      model: application.modelName,
      calls: calls ? number(calls.total) : 'not read',
      tokens: tokens
        ? number(tokens.total)
        : application.measures.some(({ role }) => role.endsWith('_tokens'))
          ? 'not read'
          : 'not counted',
      cost: costCell(estimate),
    })),
    priced: rows.some(({ estimate }) => estimate),
    limits: tightest(report).map(({ state, owner }) => limitView(state, range.askedZone, readAt, owner)),
    shownWords:
      pages > 1
        ? `Page ${page} of ${pages}: ${shown} of ${count} applications, those used last first. All sums on this page are those of these ${shown}.`
        : `All ${count} applications${choice.query.model ? ' of this model' : ''}.`,
    pages: pageLinks(report, choice),
    notes: [
      'Numbers are as reported by the gateway, some seconds after a call. Token numbers can be too low; the page of an application says why.',
      'Applications that were deleted are not counted: 3scale reports nothing about them.',
      `An application costs up to four calls to 3scale, so at most ${APPLICATIONS_AT_ONCE} are read at once.`,
      callWords(report.calls3scale + 1, range, readAt),
    ],
  }
}

function costCell(estimate: Estimate | undefined): string {
  if (!estimate) return 'no price known'
  return estimate.incomplete ? 'not read' : money(estimate.soFar, estimate.currency)
}

/** One for each currency; applications without a known price are in none. */
function costTiles({ rows }: AccountReport) {
  const estimates = rows.flatMap(({ estimate }) => (estimate && !estimate.incomplete ? estimate : []))
  return [...new Set(estimates.map(({ currency }) => currency))].map((currency) => {
    const own = estimates.filter((estimate) => estimate.currency === currency)
    const expected = own.some((estimate) => estimate.expected === null)
      ? null
      : own.reduce((sum, estimate) => sum + (estimate.expected ?? 0), 0)
    return costTile(
      own.reduce((sum, { soFar }) => sum + soFar, 0),
      expected,
      currency,
    )
  })
}

const TIGHTEST = 4

function tightest({ rows }: AccountReport) {
  return rows
    .flatMap(({ application, limits }) =>
      limits.map((state) => ({
        state,
        owner: { name: application.name, href: `/applications/${application.id}/usage` },
        share: state.used === null || state.value === 0 ? -1 : state.used / state.value,
      })),
    )
    .filter(({ share }) => share >= 0)
    .sort((a, b) => b.share - a.share)
    .slice(0, TIGHTEST)
}

function pageLinks({ page, pages }: AccountReport, { query }: Choice) {
  const href = (to: number) => {
    const { since, until, granularity, tz, range, model } = query
    const kept = Object.entries({ since, until, granularity, tz, range, model }).filter(([, value]) => value)
    return `/usage?${new URLSearchParams([...(kept as [string, string][]), ['page', String(to)]])}`
  }
  return { previous: page > 1 ? href(page - 1) : '', next: page < pages ? href(page + 1) : '' }
}

function used({ total }: Amounts): boolean {
  return total > 0
}
