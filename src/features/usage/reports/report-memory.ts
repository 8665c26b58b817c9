import { LRUCache } from 'lru-cache'
import { CACHE_SECONDS, type StatisticsResult } from '../statistics/counters.js'
import type { UsageRange } from '../time-range/range.js'
import type { ApplicationDetails } from './application-details.js'

/** Everything that a report depends on, apart from time and counters. */
export interface ReportOrigin {
  accountId: number
  /** Details and ranges are never changed, only replaced. */
  applications: ApplicationDetails[]
  range: UsageRange
  /** anything else, which is serialized as a whole */
  selection: object
}

interface Entry<Report> extends ReportOrigin {
  report: Report
  minute: number
  expiresAt: number
}

const MINUTE_MS = 60_000
/** Numbers of all reports together: about 4 MB. */
const MAX_NUMBERS = 500_000
/** Calls and tokens with their previous periods, each in the row of an application and in that of its model. */
const NUMBERS_PER_BUCKET = 8

/**
 * Reports whose counters are still cached. Forecasts refer to the time at which the counters were read. Periods of limits, months, and
 * days of every zone start at a full minute, so no report outlasts its minute.
 */
export function createReportMemory<Report>() {
  const entries = new LRUCache<string, Entry<Report>>({
    maxSize: MAX_NUMBERS,
    sizeCalculation: ({ applications, range }) =>
      (applications.length + 1) * (range.buckets.length + 1) * NUMBERS_PER_BUCKET,
  })

  return {
    /** The cached report of this origin, or a new one, which is cached if all counters were read. */
    async get(
      origin: ReportOrigin,
      now: number,
      build: () => Promise<{ report: Report; statistics: StatisticsResult }>,
    ): Promise<Report> {
      const { accountId, applications, range, selection } = origin
      const { since, until, granularity, requestedZone } = range
      const key = JSON.stringify([accountId, since, until, granularity, requestedZone, selection])
      const minute = Math.floor(now / MINUTE_MS)
      const entry = entries.get(key)
      const isCurrent =
        entry?.minute === minute &&
        Date.now() < entry.expiresAt &&
        entry.range === range &&
        entry.applications.length === applications.length &&
        entry.applications.every((application, index) => application === applications[index])
      if (isCurrent) return entry.report
      const { report, statistics } = await build()
      const expiresAt = Date.now() + (CACHE_SECONDS - statistics.ageSeconds) * 1000
      if (statistics.failed.length === 0) entries.set(key, { ...origin, report, minute, expiresAt })
      return report
    },
  }
}
