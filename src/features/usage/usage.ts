import pLimit from 'p-limit'
import type { ThreescaleApplication as Record3scale, Threescale } from '../../clients/threescale/types.js'
import type { Cache } from '../../infra/cache.js'
import type { Caller } from '../../web/auth/caller.js'
import type { Model } from '../models/schemas.js'
import type { UsageEstimate } from './limits/cost.js'
import type { LimitState } from './limits/limits.js'
import { type AccountReport, buildAccountReport } from './reports/account-report.js'
import {
  type AccountReportScope,
  MAX_REQUESTS_OF_LARGE_ACCOUNT,
  requestsForAccount,
} from './reports/account-requests.js'
import {
  type ApplicationDetails,
  type ApplicationDetailsDeps,
  createApplicationDetails,
} from './reports/application-details.js'
import {
  type ApplicationReport,
  buildApplicationReport,
  estimateApplicationCost,
  evaluateLimits,
  type ReportGaps,
  requestsForApplication,
  requestsForCost,
  requestsForLimits,
  selectMetrics,
} from './reports/application-report.js'
import {
  type ApplicationSelection,
  countInUse,
  MAX_APPLICATIONS_PER_PAGE,
  selectApplications,
  selectInUse,
} from './reports/application-selection.js'
import { createReportMemory } from './reports/report-memory.js'
import { summarizeUsage, type UsageSummary } from './reports/usage-summary.js'
import { createCounters } from './statistics/counters.js'
import { byDeadline } from './statistics/report-deadline.js'
import { type RangeQuery, resolveRange } from './time-range/range.js'

export interface UsageDeps extends ApplicationDetailsDeps {
  threescale: Pick<Threescale, 'listApplications' | 'readListedApplication' | 'readUsage' | 'readTenantZone'>
  cache: Cache
  /** calls that `readPlan` would send */
  callsForPlan(productId: number, planId: number): number
  /** currency of prices in PORTAL_CONFIG */
  currency: string | undefined
  now(): Date
}

export interface ApplicationQuery extends RangeQuery {
  /** system names, separated by commas */
  metric?: string | undefined
}

export type AccountQuery = RangeQuery & ApplicationSelection

/** Zone of queries without a zone: UTC, or the zone of the tenant for users whose zone is unknown. */
export type DefaultZone = 'UTC' | 'tenant'

export interface ApplicationLimitStates {
  application: ApplicationDetails
  limits: LimitState[]
}

export interface ApplicationEstimate {
  application: ApplicationDetails
  estimate: UsageEstimate | undefined
}

export type UsageService = ReturnType<typeof createUsage>

/** Pages respond within three seconds. Numbers without a response by then are missing from the report. */
const REPORT_DEADLINE_MS = 2700
/** concurrent requests to 3scale, of all callers together */
const MAX_CONCURRENT_CALLS = 4

/**
 * Usage, limits, and costs of the applications in the caller's account. Numbers come from 3scale, one metric per request.
 * Applications of other accounts are not_found. Reports name missing data; `requireComplete` throws in that case.
 */
