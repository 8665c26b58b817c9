import { setTimeout as sleep } from 'node:timers/promises'
import type { Gateway } from '../clients/gateway/gateway.js'
import type { Config } from '../config/environment.js'
import { createCurrentKeys } from '../features/applications/keys/current-keys.js'
import { createRevocationCheck } from '../features/applications/keys/revocation/revocation-check.js'
import {
  createRevocationChecks,
  REVOCATION_CHECK_SECONDS,
} from '../features/applications/keys/revocation/revocation-checks.js'
import type { RevokedKey } from '../features/applications/keys/revocation/revoked-key.js'
import type { Models } from '../features/models/models.js'
import { createLock } from '../infra/lock.js'
import type { Log } from '../infra/redis.js'
import type { ModelCalls } from '../model-calls/gateway-requests.js'
import type { Audit } from '../web/audit/audit.js'
import { portalCaller } from '../web/auth/caller.js'
import type { Clients } from './clients.js'

export interface ComposeRevocationChecksDeps {
  clients: Clients
  models: Models
  calls: ModelCalls
  gateway: Gateway
  audit: Pick<Audit, 'background'>
  log: Log
}

const caching = { freshSeconds: REVOCATION_CHECK_SECONDS, maxAgeSeconds: REVOCATION_CHECK_SECONDS, maxEntries: 2000 }
/** A check ends within 15 s, and other replicas wait for it. */
const WAIT_MS = 16_000

/** Revocation checks of removed keys, cached in memory and in Redis if configured. */
export function composeRevocationChecks(
  config: Config,
  { clients, models, calls, gateway, audit, log }: ComposeRevocationChecksDeps,
) {
  const { redis, cache, threescale } = clients
  const readCurrentKeys = createCurrentKeys(threescale)
  return createRevocationChecks({
    runner: createRevocationCheck({ calls, gateway, wait: (ms) => sleep(ms, undefined, { ref: false }) }),
    models,
    store: cache.cached<RevokedKey | null>('revocation-checks', caching, async () => null),
    recent: cache.cached<string[]>('revocation-checks-recent', caching, async () => []),
    async currentValues(account, id) {
      const record = await threescale.readApplication(account, id)
      const held = await readCurrentKeys(portalCaller(account), record, await models.describe(record.productId))
      return held.map(({ value }) => value)
    },
    withLock: createLock(redis, { waitMs: WAIT_MS }),
    completed: ({ account, revokedBy, check: { application_id, key_id, refused, reason } }) =>
      audit.background({
        event: 'key.check',
        outcome: refused ? 'ok' : 'failed',
        actor: revokedBy,
        account,
        target: { application: application_id, key_id },
        detail: { result: reason ?? (refused ? 'refused' : 'accepted') },
      }),
    appKeySeconds: config.gateway.appKeySeconds,
    log,
  })
}
