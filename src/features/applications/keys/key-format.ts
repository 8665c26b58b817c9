import { createHash, randomBytes } from 'node:crypto'
import baseX from 'base-x'
import { type IdempotencyScope, scopeDigest, scopeName } from '../../../idempotency/fingerprint.js'
import { type DerivedKey, hmac } from '../../../infra/crypto/secrets.js'
import type { Key } from '../schemas.js'

/** A key as 3scale lists it; the creation time of a user_key is unknown. */
export interface StoredKey {
  value: string
  createdAt: string | null
}

const base62 = baseX('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')
const PREFIX = 'maas_'
const DAY_CHARACTERS = 6
const ATTEMPT_TAG_CHARACTERS = 6
const REQUEST_TAG_CHARACTERS = 4
const SECRET_CHARACTERS = 22
const CHECKSUM_CHARACTERS = 6
const ATTEMPT_TAG_START = PREFIX.length + DAY_CHARACTERS
const REQUEST_TAG_START = ATTEMPT_TAG_START + ATTEMPT_TAG_CHARACTERS
const SECRET_START = REQUEST_TAG_START + REQUEST_TAG_CHARACTERS
/** Hexadecimal characters of an application_id that identify its attempt. */
const ATTEMPT_DIGEST_CHARACTERS = 24
const APPLICATION_ID_CHARACTERS = 32

/** The form of a generated key, for secret scanners. */
export const keyPattern = /^maas_[0-9]{6}[0-9A-Za-z]{38}$/

/**
 * Generates a key: `maas_`, the day (yymmdd, UTC), a tag of the attempt (6 characters), a tag of the request (4), 22 random
 * characters (131 bits) and a checksum (6). 3scale accepts these 50 characters as user_key and as application key.
 */
export function generateKey(
  scope: IdempotencyScope,
  now: Date,
  secret = base62Tail(randomBytes(32), SECRET_CHARACTERS),
) {
  const day = now.toISOString().slice(2, 10).replaceAll('-', '')
  const body = day + attemptTag(scope) + requestTag(scope) + secret
  return PREFIX + body + checksum(body)
}

/**
 * The secret part of a key that is added or replaced. Two replicas that process the same attempt concurrently must derive
 * the same one. It cannot be derived without the portal's secret, the attempt and the previous key.
 */
export function deriveSecret(portalSecret: DerivedKey, attempt: string, previous: string | undefined): string {
  return base62Tail(hmac(portalSecret, JSON.stringify([attempt, previous]), 'sha512'), SECRET_CHARACTERS)
}

/**
 * Derives the replacement of a key that the gateway never received. It has the day and the tags of that key, so that a
 * repeated request finds it, and every replica derives the same one. Undefined for a key from outside the portal.
 */
export function deriveReplacementKey(portalSecret: DerivedKey, key: string): string | undefined {
  if (!isPortalKey(key)) return undefined
  const body = key.slice(PREFIX.length, SECRET_START) + deriveSecret(portalSecret, 'renewed', key)
  return PREFIX + body + checksum(body)
}

/** Identifies a key without revealing it: 16 hexadecimal characters of HMAC-SHA256(application, value). */
export function keyIdOf(application: number, value: string): string {
  return hmac(Buffer.from(String(application)), value)
    .toString('hex')
    .slice(0, 16)
}

/** Whether a request of this attempt created the key. */
export function isKeyOfAttempt(key: string | undefined, scope: IdempotencyScope): key is string {
  return key !== undefined && readAttemptTag(key) === attemptTag(scope)
}

/** The tag of the attempt that created a key; undefined for a key from outside the portal. */
export function readAttemptTag(key: string): string | undefined {
  return isPortalKey(key) ? key.slice(ATTEMPT_TAG_START, REQUEST_TAG_START) : undefined
}

/** Whether the same request created the key; only for keys of the same attempt. */
export function isKeyOfRequest(key: string, scope: IdempotencyScope): boolean {
  return key.slice(REQUEST_TAG_START, SECRET_START) === requestTag(scope)
}

/** The day on which the portal created a key (yyyy-mm-dd, UTC); undefined for a key from outside the portal. */
export function keyCreationDay(key: string): string | undefined {
  if (!isPortalKey(key)) return undefined
  const day = key.slice(PREFIX.length, ATTEMPT_TAG_START)
  return `20${day.slice(0, 2)}-${day.slice(2, 4)}-${day.slice(4, 6)}`
}

/** A key of 3scale as the API returns it, with its value only on request. */
export function toKey(application: number, { value, createdAt }: StoredKey, reveal: boolean): Key {
  return {
    key_id: keyIdOf(application, value),
    created_on: keyCreationDay(value) ?? null,
    created_at: createdAt,
    ...(reveal ? { value } : {}),
  }
}

/**
 * The `application_id` of an attempt. If 3scale returns it, its end is random: two applications that were created
 * concurrently have different ids at the gateway, and one can be deleted without affecting the other. For products with a
 * single key, 3scale does not return it. It is then always the same, so that a repeat is detected after the key was replaced.
 */
export function applicationIdOf(scope: IdempotencyScope, mode: 'user_key' | 'app_id' | 'oidc'): string {
  const digest = attemptDigest(scope)
  if (mode === 'user_key') return digest
  const randomCharacters = APPLICATION_ID_CHARACTERS - ATTEMPT_DIGEST_CHARACTERS
  return attemptDigestIn(digest) + randomBytes(randomCharacters / 2).toString('hex')
}

/** Digest of account and attempt, which identifies an attempt without revealing it. */
export function attemptDigest(scope: IdempotencyScope): string {
  return scopeName('application', scope)
}

/** The part of an attempt's digest with which an `application_id` begins. */
export function attemptDigestIn(applicationId: string): string {
  return applicationId.slice(0, ATTEMPT_DIGEST_CHARACTERS)
}

export function isApplicationIdOf(applicationId: string | undefined, scope: IdempotencyScope): boolean {
  return (
    applicationId?.length === APPLICATION_ID_CHARACTERS &&
    applicationId.startsWith(attemptDigestIn(attemptDigest(scope)))
  )
}

/** The tag of an attempt in its keys. */
export function attemptTag(scope: IdempotencyScope): string {
  return base62Tail(scopeDigest('key', scope), ATTEMPT_TAG_CHARACTERS)
}

function isPortalKey(key: string): boolean {
  const body = key.slice(PREFIX.length, -CHECKSUM_CHARACTERS)
  return keyPattern.test(key) && checksum(body) === key.slice(-CHECKSUM_CHARACTERS)
}

function requestTag(scope: IdempotencyScope): string {
  return base62Tail(scopeDigest('request', scope, scope.fingerprint ?? ''), REQUEST_TAG_CHARACTERS)
}

function checksum(body: string): string {
  return base62Tail(createHash('sha256').update(`maas-portal key\n${body}`).digest(), CHECKSUM_CHARACTERS)
}

/**
 * The last characters, because the first one of a base62 number is not uniformly distributed. They are reversed, as in the keys of
 * earlier builds, whose date and checksum must remain readable.
 */
function base62Tail(bytes: Buffer, characters: number): string {
  const tail = base62.encode(bytes).padStart(characters, '0').slice(-characters)
  return Array.from(tail).reverse().join('')
}
