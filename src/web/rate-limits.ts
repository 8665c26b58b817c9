import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { RedisConnection } from '../clients/redis.js'
import { problem } from '../errors.js'
import { addressKey } from './addresses.js'
import type { AuditName } from './audit-event.js'
import { createCounts, WINDOW_MS } from './counts.js'
import { createSlots } from './slots.js'

export interface RateLimitsOptions {
  redis?: RedisConnection | undefined
  prefix: string
  /** requests a minute: of one caller of the API, of one address on its way through sign-in, and of the visitors of one address */
  api: number
  signIn: number
  visits: number
  /** requests a minute of one person: calls to models from pages, keys shown, other writes by form, pages, usage reports */
  calls: number
  reveals: number
  writes: number
  pages: number
  reports: number
  /** true: clients can choose the address they are counted under, so that the one of their connection counts, too */
  anyProxy?: boolean
}

/** Which limit a route is under. `free`: none, as it costs next to nothing. */
export type LimitName = 'free' | 'api' | 'sign_in' | 'pages' | 'reports' | 'calls' | 'reveals' | 'writes'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** set for every route; the default follows from method, prefix and audit event */
    limit?: LimitName
    /** as how many requests one counts; default 1 */
    weight?: number | ((request: FastifyRequest) => number)
  }
}

export type Limits = Awaited<ReturnType<typeof rateLimits>>

/** Counts the request, sets the headers, and rejects with too_many_requests where nothing is left. */
export type RateLimit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

/** An office behind one address has several people; one address may send as much as so many of them. */
const PEOPLE = 5
/** usage reports of one person that are computed at a time, and that may wait for one */
const REPORTS_AT_ONCE = 2
const REPORTS_WAITING = 8
/** and of all persons and services of one account */
const REPORTS_OF_ACCOUNT = 4

/** Events of routes whose handlers count by themselves, because they keep what was typed. */
const countedInside = new Set<unknown>(['application.test', 'playground.call', 'reference.call'] satisfies AuditName[])

/**
 * Limits by caller (API), by person and by address (pages), and by address alone where nobody is known yet. Every route is under
 * one: what declares none is under the one of its kind. Every replica counts in its own memory and adds its counts to Redis every
 * tenth of a second, hearing what the others counted: no request waits for Redis, and without it each replica allows the limit by
 * itself.
 */
