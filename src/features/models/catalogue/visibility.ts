import type { Threescale } from '../../../clients/threescale/types.js'
import { type PortalError, problem } from '../../../errors.js'
import type { Cache } from '../../../infra/cache.js'
import { untilContextDeadline } from '../../../infra/call-context.js'
import { withDeadline } from '../../../infra/deadline.js'
import type { Caller } from '../../../web/auth/caller.js'
import { groupsOmitted } from '../messages.js'
import type { ProductOverrides } from './product-overrides.js'

export interface VisibilityDeps {
  threescale: Pick<Threescale, 'listSubscriptions' | 'listApplications'>
  cache: Cache
  overrides: Record<string, ProductOverrides>
  /** when the portal or, as a webhook reported, 3scale last changed something in the account, in ms */
  changedAt(accountId: number): number
}

/** Of one account. */
interface ProductIds {
  /** in ms; when the read began */
  readAt: number
  ids: number[]
}

const FRESH_SECONDS = 15
const SUBSCRIPTIONS_FRESH_SECONDS = 60
/** How long a page waits for the subscriptions of an account that was changed. Then it uses those from before. */
const WAIT_MS = 500

export type Visibility = ReturnType<typeof createVisibility>

interface VisibleProduct {
  product: { id: number; systemName: string }
  offered: unknown[]
}

/** Decides which products a caller can see and use: one rule for pages, API and everything built on them. */
export function createVisibility({ threescale, cache, overrides, changedAt }: VisibilityDeps) {
  const subscribedProducts = cache.cached<ProductIds>(
    'subscribed-products',
    {
      freshSeconds: (account, ids) => (isCurrent(account, ids) ? SUBSCRIPTIONS_FRESH_SECONDS : 0),
      maxAgeSeconds: 3600,
    },
    async (account) => {
      const readAt = Date.now()
      const rows = await threescale.listSubscriptions(Number(account))
      return { readAt, ids: rows.filter(({ state }) => state === 'live').map(({ productId }) => productId) }
    },
  )
  const usedProducts = cache.cached<ProductIds>(
    'used-products',
    {
      freshSeconds: (account, ids) => (isCurrent(account, ids) ? FRESH_SECONDS : 0),
      maxAgeSeconds: FRESH_SECONDS,
    },
    async (account) => {
      const readAt = Date.now()
      const rows = await threescale.listApplications(Number(account))
      return { readAt, ids: [...new Set(rows.map(({ productId }) => productId))] }
    },
  )

  const relevantGroups = new Set(Object.values(overrides).flatMap(({ visible_to }) => visible_to ?? []))

  return {
    /**
     * Products that have a plan on offer, are not hidden and are open to a group of the caller. If the tenant shows service
     * plans, a live subscription is required too (porta, lib/developer_portal: applications need an approved subscription).
     */
    async filterVisible<T extends VisibleProduct>(
      all: T[],
      caller: Caller | undefined,
      servicePlans: boolean,
    ): Promise<T[]> {
      const open = all.filter(({ product, offered }) => {
        const override = overrides[product.systemName]
        if (offered.length === 0 || override?.hidden) return false
        return !override?.visible_to || override.visible_to.some((group) => caller?.groups.includes(group))
      })
      if (!servicePlans) return open
      if (!caller) return []
      const live = await liveProducts(caller)
      return open.filter(({ product }) => live.has(product.id))
    },

    /** The same error for a model that does not exist and one that is hidden from the caller, whatever its name. */
    notFound(caller: Caller | undefined): PortalError {
      return caller?.groupsOmitted && relevantGroups.size > 0
        ? problem('not_found', { detail: groupsOmitted })
        : problem('not_found')
    },

    /** Callers with the same key see the same products. No promise unless the subscriptions of the account matter. */
    audienceKey(caller: Caller | undefined, servicePlans: boolean): string | Promise<string> {
      const groups = caller?.groups.filter((group) => relevantGroups.has(group)).sort() ?? []
      const keyOf = (products: Iterable<number>) =>
        JSON.stringify([caller !== undefined || !servicePlans, groups, [...products].sort()])
      return servicePlans && caller ? liveProducts(caller).then(keyOf) : keyOf([])
    },

    /** The products of the account's applications. At most one call to 3scale; cached for a few seconds, or until the portal changes the account. */
    async usedProducts(caller: Caller): Promise<Set<number>> {
      const reading = usedProducts.getFresh(String(caller.accountId))
      return new Set((await untilContextDeadline(reading, () => problem('threescale_unavailable'))).value.ids)
    },
  }

  function isCurrent(account: string, { readAt }: ProductIds): boolean {
    return readAt > changedAt(Number(account))
  }

  async function liveProducts(caller: Caller): Promise<Set<number>> {
    const account = String(caller.accountId)
    const { value } = await subscribedProducts.get(account)
    if (isCurrent(account, value)) return new Set(value.ids)
    const reading = subscribedProducts.reload(account)
    reading.catch(() => {})
    return new Set((await withDeadline(reading, WAIT_MS))?.value.ids ?? value.ids)
  }
}
