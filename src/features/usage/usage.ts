import type { Cache } from '../../clients/cache.js'
import { createGate } from '../../clients/gate.js'
import type { Application as Record3scale, Threescale } from '../../clients/threescale/nouns.js'
import type { Caller } from '../../web/caller.js'
import type { Model } from '../models/schemas.js'
import { type AccountChoice, type AccountReport, accountNeeds, accountReport, pick } from './account-report.js'
import {
  type ApplicationReport,
  applicationReport,
  chosen,
  costNeeds,
  estimate,
  type Gaps,
  limitNeeds,
  limitsOf,
  needsOf,
} from './application-report.js'
import type { Estimate } from './cost.js'
import { createCounters } from './counters.js'
import { createDetails, type Detailed, type DetailsDeps } from './details.js'
import type { LimitState } from './limits.js'
import { eachOf, inTime } from './patience.js'
import { type RangeQuery, rangeOf } from './range.js'

export interface UsageDeps extends Omit<DetailsDeps, 'threescale' | 'gate'> {
  threescale: Pick<
    Threescale,
    | 'listApplications'
    | 'listedApplication'
    | 'readUsage'
    | 'readTenantZone'
    | 'listMetrics'
    | 'listLimits'
    | 'listPricingRules'
  >
  cache: Cache
  /** of prices, where PORTAL_CONFIG names it */
  currency: string | undefined
  now(): Date
}

export interface ApplicationQuery extends RangeQuery {
  /** system names, separated by commas */
  metric?: string | undefined
}

export type AccountQuery = RangeQuery & AccountChoice

/** Where a query names no zone: UTC, or for people whose zone is not known the tenant's own. */
export type DefaultZone = 'UTC' | 'tenant'

export interface LimitsOf {
  application: Detailed
  limits: LimitState[]
}

export interface CostOf {
  application: Detailed
  estimate: Estimate | undefined
}

export type Usage = ReturnType<typeof createUsage>

/** A page is there within three seconds, whatever 3scale does: what is not answered by then is missing in it. */
const PATIENCE_MS = 2700
/** calls to 3scale at a time, whoever asks */
const AT_ONCE = 4

/**
 * What applications of the caller's own account have used, may use and cost. Numbers are 3scale's own, asked one metric a
 * call; another account's application is not_found. Reports name what they lack; `whole` refuses to give such a one.
 */
