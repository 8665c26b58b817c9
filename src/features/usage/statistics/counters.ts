import pLimit, { type LimitFunction } from 'p-limit'
import type { Threescale } from '../../../clients/threescale/types.js'
import { isProblem } from '../../../errors.js'
import type { Cache, CachedValue } from '../../../infra/cache.js'
import { type CountedValues, countValues } from './counted-values.js'
import { byDeadline } from './report-deadline.js'
import {
  createTally,
  planWindows,
  type StatisticsRequest,
  type StatisticsWindow,
  type UsageTally,
  type WindowValues,
} from './requests.js'

export interface CountersDeps {
  threescale: Pick<Threescale, 'readUsage' | 'readTenantZone'>
  cache: Cache
  limit: LimitFunction
}

export interface StatisticsResult {
  tally: UsageTally
  /** requests without a response; all other numbers are complete */
  failed: { window: StatisticsWindow; error: unknown }[]
  /** requests to 3scale if nothing is cached */
  calls: number
  /** age of the oldest number */
  ageSeconds: number
}

/** Lifetime of a cached response. Short, because users look here right after a call. */
export const CACHE_SECONDS = 15
/** Hours, days, and months with usage, of all cached responses together: about 16 MB. */
const MAX_CACHED_VALUES = 1_000_000
const OVERHEAD_VALUES = 20
const MAX_CONCURRENT_REQUESTS = 4
const DAY_SECONDS = 86_400

/**
 * Usage statistics of 3scale: one request per metric and window, with a limit on concurrent requests of all callers, cached
 * for some seconds per account and application. Results name the requests without a response in time.
 */
export function createCounters({ threescale, cache, limit }: CountersDeps) {
  const values = cache.cached<CountedValues>(
    'usage-2',
    {
      // A stale copy is never returned, because a number that looks current must be current.
      freshSeconds: CACHE_SECONDS,
      maxAgeSeconds: CACHE_SECONDS,
      maxSize: MAX_CACHED_VALUES,
      sizeOf: ({ starts }) => starts.length + OVERHEAD_VALUES,
    },
    (key) => limit(() => request(key)),
  )
  let applicationForZone: number | undefined
  const zones = cache.cached<string>(
    'tenant-zone',
    { freshSeconds: DAY_SECONDS, maxAgeSeconds: 30 * DAY_SECONDS },
    () => limit(() => threescale.readTenantZone(applicationForZone ?? 0)),
  )

  return {
    /** Reads statistics until the deadline (ms of Date.now). Late responses are cached for the next call. */
    async read(accountId: number, requests: StatisticsRequest[], deadline: number): Promise<StatisticsResult> {
      const windows = planWindows(requests)
      const results: WindowValues[] = []
      const failed: StatisticsResult['failed'] = []
      let oldest = 0
      const collect = (window: StatisticsWindow, { value, ageSeconds }: CachedValue<CountedValues>) => {
        results.push({ window, values: value })
        oldest = Math.max(oldest, ageSeconds)
      }
      const missing: { window: StatisticsWindow; key: string }[] = []
      for (const window of windows) {
        const { application, metric, source, from, to } = window
        const key = JSON.stringify([accountId, application, metric, source, from, to])
        const cached = values.peekFresh(key)
        if (cached) collect(window, cached)
        else missing.push({ window, key })
      }
      const load = async ({ window, key }: (typeof missing)[number]) => {
        try {
          collect(window, await byDeadline(deadline, () => values.get(key)))
        } catch (error) {
          failed.push({ window, error })
        }
      }
      // Windows start in order, so that no request is sent after the deadline.
      if (missing.length > 0) await pLimit(MAX_CONCURRENT_REQUESTS).map(missing, load)
      return { tally: createTally(results), failed, calls: windows.length, ageSeconds: oldest }
    },

    /** The time zone of the tenant, requested once a day with any application of the caller; undefined if it cannot be read. */
    async tenantZone(application: number | undefined, deadline: number): Promise<string | undefined> {
      applicationForZone = application ?? applicationForZone
      if (applicationForZone === undefined) return undefined
      try {
        const cached = zones.peekFresh('zone')
        if (cached) return cached.value || undefined
        return (await byDeadline(deadline, () => zones.get('zone'))).value || undefined
      } catch (error) {
        if (isProblem(error)) return undefined
        throw error
      }
    },
  }

  async function request(key: string): Promise<CountedValues> {
    const [accountId, application, metric, granularity, from, to] = JSON.parse(key) as [
      number,
      number,
      string,
      StatisticsWindow['source'],
      number,
      number,
    ]
    const ends = granularity === 'eternity' ? {} : { since: iso(from), until: iso(to - 1000) }
    return countValues(
      granularity,
      await threescale.readUsage(accountId, application, { metric, granularity, ...ends }),
    )
  }
}

function iso(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z')
}
