import { createHash, createHmac, randomBytes } from 'node:crypto'

import type { Key } from './schemas.js'

/** A key as 3scale lists it; of a user_key the time is not known. */
export interface HeldKey {
  value: string
  createdAt: string | null
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const PREFIX = 'maas_'
const SECRET = 22
/** day, attempt and wish */
const TAGS = 16

/** What a portal-made key looks like; secret scanners can match it. */
export const keyPattern = /^maas_[0-9]{6}[0-9A-Za-z]{38}$/

/** Whose request makes a key: `attempt` is the same for every repeat, `wish` tells what was asked for under it. */
export interface Origin {
  account: number
  attempt: string
  wish?: string
}

/**
 * A new key: `maas_`, the day (yymmdd, UTC), 6 characters that tell the attempt and 4 that tell its wish, 22 random ones
 * (131 bits), 6 of checksum. 50 characters of [0-9A-Za-z_], which 3scale takes as user_key and as application key alike.
 */
export function makeKey(origin: Origin, now: Date, secret = randomBase62(SECRET)): string {
  const day = now.toISOString().slice(2, 10).replaceAll('-', '')
  const body = day + attemptTag(origin) + wishTag(origin) + secret
  return PREFIX + body + checksum(body)
}

/**
 * The secret part of a key that is added or replaced: two replicas that meet the same attempt at once must make the same
 * one. Nobody can repeat it without the portal's secret, the attempt and the key before it.
 */
export function secretOf(portalSecret: Buffer, attempt: string, before: string | undefined): string {
  return base62(
    createHmac('sha512', portalSecret)
      .update(JSON.stringify([attempt, before]))
      .digest(),
    SECRET,
  )
}

/**
 * Another key in the place of one that the gateway never knew: of the same day, attempt and wish, so that a repeat finds it, and
 * the same from every replica. Undefined for a key that the portal did not make.
 */
export function renewedKey(portalSecret: Buffer, key: string): string | undefined {
  if (!isOurs(key)) return undefined
  const body = key.slice(PREFIX.length, PREFIX.length + TAGS) + secretOf(portalSecret, 'renewed', key)
  return PREFIX + body + checksum(body)
}

/** Names a key without telling it: 16 hex characters of HMAC-SHA256(application, value). */
export function keyIdOf(application: number, value: string): string {
  return createHmac('sha256', String(application)).update(value).digest('hex').slice(0, 16)
}

/** True for a key that this account's attempt made, so that a repeat finds what the first try left behind. */
export function isKeyOfAttempt(key: string | undefined, origin: Origin): key is string {
  return key !== undefined && isOurs(key) && key.slice(11, 17) === attemptTag(origin)
}

/** Of a key of that attempt: whether the same was asked for. */
export function isKeyOfWish(key: string, origin: Origin): boolean {
  return key.slice(17, 21) === wishTag(origin)
}

/** The day a portal-made key was made (yyyy-mm-dd, UTC); undefined for keys from elsewhere and for mistyped ones. */
export function keyDay(key: string): string | undefined {
  if (!isOurs(key)) return undefined
  return `20${key.slice(5, 7)}-${key.slice(7, 9)}-${key.slice(9, 11)}`
}

/** What may be told of a key; its value only where somebody asked to see it. */
export function describeKey(application: number, { value, createdAt }: HeldKey, reveal: boolean): Key {
  return {
    key_id: keyIdOf(application, value),
    made_on: keyDay(value) ?? null,
    created_at: createdAt,
    ...(reveal ? { value } : {}),
  }
}

/**
 * The `application_id` of an attempt. Where 3scale shows it, its end is random, so that of two applications that were created
 * at once each has its own at the gateway and one can be removed without harm to the other. Of a product with one key 3scale
 * does not show it: there it is the same each time, so that a repeat is noticed after the key was replaced, if it is not sent at the same
 * moment.
 */
export function applicationIdOf(origin: Origin, mode: 'user_key' | 'app_id' | 'oidc'): string {
  const named = nameOf(origin)
  return mode === 'user_key' ? named : named.slice(0, NAMED) + randomBytes((32 - NAMED) / 2).toString('hex')
}

export function isApplicationIdOf(applicationId: string | undefined, origin: Origin): boolean {
  return applicationId?.length === 32 && applicationId.startsWith(nameOf(origin).slice(0, NAMED))
}

const NAMED = 24

function nameOf({ account, attempt }: Origin): string {
  return createHash('sha256').update(`application\n${account}\n${attempt}`).digest('hex').slice(0, 32)
}

/** 128 random bits for the hidden field of a form. */
export function newAttempt(): string {
  return randomBytes(16).toString('hex')
}

function isOurs(key: string): boolean {
  return keyPattern.test(key) && checksum(key.slice(PREFIX.length, -6)) === key.slice(-6)
}

function attemptTag({ account, attempt }: Origin): string {
  return base62(createHash('sha256').update(`key\n${account}\n${attempt}`).digest(), 6)
}

function wishTag({ account, attempt, wish = '' }: Origin): string {
  return base62(createHash('sha256').update(`wish\n${account}\n${attempt}\n${wish}`).digest(), 4)
}

function checksum(body: string): string {
  return base62(createHash('sha256').update(`maas-portal key\n${body}`).digest(), 6)
}

function base62(bytes: Buffer, length: number): string {
  let number = BigInt(`0x${bytes.toString('hex')}`)
  let text = ''
  while (text.length < length) {
    text += BASE62[Number(number % 62n)]
    number /= 62n
  }
  return text
}

/** Bytes of 248 and more are thrown away, so that every character is equally likely. */
function randomBase62(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 248 && text.length < length) text += BASE62[byte % 62]
    }
  }
  return text
}
