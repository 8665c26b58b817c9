import type { Cache } from '../../clients/cache.js'
import type { Subscription, Threescale } from '../../clients/threescale/nouns.js'
import { type PortalError, problem } from '../../errors.js'
import type { Caller } from '../../web/caller.js'
import type { ProductNotes } from './notes.js'

export interface AudienceDeps {
  threescale: Pick<Threescale, 'listSubscriptions' | 'listApplications'>
  cache: Cache
  notes: Record<string, ProductNotes>
}

const GROUPS_OMITTED =
  'There is no such model, or it is limited to certain groups. The sign-in service left out your groups because there are too many. Ask the operator of this portal.'

/** An application of the caller's account, without its secrets. */
export interface OwnApplication {
  id: number
  name: string
  productId: number
  state: string
}

export type Audience = ReturnType<typeof createAudience>

interface Shown {
  product: { id: number; systemName: string }
  offered: unknown[]
}

/** Who may see and take a product: the same rule for pages, API and everything that is built on them. */
export function createAudience({ threescale, cache, notes }: AudienceDeps) {
  const subscriptions = cache.cached<Subscription[]>('subscriptions', { fresh: 60, keep: 3600 }, (account) =>
    threescale.listSubscriptions(Number(account)),
  )
  const applications = cache.cached<OwnApplication[]>('own-applications', { fresh: 15, keep: 15 }, async (account) =>
    (await threescale.listApplications(Number(account))).map(({ id, name, productId, state }) => ({
      id,
      name,
      productId,
      state,
    })),
  )

  const deciding = new Set(Object.values(notes).flatMap(({ visible_to }) => visible_to ?? []))

  return {
    /**
     * Offered at all, not hidden, open to a group of the caller's; where the tenant shows service plans, only with a live
     * subscription (porta, lib/developer_portal: applications need an approved subscription to the service).
     */
    async mayTake<T extends Shown>(all: T[], caller: Caller | undefined, servicePlans: boolean): Promise<T[]> {
      const open = all.filter(({ product, offered }) => {
        const note = notes[product.systemName]
        if (offered.length === 0 || note?.hidden) return false
        return !note?.visible_to || note.visible_to.some((group) => caller?.groups.includes(group))
      })
      if (!servicePlans) return open
      if (!caller) return []
      const live = await liveProducts(caller)
      return open.filter(({ product }) => live.has(product.id))
    },

    /** The same for what does not exist and for what the caller may not see, and for every name. */
    notFound(caller: Caller | undefined): PortalError {
      return caller?.groupsOmitted && deciding.size > 0
        ? problem('not_found', { detail: GROUPS_OMITTED })
        : problem('not_found')
    },

    /** Two callers with the same answer are offered the same. */
    async keyOf(caller: Caller | undefined, servicePlans: boolean): Promise<string> {
      const groups = caller?.groups.filter((group) => deciding.has(group)).sort() ?? []
      const products = servicePlans && caller ? [...(await liveProducts(caller))].sort() : []
      return JSON.stringify([caller !== undefined || !servicePlans, groups, products])
    },

    /** One call at most, kept for a few seconds. */
    applicationsOf: async (caller: Caller): Promise<OwnApplication[]> =>
      (await applications.get(String(caller.accountId))).value,
  }

  async function liveProducts(caller: Caller): Promise<Set<number>> {
    const mine = (await subscriptions.get(String(caller.accountId))).value
    return new Set(mine.filter(({ state }) => state === 'live').map(({ productId }) => productId))
  }
}
