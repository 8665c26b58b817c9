import type { Readable } from 'node:stream'
import { Agent, type Dispatcher, EnvHttpProxyAgent, fetch as undiciFetch } from 'undici'
import { type BreakerOptions, createBreakers } from './breakers.js'
import { HttpFailure } from './http-failure.js'
import { heardOut, lateAfter } from './lateness.js'
import { trusting } from './trust.js'

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
  /** gives it up */
  signal?: AbortSignal
}

export interface OpenRequest extends Omit<HttpRequest, 'timeoutMs' | 'maxBytes' | 'unguarded'> {
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

export type Http = ReturnType<typeof createHttp>

/** One way out of the process: every outbound call honours the extra CA and the proxy settings. */
export function createHttp({
  extraCa,
  httpsProxy,
  noProxy,
  upstreams = {},
  onBreaker = () => {},
  slow = [],
  silentMs,
}: HttpOptions = {}) {
  const tls = trusting(extraCa)
  const settings = { connect: { timeout: 2000, ...tls }, connections: 256, keepAliveTimeout: 10_000, pipelining: 1 }
  const make = (): Dispatcher =>
    httpsProxy
      ? new EnvHttpProxyAgent({
          ...settings,
          httpProxy: httpsProxy,
          httpsProxy,
          // what runs on this machine is never behind a proxy
          noProxy: [noProxy ?? '', 'localhost', '127.0.0.1', '[::1]'].join(','),
          requestTls: tls,
          proxyTls: tls,
        })
      : new Agent(settings)
  const dispatcher = make()
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
    /** Rejects with HttpFailure only; any status is an answer. Redirects are not followed. */
    send: (request: HttpRequest): Promise<HttpAnswer> =>
      request.unguarded
        ? breakers.unguarded(request.url, () => send(request))
        : breakers.run(request.url, () => send(request)),

    /**
     * An answer whose body is read as it comes. Rejects with HttpFailure before the head; the body fails when nothing
     * comes for `idleMs`, or when `signal` ends it, which closes the connection.
     */
    open: (request: OpenRequest): Promise<OpenAnswer> => breakers.run(request.url, () => open(request)),

    /** A `fetch` with the same way out, for libraries that bring their own calls. */
    fetch: (async (input: string | URL, init?: RequestInit) => {
      try {
        return await breakers.run(new URL(input), () => undiciFetch(input, { ...(init as object), dispatcher }))
      } catch (error) {
        // as fetch says that there is no connection
        throw error instanceof HttpFailure ? new TypeError('fetch failed', { cause: error }) : error
      }
    }) as unknown as typeof globalThis.fetch,

    breakers: breakers.report,

    /** Ends what still waits: by then nobody is there to hear it. */
    close: () => dispatcher.destroy(),
  }

  async function send({
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
  }: HttpRequest): Promise<HttpAnswer> {
    const late = lateAfter(timeoutMs, longerMs, goesOn)
    const way = freshConnection ? make() : dispatcher
    const exchange = async (end: AbortSignal): Promise<HttpAnswer> => {
      const answer = await way.request({
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
      if (ended?.aborted) throw new HttpFailure('given_up', url.host, error)
      if (late.signal.aborted) throw new HttpFailure('timeout', url.host, error, timeoutMs >= HURRY_MS)
      throw new HttpFailure('network', url.host, error)
    } finally {
      late.clear()
      if (freshConnection) await way.destroy()
    }
  }

  async function open({
    method,
    url,
    headers = {},
    body,
    signal,
    headMs = 30_000,
    idleMs = 60_000,
  }: OpenRequest): Promise<OpenAnswer> {
    try {
      const answer = await dispatcher.request({
        ...asked({ method, url, headers, body }),
        signal,
        headersTimeout: headMs,
        bodyTimeout: idleMs,
      })
      return { status: answer.statusCode, headers: flat(answer.headers), body: answer.body }
    } catch (error) {
      if (signal.aborted) throw new HttpFailure('given_up', url.host, error)
      throw new HttpFailure(nameOf(error) === 'HeadersTimeoutError' ? 'timeout' : 'network', url.host, error)
    }
  }
}

function asked({
  method,
  url,
  headers,
  body,
}: Pick<HttpRequest, 'method' | 'url' | 'headers'> & { body: string | undefined }) {
  return {
    method: method as Dispatcher.HttpMethod,
    origin: url.origin,
    path: url.pathname + url.search,
    headers: headers ?? {},
    body: body ?? null,
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ''
}

async function readText(body: Dispatcher.ResponseData['body'], maxBytes: number, host: string): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) {
      body.destroy()
      throw new HttpFailure('too_large', host)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  )
}
