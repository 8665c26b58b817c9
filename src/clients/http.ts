import type { Readable } from 'node:stream'
import { type Dispatcher, fetch as undiciFetch } from 'undici'
import { type BreakerOptions, createBreakers } from './breakers.js'
import { dispatcherMaker } from './dispatchers.js'
import { asked, flat, nameOf, readText } from './exchange.js'
import { createGuard, ForbiddenAddress, type GuardOptions } from './guard.js'
import { HttpFailure } from './http-failure.js'
import { heardOut, lateAfter } from './lateness.js'

export interface HttpOptions {
  /** PEM text of an extra certificate authority for every outbound call */
  extraCa?: string | undefined
  httpsProxy?: string | undefined
  noProxy?: string | undefined
  /** upstreams by origin, for what is told of their circuit breakers */
  upstreams?: BreakerOptions['names']
  onBreaker?: BreakerOptions['onEvent']
  /** origins whose answers may come late: `BreakerOptions.slow` */
  slow?: string[]
  /** how long one of these may be silent before that counts as an outage; default 15 s */
  silentMs?: number
  /** which addresses that somebody else chose are not called */
  guard?: GuardOptions
}

export interface HttpRequest {
  method: string
  url: URL
  headers?: Record<string, string>
  body?: string
  /** for the whole answer, body included; default 2500 */
  timeoutMs?: number
  /** asked when that time is over, and then each 500 ms: true waits on, until `longerMs` from the begin */
  goesOn?: (() => boolean) | undefined
  longerMs?: number | undefined
  /** default 1 MB */
  maxBytes?: number
  /** true: a connection of its own, so that a load balancer chooses anew */
  freshConnection?: boolean
  /** true: nobody waits, and who calls rests after a failure; the circuit breaker neither stops it nor learns from it */
  unguarded?: boolean
  /** whose request it is: how far the circuit breaker believes 500s depends on that */
  owner?: string
  /** gives it up */
  signal?: AbortSignal
}

export interface OpenRequest extends Omit<HttpRequest, 'timeoutMs' | 'maxBytes' | 'unguarded' | 'owner'> {
  signal: AbortSignal
  headMs?: number
  idleMs?: number
}

export interface OpenAnswer {
  status: number
  headers: Record<string, string>
  body: Readable
}

export interface HttpAnswer {
  status: number
  headers: Record<string, string>
  text: string
}

/** Who had less time than this asks nothing of a host that is well. */
const HURRY_MS = 1000
/** How long a late answer of a slow host is listened for. */
const LISTEN_MS = 15_000

/** Redirects are not followed; any status is an answer. */
export interface Http {
  /** Rejects with HttpFailure only. */
  send(request: HttpRequest): Promise<HttpAnswer>
  /**
   * An answer whose body is read as it comes. Rejects with HttpFailure before the head; the body fails when nothing
   * comes for `idleMs`, or when `signal` ends it, which closes the connection.
   */
  open(request: OpenRequest): Promise<OpenAnswer>
  /** A `fetch` with the same way out, for libraries that bring their own calls. Addresses of the settings may redirect it. */
  fetch: typeof globalThis.fetch
}

/**
 * The ways out of the process: every outbound call honours the extra CA and the proxy settings. The calls of the object
 * itself go to addresses of the settings; those of `guarded` to addresses that somebody else chose, so they are checked
 * (`guard.ts`) and fail with the kind `forbidden` where the portal does not call one.
 */
