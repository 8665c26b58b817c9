import type { Inspection } from '../../../../clients/threescale/inspection/inspection.js'
import type { InspectionPage } from '../../../../clients/threescale/inspection/types.js'
import type { CreateFinding, Finding } from '../../findings/findings.js'
import type { InspectionReader } from '../../inspection-reader.js'
import type { Tenant } from '../../product-context.js'
import { checkDuplicateCredentials } from './duplicate-credentials.js'
import { checkDuplicateUsers } from './duplicate-users.js'
import { limitMessages, tenantUnchecked } from './messages.js'
import { checkUsernames, type VerifyUsername } from './usernames.js'

/** The most calls for each of the two lists: 5,000 accounts and 5,000 applications, as in docs/doctor.md. */
const CALLS = 20
const PER_CALL = 250
/** The most plans whose limits are read, one call each. */
const PLANS = 100

/** Checks users, applications and plans. Their number is unbounded, so the number of calls is limited. */
export async function checkWithinBudget(
  finding: CreateFinding,
  {
    inspection,
    reader,
    tenant,
    verifyUsername,
    isTimeUp,
  }: {
    inspection: Inspection
    reader: InspectionReader
    tenant: Tenant
    verifyUsername: VerifyUsername
    isTimeUp(): boolean
  },
): Promise<Finding[]> {
  const [users, credentials, limits] = await Promise.all([readUsers(), readCredentials(), statistics()])
  return [
    ...checkDuplicateUsers(finding, users.rows),
    ...checkUsernames(finding, users.rows, verifyUsername),
    ...checkDuplicateCredentials(finding, credentials.rows, tenant.products),
    ...limits,
    ...unreadRecords(finding, 'accounts', users),
    ...unreadRecords(finding, 'applications', credentials),
  ]

  function readUsers() {
    return readPages((page) =>
      reader.read(() => inspection.listUsers(page, PER_CALL), {
        unchecked: tenantUnchecked.users(page),
      }),
    )
  }

  function readCredentials() {
    return readPages((page) =>
      reader.read(() => inspection.listCredentials(page, PER_CALL), {
        unchecked: tenantUnchecked.applications(page),
      }),
    )
  }

  async function readPages<T>(read: (page: number) => Promise<InspectionPage<T> | undefined>): Promise<ReadRecords<T>> {
    const rows: T[] = []
    let total = 0
    for (let page = 1; page <= CALLS; page++) {
      if (isTimeUp()) return { rows, total, isLate: true }
      const answer = await read(page)
      // The reader reports the failure.
      if (!answer) return { rows, total: rows.length, isLate: false }
      rows.push(...answer.rows)
      total = answer.total
      if (answer.rows.length === 0 || rows.length >= total) return { rows, total: rows.length, isLate: false }
    }
    return { rows, total, isLate: false }
  }

  async function statistics(): Promise<Finding[]> {
    const [first] = tenant.products
    if (!first) return []
    const usage = await reader.read(
      async () => ((await inspection.reportsAllTime(first.id)) ? ('reported' as const) : ('missing' as const)),
      {
        unchecked: tenantUnchecked.statistics,
        expectedErrors: { threescale_scope: 'refused' as const },
      },
    )
    if (usage === 'refused') return [finding('threescale_token_scope_stats')]
    return usage === 'missing' ? limitsOfAllTime() : []
  }

  /** Relevant only if this 3scale does not report lifetime usage: releases up to 2.16 do not (measured). */
  async function limitsOfAllTime(): Promise<Finding[]> {
    const offered = (tenant.plans ?? []).filter(
      ({ custom, state, isDefault }) => !custom && (state === 'published' || isDefault),
    )
    const found = await Promise.all(
      offered.slice(0, PLANS).map(async (plan) => {
        const product = tenant.products.find(({ id }) => id === plan.productId)
        if (!product || isTimeUp()) return []
        const limits = await reader.read(() => inspection.listLimits(plan.id), {
          product,
          unchecked: tenantUnchecked.limits(plan.name),
        })
        return limits?.some(({ period, value }) => period === 'eternity' && value > 0)
          ? [finding('plan_limit_all_time', { product, what: limitMessages.lifetimeLimit(plan.name) })]
          : []
      }),
    )
    return [
      ...found.flat(),
      ...unreadRecords(finding, 'plans', { rows: offered.slice(0, PLANS), total: offered.length, isLate: false }),
    ]
  }
}

interface ReadRecords<T> extends InspectionPage<T> {
  isLate: boolean
}

function unreadRecords(
  finding: CreateFinding,
  records: string,
  { rows, total, isLate }: ReadRecords<unknown>,
): Finding[] {
  if (isLate) return [finding('run_timed_out', { what: limitMessages.notReadInTime(records) })]
  if (total <= rows.length) return []
  return [
    finding('tenant_limit_exceeded', {
      what: limitMessages.exceeded(rows.length, records, total),
    }),
  ]
}
