import type { Threescale } from '../../../clients/threescale/types.js'
import type { Cache } from '../../../infra/cache.js'
import type { Facts } from '../catalogue/facts.js'
import type { SnapshotEntry } from '../catalogue/snapshot.js'
import { validContextLength, validModelId } from '../specs/fact-validation.js'
import { createPlanDetails } from './plan-details.js'
import { createRefreshQueue, type RefreshJob } from './refresh-queue.js'

export interface ProductDetailsDeps {
  threescale: Pick<Threescale, 'listLimits' | 'listPricingRules' | 'listMetrics'>
  cache: Cache
  ttlSeconds: number
  /** reads the token endpoint of an issuer */
  tokenEndpoint(issuer: string): Promise<string>
  /** queries a model server where the operator allows it; the result arrives through `learn` */
  queryServer(entry: SnapshotEntry): Promise<void>
  /** whether `queryServer` would send a request */
  mayQuery(entry: SnapshotEntry): boolean
  now?: () => number
}

export type ProductDetails = ReturnType<typeof createProductDetails>

interface ReportedFacts {
  id: string | undefined
  contextLength: number | undefined
  type?: Facts['type']
  /** true: the server has no list of models */
  unlisted?: true
  format?: Facts['request_format']
}

const DAY = 86_400
const YEAR = 365 * DAY
/** For a hundred products; proportionally longer for more. */
const RECHECK_MS = 20_000
const RECHECKED_PRODUCTS = 100
/** After an outage, what became due meanwhile is read at this multiple of the usual rate. */
const ROUTINE_HASTE = 3

/**
 * Details without a bulk call: limits, prices and metric names of plans (`plan-details.ts`), token endpoints, and reports of model
 * servers. They are read in the background, a few calls at a time, and served while 3scale is down.
 */
