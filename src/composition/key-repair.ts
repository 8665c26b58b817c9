import type { GatewayCheck } from '../features/applications/keys/gateway-sync/gateway-check.js'
import type { KeyReadiness } from '../features/applications/keys/gateway-sync/key-readiness.js'
import {
  createKeyRepair,
  type GatewayRecord,
  type KeyRepair,
} from '../features/applications/keys/gateway-sync/key-repair.js'
import type { DerivedKey } from '../infra/crypto/secrets.js'
import type { Clients } from './clients.js'

export interface ComposeKeyRepairDeps {
  clients: Pick<Clients, 'cache' | 'threescale'>
  check: GatewayCheck
  readiness: KeyReadiness
  secret: DerivedKey
}

const MONTH = 30 * 86_400

/** Key repair, with the state of each application cached in memory and in Redis if configured. */
export function composeKeyRepair({ clients, check, readiness, secret }: ComposeKeyRepairDeps): KeyRepair {
  const { cache, threescale } = clients
  const cacheOptions = { freshSeconds: MONTH, maxAgeSeconds: MONTH, nullMeansUnknown: true }
  return createKeyRepair({
    threescale,
    records: cache.cached<GatewayRecord | null>('gateway_records', cacheOptions, async () => null),
    check,
    readiness,
    secret,
  })
}