export function createUsage(deps: UsageDeps) {
  const { threescale, currency = null } = deps
  const gate = createGate(AT_ONCE)
  const details = createDetails({ ...deps, gate })
  const counters = createCounters({ ...deps, gate })

  return {
    /** One call for the application, one a metric and window, up to three for what is kept longer. Rejects with invalid_fields, not_found, threescale_unavailable. */
    async ofApplication(
      caller: Caller,
      id: number,
      query: ApplicationQuery,
      zone: DefaultZone = 'UTC',
    ): Promise<ApplicationReport> {
      const { now, deadline } = clock()
      const application = await own(caller, id, deadline)
      const tenantZone = zone === 'tenant' ? await counters.tenantZone(id, deadline) : undefined
      const range = rangeOf({ ...query, tz: query.tz || tenantZone }, now)
      const { shown, notAsked } = chosen(application, query.metric)
      const read = await counters.read(caller.accountId, needsOf(application, shown, range, now), deadline)
      const report = applicationReport({ application, shown, notAsked, range, currency, tenantZone }, read, now)
      if (report.series.length === 0 && report.gaps.unread.length > 0) throw report.gaps.error
      return report
    },

    /** One call for the list, then up to four a metric and window for each of at most ten applications. */
    async ofAccount(caller: Caller, query: AccountQuery, zone: DefaultZone = 'UTC'): Promise<AccountReport> {
      const { now, deadline } = clock()
      const { picked, ...rest } = await ownApplications(caller, query)
      const tenantZone = zone === 'tenant' ? await counters.tenantZone(picked[0]?.id, deadline) : undefined
      const range = rangeOf({ ...query, tz: query.tz || tenantZone }, now)
      const applications = await detailed(picked, deadline)
      const read = await counters.read(caller.accountId, accountNeeds(applications, range, now), deadline)
      const report = accountReport({ applications, range, currency, tenantZone, ...rest }, read, now)
      if (read.calls > 0 && read.failed.length === read.calls && report.gaps.error) throw report.gaps.error
      return report
    },

    /** Every limit of the application's plan with what is used of it. */
    async limitsOf(caller: Caller, id: number): Promise<LimitsOf> {
      const time = clock()
      const application = await own(caller, id, time.deadline)
      const [limits = []] = await limitsOfAll(caller, [application], time)
      return { application, limits }
    },

    /** The same for many applications, in their order. */
    async limitsOfEach(caller: Caller, records: Record3scale[]): Promise<LimitsOf[]> {
      const time = clock()
      const applications = await detailed(records, time.deadline)
      const limits = await limitsOfAll(caller, applications, time)
      return applications.map((application, index) => ({ application, limits: limits[index] ?? [] }))
    },

    /** The caller's applications, newest first. One call. */
    async applications(caller: Caller): Promise<Record3scale[]> {
      return (await threescale.listApplications(caller.accountId)).sort((a, b) => b.id - a.id)
    },

    /** This month's estimate; undefined where no price is known. */
    async costOf(caller: Caller, id: number): Promise<CostOf> {
      const time = clock()
      const application = await own(caller, id, time.deadline)
      const [estimate] = await costsOfAll(caller, [application], time)
      return { application, estimate }
    },

    /** The same for many applications, in their order. */
    async costsOfEach(caller: Caller, records: Record3scale[]): Promise<CostOf[]> {
      const time = clock()
      const applications = await detailed(records, time.deadline)
      const estimates = await costsOfAll(caller, applications, time)
      return applications.map((application, index) => ({ application, estimate: estimates[index] }))
    },

    now: () => deps.now().getTime(),
  }

  async function own(caller: Caller, id: number, deadline: number): Promise<Detailed> {
    const record = await threescale.listedApplication(caller.accountId, id)
    return inTime(deadline, () => details.of(record))
  }

  function detailed(records: Record3scale[], deadline: number): Promise<Detailed[]> {
    return inTime(deadline, () => eachOf(records, AT_ONCE, details.of))
  }

  async function limitsOfAll(caller: Caller, applications: Detailed[], { now, deadline }: ReturnType<typeof clock>) {
    const needs = applications.flatMap((application) => limitNeeds(application, now))
    const read = whole(await counters.read(caller.accountId, needs, deadline))
    return applications.map((application) => limitsOf(application, read, now))
  }

  async function costsOfAll(caller: Caller, applications: Detailed[], { now, deadline }: ReturnType<typeof clock>) {
    const needs = applications.flatMap((application) => costNeeds(application, 'hour', now))
    const read = whole(await counters.read(caller.accountId, needs, deadline))
    return applications.map((application) => estimate(application, currency, 'hour', read, now))
  }

  async function ownApplications(caller: Caller, choice: AccountChoice) {
    const records = await threescale.listApplications(caller.accountId)
    const models = new Map<number, Model | undefined>()
    for (const { productId } of records)
      if (!models.has(productId)) models.set(productId, (await deps.describe(productId))?.model)
    const names = [...models.values()].filter((model) => model !== undefined)
    return {
      ...pick(records, ({ productId }) => models.get(productId)?.system_name ?? '', choice),
      choosable: names.map(({ system_name, name }) => ({ model: system_name, name })),
    }
  }

  function clock() {
    return { now: deps.now().getTime(), deadline: Date.now() + PATIENCE_MS }
  }
}

/** For the API, which gives no incomplete numbers. Throws the first failure. */
export function complete<T extends { gaps: Gaps }>(report: T): T {
  if (report.gaps.unread.length > 0) throw report.gaps.error
  return report
}

function whole<T extends { failed: { error: unknown }[] }>(read: T): T {
  const failure = read.failed.find(({ error }) => (error as { code?: string }).code !== 'not_found')
  if (failure) throw failure.error
  return read
}