export function createUsage(deps: UsageDeps) {
  const { threescale, currency = null } = deps
  const limit = pLimit(MAX_CONCURRENT_CALLS)
  const details = createApplicationDetails(deps)
  const counters = createCounters({ ...deps, limit })
  const applicationReports = createReportMemory<ApplicationReport>()
  const accountReports = createReportMemory<AccountReport>()

  return {
    /**
     * One request for the application, one per metric and window, and up to three for details with a longer cache lifetime.
     * Rejects with invalid_fields, not_found, threescale_unavailable.
     */
    async ofApplication(
      caller: Caller,
      id: number,
      query: ApplicationQuery,
      zone: DefaultZone = 'UTC',
    ): Promise<ApplicationReport> {
      const { now, deadline } = clock()
      const application = await readOwn(caller, id, deadline)
      const tenantZone = zone === 'tenant' ? await counters.tenantZone(id, deadline) : undefined
      const range = resolveRange({ ...query, tz: query.tz || tenantZone }, now)
      const { accountId } = caller
      const selection = { metric: query.metric, tenantZone }
      return applicationReports.get({ accountId, applications: [application], range, selection }, now, async () => {
        const { selected, omitted } = selectMetrics(application, query.metric)
        const requests = requestsForApplication(application, selected, range, now)
        const statistics = await counters.read(accountId, requests, deadline)
        const report = buildApplicationReport(
          { application, selected, omitted, range, currency, tenantZone },
          statistics,
          now,
        )
        if (report.series.length === 0 && report.gaps.unavailable.length > 0) throw report.gaps.error
        return { report, statistics }
      })
    },

    /**
     * One request for the list, then up to four per window for each of at most ten applications; for a page of a larger account,
     * at most ten together.
     */
    async ofAccount(
      caller: Caller,
      query: AccountQuery,
      scope: AccountReportScope = 'complete',
    ): Promise<AccountReport> {
      const { now, deadline } = clock()
      const { selected, others, ...list } = await selectOwn(caller, query)
      const tenantZone = scope === 'page' ? await counters.tenantZone(selected[0]?.id, deadline) : undefined
      const range = resolveRange({ ...query, tz: query.tz || tenantZone }, now)
      const isLimited = scope === 'page' && list.count > MAX_APPLICATIONS_PER_PAGE
      const othersInUse = countInUse(others, range)
      const input = { range, scope, isLimited, tenantZone, othersInUse, ...list }
      const { report, isEmpty } = await readReport(caller, selected, input, { now, deadline })
      if (isEmpty && report.gaps.error) throw report.gaps.error
      return report
    },

    /**
     * The last 24 hours of the given applications, which are the caller's: at most ten requests, and none for an application that
     * 3scale has seen no call of since yesterday.
     */
    async recent(caller: Caller, records: Record3scale[]): Promise<UsageSummary> {
      const time = clock()
      const range = resolveRange({ range: '24h' }, time.now)
      const { selected, othersInUse } = selectInUse(records, range)
      const list = {
        page: 1,
        pages: 1,
        count: records.length,
        nextCursor: null,
        modelOptions: [],
        tenantZone: undefined,
      }
      const input = { range, scope: 'page' as const, isLimited: true, othersInUse, ...list }
      const { report } = await readReport(caller, selected, input, time)
      return summarizeUsage(report)
    },

    /** All limits of the application's plan with their usage. */
    async limitsOf(caller: Caller, id: number): Promise<ApplicationLimitStates> {
      const time = clock()
      const application = await readOwn(caller, id, time.deadline)
      const [limits = []] = await evaluateAllLimits(caller, [application], time)
      return { application, limits }
    },

    /** The same for several applications, in their order. */
    async limitsOfEach(caller: Caller, records: Record3scale[]): Promise<ApplicationLimitStates[]> {
      const time = clock()
      const applications = await loadDetails(records, time.deadline)
      const limits = await evaluateAllLimits(caller, applications, time)
      return applications.map((application, index) => ({ application, limits: limits[index] ?? [] }))
    },

    /** The caller's applications, newest first. One call. */
    async applications(caller: Caller): Promise<Record3scale[]> {
      return (await threescale.listApplications(caller.accountId)).sort((a, b) => b.id - a.id)
    },

    /** The estimate for this month; undefined without a known price. */
    async costOf(caller: Caller, id: number): Promise<ApplicationEstimate> {
      const time = clock()
      const application = await readOwn(caller, id, time.deadline)
      const [estimate] = await estimateAllCosts(caller, [application], time)
      return { application, estimate }
    },

    /** The same for several applications, in their order. */
    async costsOfEach(caller: Caller, records: Record3scale[]): Promise<ApplicationEstimate[]> {
      const time = clock()
      const applications = await loadDetails(records, time.deadline)
      const estimates = await estimateAllCosts(caller, applications, time)
      return applications.map((application, index) => ({ application, estimate: estimates[index] }))
    },

    now: () => deps.now().getTime(),
  }

  async function readOwn(caller: Caller, id: number, deadline: number): Promise<ApplicationDetails> {
    const record = await threescale.readListedApplication(caller.accountId, id)
    return byDeadline(deadline, () => details.of(record))
  }

  function loadDetails(records: Record3scale[], deadline: number): Promise<ApplicationDetails[]> {
    return byDeadline(deadline, () => Promise.all(records.map((record) => details.of(record))))
  }

  function callsForDetails(records: Record3scale[]): number {
    const plans = new Map(records.map(({ productId, planId }) => [planId, productId]))
    return [...plans].reduce((sum, [plan, product]) => sum + deps.callsForPlan(product, plan), 0)
  }

  /** `isLimited`: at most ten requests together. `isEmpty`: 3scale answered none of them. */
  async function readReport(
    { accountId }: Caller,
    selected: Record3scale[],
    {
      range,
      ...selection
    }: Omit<Parameters<typeof buildAccountReport>[0], 'applications' | 'currency' | 'isReduced'> & {
      isLimited: boolean
    },
    { now, deadline }: ReturnType<typeof clock>,
  ) {
    const maxRequests = selection.isLimited
      ? Math.max(selected.length, MAX_REQUESTS_OF_LARGE_ACCOUNT - callsForDetails(selected))
      : Number.POSITIVE_INFINITY
    const applications = await loadDetails(selected, deadline)
    const origin = { accountId, applications, range, selection: { ...selection, maxRequests } }
    let isEmpty = false
    const report = await accountReports.get(origin, now, async () => {
      const { scope } = selection
      const { requests, isReduced } = requestsForAccount(applications, { range, now, scope, maxRequests })
      const statistics = await counters.read(accountId, requests, deadline)
      isEmpty = statistics.calls > 0 && statistics.failed.length === statistics.calls
      return {
        statistics,
        report: buildAccountReport({ ...selection, range, applications, currency, isReduced }, statistics, now),
      }
    })
    return { report, isEmpty }
  }

  async function evaluateAllLimits(
    caller: Caller,
    applications: ApplicationDetails[],
    { now, deadline }: ReturnType<typeof clock>,
  ) {
    const requests = applications.flatMap((application) => requestsForLimits(application, now))
    const statistics = requireAllStatistics(await counters.read(caller.accountId, requests, deadline))
    return applications.map((application) => evaluateLimits(application, statistics, now))
  }

  async function estimateAllCosts(
    caller: Caller,
    applications: ApplicationDetails[],
    { now, deadline }: ReturnType<typeof clock>,
  ) {
    const requests = applications.flatMap((application) => requestsForCost(application, 'hour', now))
    const statistics = requireAllStatistics(await counters.read(caller.accountId, requests, deadline))
    return applications.map((application) => estimateApplicationCost(application, currency, 'hour', statistics, now))
  }

  async function selectOwn(caller: Caller, selection: ApplicationSelection) {
    const records = await threescale.listApplications(caller.accountId)
    const models = new Map<number, Model | undefined>()
    for (const { productId } of records)
      if (!models.has(productId)) models.set(productId, (await deps.findProduct(productId))?.model)
    const offered = [...models.values()].filter((model) => model !== undefined)
    return {
      ...selectApplications(records, ({ productId }) => models.get(productId)?.system_name ?? '', selection),
      modelOptions: offered.map(({ system_name, name }) => ({ model: system_name, name })),
    }
  }

  function clock() {
    return { now: deps.now().getTime(), deadline: Date.now() + REPORT_DEADLINE_MS }
  }
}

/** For the API, which returns complete numbers only. Throws the first failure. */
export function requireComplete<T extends { gaps: ReportGaps }>(report: T): T {
  if (report.gaps.unavailable.length > 0) throw report.gaps.error
  return report
}

function requireAllStatistics<T extends { failed: { error: unknown }[] }>(statistics: T): T {
  const failure = statistics.failed.find(({ error }) => (error as { code?: string }).code !== 'not_found')
  if (failure) throw failure.error
  return statistics
}
