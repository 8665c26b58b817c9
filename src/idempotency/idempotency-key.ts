import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { problem } from '../errors.js'
import { canonicalJson } from '../infra/crypto/json-hash.js'
import { createMac, type Secrets } from '../infra/crypto/secrets.js'
import type { RedisConnection } from '../infra/redis.js'
import { invalidIdempotencyKey } from './messages.js'

export interface IdempotencyKeysOptions {
  redis?: RedisConnection | undefined
  prefix: string
  secrets: Secrets
}

export type IdempotencyKeys = ReturnType<typeof createIdempotencyKeys>

declare module 'fastify' {
  interface FastifyRequest {
    /** API: where the fingerprint of an Idempotency-Key is stored, if this request was the first with that key */
    reservedIdempotencyKey: string | undefined
  }
}

const TTL_SECONDS = 86_400
const MAX_ENTRIES = 20_000
const MAX_STORED_CHARACTERS = 200

/** Request header of each POST that can be repeated and leaves one result. */
export const IdempotencyKey = Type.Object({
  'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
})

/** Identifies repeats of a request: its Idempotency-Key, or a random value so that it has no repeat. */
export function idempotencyKeyOf(request: FastifyRequest): string {
  const header = request.headers['idempotency-key']
  return typeof header === 'string' ? header : newAttempt()
}

/** 128 random bits: the Idempotency-Key of a form, or of a request without one. */
export function newAttempt(): string {
  return randomBytes(16).toString('hex')
}

/** Marks the response to a request with an Idempotency-Key that created nothing because an earlier request did. */
export function markReplayed(reply: FastifyReply, isReplayed: boolean): void {
  if (isReplayed && reply.request.headers['idempotency-key'] !== undefined) reply.header('idempotency-replayed', 'true')
}

/**
 * Detects an Idempotency-Key that is reused with another body. Results are found in 3scale without this store. It has only
 * a keyed fingerprint of key and body, for a day in memory and in Redis, which reveals neither.
 */
export function createIdempotencyKeys({ redis, prefix, secrets }: IdempotencyKeysOptions) {
  const fingerprints = new Map<string, string>()
  const mac = createMac(secrets)
  const digest = (...parts: string[]) => mac(parts.join('\n')).toString('base64url')

  return {
    hook(app: FastifyInstance): void {
      app.decorateRequest('reservedIdempotencyKey', undefined)
      app.addHook('preHandler', (request, _reply, done) => {
        const key = request.headers['idempotency-key']
        if (request.method !== 'POST' || key === undefined) return done()
        identify(request, key).then(() => done(), done)
      })
      // a rejected request created nothing, so its key can be used again with a corrected body
      app.addHook('onSend', (request, reply, payload, done) => {
        const isRejected = reply.statusCode >= 400 && reply.statusCode < 500
        if (!isRejected || request.reservedIdempotencyKey === undefined) return done(null, payload)
        release(request).then(() => done(null, payload), done)
      })
    },

    release,
  }

  async function identify(request: FastifyRequest, key: string | string[]): Promise<void> {
    if (!request.identity) return
    if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key))
      throw problem('invalid_fields', { fields: { 'idempotency-key': invalidIdempotencyKey } })
    const { kind, issuer, subject } = request.identity
    const path = request.url.split('?')[0] ?? ''
    const redisKey = `${prefix}:attempt:${digest('attempt', kind, issuer, subject, path, key)}`
    const fingerprint = digest('body', redisKey, canonicalJson(request.body))
    const earlier = await reserve(redisKey, fingerprint)
    if (earlier === undefined) request.reservedIdempotencyKey = redisKey
    else if (earlier !== fingerprint) throw problem('idempotency_key_reused')
  }

  async function release(request: FastifyRequest): Promise<void> {
    const redisKey = request.reservedIdempotencyKey
    if (redisKey === undefined) return
    fingerprints.delete(redisKey)
    await redis?.try((client) => client.del(redisKey))
  }

  /** Returns the fingerprint of the first request with this key, or undefined if this is the first. */
  async function reserve(redisKey: string, fingerprint: string): Promise<string | undefined> {
    const local = fingerprints.get(redisKey)
    if (local !== undefined) return local
    fingerprints.set(redisKey, fingerprint)
    const oldest = fingerprints.size > MAX_ENTRIES ? fingerprints.keys().next().value : undefined
    if (oldest !== undefined) fingerprints.delete(oldest)
    const entry = signedEntry(redisKey, fingerprint, Date.now())
    const set = await redis?.try(async (client) => [await client.set(redisKey, entry, 'EX', TTL_SECONDS, 'NX')])
    if (set === undefined || set[0] === 'OK') return undefined
    const stored = await redis?.try((client) => client.getrange(redisKey, 0, MAX_STORED_CHARACTERS))
    if (!stored) return undefined
    const [storedFingerprint = '', at] = stored.split(' ')
    const isSigned = stored === signedEntry(redisKey, storedFingerprint, Number(at))
    if (!isSigned || Date.now() - Number(at) > TTL_SECONDS * 1000) {
      // not written by a portal, or restored after it expired
      await redis?.try((client) => client.set(redisKey, entry, 'EX', TTL_SECONDS))
      return undefined
    }
    fingerprints.set(redisKey, storedFingerprint)
    return storedFingerprint
  }

  /** Signed, so that write access to Redis is not enough to forge a reuse. */
  function signedEntry(redisKey: string, fingerprint: string, at: number): string {
    return `${fingerprint} ${at} ${digest('stored', redisKey, fingerprint, String(at))}`
  }
}
