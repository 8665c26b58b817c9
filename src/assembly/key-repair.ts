import type { GatewayCheck } from '../features/applications/gateway-check.js'
import type { KeyReadiness } from '../features/applications/key-readiness.js'
import { createKeyRepair, type GatewayRecord, type KeyRepair } from '../features/applications/key-repair.js'
import type { Outbound } from './outbound.js'

export interface GatewayRepairDeps {
  outbound: Pick<Outbound, 'cache' | 'threescale'>
  check: GatewayCheck
  keys: KeyReadiness
  secret: Buffer
}

const MONTH = 30 * 86_400

/** The repair of keys, with what is known of each application in memory and, where there is one, in Redis. */
export function createGatewayRepair({ outbound, check, keys, secret }: GatewayRepairDeps): KeyRepair {
  const { cache, threescale } = outbound
  const kept = { fresh: MONTH, keep: MONTH, nullYields: true }
  return createKeyRepair({
    threescale,
    records: cache.cached<GatewayRecord | null>('gateway_records', kept, async () => null),
    check,
    keys,
    secret,
  })
}
