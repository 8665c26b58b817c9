import type { WebhookEvent } from '../../clients/threescale/mapping/webhook-event.js'
import type { Cache } from '../../infra/cache.js'
import { createCoalescing } from './coalescing.js'

/** What the portal caches of 3scale, and reads again after a change there. */
export interface ThreescaleChanges {
  /** applications and keys of the account */
  accountChanged(accountId: number): Promise<void>
  /** the account itself, and its users */
  usersChanged(accountId: number): Promise<void>
  /** an application of this product was created or changed */
  productUsed(productId: number): Promise<void>
  /** a product or one of its plans changed, or a configuration was promoted; undefined: the event does not name the product */
  catalogueChanged(productId: number | undefined): void
}

export interface WebhooksDeps {
  changes: ThreescaleChanges
  cache: Cache
  now: () => number
}

/** For the doctor: when 3scale last sent something. */
export interface LastWebhook {
  /** in ms */
  at: number
}

export type Webhooks = ReturnType<typeof createWebhooks>

const INTERVAL_MS = 250
const RECORD_INTERVAL_MS = 60_000
const YEAR = 365 * 86_400

/**
 * Webhooks of 3scale are hints: after an event the portal reads again what it has cached of an account, at most a few times a second and
 * only when someone looks. A repeated, late, forged or invented event therefore costs at most that, in any order.
 */
export function createWebhooks({ changes, cache, now }: WebhooksDeps) {
  const accountChanged = createCoalescing(changes.accountChanged, INTERVAL_MS)
  const usersChanged = createCoalescing(changes.usersChanged, INTERVAL_MS)
  const caching = { freshSeconds: YEAR, maxAgeSeconds: YEAR, nullMeansUnknown: true }
  const latest = cache.cached<LastWebhook | null>('webhooks', caching, async () => null)
  let recordedAt = 0

  return {
    /** Resolves when the change has taken effect on every replica, or will within the interval. */
    async receive({ type, accountId, productId }: WebhookEvent): Promise<void> {
      // Without a catalogue, it is read anyway.
      if (productId !== undefined) changes.productUsed(productId).catch(() => {})
      await Promise.all([accountChanged(accountId), ...(type === 'application' ? [] : [usersChanged(accountId)])])
      if (now() - recordedAt < RECORD_INTERVAL_MS) return
      recordedAt = now()
      await latest.put('', { at: recordedAt })
    },

    /** From programs that change products, which 3scale's webhooks do not report. */
    catalogueChanged: changes.catalogueChanged,

    async lastReceived(): Promise<LastWebhook | undefined> {
      await latest.sync()
      return latest.peek()?.value ?? undefined
    },
  }
}
