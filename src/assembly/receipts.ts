import { setTimeout as sleep } from 'node:timers/promises'
import type { Gateway } from '../clients/gateway.js'
import type { Log } from '../clients/redis.js'
import type { Config } from '../config.js'
import { createAlone } from '../features/account/alone.js'
import { createHeldKeys } from '../features/applications/held-keys.js'
import type { ModelCalls } from '../features/applications/model-calls.js'
import { createReceipts, RECEIPT_SECONDS } from '../features/applications/receipts.js'
import type { Removal } from '../features/applications/removals.js'
import { createRevocationCheck } from '../features/applications/revocation-check.js'
import type { Models } from '../features/models/models.js'
import type { Audit } from '../web/audit.js'
import { ownerOf } from '../web/caller.js'
import type { Outbound } from './outbound.js'

export interface KeyReceiptsDeps {
  outbound: Outbound
  models: Models
  calls: ModelCalls
  gateway: Gateway
  audit: Pick<Audit, 'background'>
  log: Log
}

const caching = { fresh: RECEIPT_SECONDS, keep: RECEIPT_SECONDS, size: 2000 }
/** A check ends within 15 s, and another replica waits for it. */
const WAIT_MS = 16_000

/** Receipts of removed keys, in memory and, where there is one, in Redis. */
export function createKeyReceipts(config: Config, { outbound, models, calls, gateway, audit, log }: KeyReceiptsDeps) {
  const { redis, cache, threescale } = outbound
  const heldBy = createHeldKeys(threescale)
  return createReceipts({
    check: createRevocationCheck({ calls, gateway, wait: (ms) => sleep(ms, undefined, { ref: false }) }),
    models,
    store: cache.cached<Removal | null>('receipts', caching, async () => null),
    recent: cache.cached<string[]>('receipts-recent', caching, async () => []),
    async heldValues(account, id) {
      const record = await threescale.readApplication(account, id)
      const held = await heldBy(ownerOf(account), record, await models.describe(record.productId))
      return held.map(({ value }) => value)
    },
    oneAtATime: createAlone(redis, { waitMs: WAIT_MS }),
    completed: ({ account, by, receipt: { application_id, key_id, refused, reason } }) =>
      audit.background({
        event: 'key.check',
        outcome: refused ? 'ok' : 'failed',
        who: by,
        account,
        target: { application: application_id, key_id },
        detail: { result: reason ?? (refused ? 'refused' : 'accepted') },
      }),
    appKeySeconds: config.gateway.appKeySeconds,
    log,
  })
}
