import type { Readable } from 'node:stream'
import { type Dispatcher, fetch as undiciFetch } from 'undici'
import { type AddressGuardOptions, createAddressGuard, ForbiddenAddress } from './address-guard.js'
import { type BreakerOptions, createCircuitBreakers } from './circuit-breaker.js'
import { createDispatcherFactory } from './dispatchers.js'
import { exchange } from './exchange.js'
import { HttpError } from './http-error.js'
import { errorName, joinHeaderValues, toDispatcherRequest } from './http-messages.js'

export interface HttpOptions {
  /** PEM text of an additional certificate authority */
  extraCa?: string | undefined
  httpsProxy?: string | undefined
  noProxy?: string | undefined
  /** upstreams by origin, for reports about their circuit breakers */
  upstreams?: BreakerOptions['names']
  onBreaker?: BreakerOptions['onEvent']
  /** origins whose responses may be late, see `BreakerOptions.slowOrigins` */
  slowOrigins?: string[]
  /** how long a slow origin may be silent before that counts as an outage; default 15 s */
  silentMs?: number
  /** which addresses of products are not called */
  addressGuard?: AddressGuardOptions
}

export interface HttpRequest {
  method: string
  url: URL
  headers?: Record<string, string>
  body?: string
  /** for the whole response, including its body; default 2500 */
  timeoutMs?: number
  /** called after the time-out, and then each 500 ms: true extends it, up to `extendedTimeoutMs` from the start */
  mayExtend?: (() => boolean) | undefined
  extendedTimeoutMs?: number | undefined
  /** default 1 MB */
  maxBytes?: number
  /** true: a connection of its own, so that a load balancer selects an instance for it */
  freshConnection?: boolean
  /** true: the circuit breaker neither refuses nor counts the request; for background calls that pause after a failure */
  bypassBreaker?: boolean
  /** the account or identity it is for; limits how much its 500s count for the circuit breaker */
  owner?: string
  /** cancels the request */
  signal?: AbortSignal
}

export interface StreamingRequest extends Omit<HttpRequest, 'timeoutMs' | 'maxBytes' | 'bypassBreaker' | 'owner'> {
  signal: AbortSignal
  headMs?: number
  idleMs?: number
}

export interface StreamingResponse {
  status: number
  headers: Record<string, string>
  body: Readable
}

export interface HttpResponse {
  status: number
  headers: Record<string, string>
  text: string
}

/** Redirects are not followed. A response of any status is returned. */
export interface Http {
  /** Rejects with HttpError only. */
  send(request: HttpRequest): Promise<HttpResponse>
  /**
   * Returns the response after its head, for streaming. Rejects with HttpError before the head. The body fails if no data arrives for
   * `idleMs`, or when `signal` aborts it, which closes the connection.
   */
  open(request: StreamingRequest): Promise<StreamingResponse>
  /** A `fetch` with the same connections, for libraries. For addresses of the settings it follows redirects. */
  fetch: typeof globalThis.fetch
}

/** How long a late response of a slow host is awaited. */
const LATE_RESPONSE_MS = 15_000

/**
 * Sends all HTTP requests of the portal with the extra CA and the proxy settings. The object itself sends requests to addresses of the
 * settings. `guarded` sends requests to addresses that products name: they are checked (`address-guard.ts`), and a request to an
 * address that the portal does not call fails with the kind `forbidden`.
 */
