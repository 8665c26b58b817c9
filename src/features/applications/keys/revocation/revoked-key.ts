import type { ThreescaleApplication } from '../../../../clients/threescale/types.js'
import type { Caller } from '../../../../web/auth/caller.js'
import type { CatalogueModel } from '../../applications.js'
import type { Application, RevocationCheck } from '../../schemas.js'
import { modeOf, toApplication } from '../../to-application.js'
import { keyIdOf } from '../key-format.js'
import { revocationCheckNote } from './messages.js'

/** A revoked key, and what is required to check that it is rejected. */
export interface RevokedKey {
  check: RevocationCheck
  /** a new key replaced it immediately */
  replaced: boolean
  /** of the application */
  name: string
  mode: Application['credentials']['mode']
  account: number
  product: number
  revokedBy: Pick<Caller, 'kind' | 'issuer' | 'subject' | 'username' | 'role'>
  /** checks that received no response */
  unanswered: number
  /** contains the revoked key; undefined once the check is completed */
  application: Application | undefined
}

/** `value` is the revoked key, `record` the application before the revocation. */
export interface KeyRevocation {
  record: ThreescaleApplication
  /** undefined if its product is not available */
  entry: CatalogueModel | undefined
  value: string
  replaced: boolean
}

/** From a write to its effect at the gateway, with a margin (measured: up to 0.5 s for a user_key, 62 s for an app_key). */
const MARGIN_MS = { user_key: 2000, app_id: 5000, oidc: 5000 }

/** `at` is the time of the revocation in ms, `appKeySeconds` how long 3scale's backend caches the status of an app_key. */
export function createRevokedKey(
  caller: Caller,
  { record, entry, value, replaced }: KeyRevocation,
  { at, appKeySeconds }: { at: number; appKeySeconds: number },
): RevokedKey {
  const mode = modeOf(record, entry)
  const due = at + MARGIN_MS[mode] + (mode === 'app_id' ? appKeySeconds * 1000 : 0)
  const { kind, issuer, subject, username, role, accountId } = caller
  const check = {
    application_id: record.id,
    key_id: keyIdOf(record.id, value),
    status: 'pending' as const,
    removed_at: toIso(at),
    accepted_until: mode === 'oidc' ? null : toIso(due),
    check_at: toIso(due),
    checked_at: null,
    refused: null,
    reason: null,
    requests: 0,
    request: null,
  }
  return {
    check: { ...check, note: revocationCheckNote(check, mode, appKeySeconds) },
    replaced,
    name: record.name,
    mode,
    account: accountId,
    product: record.productId,
    revokedBy: { kind, issuer, subject, username, role },
    unanswered: 0,
    application: toApplication(record, entry, { reveal: true, appKeys: [value], clientSecret: value }),
  }
}

export function revokedValueOf({ credentials }: Application): string | undefined {
  const { user_key, app_keys = [], client_secret } = credentials
  return user_key ?? app_keys[0] ?? client_secret
}

export function cacheKeyOf({ account, check }: RevokedKey): string {
  return `${account}/${check.application_id}/${check.key_id}`
}

/** RFC 3339, UTC. */
export function toIso(ms: number): string {
  return new Date(ms).toISOString()
}
