import { LRUCache } from 'lru-cache'
import { isProblem } from '../../errors.js'
import { HttpError } from '../../infra/http/http-error.js'
import { toAccount, toUser } from './mapping/mappers.js'
import { recordIn, type WireObject } from './mapping/wire-values.js'
import { listOf } from './mapping/xml.js'
import type { ThreescaleRequests } from './requests/requests.js'
import type { Account, User } from './types.js'

export interface FoundAccount {
  account: Account
  users: User[]
}

/** An account with more contracts than this is read without them. */
const MANY_PLANS = 300
const REMEMBERED_MS = 24 * 3_600_000

/**
 * Finds an account with its users by a user name or an address. One call is enough, because the XML of an account contains the
 * users, but it also contains one plan for each subscription and application: 1.7 MB for 5,000 applications. Where there are
 * many, account and users are read as JSON, with two calls.
 */
export function createAccountSearch({
  get,
  getXml,
  listUsers,
  countApplications,
}: Pick<ThreescaleRequests, 'get' | 'getXml'> & {
  listUsers(accountId: number): Promise<User[]>
  countApplications(accountId: number): Promise<number>
}) {
  const withManyPlans = new LRUCache<string, true>({ max: 5000, ttl: REMEMBERED_MS })
  const timedOut = new LRUCache<string, true>({ max: 5000, ttl: REMEMBERED_MS })
  const large = new LRUCache<number, true>({ max: 5000, ttl: REMEMBERED_MS })

  return {
    /** Rejects with not_found. */
    async find(criterion: Record<string, string>): Promise<FoundAccount> {
      const key = JSON.stringify(criterion)
      if (withManyPlans.has(key)) return findWithoutPlans(criterion)
      if (timedOut.has(key)) return findAfterTimeout(key, criterion)
      try {
        const { plans, ...found } = fromXml(await getXml('/admin/api/accounts/find', criterion))
        if (plans > MANY_PLANS) remember(key, found.account.id)
        return found
      } catch (error) {
        const kind = failureOf(error)
        if (kind === 'timeout') timedOut.set(key, true)
        if (kind !== 'too_large') throw error
        const found = await findWithoutPlans(criterion)
        remember(key, found.account.id)
        return found
      }
    },

    /** Whether the account is known to have many subscriptions and applications. */
    isLarge: (accountId: number): boolean => large.has(accountId),
  }

  /** The reason may have been the size of the account, or 3scale was slow. */
  async function findAfterTimeout(key: string, criterion: Record<string, string>): Promise<FoundAccount> {
    const found = await findWithoutPlans(criterion)
    // The account is found. Its size only decides how it is read next time.
    const count = await countApplications(found.account.id).catch(() => 0)
    if (count > MANY_PLANS) remember(key, found.account.id)
    timedOut.delete(key)
    return found
  }

  function remember(key: string, accountId: number): void {
    withManyPlans.set(key, true)
    large.set(accountId, true)
  }

  async function findWithoutPlans(criterion: Record<string, string>): Promise<FoundAccount> {
    const account = toAccount(recordIn(await get('/admin/api/accounts/find', criterion), 'account'))
    return { account, users: await listUsers(account.id) }
  }
}

function fromXml(response: WireObject): FoundAccount & { plans: number } {
  const node = recordIn(response, 'account')
  const account = toAccount(node)
  const users = listOf(node.users, 'user').map((wire) => toUser(wire, account.id))
  return { account, users, plans: listOf(node.plans, 'plan').length }
}

function failureOf(error: unknown): string | undefined {
  const cause = isProblem(error, 'threescale_unavailable') ? error.cause : undefined
  return cause instanceof HttpError ? cause.kind : undefined
}
