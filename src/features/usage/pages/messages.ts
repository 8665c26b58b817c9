import { formatCost, formatDate, formatMoney, formatNumber, plural } from '../../../web/pages/format.js'
import type { UsageGranularity } from '../time-range/range.js'

export const titles = {
  account: 'Usage',
  application: (name: string) => `Usage of ${name}`,
  byModel: 'By model',
  byMethod: 'By method',
  byKind: 'By token type',
}

export const cells = {
  unavailable: 'unavailable',
  notCounted: 'not counted',
  noPrice: 'no price',
  onOwnPage: 'see application',
}

export const unitLabels: Record<UsageGranularity, string> = { hour: 'Hour', day: 'Day', month: 'Month' }

export const rangeForm = {
  automatic: 'Automatic',
  granularities: { hour: 'Hours', day: 'Days', month: 'Months' },
}

export const zoneMessages = {
  displayed: (zone: string, offset: string) => `Times are in ${zone}${offset === zone ? '' : ` (${offset})`}.`,
  utcOnly: '3scale keeps no hourly data for this range, so days and months are in UTC.',
  tenant: (zone: string, offset: string) => `3scale’s own pages use ${zone} (${offset}).`,
  splitHours: '3scale counts full hours in UTC, so the hour around midnight counts toward the new day.',
}

export const summaries = {
  none: (unit: string, range: string) => `No ${unit} in ${range}.`,
  total(sum: number, unit: string, range: string, peak: { label: string; value: number; isMonth: boolean }): string {
    const label = peak.label.replace(', so far', ' (so far)')
    return `${unitCount(sum, unit)} in ${range}. Peak ${peak.isMonth ? 'in' : 'on'} ${label}: ${formatNumber(peak.value)}.`
  },
  applications(options: { page: number; pages: number; shown: number; count: number; isFiltered: boolean }): string {
    const { page, pages, shown, count, isFiltered } = options
    if (pages > 1)
      return `Page ${formatNumber(page)} of ${formatNumber(pages)}: ${shown} of ${formatNumber(count)} applications, most recently used first.`
    return `${count === 1 ? '' : 'All '}${plural(count, 'application')}${isFiltered ? ' of this model' : ''}.`
  },
  coverage(options: { shown: number; withoutTokens: number; count: number; othersInUse: number }): string {
    const { shown, withoutTokens, count, othersInUse } = options
    const tokens = withoutTokens > 0 ? ` Totals of tokens cover ${shown - withoutTokens} of them.` : ''
    const others =
      othersInUse === 0
        ? '3scale reports no traffic of the others in this range.'
        : `${formatNumber(othersInUse)} ${othersInUse === 1 ? 'other' : 'others'} may have usage in this range.`
    return `Totals cover ${shown} of ${formatNumber(count)} applications.${tokens} ${others}`
  },
  omittedMetrics: (max: number) => `A report shows at most ${plural(max, 'metric')}. More metrics:`,
}

/** `12% more than in the previous 30 days`. */
export function describeChange(now: number, before: number | undefined, than: string): string {
  if (before === undefined) return ''
  if (before === 0) return now === 0 ? '' : `none in ${than}`
  const change = Math.round(((now - before) / before) * 100)
  if (change === 0) return `same as in ${than}`
  return `${formatNumber(Math.abs(change))}% ${change > 0 ? 'more' : 'less'} than in ${than}`
}

export function formatShare(share: number): string {
  if (share >= 0.995) return share === 1 ? '100%' : '99%'
  return share < 0.01 ? 'under 1%' : `${Math.round(share * 100)}%`
}

export const limitCard = {
  used: (value: number) => `${formatNumber(value)} used`,
  remaining: (value: number) => `${formatNumber(value)} left`,
  unsupported: 'This version of 3scale does not report usage for this period.',
  unavailable: '3scale did not report usage for this limit.',
}

export const cost = {
  unavailable: 'Unavailable',
  unknown: 'Unknown',
  tooEarly: 'Not enough data',
  about: (amount: number, currency: string | null) => `about ${formatCost(amount, currency)}`,
  planFee: (amount: number, currency: string | null) =>
    `The plan fee of ${formatMoney(amount, currency)} per month is not included.`,
  fromPlan: 'Based on the pricing rules of the plan in 3scale.',
  fromPortal: 'Based on prices set by the operator of this portal.',
  contractCurrency: 'Amounts are in the currency of your contract.',
  incomplete: 'This estimate is incomplete: 3scale did not return all billable metrics.',
  tileLabel: 'Estimated cost this month',
  coverage: (some: number, all: number) => `for ${some} of ${all} applications with a price`,
  tileProjection: (amount: number, currency: string | null) =>
    `about ${formatCost(amount, currency)} by the end of the month`,
}

export const comparisons = {
  newApplication: (period: string) => `No comparison: the application did not exist for all of ${period}.`,
  newMetric: (period: string) => `No comparison: this metric did not exist for all of ${period}.`,
}

export const gaps = {
  unavailable: (names: string) =>
    `3scale did not return: ${names}. All other numbers are complete. Reload the page in a minute.`,
  removed: (names: string) => `These metrics no longer exist in 3scale: ${names}.`,
  notStarted: (range: string) => `There is no data for ${range}, because it has not started yet.`,
}

export const remarks = {
  delay: 'The gateway reports calls and tokens with a delay of a few seconds.',
  modelIdLookup: (date: string) =>
    `The calls include up to two that the portal sent on ${formatDate(date)} to look up the model ID.`,
  tokensMayBeLow: 'Token counts can be too low. The usage page of an application explains why.',
  deletedApplications: 'Deleted applications are not included, because 3scale does not report their usage.',
  largeAccount: (max: number) =>
    `With more than ${plural(max, 'application')}, this page shows fewer applications and sends fewer requests to 3scale.`,
  reduced: 'Comparisons, tokens, limits, and costs that are missing here are on the usage page of the application.',
  limitPeriods: 'Limits use the periods of 3scale, which are in UTC. Weeks start on Monday.',
  source: (time: string, calls: number, seconds: number) =>
    `Read at ${time} with up to ${plural(calls, 'request')} to 3scale, and cached for ${plural(seconds, 'second')}.`,
}

/** `1 call`, `2 prompt tokens`. Names of other metrics have no known singular. */
export function unitCount(value: number, unit: string): string {
  return plural(value, /(^| )(calls|tokens)$/.test(unit) ? unit.slice(0, -1) : unit, unit)
}
