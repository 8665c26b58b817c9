import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { problem } from '../../errors.js'
import type { RedisConnection } from '../../infra/redis.js'
import type { AuditName } from '../audit/audit-event.js'
import { clientAddressKey } from './client-address.js'
import { tooManyRequests } from './messages.js'
import { createRateLimitStore, WINDOW_MS } from './rate-limit-store.js'
import { createReportQueue } from './report-queue.js'

export interface RateLimitsOptions {
  redis?: RedisConnection | undefined
  prefix: string
  /** requests per minute: of a caller of the API, of an address during sign-in, of the visitors of an address */
  api: number
  signIn: number
  visits: number
  /** requests per minute of a user: calls to models, revealed keys, other forms, pages, usage reports */
  calls: number
  reveals: number
  writes: number
  pages: number
  reports: number
  /** true: clients can choose their address, so the address of the connection is limited too */
  anyProxy?: boolean
}

/** The limit of a route. `free`: none, because the route is cheap. */
export type LimitName = 'free' | 'api' | 'sign_in' | 'pages' | 'reports' | 'calls' | 'reveals' | 'writes' | 'webhooks'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** set for every route; the default depends on method, prefix and audit event */
    limit?: LimitName
    /** how many requests a request counts as; default 1 */
    weight?: number | ((request: FastifyRequest) => number)
  }
}

export type Limits = Awaited<ReturnType<typeof rateLimits>>

/** Counts the request, sets the headers, and rejects with too_many_requests above the limit. */
export type RateLimit = (request: FastifyRequest, reply: FastifyReply) => void

/** The limit of an address is that of several users, because an office shares an address. */
const USERS_PER_ADDRESS = 5
/** Per minute. 3scale repeats a rejected one five times within five minutes. */
const WEBHOOKS = 6000
/** Usage reports of a user: concurrent and queued. */
const CONCURRENT_REPORTS = 2
const QUEUED_REPORTS = 8
/** Concurrent usage reports of all members of an account. */
const CONCURRENT_REPORTS_OF_ACCOUNT = 4

/** Events of routes whose handlers count the request, because they show the form again with its input. */
const countedByHandler = new Set<unknown>([
  'application.test',
  'playground.call',
  'reference.call',
] satisfies AuditName[])

/**
 * Rate limits by caller (API), by user and by address (pages), and by address for visitors. Every route has a limit, by default that of
 * its kind. Each replica counts in memory and exchanges its counts through Redis ten times a second, so no request waits for Redis.
 * Without Redis, each replica applies the limit separately.
 */