export function createHttp({
  extraCa,
  httpsProxy,
  noProxy,
  upstreams = {},
  onBreaker = () => {},
  slow = [],
  silentMs,
  guard: guarding,
}: HttpOptions = {}) {
  const guard = createGuard(guarding)
  const make = dispatcherMaker({ extraCa, httpsProxy, noProxy })
  const trusted: Way = { make, dispatcher: make(), check: () => {} }
  const makeGuarded = () => make(guard.connector)
  const checked: Way = { make: makeGuarded, dispatcher: makeGuarded(), check: guard.check }
  const breakers = createBreakers({
    names: upstreams,
    isOutage: (error) => (error instanceof HttpFailure ? error.telling : nameOf(error) !== 'AbortError'),
    isLate: (error) => error instanceof HttpFailure && error.kind === 'timeout',
    slow,
    ...(silentMs === undefined ? {} : { silentMs }),
    refusal: (host, last) => new HttpFailure('left_alone', host, last),
    onEvent: onBreaker,
  })

  return {
    ...callsBy(trusted),
    guarded: callsBy(checked),
    breakers: breakers.report,
    /** Ends what still waits: by then nobody is there to hear it. */
    async close(): Promise<void> {
      await Promise.all([trusted.dispatcher.destroy(), checked.dispatcher.destroy()])
    },
  }

  function callsBy(way: Way): Http {
    return {
      async send(request) {
        refuseForbidden(way, request.url)
        const call = () => send(way, request)
        return request.unguarded
          ? breakers.unguarded(request.url, call)
          : breakers.run(request.url, call, request.owner)
      },
      async open(request) {
        refuseForbidden(way, request.url)
        return breakers.run(request.url, () => open(way, request))
      },
      fetch: (async (input: string | URL, init?: RequestInit) => {
        const url = new URL(input)
        const { dispatcher } = way
        // where a redirect leads is not checked
        const options = { ...(init as object), dispatcher, ...(way === checked ? { redirect: 'manual' as const } : {}) }
        try {
          refuseForbidden(way, url)
          return await breakers.run(url, () => undiciFetch(input, options))
        } catch (error) {
          // as fetch says that there is no connection
          throw error instanceof HttpFailure ? new TypeError('fetch failed', { cause: error }) : error
        }
      }) as unknown as typeof globalThis.fetch,
    }
  }

  async function send(
    way: Way,
    {
      method,
      url,
      headers = {},
      body,
      timeoutMs = 2500,
      goesOn,
      longerMs = timeoutMs,
      maxBytes = 1_000_000,
      freshConnection = false,
      signal: ended,
    }: HttpRequest,
  ): Promise<HttpAnswer> {
    const late = lateAfter(timeoutMs, longerMs, goesOn)
    const dispatcher = freshConnection ? way.make() : way.dispatcher
    const exchange = async (end: AbortSignal): Promise<HttpAnswer> => {
      const answer = await dispatcher.request({
        ...asked({ method, url, headers, body }),
        signal: ended ? AbortSignal.any([end, ended]) : end,
      })
      const text = await readText(answer.body, maxBytes, url.host)
      return { status: answer.statusCode, headers: flat(answer.headers), text }
    }
    try {
      if (!slow.includes(url.origin) || freshConnection) return await exchange(late.signal)
      return await heardOut(exchange, late.signal, Math.max(LISTEN_MS, longerMs), () => breakers.answered(url))
    } catch (error) {
      if (error instanceof HttpFailure) throw error
      if (error instanceof ForbiddenAddress) throw new HttpFailure('forbidden', url.host, error)
      if (ended?.aborted) throw new HttpFailure('given_up', url.host, error)
      if (late.signal.aborted) throw new HttpFailure('timeout', url.host, error, timeoutMs >= HURRY_MS)
      throw new HttpFailure('network', url.host, error)
    } finally {
      late.clear()
      if (freshConnection) await dispatcher.destroy()
    }
  }

  async function open(
    { dispatcher }: Way,
    { method, url, headers = {}, body, signal, headMs = 30_000, idleMs = 60_000 }: OpenRequest,
  ): Promise<OpenAnswer> {
    try {
      const answer = await dispatcher.request({
        ...asked({ method, url, headers, body }),
        signal,
        headersTimeout: headMs,
        bodyTimeout: idleMs,
      })
      return { status: answer.statusCode, headers: flat(answer.headers), body: answer.body }
    } catch (error) {
      if (error instanceof ForbiddenAddress) throw new HttpFailure('forbidden', url.host, error)
      if (signal.aborted) throw new HttpFailure('given_up', url.host, error)
      throw new HttpFailure(nameOf(error) === 'HeadersTimeoutError' ? 'timeout' : 'network', url.host, error)
    }
  }
}

/** The connections of one way out, and what it refuses before there is one. */
interface Way {
  make(): Dispatcher
  dispatcher: Dispatcher
  /** Throws ForbiddenAddress. */
  check(url: URL): void
}

function refuseForbidden({ check }: Way, url: URL): void {
  try {
    check(url)
  } catch (error) {
    if (error instanceof ForbiddenAddress) throw new HttpFailure('forbidden', url.host, error)
    throw error
  }
}
