import { createHash } from 'node:crypto'
import { canonicalJson } from '../infra/crypto/json-hash.js'

/** Identifies the requests that must leave one result: `attempt` is the same for every repeat within an account. */
export interface IdempotencyScope {
  account: number
  attempt: string
  /** of the request, to detect a different request with the same attempt */
  fingerprint?: string
}

/** The same text for the same request, whatever the order of its members. */
export function fingerprintOf(request: object): string {
  return canonicalJson(request)
}

/** Digest of a scope for one purpose. An Idempotency-Key may be a secret of the caller, so only digests are stored. */
export function scopeDigest(purpose: string, { account, attempt }: IdempotencyScope, ...details: string[]): Buffer {
  return createHash('sha256')
    .update([purpose, account, attempt, ...details].join('\n'))
    .digest()
}

/** As `scopeDigest`, as 32 hexadecimal characters. */
export function scopeName(purpose: string, scope: IdempotencyScope): string {
  return scopeDigest(purpose, scope).toString('hex').slice(0, 32)
}