export function createHttp({
  extraCa,
  httpsProxy,
  noProxy,
  upstreams = {},
  onBreaker = () => {},
  slowOrigins = [],
  silentMs,
  addressGuard,
}: HttpOptions = {}) {
  const guard = createAddressGuard(addressGuard)
  const createDispatcher = createDispatcherFactory({ extraCa, httpsProxy, noProxy })
  const createGuardedDispatcher = () => createDispatcher(guard.connector)
  const trusted: Transport = { createDispatcher, dispatcher: createDispatcher(), check: () => {} }
  const guarded: Transport = {
    createDispatcher: createGuardedDispatcher,
    dispatcher: createGuardedDispatcher(),
    check: guard.check,
  }
  const breakers = createCircuitBreakers({
    names: upstreams,
    isOutage: (error) => (error instanceof HttpError ? error.isOutage : errorName(error) !== 'AbortError'),
    isTimeout: (error) => error instanceof HttpError && error.kind === 'timeout',
    slowOrigins,
    ...(silentMs === undefined ? {} : { silentMs }),
    circuitOpenError: (host, last) => new HttpError('circuit_open', host, last),
    onEvent: onBreaker,
  })

  return {
    ...httpOver(trusted),
    guarded: httpOver(guarded),
    breakers: breakers.report,
    /** Cancels running requests: their callers have been disconnected. */
    async close(): Promise<void> {
      await Promise.all([trusted.dispatcher.destroy(), guarded.dispatcher.destroy()])
    },
  }

  function httpOver(transport: Transport): Http {
    return {
      async send(request) {
        checkAddress(transport, request.url)
        const sendOnce = () => send(transport, request)
        return request.bypassBreaker
          ? breakers.bypass(request.url, sendOnce)
          : breakers.run(request.url, sendOnce, request.owner)
      },
      async open(request) {
        checkAddress(transport, request.url)
        return breakers.run(request.url, () => open(transport, request))
      },
      fetch: (async (input: string | URL, init?: RequestInit) => {
        const url = new URL(input)
        // the target of a redirect is not checked, so guarded requests do not follow it
        const redirect = transport === guarded ? { redirect: 'manual' as const } : {}
        const options = { ...(init as object), dispatcher: transport.dispatcher, ...redirect }
        try {
          checkAddress(transport, url)
          return await breakers.run(url, () => undiciFetch(input, options))
        } catch (error) {
          // the error of `fetch` for a failed connection
          throw error instanceof HttpError ? new TypeError('fetch failed', { cause: error }) : error
        }
      }) as unknown as typeof globalThis.fetch,
    }
  }

  async function send(transport: Transport, request: HttpRequest): Promise<HttpResponse> {
    const { url, timeoutMs = 2500, extendedTimeoutMs = timeoutMs, maxBytes = 1_000_000, freshConnection } = request
    const dispatcher = freshConnection ? transport.createDispatcher() : transport.dispatcher
    const isSlow = slowOrigins.includes(url.origin) && !freshConnection
    const lateMs = isSlow ? Math.max(LATE_RESPONSE_MS, extendedTimeoutMs) : 0
    const onLateResponse = () => breakers.markResponse(url)
    try {
      return await exchange(dispatcher, { ...request, timeoutMs, maxBytes, lateMs, onLateResponse })
    } catch (error) {
      if (error instanceof HttpError) throw error
      if (error instanceof ForbiddenAddress) throw new HttpError('forbidden', url.host, error)
      throw new HttpError('network', url.host, error)
    } finally {
      if (freshConnection) await dispatcher.destroy()
    }
  }

  async function open(
    { dispatcher }: Transport,
    { method, url, headers = {}, body, signal, headMs = 30_000, idleMs = 60_000 }: StreamingRequest,
  ): Promise<StreamingResponse> {
    try {
      const response = await dispatcher.request({
        ...toDispatcherRequest({ method, url, headers, body }),
        signal,
        headersTimeout: headMs,
        bodyTimeout: idleMs,
      })
      return { status: response.statusCode, headers: joinHeaderValues(response.headers), body: response.body }
    } catch (error) {
      if (error instanceof ForbiddenAddress) throw new HttpError('forbidden', url.host, error)
      if (signal.aborted) throw new HttpError('cancelled', url.host, error)
      throw new HttpError(errorName(error) === 'HeadersTimeoutError' ? 'timeout' : 'network', url.host, error)
    }
  }
}

/** A connection pool with the check that precedes each connection. */
interface Transport {
  createDispatcher(): Dispatcher
  dispatcher: Dispatcher
  /** Throws ForbiddenAddress. */
  check(url: URL): void
}

function checkAddress({ check }: Transport, url: URL): void {
  try {
    check(url)
  } catch (error) {
    if (error instanceof ForbiddenAddress) throw new HttpError('forbidden', url.host, error)
    throw error
  }
}
