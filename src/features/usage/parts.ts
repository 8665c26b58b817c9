import { money, number } from '../../web/words.js'
import type { Gaps } from './application-report.js'
import type { Estimate } from './cost.js'
import { KEPT_SECONDS } from './counters.js'
import type { LimitState } from './limits.js'
import type { Range } from './range.js'
import { total } from './series.js'
import type { Column, Table } from './tables.js'
import { beforeWords, bucketWords, clockWords, rangeWords } from './time-words.js'
import { forecastWords, limitName, limitNote, resetWords } from './words.js'

/** Pieces that both usage pages show. */

/** `12 % more than in the 30 days before`. */
export function changeWords(now: number, before: number | undefined, than: string): string {
  if (before === undefined) return ''
  if (before === 0) return now === 0 ? '' : `none in ${than}`
  const change = Math.round(((now - before) / before) * 100)
  if (change === 0) return `as many as in ${than}`
  return `${number(Math.abs(change))} % ${change > 0 ? 'more' : 'less'} than in ${than}`
}

export function tableView(table: Table, range: Range, key: string) {
  const labels = bucketWords(range)
  const whole = table.columns.find(({ kind }) => kind === 'total')
  const name = whole ?? {
    label: table.title,
    values: labels.map((_, index) => total(table.columns.map(({ values }) => values[index] ?? 0))),
  }
  const sum = total(name.values)
  const most = Math.max(...name.values, 0)
  const on = range.granularity === 'month' ? 'in' : 'on'
  const at = labels[name.values.indexOf(most)] ?? ''
  return {
    key,
    title: table.title,
    unit: table.unit,
    empty: sum === 0 && !table.columns.some(({ kind, total }) => kind === 'before' && total > 0),
    summary:
      sum === 0
        ? `No ${table.unit} in ${rangeWords(range)}.`
        : `${number(sum)} ${table.unit} in ${rangeWords(range)}; most ${on} ${at.replace(', so far', ' (so far)')}: ${number(most)}.`,
    when: { hour: 'Hour', day: 'Day', month: 'Month' }[range.granularity],
    columns: table.columns.map(({ label, kind }) => ({ label, kind })),
    rows: labels.map((label, index) => ({
      label,
      cells: table.columns.map(({ values }) => ({ value: values[index] ?? 0, text: number(values[index] ?? 0) })),
    })),
    sums: table.columns.map((column) => ({ text: number(column.total) })),
  }
}

/** as many as static/css/portal.css has for charts, in the order of the table's columns there too */
const COLORS = 10

/** Parts of a whole by size, each with its share. */
export function sharesView(parts: { label: string; href?: string; amount: number }[]) {
  const whole = total(parts.map(({ amount }) => amount))
  return parts
    .map((part, index) => ({ ...part, color: index % COLORS }))
    .filter(({ amount }) => amount > 0)
    .sort((a, b) => b.amount - a.amount)
    .map(({ label, href = '', amount, color }) => ({
      label,
      href,
      amount: number(amount),
      share: shareWords(amount / whole),
      width: Math.max(0.5, (amount / whole) * 100).toFixed(1),
      color,
    }))
}

function shareWords(share: number): string {
  if (share >= 0.995) return share === 1 ? '100 %' : '99 %'
  return share < 0.01 ? 'under 1 %' : `${Math.round(share * 100)} %`
}

export function partsOf(table: Table | undefined): { label: string; amount: number }[] {
  const parts = table?.columns.filter(({ kind }) => kind === 'part') ?? []
  return parts.map(({ label, total }: Column) => ({ label, amount: total }))
}

export function limitView(state: LimitState, zone: string, now: number, owner?: { name: string; href: string }) {
  const { used, left, value } = state
  const share = used === null || value === 0 ? 0 : used / value
  return {
    name: limitName(state),
    owner: owner ?? { name: '', href: '' },
    measured: used !== null && left !== null,
    used: used === null ? '' : `${number(used)} used`,
    left: left === null ? '' : `${number(left)} left`,
    width: Math.min(100, share * 100).toFixed(1),
    level: share >= 1 ? 'over' : share >= 0.8 ? 'near' : 'calm',
    unread: unreadWords(state),
    resets: resetWords(state, zone, now),
    forecast: forecastWords(state, zone, now),
    note: limitNote(state),
  }
}

function unreadWords({ used, value, period, reported }: LimitState): string {
  if (!reported) return 'Not reported by this 3scale.'
  return used === null && value > 0 && period !== 'minute' ? '3scale did not report what is used of it.' : ''
}

export function costView(estimate: Estimate) {
  const { currency, lines, soFar, expected, planFee, source, incomplete } = estimate
  return {
    soFar: incomplete && lines.length === 0 ? 'Not read' : money(soFar, currency),
    expected: incomplete ? 'Not known' : expected === null ? 'Too early to tell' : `about ${money(expected, currency)}`,
    lines: lines.map((line) => ({ name: line.name, units: number(line.units), cost: money(line.cost, currency) })),
    fee: planFee > 0 ? `The plan itself costs ${money(planFee, currency)} a month; that is not in these sums.` : '',
    source: `${source === '3scale' ? 'From the pricing rules of the plan in 3scale.' : 'From prices that the operator of this portal set.'}${
      currency === null ? ' The currency is the one of your contract.' : ''
    }`,
    incomplete: incomplete ? '3scale did not tell every number that has a price, so this is not whole.' : '',
  }
}

export function comparisonWords(range: Range, young: Table['young'] | undefined): string {
  if (young === 'application')
    return `The application is younger than ${beforeWords(range)}, so there is nothing to compare with.`
  if (young === 'metric')
    return `This is counted for a shorter time than ${beforeWords(range)}, so there is nothing to compare with.`
  return ''
}

export function tableTile(table: Table, range: Range) {
  const whole = table.columns.find(({ kind }) => kind === 'total')
  const before = table.columns.find(({ kind }) => kind === 'before')
  const sides = table.id === 'tokens' ? table.columns.filter(({ kind }) => kind === 'part') : []
  const sum = whole?.total ?? sides.reduce((all, { total }) => all + total, 0)
  return {
    label: table.title,
    value: number(sum),
    words: changeWords(sum, before?.total, beforeWords(range)),
    more: whole?.key.startsWith('tokens')
      ? ''
      : sides.map(({ label, total }) => `${number(total)} ${label.toLowerCase()}`).join(', '),
  }
}

export function costTile(soFar: number, expected: number | null, currency: string | null) {
  return {
    label: 'Estimated cost this month',
    value: money(soFar, currency),
    words: expected === null ? '' : `about ${money(expected, currency)} at its end, at this pace`,
    more: '',
  }
}

export function gapWords({ unread, gone }: Gaps): string[] {
  return [
    ...(unread.length > 0
      ? [
          `3scale did not answer for: ${unread.join(', ')}. What is shown is complete otherwise; load the page again in a moment.`,
        ]
      : []),
    ...(gone.length > 0 ? [`3scale does not know these any more: ${gone.join(', ')}.`] : []),
  ]
}

export function emptyWords(range: Range): string {
  return range.buckets.length === 0 ? `There is nothing to show for ${rangeWords(range)}: it has not begun yet.` : ''
}

export function callWords(calls: number, range: Range, readAt: number): string {
  return `Read at ${clockWords(readAt, range.askedZone)} with at most ${calls} calls to 3scale for these numbers, four at a time; they are kept for ${KEPT_SECONDS} seconds.`
}