export function createProductDetails(deps: ProductDetailsDeps) {
  const { threescale, cache, ttlSeconds, tokenEndpoint, queryServer, mayQuery, now = Date.now } = deps
  let version = 0
  const changed = () => {
    version++
  }
  const plans = createPlanDetails({ threescale, cache, ttlSeconds, now, onReplaced: changed })
  const tokenUrls = cache.cached<string>(
    'token-urls',
    { freshSeconds: 3600, maxAgeSeconds: 30 * DAY, onReplaced: changed },
    tokenEndpoint,
  )
  // Reports arrive only by `put`, so there is nothing to refresh.
  const reported = cache.cached<ReportedFacts | null>(
    'model-ids',
    { freshSeconds: YEAR, maxAgeSeconds: YEAR, nullMeansUnknown: true, onReplaced: changed },
    async () => null,
  )
  let recheckMs = RECHECK_MS
  const queriedAt = new Map<string, number>()
  const checkedAt = new Map<string, number>()
  const queue = createRefreshQueue<SnapshotEntry>({
    jobsOf,
    onChange: changed,
    retryDelayMs: ttlSeconds * 1000,
    routineJobsPerSecond: () => ROUTINE_HASTE * plans.callsPerSecond(),
    now,
  })

  return {
    /** Changes with the results of `limitsOf`, `factsOf` and the other getters. */
    version: () => version,

    /** Reads missing and changed details, and those that are due. Never rejects. */
    read(entries: SnapshotEntry[]): Promise<void> {
      recheckMs = RECHECK_MS * Math.max(1, entries.length / RECHECKED_PRODUCTS)
      plans.setCurrent(entries)
      return queue.read(entries)
    },

    /** Reads the details of a product before those of others, if it lacks any. */
    readFirst: queue.readFirst,

    expire: plans.expire,
    readPlan: plans.readPlan,
    readCounted: plans.read,
    callsToReadCounted: plans.callsToRead,
    limitsOf: plans.limitsOf,
    pricesOf: plans.pricesOf,

    /** What the model of an entry depends on, in addition to the entry: equal values result in the same model. */
    sourcesOf: (entry: SnapshotEntry): unknown[] => [
      ...plans.sourcesOf(entry),
      entry.gateway.issuer === undefined ? undefined : tokenUrls.peek(entry.gateway.issuer)?.value,
      reported.peek(entry.product.systemName)?.value,
    ],

    tokenUrlOf: ({ gateway: { issuer } }: SnapshotEntry): string | null =>
      issuer === undefined ? null : (tokenUrls.peek(issuer)?.value ?? null),

    /** Facts that the model server reported. */
    factsOf({ product }: SnapshotEntry): Facts {
      const report = reported.peek(product.systemName)?.value
      if (!report) return {}
      return {
        ...(report.id === undefined ? {} : { model_id: report.id }),
        ...(report.contextLength === undefined ? {} : { context_length: report.contextLength }),
        ...(report.type === undefined ? {} : { type: report.type }),
        ...(report.format === undefined ? {} : { request_format: report.format }),
      }
    },

    /** Whether the model server has no list of models. */
    isUnlisted: ({ product }: SnapshotEntry): boolean => reported.peek(product.systemName)?.value?.unlisted === true,

    /** Stores that a model server has no list, unless it returned one before. */
    async learnUnlisted(systemName: string): Promise<void> {
      const report = reportedBy(systemName)
      if (report.id !== undefined || report.unlisted) return
      await reported.put(systemName, { ...report, unlisted: true })
      changed()
    },

    /** Stores the valid part of what a model server reported. */
    async learn(systemName: string, id: unknown, length: unknown, type?: Facts['type']): Promise<void> {
      const { format } = reportedBy(systemName)
      const report = {
        id: validModelId(id),
        contextLength: validContextLength(length),
        type,
        ...(format && { format }),
      }
      if (report.id === undefined && report.contextLength === undefined) return
      await reported.put(systemName, report)
      changed()
    },

    /** Stores the request format that a model server accepts. */
    async learnFormat(systemName: string, format: NonNullable<Facts['request_format']>): Promise<void> {
      const report = reportedBy(systemName)
      if (report.format === format) return
      await reported.put(systemName, { ...report, format })
      changed()
    },
  }

  function reportedBy(systemName: string): ReportedFacts {
    return reported.peek(systemName)?.value ?? { id: undefined, contextLength: undefined }
  }

  function jobsOf(entry: SnapshotEntry): RefreshJob[] {
    const { issuer } = entry.gateway
    return [
      ...plans.jobsOf(entry),
      ...(issuer === undefined ? [] : dueReads('token', tokenUrls, issuer)),
      ...serverJobs(entry),
    ]
  }

  /**
   * Reads the report of another replica or an earlier process once, and again at intervals while there is none, because its message
   * may have been lost. Servers are queried, where allowed, when the report is stale.
   */
  function serverJobs(entry: SnapshotEntry): RefreshJob[] {
    const { systemName } = entry.product
    const cached = reported.peek(systemName)
    if (!cached) return dueReads('report', reported, systemName)
    if (cached.value === null && now() - (checkedAt.get(systemName) ?? 0) > recheckMs) {
      const check = async () => {
        checkedAt.set(systemName, now())
        await reported.sync(systemName)
      }
      return [{ name: `check ${systemName}`, work: check }]
    }
    const lastQuery = queriedAt.get(systemName) ?? (cached.value === null ? 0 : now() - cached.ageSeconds * 1000)
    if (!mayQuery(entry) || now() - lastQuery < ttlSeconds * 1000) return []
    const query = async () => {
      // Recorded before the response: a failed query waits for the next interval too.
      queriedAt.set(systemName, now())
      await queryServer(entry)
    }
    return [{ name: `server ${systemName}`, work: query }]
  }
}

interface CachedValues {
  peek(key: string): { stale: boolean } | undefined
  getFresh(key: string): Promise<unknown>
}

function dueReads(name: string, cached: CachedValues, key: string): RefreshJob[] {
  return cached.peek(key)?.stale === false ? [] : [{ name: `${name} ${key}`, work: () => cached.getFresh(key) }]
}
