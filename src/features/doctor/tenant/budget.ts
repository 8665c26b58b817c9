import type { Inspection } from '../../../clients/threescale/inspection/inspection.js'
import type { Page } from '../../../clients/threescale/inspection/nouns.js'
import type { Find, Finding } from '../findings.js'
import type { Tenant } from '../look.js'
import type { Reader } from '../reading.js'
import { applications } from './applications.js'
import { type MadeBy, userNames } from './names.js'
import { doubledUsers } from './people.js'

/** At most this many calls for each of the two lists: 5,000 accounts and 5,000 applications. docs/doctor.md says so. */
const CALLS = 20
const PER_CALL = 250
/** Plans whose limits are read, one call each. */
const PLANS = 100

/** What grows with the number of people and plans, read as far as the budget goes. */
export async function checkWithinBudget(
  find: Find,
  {
    inspection,
    reader,
    tenant,
    madeBy,
    isTimeUp,
  }: { inspection: Inspection; reader: Reader; tenant: Tenant; madeBy: MadeBy; isTimeUp(): boolean },
): Promise<Finding[]> {
  const [users, credentials, limits] = await Promise.all([readUsers(), readCredentials(), statistics()])
  return [
    ...doubledUsers(find, users.rows),
    ...userNames(find, users.rows, madeBy),
    ...applications(find, credentials.rows, tenant.products),
    ...limits,
    ...beyond(find, 'accounts', users),
    ...beyond(find, 'applications', credentials),
  ]

  function readUsers() {
    const what = 'whether users are doubled, and whether their names are verified'
    return readPages((page) =>
      reader.read(() => inspection.listUsers(page, PER_CALL), {
        unchecked: page === 1 ? what : `${what}, from page ${page} of the accounts`,
      }),
    )
  }

  function readCredentials() {
    const what = 'whether applications share a key or have none'
    return readPages((page) =>
      reader.read(() => inspection.listCredentials(page, PER_CALL), {
        unchecked: page === 1 ? what : `${what}, from page ${page} of the applications`,
      }),
    )
  }

  async function readPages<T>(read: (page: number) => Promise<Page<T> | undefined>): Promise<Read<T>> {
    const rows: T[] = []
    let total = 0
    for (let page = 1; page <= CALLS; page++) {
      if (isTimeUp()) return { rows, total, isLate: true }
      const answer = await read(page)
      // the failure is a finding of its own
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
        unchecked: 'whether the access token may read statistics, and whether usage of all time is reported',
        refusals: { threescale_scope: 'refused' as const },
      },
    )
    if (usage === 'refused') return [find('token_scope_stats')]
    return usage === 'missing' ? limitsOfAllTime() : []
  }

  /** Only where this 3scale reports no usage of all time: releases up to 2.16 do not (measured). */
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
          unchecked: `whether the plan “${plan.name}” has limits of all time`,
        })
        return limits?.some(({ period, value }) => period === 'eternity' && value > 0)
          ? [find('plan_limit_all_time', { product, what: `“${plan.name}” has a limit of all time.` })]
          : []
      }),
    )
    return [
      ...found.flat(),
      ...beyond(find, 'plans', { rows: offered.slice(0, PLANS), total: offered.length, isLate: false }),
    ]
  }
}

interface Read<T> extends Page<T> {
  isLate: boolean
}

function beyond(find: Find, what: string, { rows, total, isLate }: Read<unknown>): Finding[] {
  if (isLate) return [find('run_cut_off', { what: `The ${what} were not read in time.` })]
  if (total <= rows.length) return []
  return [
    find('tenant_beyond_budget', { what: `A run reads the first ${rows.length} ${what}; the tenant has ${total}.` }),
  ]
}
