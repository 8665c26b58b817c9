import { rowWith } from '../row-index.js'
import type { Metric, State } from '../store.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Adds to the counters of an hour and, for limits, of a minute. */
export function countUsage(state: State, applicationId: number, usage: Record<string, number>, at: number): void {
  const { hours: byHour, minutes: byMinute } = state.backend
  // porta learns of first traffic from the backend's events
  const application = rowWith(state.applications, 'id', applicationId)
  if (application) {
    application.first_traffic_at ??= at
    if (Math.floor((application.first_daily_traffic_at ?? 0) / DAY) < Math.floor(at / DAY)) {
      application.first_daily_traffic_at = at
      // porta, app/lib/events/importers/first_daily_traffic_importer.rb
      application.updated_at = Math.max(application.updated_at + 1, Date.now())
    }
  }
  for (const [metric, amount] of Object.entries(usage)) {
    const key = `${applicationId}|${metric}`
    const hours = byHour[key] ?? {}
    const minutes = byMinute[key] ?? {}
    byHour[key] = hours
    byMinute[key] = minutes
    add(hours, Math.floor(at / HOUR) * HOUR, amount)
    add(minutes, Math.floor(at / MINUTE) * MINUTE, amount)
    for (const minute of Object.keys(minutes)) if (Number(minute) < Date.now() - 3 * MINUTE) delete minutes[minute]
  }
}

/** A method's hits are also its parent's. */
export function withAncestors(usage: Record<string, number>, metrics: Metric[]): Record<string, number> {
  const whole: Record<string, number> = {}
  for (const [name, amount] of Object.entries(usage)) {
    let metric = metrics.find(({ system_name }) => system_name === name)
    while (metric) {
      whole[metric.system_name] = (whole[metric.system_name] ?? 0) + amount
      const parent = metric.parent_id
      metric = metrics.find(({ id }) => id === parent)
    }
  }
  return whole
}

/** Calendar periods in UTC; the week starts on Monday (apisonator, lib/3scale/backend/period). */
const periods = ['minute', 'hour', 'day', 'week', 'month', 'year', 'eternity'] as const
type Period = (typeof periods)[number]

export function isLonger(period: string, than: string): boolean {
  return periods.indexOf(period as Period) > periods.indexOf(than as Period)
}

export function usedIn(state: State, application: number, metric: string, period: string, now: number): number {
  const counters = (period === 'minute' ? state.backend.minutes : state.backend.hours)[`${application}|${metric}`] ?? {}
  const since = startOf(period, now)
  return Object.entries(counters).reduce((sum, [at, amount]) => (Number(at) >= since ? sum + amount : sum), 0)
}

/** -1 for a lifetime limit, which has no end. */
export function secondsLeft(period: string, now: number): number {
  return period === 'eternity' ? -1 : Math.ceil((endOf(period, now) - now) / 1000)
}

function startOf(period: string, now: number): number {
  const date = new Date(now)
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
  switch (period) {
    case 'minute':
      return Math.floor(now / MINUTE) * MINUTE
    case 'hour':
      return Math.floor(now / HOUR) * HOUR
    case 'day':
      return Date.UTC(year, month, day)
    case 'week':
      return Date.UTC(year, month, day - ((date.getUTCDay() + 6) % 7))
    case 'month':
      return Date.UTC(year, month, 1)
    case 'year':
      return Date.UTC(year, 0, 1)
    default:
      return 0
  }
}

function endOf(period: string, now: number): number {
  const start = startOf(period, now)
  const date = new Date(start)
  if (period === 'month') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
  if (period === 'year') return Date.UTC(date.getUTCFullYear() + 1, 0, 1)
  const lengths: Record<string, number> = { minute: MINUTE, hour: HOUR, day: DAY, week: 7 * DAY }
  return start + (lengths[period] ?? 0)
}

function add(counters: Record<string, number>, at: number, amount: number): void {
  counters[String(at)] = (counters[String(at)] ?? 0) + amount
}