export async function rateLimits(app: FastifyInstance, options: RateLimitsOptions) {
  const store = createRateLimitStore(options.redis, options.prefix)
  const userReports = createReportQueue({ concurrency: CONCURRENT_REPORTS, maxQueued: QUEUED_REPORTS })
  const accountReports = createReportQueue({
    concurrency: CONCURRENT_REPORTS_OF_ACCOUNT,
    maxQueued: USERS_PER_ADDRESS * QUEUED_REPORTS,
  })
  const wrapped = new WeakSet<RouteOptions['handler']>()
  const signingIn = new WeakMap<FastifyRequest, string>()
  const calls = shared('calls', options.calls)
  const reveals = shared('reveals', options.reveals)
  const reports = limiter('reports', options.reports, personOf)
  const visits = limiter('visits', options.visits, addressOf, { quiet: true })
  const signIn = limiter('sign-in', options.signIn, addressOf)
  const ofPerson = limiter('sign-in per user', Math.ceil(options.signIn / USERS_PER_ADDRESS), (request) =>
    String(signingIn.get(request)),
  )
  const ofKind: Partial<Record<LimitName, RateLimit>> = {
    sign_in: signIn,
    pages: limiter('pages', options.pages, personOf, { quiet: true }),
    reports,
    reveals,
    // a rejected call renders the page with its input again
    calls: limiter('call forms', 2 * options.calls, personOf, { quiet: true }),
    writes: limiter('forms', 2 * options.writes, personOf, { quiet: true }),
  }
  // a rejected write renders the form again, so it is counted after its body was read
  const writes = shared('writes', options.writes)
  app.addHook('onRoute', (route) => {
    const limit = route.config?.limit ?? defaultLimit(route)
    route.config = { ...route.config, limit }
    // HEAD uses the handler of GET, which is already wrapped
    if (limit === 'reports' && !wrapped.has(route.handler)) route.handler = queued(route.handler)
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
    /** For the sign-in callback, once the user is identified. */
    signInOf,
    /** For handlers that call models. */
    calls,
    /** For revealed credentials, in pages and API. */
    reveals,
    /** For usage reports, in pages and API. */
    reports,
    /** For webhooks of 3scale, whose number is that of the changes there; and for requests to their address without the secret. */
    webhooks: limiter('webhooks', WEBHOOKS, () => '3scale', { quiet: true }),
    rejectedWebhooks: limiter('rejected webhooks', options.signIn, addressOf, { quiet: true }),
    /** For the scope of the pages, after the caller is identified and before the body is read. */
    hook(scope: FastifyInstance): void {
      scope.addHook('onRequest', (request, reply, done) => {
        const { limit = 'pages' } = request.routeOptions.config
        if (limit === 'free') return done()
        const count = request.caller || limit === 'sign_in' ? ofKind[limit] : visits
        if (!count) return done(new Error(`no limit named ${limit} for pages`))
        count(request, reply)
        if (!reply.sent) done()
      })
      scope.addHook('preHandler', (request, reply, done) => {
        if (request.caller && request.routeOptions.config.limit === 'writes') writes(request, reply)
        done()
      })
    },
    close: store.close,
  }

  /** By user and by address. */
  function shared(name: string, max: number): RateLimit {
    const address = limiter(`${name} per address`, max * USERS_PER_ADDRESS, addressOf)
    const person = limiter(name, max, personOf)
    return (request, reply) => {
      address(request, reply)
      person(request, reply)
    }
  }

  function signInOf(request: FastifyRequest, reply: FastifyReply, person: string): void {
    signingIn.set(request, person)
    ofPerson(request, reply)
  }

  /**
   * Headers as in draft-ietf-httpapi-ratelimit-headers: the policy, the remaining requests and the seconds until the reset. `quiet`: only
   * with a rejection, which is plain text above twice the limit. `weighed`: expensive routes count as several requests.
   */
  function limiter(
    name: string,
    max: number,
    callerOf: (request: FastifyRequest) => string,
    { quiet = false, weighed = true } = {},
  ): RateLimit {
    const take = (request: FastifyRequest) => {
      const [caller, weight] = [callerOf(request), weighed ? weightOf(request) : 1]
      const counted = store.increment(`${name} ${caller}`, WINDOW_MS, weight)
      if (!options.anyProxy || !caller.startsWith('address ')) return counted
      // a connection may be shared by an office, but not by any number of forged addresses
      const { current } = store.increment(
        `${name} of ${clientAddressKey(request.socket.remoteAddress)}`,
        WINDOW_MS,
        weight,
      )
      return { ...counted, current: Math.max(counted.current, current - (USERS_PER_ADDRESS - 1) * max) }
    }
    const policy = `"${name}";q=${max};w=${WINDOW_MS / 1000}`
    return (request, reply) => {
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

  /** Queues the handler by user and by account. A disconnected client does not free its slot. */
  function queued(handler: RouteOptions['handler']): RouteOptions['handler'] {
    const handle: RouteOptions['handler'] = function (request, reply) {
      return userReports(personOf(request), () =>
        accountReports(String(request.caller?.accountId), async () => handler.call(this, request, reply)),
      )
    }
    wrapped.add(handle)
    return handle
  }
}

function defaultLimit({ method, url, config }: RouteOptions): LimitName {
  if (url.startsWith('/api/')) return 'api'
  if (countedByHandler.has(config?.audit)) return 'calls'
  if (config?.audit === 'key.reveal') return 'reveals'
  return [method].flat().every((name) => /^(GET|HEAD|OPTIONS)$/.test(name)) ? 'pages' : 'writes'
}

function weightOf(request: FastifyRequest): number {
  const { weight = 1 } = request.routeOptions.config
  return typeof weight === 'number' ? weight : weight(request)
}

function tooMany(seconds: number) {
  return problem('too_many_requests', {
    detail: tooManyRequests(seconds),
    retryAfter: seconds,
  })
}

function personOf(request: FastifyRequest): string {
  return request.caller ? `person ${request.caller.username}` : addressOf(request)
}

function addressOf({ ip }: { ip: string | undefined }): string {
  return `address ${clientAddressKey(ip)}`
}
