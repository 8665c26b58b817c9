import { createHmac, randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { RedisConnection } from '../clients/redis.js'
import { problem } from '../errors.js'

export interface AttemptsOptions {
  redis?: RedisConnection | undefined
  prefix: string
  secret: string
}

export type Attempts = ReturnType<typeof createAttempts>

declare module 'fastify' {
  interface FastifyRequest {
    /** API: `place` of an Idempotency-Key that this request was the first to send */
    firstOfAttempt: string | undefined
  }
}

const KEEP_SECONDS = 86_400
const KEPT = 20_000
const LONGEST = 200

/** What makes a repeat the same: the caller's Idempotency-Key, else fresh chance, so that nothing is ever the same. */
export function attemptOf(request: FastifyRequest): string {
  const given = request.headers['idempotency-key']
  return typeof given === 'string' ? given : randomBytes(16).toString('hex')
}

/**
 * Notices an Idempotency-Key that comes again with another body. What was made is found in 3scale, without this; here is
 * only a fingerprint of key and body, kept for a day in memory and in Redis, which tells nothing about either.
 */
export function createAttempts({ redis, prefix, secret }: AttemptsOptions) {
  const bodies = new Map<string, string>()
  const digest = (...parts: string[]) => createHmac('sha256', secret).update(parts.join('\n')).digest('base64url')

  return {
    hook(app: FastifyInstance): void {
      app.decorateRequest('firstOfAttempt', undefined)
      app.addHook('preHandler', async (request) => {
        const key = request.headers['idempotency-key']
        if (request.method !== 'POST' || key === undefined || !request.identity) return
        if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key))
          throw problem('invalid_fields', {
            fields: { 'idempotency-key': 'Use 1 to 255 visible ASCII characters.' },
          })
        const { kind, issuer, subject } = request.identity
        const path = request.url.split('?')[0] ?? ''
        const place = `${prefix}:attempt:${digest('attempt', kind, issuer, subject, path, key)}`
        const body = digest('body', place, canonical(request.body))
        const known = await remember(place, body)
        if (known === undefined) request.firstOfAttempt = place
        else if (known !== body) throw problem('attempt_reused')
      })
      // what was refused made nothing: its key may be used again with a better body
      app.addHook('onSend', async (request, reply) => {
        if (reply.statusCode >= 400 && reply.statusCode < 500) await release(request)
      })
    },

    release,
  }

  async function release(request: FastifyRequest): Promise<void> {
    const place = request.firstOfAttempt
    if (place === undefined) return
    bodies.delete(place)
    await redis?.try((client) => client.del(place))
  }

  /** The body that this key was first sent with; undefined: this is the first. */
  async function remember(place: string, body: string): Promise<string | undefined> {
    const mine = bodies.get(place)
    if (mine !== undefined) return mine
    bodies.set(place, body)
    const oldest = bodies.size > KEPT ? bodies.keys().next().value : undefined
    if (oldest !== undefined) bodies.delete(oldest)
    const stored = storedAt(place, body, Date.now())
    const set = await redis?.try(async (client) => [await client.set(place, stored, 'EX', KEEP_SECONDS, 'NX')])
    if (set === undefined || set[0] === 'OK') return undefined
    const there = await redis?.try((client) => client.getrange(place, 0, LONGEST))
    if (!there) return undefined
    const [theirs = '', at] = there.split(' ')
    if (there !== storedAt(place, theirs, Number(at)) || Date.now() - Number(at) > KEEP_SECONDS * 1000) {
      // written by no portal, or put back when its time was up
      await redis?.try((client) => client.set(place, stored, 'EX', KEEP_SECONDS))
      return undefined
    }
    bodies.set(place, theirs)
    return theirs
  }

  /** Signed: whoever writes to Redis must not be able to say that another body was sent. */
  function storedAt(place: string, body: string, at: number): string {
    return `${body} ${at} ${digest('stored', place, body, String(at))}`
  }
}

/** The same JSON whatever the order of its fields. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? ''
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join()}}`
}
