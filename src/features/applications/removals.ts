import type { Application as Record3scale } from '../../clients/threescale/nouns.js'
import type { Caller } from '../../web/caller.js'
import type { FoundModel } from './applications.js'
import { keyIdOf } from './keys.js'
import { modeOf, present } from './present.js'
import { receiptNote } from './receipt-words.js'
import type { Application, Receipt } from './schemas.js'

/** A key that was removed, with what is required to check that it is refused. */
export interface Removal {
  receipt: Receipt
  /** a new key replaced it at once */
  replaced: boolean
  /** of the application */
  name: string
  mode: Application['credentials']['mode']
  account: number
  product: number
  by: Pick<Caller, 'kind' | 'issuer' | 'subject' | 'username' | 'role'>
  /** checks that received no response at all */
  unreached: number
  /** carries the removed key; undefined once the receipt is completed */
  application: Application | undefined
}

/** What a write removed: `value` is the key, and `record` the application as it was before. */
export interface Removed {
  record: Record3scale
  /** undefined: its product is not available here */
  found: FoundModel | undefined
  value: string
  replaced: boolean
}

/** From a write to its effect at the gateway, with a margin (measured: up to 0.5 s for a user_key, 62 s for an app_key). */
const MARGIN_MS = { user_key: 2000, app_id: 5000, oidc: 5000 }

/** The pending removal. `at` is its time in ms, `appKeySeconds` how long 3scale's back-end caches the status of an app_key. */
export function removalOf(
  caller: Caller,
  { record, found, value, replaced }: Removed,
  { at, appKeySeconds }: { at: number; appKeySeconds: number },
): Removal {
  const mode = modeOf(record, found)
  const due = at + MARGIN_MS[mode] + (mode === 'app_id' ? appKeySeconds * 1000 : 0)
  const { kind, issuer, subject, username, role, accountId } = caller
  const receipt = {
    application_id: record.id,
    key_id: keyIdOf(record.id, value),
    status: 'pending' as const,
    removed_at: iso(at),
    accepted_until: mode === 'oidc' ? null : iso(due),
    check_at: iso(due),
    checked_at: null,
    refused: null,
    reason: null,
    requests: 0,
    request: null,
  }
  return {
    receipt: { ...receipt, note: receiptNote(receipt, mode, appKeySeconds) },
    replaced,
    name: record.name,
    mode,
    account: accountId,
    product: record.productId,
    by: { kind, issuer, subject, username, role },
    unreached: 0,
    application: present(record, found, { reveal: true, appKeys: [value], clientSecret: value }),
  }
}

export function removedKeyOf({ credentials }: Application): string | undefined {
  const { user_key, app_keys = [], client_secret } = credentials
  return user_key ?? app_keys[0] ?? client_secret
}

/** Its key in the caches. */
export function placeOf({ account, receipt }: Removal): string {
  return `${account}/${receipt.application_id}/${receipt.key_id}`
}

/** RFC 3339, UTC. */
export function iso(ms: number): string {
  return new Date(ms).toISOString()
}
