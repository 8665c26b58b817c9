import { formatCost, formatNumber } from '../../../web/pages/format.js'
import type { UsageEstimate } from '../limits/cost.js'
import type { LimitState } from '../limits/limits.js'
import { enforcementMessage, forecastMessage, limitLabel, limitLevel, resetLabel } from '../limits/messages.js'
import type { ReportGaps } from '../reports/application-report.js'
import type { UsageColumn, UsageTable } from '../reports/tables.js'
import { CACHE_SECONDS } from '../statistics/counters.js'
import { sumEach, total } from '../statistics/series.js'
import { bucketLabels, describePreviousPeriod, describeRange, formatClock } from '../time-range/format.js'
import type { UsageRange } from '../time-range/range.js'
import {
  comparisons,
  cost,
  describeChange,
  formatShare,
  gaps,
  limitCard,
  remarks,
  summaries,
  unitCount,
  unitLabels,
} from './messages.js'

/** View data that both usage pages share. */

export function tableView(table: UsageTable, range: UsageRange, key: string) {
  const labels = bucketLabels(range)
  const values =
    table.columns.find(({ kind }) => kind === 'total')?.values ??
    sumEach(
      table.columns.map((column) => column.values),
      labels.length,
    )
  const sum = total(values)
  const peak = Math.max(...values, 0)
  return {
    key,
    title: table.title,
    unit: table.unit,
    empty: sum === 0 && !table.columns.some(({ kind, total }) => kind === 'previous' && total > 0),
    summary:
      sum === 0
        ? summaries.none(table.unit, describeRange(range))
        : summaries.total(sum, table.unit, describeRange(range), {
            label: labels[values.indexOf(peak)] ?? '',
            value: peak,
            isMonth: range.granularity === 'month',
          }),
    unitOfTime: unitLabels[range.granularity],
    columns: table.columns.map(({ label, kind }) => ({ label, kind })),
    rows: labels.map((label, index) => ({
      label,
      cells: table.columns.map(({ values }) => ({ value: values[index] ?? 0, text: formatNumber(values[index] ?? 0) })),
    })),
    sums: table.columns.map((column) => ({ text: formatNumber(column.total) })),
  }
}

/** Number of chart colours in static/css/tokens.css. Columns and shares use them in the same order. */
const COLORS = 10

/** The parts of a total, the largest first, each with its share. */
export function sharesView(parts: { label: string; href?: string; amount: number }[]) {
  const sum = total(parts.map(({ amount }) => amount))
  return parts
    .map((part, index) => ({ ...part, color: index % COLORS }))
    .filter(({ amount }) => amount > 0)
    .sort((a, b) => b.amount - a.amount)
    .map(({ label, href = '', amount, color }) => ({
      label,
      href,
      amount: formatNumber(amount),
      share: formatShare(amount / sum),
      width: Math.max(0.5, (amount / sum) * 100).toFixed(1),
      color,
    }))
}

export function shareParts(table: UsageTable | undefined): { label: string; amount: number }[] {
  const parts = table?.columns.filter(({ kind }) => kind === 'part') ?? []
  return parts.map(({ label, total }: UsageColumn) => ({ label, amount: total }))
}

export function limitView(state: LimitState, zone: string, now: number, owner?: { name: string; href: string }) {
  const { used, remaining, value } = state
  const share = used === null || value === 0 ? 0 : used / value
  return {
    name: limitLabel(state),
    owner: owner ?? { name: '', href: '' },
    isMeasured: used !== null && remaining !== null,
    used: used === null ? '' : limitCard.used(used),
    remaining: remaining === null ? '' : limitCard.remaining(remaining),
    width: Math.min(100, share * 100).toFixed(1),
    level: limitLevel(share),
    error: limitError(state),
    resets: resetLabel(state, zone, now),
    forecast: forecastMessage(state, zone, now),
    enforcement: enforcementMessage(state),
  }
}

function limitError({ used, value, period, isReported }: LimitState): string {
  if (!isReported) return limitCard.unsupported
  return used === null && value > 0 && period !== 'minute' ? limitCard.unavailable : ''
}

export function costView(estimate: UsageEstimate) {
  const { currency, lines, monthToDate, expected, planFee, source, incomplete } = estimate
  const known = expected === null ? cost.tooEarly : cost.about(expected, currency)
  return {
    monthToDate: incomplete && lines.length === 0 ? cost.unavailable : formatCost(monthToDate, currency),
    expected: incomplete ? cost.unknown : known,
    lines: lines.map((line) => ({
      name: line.name,
      units: formatNumber(line.units),
      cost: formatCost(line.cost, currency),
    })),
    fee: planFee > 0 ? cost.planFee(planFee, currency) : '',
    source: [source === '3scale' ? cost.fromPlan : cost.fromPortal, currency === null ? cost.contractCurrency : '']
      .filter(Boolean)
      .join(' '),
    incomplete: incomplete ? cost.incomplete : '',
  }
}

export function missingComparisonMessage(range: UsageRange, tooRecent: UsageTable['tooRecent'] | undefined): string {
  const period = describePreviousPeriod(range)
  if (tooRecent === 'application') return comparisons.newApplication(period)
  return tooRecent === 'metric' ? comparisons.newMetric(period) : ''
}

export function tableTile(table: UsageTable, range: UsageRange) {
  const whole = table.columns.find(({ kind }) => kind === 'total')
  const previous = table.columns.find(({ kind }) => kind === 'previous')
  const sides = table.id === 'tokens' ? table.columns.filter(({ kind }) => kind === 'part') : []
  const sum = whole?.total ?? total(sides.map((side) => side.total))
  return {
    label: table.title,
    value: formatNumber(sum),
    change: describeChange(sum, previous?.total, describePreviousPeriod(range)),
    details: whole?.key.startsWith('tokens')
      ? ''
      : sides.map(({ label, total }) => unitCount(total, label.toLowerCase())).join(', '),
  }
}

export function costTile(monthToDate: number, expected: number | null, currency: string | null, details = '') {
  return {
    label: cost.tileLabel,
    value: formatCost(monthToDate, currency),
    change: expected === null ? '' : cost.tileProjection(expected, currency),
    details,
  }
}

export function gapMessages({ unavailable, removed }: ReportGaps): string[] {
  return [
    ...(unavailable.length > 0 ? [gaps.unavailable(unavailable.join(', '))] : []),
    ...(removed.length > 0 ? [gaps.removed(removed.join(', '))] : []),
  ]
}

export function emptyMessage(range: UsageRange): string {
  return range.buckets.length === 0 ? gaps.notStarted(describeRange(range)) : ''
}

export function sourceRemark(calls: number, range: UsageRange, readAt: number): string {
  return remarks.source(formatClock(readAt, range.requestedZone), calls, CACHE_SECONDS)
}
