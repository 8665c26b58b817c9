import type { FastifyRequest } from 'fastify'

const HOUR_MS = 3_600_000
const DAYS = new Map(Object.entries({ '24h': 1, '7d': 7, '30d': 30, '90d': 90 }))
/** longer than the maximum of 3scale */
const MAX_DAYS = 3660
/** rows of a report that count as one request */
const ROWS_PER_REQUEST = 60

/** Number of requests that a report counts as, estimated from its rows without resolving the range. */
export function reportWeight({ query }: FastifyRequest): number {
  const { range, since, until, granularity } = (query ?? {}) as Record<string, unknown>
  const days = since || until ? daysBetween(since, until) : (DAYS.get(String(range)) ?? 30)
  // Ranges of up to two days are hourly by default.
  const hourly = granularity === 'hour' || (!granularity && days <= 2)
  return 1 + Math.ceil(countRows(days, hourly) / ROWS_PER_REQUEST)
}

function countRows(days: number, hourly: boolean): number {
  return hourly ? Math.min(days, 90) * 24 : Math.min(days, 366)
}

function daysBetween(since: unknown, until: unknown): number {
  const [start, end] = [Date.parse(String(since)), until ? Date.parse(String(until)) : Date.now()]
  const days = (end - start) / (24 * HOUR_MS)
  return days > 0 ? Math.min(Math.ceil(days) + 1, MAX_DAYS) : MAX_DAYS
}