export async function rateLimits(app: FastifyInstance, options: RateLimitsOptions) {
  const counts = createCounts(options.redis, options.prefix)
  const slots = createSlots({ atOnce: REPORTS_AT_ONCE, waiting: REPORTS_WAITING })
  const slotsOfAccount = createSlots({ atOnce: REPORTS_OF_ACCOUNT, waiting: PEOPLE * REPORTS_WAITING })
  const wrapped = new WeakSet<RouteOptions['handler']>()
  const signingIn = new WeakMap<FastifyRequest, string>()
  const calls = shared('calls', options.calls)
  const reveals = shared('reveals', options.reveals)
  const reports = limiter('reports', options.reports, personOf)
  const visits = limiter('visits', options.visits, addressOf, { quiet: true })
  const signIn = limiter('sign-in', options.signIn, addressOf)
  const ofPerson = limiter('sign-in of a person', Math.ceil(options.signIn / PEOPLE), (request) =>
    String(signingIn.get(request)),
  )
  const ofKind: Partial<Record<LimitName, RateLimit>> = {
    sign_in: signIn,
    pages: limiter('pages', options.pages, personOf, { quiet: true }),
    reports,
    reveals,
    // a refused call shows again what was typed, which costs a page
    calls: limiter('forms of calls', 2 * options.calls, personOf, { quiet: true }),
    writes: limiter('forms', 2 * options.writes, personOf, { quiet: true }),
  }
  // a refused write shows again what was typed, so it is counted once its body is read
  const writes = shared('writes', options.writes)
  app.addHook('onRoute', (route) => {
    const limit = route.config?.limit ?? usualLimit(route)
    route.config = { ...route.config, limit }
    // HEAD is made of GET, whose handler is wrapped already
    if (limit === 'reports' && !wrapped.has(route.handler)) route.handler = oneByOne(route.handler)
  })

  return {
    api: limiter(
      'api',
      options.api,
      (request) =>
        request.identity
          ? `${request.identity.kind} ${request.identity.issuer} ${request.identity.subject}`
          : addressOf(request),
      { weighed: false },
    ),
    /** For the callback, once it is known who signs in. */
    signInOf,
    /** For handlers that call models. */
    calls,
    /** For credentials that are shown, by pages and API. */
    reveals,
    /** For usage reports, by pages and API. */
    reports,
    /** For the scope of the pages, once the caller is known and before anything is done for the request or its body is read. */
    hook(scope: FastifyInstance): void {
      scope.addHook('onRequest', (request, reply, done) => {
        const { limit = 'pages' } = request.routeOptions.config
        if (limit === 'free') return done()
        const count = request.caller || limit === 'sign_in' ? ofKind[limit] : visits
        if (!count) return done(new Error(`no limit named ${limit} for pages`))
        count(request, reply).then(() => reply.sent || done(), done)
      })
      scope.addHook('preHandler', (request, reply, done) => {
        if (!request.caller || request.routeOptions.config.limit !== 'writes') return done()
        writes(request, reply).then(() => done(), done)
      })
    },
    close: counts.close,
  }

  /** By person, and by address for several of them. */
  function shared(name: string, max: number): RateLimit {
    const address = limiter(`${name} of an address`, max * PEOPLE, addressOf)
    const person = limiter(name, max, personOf)
    return async (request, reply) => {
      await address(request, reply)
      await person(request, reply)
    }
  }

  async function signInOf(request: FastifyRequest, reply: FastifyReply, person: string): Promise<void> {
    signingIn.set(request, person)
    await ofPerson(request, reply)
  }

  /**
   * Headers as in draft-ietf-httpapi-ratelimit-headers: the policy, what is left of it, and the seconds until it is anew. `quiet`
   * sends them with a refusal only, and refuses without a page what goes on after twice the limit. `weighed`: dear routes count as
   * several requests.
   */
  function limiter(
    name: string,
    max: number,
    callerOf: (request: FastifyRequest) => string,
    { quiet = false, weighed = true } = {},
  ): RateLimit {
    const take = (request: FastifyRequest) => {
      const [caller, weight] = [callerOf(request), weighed ? weightOf(request) : 1]
      const counted = counts.take(`${name} ${caller}`, WINDOW_MS, weight)
      if (!options.anyProxy || !caller.startsWith('address ')) return counted
      // one connection may stand for an office, but not for any number of made-up addresses
      const { current } = counts.take(`${name} of ${addressKey(request.socket.remoteAddress)}`, WINDOW_MS, weight)
      return { ...counted, current: Math.max(counted.current, current - (PEOPLE - 1) * max) }
    }
    const policy = `"${name}";q=${max};w=${WINDOW_MS / 1000}`
    return async (request, reply) => {
      const { current, ttl } = take(request)
      const seconds = Math.ceil(ttl / 1000)
      if (!quiet || current > max)
        reply.headers({
          'ratelimit-policy': policy,
          ratelimit: `"${name}";r=${Math.max(0, max - current)};t=${seconds}`,
        })
      if (current <= max) return
      const failure = tooMany(seconds)
      if (!quiet || current <= 2 * max) throw failure
      reply.code(failure.status).headers({ 'retry-after': seconds, 'cache-control': 'no-store' })
      reply.type('text/plain; charset=utf-8').send(failure.message)
    }
  }

  /** So many of one person and of one account at a time, whether the client waits for the answer or has gone. */
  function oneByOne(handler: RouteOptions['handler']): RouteOptions['handler'] {
    const handle: RouteOptions['handler'] = async function (request, reply) {
      const release = await slots.take(personOf(request))
      try {
        const releaseOfAccount = await slotsOfAccount.take(String(request.caller?.accountId))
        try {
          return await handler.call(this, request, reply)
        } finally {
          releaseOfAccount()
        }
      } finally {
        release()
      }
    }
    wrapped.add(handle)
    return handle
  }
}

function usualLimit({ method, url, config }: RouteOptions): LimitName {
  if (url.startsWith('/api/')) return 'api'
  if (countedInside.has(config?.audit)) return 'calls'
  if (config?.audit === 'key.reveal') return 'reveals'
  return [method].flat().every((name) => /^(GET|HEAD|OPTIONS)$/.test(name)) ? 'pages' : 'writes'
}

function weightOf(request: FastifyRequest): number {
  const { weight = 1 } = request.routeOptions.config
  return typeof weight === 'number' ? weight : weight(request)
}

function tooMany(seconds: number) {
  const wait = seconds === 1 ? 'a second' : `${seconds} seconds`
  return problem('too_many_requests', {
    detail: `Too many requests in the last minute. Try again in ${wait}.`,
    retryAfter: seconds,
  })
}

function personOf(request: FastifyRequest): string {
  return request.caller ? `person ${request.caller.username}` : addressOf(request)
}

function addressOf({ ip }: { ip: string | undefined }): string {
  return `address ${addressKey(ip)}`
}
