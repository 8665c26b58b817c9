import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { RedisConnection } from '../clients/redis.js'
import { problem } from '../errors.js'
import { addressKey } from './addresses.js'
import type { AuditName } from './audit-event.js'
import { createCounts, WINDOW_MS } from './counts.js'

export interface RateLimitsOptions {
  redis?: RedisConnection | undefined
  prefix: string
  /** requests a minute: of one caller of the API, and of one address on its way through sign-in */
  api: number
  signIn: number
  /** requests a minute of one person: calls to models from pages, keys shown, other writes by form */
  calls: number
  reveals: number
  writes: number
}

export type Limits = Awaited<ReturnType<typeof rateLimits>>

/** Counts the request, sets the headers, and rejects with too_many_requests where nothing is left. */
export type RateLimit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

/** An office behind one address has several people; one address may send as much as so many of them. */
const PEOPLE = 5

/** Routes on the way through sign-in: each costs the sign-in service a call. */
const signInRoutes = new Set(['/login', '/login/callback', '/sign-up', '/logout/backchannel'])

/** Events of routes whose handlers count by themselves, because they keep what was typed. */
const countedInside = new Set<unknown>(['application.test', 'playground.call', 'reference.call'] satisfies AuditName[])

/**
 * Limits by caller (API), by person and by address (pages), and by address alone where nobody is known yet. Every replica
 * counts in its own memory and adds its counts to Redis every tenth of a second, hearing what the others counted: no
 * request waits for Redis, and without it each replica allows the limit by itself.
 */
export async function rateLimits(app: FastifyInstance, options: RateLimitsOptions) {
  const counts = createCounts(options.redis, options.prefix)
  const signingIn = new WeakMap<FastifyRequest, string>()
  await app.register(rateLimit, { global: false, timeWindow: WINDOW_MS, store: counts.Store })
  const calls = shared('calls', options.calls)
  const reveals = shared('reveals', options.reveals)
  const ofPerson = limiter('sign-in of a person', Math.ceil(options.signIn / PEOPLE), (request) =>
    String(signingIn.get(request)),
  )

  return {
    api: limiter('api', options.api, (request) =>
      request.identity
        ? `${request.identity.kind} ${request.identity.issuer} ${request.identity.subject}`
        : addressOf(request),
    ),
    /** For the scope of the pages. */
    signInHook(scope: FastifyInstance): void {
      const limit = limiter('sign-in', options.signIn, addressOf)
      scope.addHook('preHandler', (request, reply, done) => {
        if (!signInRoutes.has(request.routeOptions.url ?? '')) done()
        else limit(request, reply).then(() => done(), done)
      })
    },
    /** For the callback, once it is known who signs in. */
    signInOf,
    /** For handlers that call models. */
    calls,
    /** For credentials that are shown, by pages and API. */
    reveals,
    /** For the scope of the pages, after the caller is known: every write, and keys that are shown. */
    writesHook(scope: FastifyInstance): void {
      const writes = shared('writes', options.writes)
      scope.addHook('preHandler', (request, reply, done) => {
        const { url = '', config } = request.routeOptions
        if (/^(GET|HEAD|OPTIONS)$/.test(request.method) || signInRoutes.has(url)) return done()
        if (countedInside.has(config.audit)) return done()
        const limit = config.audit === 'key.reveal' ? reveals : writes
        limit(request, reply).then(() => done(), done)
      })
    },
    close: counts.close,
  }

  /** By person, and by address for several of them. */
  function shared(name: string, max: number): RateLimit {
    const address = limiter(`${name} of an address`, max * PEOPLE, addressOf)
    const person = limiter(name, max, (request) =>
      request.caller ? `person ${request.caller.username}` : addressOf(request),
    )
    return async (request, reply) => {
      await address(request, reply)
      await person(request, reply)
    }
  }

  async function signInOf(request: FastifyRequest, reply: FastifyReply, person: string): Promise<void> {
    signingIn.set(request, person)
    await ofPerson(request, reply)
  }

  /** Headers as in draft-ietf-httpapi-ratelimit-headers: the policy, what is left of it, and the seconds until it is anew. */
  function limiter(name: string, max: number, callerOf: (request: FastifyRequest) => string): RateLimit {
    const count = app.createRateLimit({ max, keyGenerator: (request) => `${name} ${callerOf(request)}` })
    const policy = `"${name}";q=${max};w=${WINDOW_MS / 1000}`
    const stateOf = (left: number, seconds: number) => `"${name}";r=${left};t=${seconds}`
    return async (request, reply) => {
      const state = await count(request)
      if (state.isAllowed) return
      reply.headers({ 'ratelimit-policy': policy, ratelimit: stateOf(state.remaining, state.ttlInSeconds) })
      if (state.isExceeded) throw tooMany(state.ttlInSeconds)
    }
  }
}

function tooMany(seconds: number) {
  const wait = seconds === 1 ? 'a second' : `${seconds} seconds`
  return problem('too_many_requests', {
    detail: `Too many requests in the last minute. Try again in ${wait}.`,
    retryAfter: seconds,
  })
}

function addressOf({ ip }: { ip: string | undefined }): string {
  return `address ${addressKey(ip)}`
}
