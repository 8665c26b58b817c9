import type { Readable } from 'node:stream'
import { rootCertificates } from 'node:tls'
import { Agent, type Dispatcher, EnvHttpProxyAgent, fetch as undiciFetch } from 'undici'

export interface HttpOptions {
  /** PEM text of an extra certificate authority for every outbound call */
  extraCa?: string | undefined
  httpsProxy?: string | undefined
  noProxy?: string | undefined
}

export interface HttpRequest {
  method: string
  url: URL
  headers?: Record<string, string>
  body?: string
  /** for the whole answer, body included; default 2500 */
  timeoutMs?: number
  /** default 1 MB */
  maxBytes?: number
  /** true: a connection of its own, so that a load balancer chooses anew */
  freshConnection?: boolean
}

export interface OpenRequest extends Omit<HttpRequest, 'timeoutMs' | 'maxBytes'> {
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

/** No usable answer. The message names the host and what to look at, never a query or a header. */
export class HttpFailure extends Error {
  readonly kind: 'timeout' | 'network' | 'too_large'
  constructor(kind: HttpFailure['kind'], host: string, cause?: unknown) {
    super(sentence(kind, host, cause), { cause })
    this.name = 'HttpFailure'
    this.kind = kind
  }
}

export type Http = ReturnType<typeof createHttp>

/** One way out of the process: every outbound call honours the extra CA and the proxy settings. */
export function createHttp({ extraCa, httpsProxy, noProxy }: HttpOptions = {}) {
  const tls = extraCa ? { ca: [...rootCertificates, extraCa] } : {}
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

  return {
    /** Rejects with HttpFailure only; any status is an answer. Redirects are not followed. */
    async send({
      method,
      url,
      headers = {},
      body,
      timeoutMs = 2500,
      maxBytes = 1_000_000,
      freshConnection = false,
    }: HttpRequest): Promise<HttpAnswer> {
      const signal = AbortSignal.timeout(Math.ceil(timeoutMs))
      const way = freshConnection ? make() : dispatcher
      try {
        const answer = await way.request({
          method: method as Dispatcher.HttpMethod,
          origin: url.origin,
          path: url.pathname + url.search,
          headers,
          body: body ?? null,
          signal,
        })
        const text = await readText(answer.body, maxBytes, url.host)
        return { status: answer.statusCode, headers: flat(answer.headers), text }
      } catch (error) {
        if (error instanceof HttpFailure) throw error
        throw new HttpFailure(signal.aborted ? 'timeout' : 'network', url.host, error)
      } finally {
        if (freshConnection) await way.destroy()
      }
    },

    /**
     * An answer whose body is read as it comes. Rejects with HttpFailure before the head; the body fails when nothing
     * comes for `idleMs`, or when `signal` ends it, which closes the connection.
     */
    async open({
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
          method: method as Dispatcher.HttpMethod,
          origin: url.origin,
          path: url.pathname + url.search,
          headers,
          body: body ?? null,
          signal,
          headersTimeout: headMs,
          bodyTimeout: idleMs,
        })
        return { status: answer.statusCode, headers: flat(answer.headers), body: answer.body }
      } catch (error) {
        const late = error instanceof Error && error.name === 'HeadersTimeoutError'
        throw new HttpFailure(late ? 'timeout' : 'network', url.host, error)
      }
    },

    /** A `fetch` with the same way out, for libraries that bring their own calls. */
    fetch: ((input: string | URL, init?: RequestInit) =>
      undiciFetch(input, { ...(init as object), dispatcher })) as unknown as typeof globalThis.fetch,

    /** Ends what still waits: by then nobody is there to hear it. */
    close: () => dispatcher.destroy(),
  }
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

const hints: Record<string, string> = {
  SELF_SIGNED_CERT_IN_CHAIN: ' (its certificate is not trusted; set EXTRA_CA_FILE)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ' (its certificate is not trusted; set EXTRA_CA_FILE)',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ' (its certificate is not trusted; set EXTRA_CA_FILE)',
  DEPTH_ZERO_SELF_SIGNED_CERT: ' (its certificate is not trusted; set EXTRA_CA_FILE)',
  CERT_HAS_EXPIRED: ' (its certificate has expired)',
  ERR_TLS_CERT_ALTNAME_INVALID: ' (its certificate is for another name; check the address)',
  ENOTFOUND: ' (its name is not known; check the address and HTTPS_PROXY)',
  EAI_AGAIN: ' (its name cannot be looked up; check the address and HTTPS_PROXY)',
  ECONNREFUSED: ' (connection refused)',
  UND_ERR_CONNECT_TIMEOUT: ' (no connection in time; check the address, HTTPS_PROXY and NO_PROXY)',
  UND_ERR_SOCKET: ' (the connection was closed)',
  UND_ERR_ABORTED: ' (the proxy of HTTPS_PROXY refused to connect)',
}

function sentence(kind: HttpFailure['kind'], host: string, cause: unknown): string {
  if (kind === 'timeout') return `${host} did not answer in time`
  if (kind === 'too_large') return `${host} answered with more than is taken`
  const { code, address, port } = (cause ?? {}) as { code?: string; address?: string; port?: number }
  // by whom: it may be the proxy
  if (code === 'ECONNREFUSED' && address) return `${host} could not be reached (refused by ${address}:${port})`
  return `${host} could not be reached${(code && hints[code]) ?? (code ? ` (${code})` : '')}`
}
