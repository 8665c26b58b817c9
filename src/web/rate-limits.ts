import { createHash } from 'node:crypto'
import rateLimit, { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { RedisConnection } from '../clients/redis.js'
import { problem } from '../errors.js'

export interface RateLimitsOptions {
  redis?: RedisConnection | undefined
  prefix: string
  /** requests a minute: of one caller of the API, and of one address on its way through sign-in */
  api: number
  signIn: number
}

/** Counts the request, sets the headers, and rejects with too_many_requests where nothing is left. */
export type RateLimit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

declare module 'fastify' {
  interface FastifyRequest {
    /** counts one request more of the same caller: the headers of the limit, undefined where it is used up */
    counted: (() => Record<string, string> | undefined) | undefined
  }
}

const WINDOW_MS = 60_000
const SHARE_MS = 100
const KEPT = 50_000

/** Routes on the way through sign-in: each costs the sign-in service a call. */
const signInRoutes = new Set(['/login', '/login/callback', '/sign-up', '/logout/backchannel'])

/**
 * Limits by caller (API) and by address (sign-in, and calls without a valid token). Every replica counts in its own memory
 * and adds its counts to Redis every tenth of a second, hearing what the others counted: no request waits for Redis, and
 * without it each replica allows the limit by itself.
 */
export async function rateLimits(app: FastifyInstance, { redis, prefix, api, signIn }: RateLimitsOptions) {
  const counts = createCounts(redis, prefix)
  app.decorateRequest('counted', undefined)
  await app.register(rateLimit, { global: false, timeWindow: WINDOW_MS, store: counts.Store })

  return {
    api: limiter('api', api, ({ identity, ip }) =>
      identity ? `${identity.kind} ${identity.issuer} ${identity.subject}` : `address ${normalizeIP(ip)}`,
    ),
    /** For the scope of the pages. */
    signInHook(scope: FastifyInstance): void {
      const limit = limiter('sign-in', signIn, ({ ip }) => `address ${normalizeIP(ip)}`)
      scope.addHook('onRequest', (request, reply, done) => {
        if (!signInRoutes.has(request.routeOptions.url ?? '')) done()
        else limit(request, reply).then(() => done(), done)
      })
    },
    close: counts.close,
  }

  /** Headers as in draft-ietf-httpapi-ratelimit-headers: the policy, what is left of it, and the seconds until it is anew. */
  function limiter(name: string, max: number, callerOf: (request: FastifyRequest) => string): RateLimit {
    const count = app.createRateLimit({ max, keyGenerator: (request) => `${name} ${callerOf(request)}` })
    const policy = `"${name}";q=${max};w=${WINDOW_MS / 1000}`
    const headersOf = (left: number, seconds: number) => ({
      'ratelimit-policy': policy,
      ratelimit: `"${name}";r=${left};t=${seconds}`,
    })
    return async (request, reply) => {
      const state = await count(request)
      if (state.isAllowed) return
      const key = `${name} ${callerOf(request)}`
      request.counted = () => {
        const { current, ttl } = counts.take(key)
        return current > max ? undefined : headersOf(max - current, Math.ceil(ttl / 1000))
      }
      reply.headers(headersOf(state.remaining, state.ttlInSeconds))
      if (state.isExceeded) throw problem('too_many_requests', { retryAfter: state.ttlInSeconds })
    }
  }
}

interface Count {
  window: number
  mine: number
  /** how much of `mine` Redis has */
  told: number
  others: number
}

function createCounts(redis: RedisConnection | undefined, prefix: string) {
  const counts = new Map<string, Count>()
  const untold = new Set<string>()
  let timer: NodeJS.Timeout | undefined

  const store = {
    incr(
      key: string,
      done: (error: Error | null, result?: { current: number; ttl: number }) => void,
      windowMs: number,
    ): void {
      done(null, take(key, windowMs))
    },
    child: () => store,
  }
  return {
    Store: function Store() {
      return store
    } as unknown as new () => typeof store,
    take,
    close: () => clearTimeout(timer),
  }

  /** One more. Milliseconds until the count is anew. */
  function take(key: string, windowMs = WINDOW_MS): { current: number; ttl: number } {
    const now = Date.now()
    const count = countOf(key, Math.floor(now / windowMs))
    count.mine++
    if (redis) tellSoon(key)
    return { current: count.mine + count.others, ttl: windowMs - (now % windowMs) }
  }

  /** All replicas cut time at the same minutes, so their counts belong together. */
  function countOf(key: string, window: number): Count {
    const kept = counts.get(key)
    if (kept?.window === window) return kept
    const fresh = { window, mine: 0, told: 0, others: 0 }
    counts.delete(key)
    counts.set(key, fresh)
    const oldest = counts.size > KEPT ? counts.keys().next().value : undefined
    if (oldest !== undefined) counts.delete(oldest)
    return fresh
  }

  function tellSoon(key: string): void {
    untold.add(key)
    timer ??= setTimeout(() => void tell(), SHARE_MS).unref()
  }

  async function tell(): Promise<void> {
    const keys = [...untold]
    untold.clear()
    await Promise.all(keys.map(tellOne))
    timer = undefined
    const [waiting] = untold
    if (waiting !== undefined) tellSoon(waiting)
  }

  async function tellOne(key: string): Promise<void> {
    const count = counts.get(key)
    if (!count) return
    const more = count.mine - count.told
    const place = `${prefix}:rate:${hashOf(key)}:${count.window}`
    const total = await redis?.try((client) => client.incrby(place, more))
    if (total === undefined) return
    count.told += more
    count.others = Math.max(0, total - count.told)
    if (total === more) await redis?.try((client) => client.pexpire(place, 2 * WINDOW_MS))
  }
}

/** Redis sees neither names nor addresses. */
function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 24)
}
