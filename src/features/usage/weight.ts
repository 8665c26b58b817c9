import type { FastifyRequest } from 'fastify'

const HOUR_MS = 3_600_000
const DAYS = new Map(Object.entries({ '24h': 1, '7d': 7, '30d': 30, '90d': 90 }))
/** longer than 3scale gives at once */
const MOST_DAYS = 3660
/** rows of a report that count as one request */
const ROWS = 60

/** As how many requests a usage report counts: by the rows that its query asks for, looked at without reading it as a range. */
export function reportWeight({ query }: FastifyRequest): number {
  const { range, since, until, granularity } = (query ?? {}) as Record<string, unknown>
  const days = since || until ? daysBetween(since, until) : (DAYS.get(String(range)) ?? 30)
  // up to two days are shown by hours where nothing else is asked for
  const hourly = granularity === 'hour' || (!granularity && days <= 2)
  return 1 + Math.ceil(rowsOf(days, hourly) / ROWS)
}

function rowsOf(days: number, hourly: boolean): number {
  return hourly ? Math.min(days, 90) * 24 : Math.min(days, 366)
}

function daysBetween(since: unknown, until: unknown): number {
  const [start, end] = [Date.parse(String(since)), until ? Date.parse(String(until)) : Date.now()]
  const days = (end - start) / (24 * HOUR_MS)
  return days > 0 ? Math.min(Math.ceil(days) + 1, MOST_DAYS) : MOST_DAYS
}
