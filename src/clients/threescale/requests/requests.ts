import { problem } from '../../../errors.js'
import { currentContext } from '../../../infra/call-context.js'
import type { Http, HttpRequest, HttpResponse } from '../../../infra/http/http.js'
import { HttpError } from '../../../infra/http/http-error.js'
import { object, unwrap, type WireObject } from '../mapping/wire-values.js'
import { parseXml, parseXmlList } from '../mapping/xml.js'
import type { AccountVersions } from '../memory/account-versions.js'
import { createRequestQueue, type RequestQueue } from '../queue/request-queue.js'
import type { ConditionalRequests, ConditionalResponse, ResponseBasis } from './conditional-requests.js'
import { toThreescaleError, unreadableResponse } from './errors.js'
import { sendHedged } from './hedged-request.js'
import { createLongReads } from './long-reads.js'
import { SINGLE_MS, timeoutsFor } from './timeouts.js'

export interface ThreescaleOptions {
  http: Pick<Http, 'send'>
  /** the tenant's admin portal, no trailing slash */
  adminUrl: string
  accessToken: string
  /** called once per call, with a pattern without ids or keys */
  onCall?: (call: string, outcome: string, seconds: number) => void
  /** called when a read is retried */
  onRetry?: () => void
  /** Caches lists by their ETag. Without it, 3scale renders every read. */
  conditional?: ConditionalRequests
  /** one queue for all clients of the same 3scale; default: a queue of its own */
  queue?: RequestQueue
  /** every write to an account is sent through it */
  writes?: Pick<AccountVersions, 'aroundWrite'>
}

interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  query?: Record<string, string>
  form?: Record<string, string>
  bulk?: boolean
  /** true: 3scale renders it */
  unconditional?: boolean
  basis?: ResponseBasis
  parse?: (answer: HttpResponse) => unknown
}

interface ListOptions<T> {
  toRow(wire: WireObject): T
  basis?: ResponseBasis | undefined
  timeoutMs?: number
}

type TimedRequest = HttpRequest & { timeoutMs: number }

const BULK = { timeoutMs: 15_000, maxBytes: 64 * 1024 * 1024 }
const SINGLE_BYTES = 1024 * 1024
const PER_PAGE = 500

export type ThreescaleRequests = ReturnType<typeof createRequests>

/**
 * Requests to 3scale: Basic credentials, the format in the path, flat forms, and limits of time and size for each kind of call. Error
 * responses reject as described in errors.ts.
 */
export function createRequests({
  http,
  adminUrl,
  accessToken,
  onCall,
  onRetry,
  conditional,
  queue = createRequestQueue(),
  writes,
}: ThreescaleOptions) {
  const longReads = createLongReads()
  const authorization = `Basic ${Buffer.from(`${accessToken}:`).toString('base64')}`

  return { get, getXml, bulk, rows, bareLists, write, remove, pages, page, xmlPage }

  async function get(path: string, query?: Record<string, string>): Promise<WireObject> {
    return readJson(await send({ method: 'GET', path, ...(query ? { query } : {}) }))
  }

  async function getXml(path: string, query: Record<string, string>): Promise<WireObject> {
    return readXml(await send({ method: 'GET', path, query }, 'xml'))
  }

  /** For background reads: more time, and many megabytes. */
  async function bulk(path: string, query?: Record<string, string>): Promise<WireObject> {
    const call = { path, bulk: true, ...(query ? { query } : {}) }
    return readJson(await send({ method: 'GET', ...call }, 'json', BULK.timeoutMs))
  }

  async function remove(path: string, query?: Record<string, string>): Promise<void> {
    await send({ method: 'DELETE', path, ...(query ? { query } : {}) })
  }

  async function write(method: 'POST' | 'PUT', path: string, form: Record<string, string>): Promise<WireObject> {
    return readJson(await send({ method, path, form }))
  }

  /** Rows of a list without pages, for a user or in the background. While 3scale responds with 304, they are the same objects. */
  async function rows<T>(
    path: string,
    root: string,
    item: string,
    { toRow, basis, timeoutMs = BULK.timeoutMs }: ListOptions<T>,
  ): Promise<T[]> {
    const parse = (answer: HttpResponse) => unwrap(readJson(answer)[root], item).map(toRow)
    const call = { path, bulk: true, parse, ...(basis ? { basis } : {}) }
    const answer = await send({ method: 'GET', ...call }, 'json', timeoutMs)
    return (answer.parsed as T[] | undefined) ?? parse(answer)
  }

  /**
   * Responses have metadata only if there is more than one page (porta, lib/three_scale/api/collection.rb). The ETag of a page does
   * not cover it: after a full page that did not change, there may be one more page than it states. The rows of a page are the same
   * objects while 3scale responds with 304.
   */
  async function pages<T>(
    path: string,
    root: string,
    item: string,
    { toRow, query = {} }: { toRow(wire: WireObject): T; query?: Record<string, string> },
  ): Promise<T[]> {
    const parse = (answer: HttpResponse) => {
      const wire = readJson(answer)
      return { rows: unwrap(wire[root], item).map(toRow), total: Number(object(wire.metadata).total_pages ?? 1) }
    }
    const all: T[] = []
    for (let page = 1; ; page++) {
      const paged = { ...query, per_page: String(PER_PAGE), page: String(page) }
      const answer = await send({ method: 'GET', path, query: paged, bulk: true, parse }, 'json', BULK.timeoutMs)
      const { rows, total } = (answer.parsed as ReturnType<typeof parse> | undefined) ?? parse(answer)
      all.push(...rows)
      const mayBeMore = page < total || (answer.notModified && rows.length >= PER_PAGE)
      if (!mayBeMore || rows.length === 0) return all
    }
  }

  /** One page of such a list, for a user that waits for it; `total` counts all rows. */
  async function page(
    path: string,
    root: string,
    item: string,
    { page, perPage, ...filters }: { page: number; perPage: number; [filter: string]: string | number },
  ): Promise<{ rows: WireObject[]; total: number }> {
    const query = Object.fromEntries(Object.entries(filters).map(([name, value]) => [name, String(value)]))
    const paged = { ...query, per_page: String(perPage), page: String(page) }
    const wire = readJson(await send({ method: 'GET', path, query: paged, unconditional: true }))
    const rows = unwrap(wire[root], item)
    return { rows, total: Number(object(wire.metadata).total_entries ?? rows.length) }
  }

  /** For lists without metadata, bare or below `root`: reads until a page is not full. */
  async function bareLists(path: string, item: string, root?: string): Promise<WireObject[]> {
    const all: WireObject[] = []
    for (let page = 1; ; page++) {
      const query = { per_page: String(PER_PAGE), page: String(page) }
      const answer = await send({ method: 'GET', path, query, bulk: true }, 'json', BULK.timeoutMs)
      const rows = unwrap(root ? readJson(answer)[root] : readAny(answer), item)
      all.push(...rows)
      if (rows.length < PER_PAGE) return all
    }
  }

  /** One page of a list whose XML contains more than its JSON. The root has the total as an attribute if there are several pages. */
  async function xmlPage(
    path: string,
    root: string,
    item: string,
    { page, perPage }: { page: number; perPage: number },
  ) {
    const query = { per_page: String(perPage), page: String(page) }
    const answer = await send({ method: 'GET', path, query, bulk: true }, 'xml', BULK.timeoutMs)
    const rows = await parseXmlList(answer.text, root, item).catch(() => {
      throw unreadableResponse(answer, 'XML')
    })
    if (!rows) throw problem('threescale_unavailable', { cause: new Error(`3scale returned no ${root}`) })
    const start = answer.text.indexOf(`<${root}`)
    const total = /\btotal_entries="(\d+)"/.exec(answer.text.slice(start, answer.text.indexOf('>', start)))?.[1]
    return { rows, total: total === undefined ? rows.length : Number(total) }
  }

  async function send(
    call: Call,
    format: 'json' | 'xml' = 'json',
    timeoutMs = SINGLE_MS,
  ): Promise<ConditionalResponse> {
    const url = new URL(`${adminUrl}${call.path}.${format}`)
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value)
    const request = {
      method: call.method,
      url,
      headers: { authorization, ...(call.form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) },
      ...(call.form ? { body: new URLSearchParams(call.form).toString() } : {}),
      maxBytes: call.bulk ? BULK.maxBytes : SINGLE_BYTES,
      owner: currentContext()?.owner ?? '',
    }
    const path = pathPattern(call.path)
    const pattern = `${call.method} ${path}`
    const isRead = call.method === 'GET'
    const list = url.pathname + url.search
    const longRead = longReads.timeoutsFor(list, timeoutMs)
    const isBulk = timeoutMs === BULK.timeoutMs
    const timeouts = timeoutsFor(call.method, isBulk ? longRead.timeoutMs : timeoutMs, queue)
    let started = performance.now()
    const queued = {
      kind: timeouts.kind,
      name: isRead ? url.pathname : pattern,
      host: url.host,
      context: currentContext(),
      waitMs: timeouts.waitMs,
    }
    try {
      if (timeouts.timeoutMs < 20) throw new HttpError('timeout', url.host)
      const answer = await queue.run<ConditionalResponse>(queued, () => {
        const waited = performance.now() - started
        started += waited
        const allowed = timeouts.includesWait ? timeouts.timeoutMs - waited : timeouts.timeoutMs
        const sendRequest = timeouts.hedged ? hedgedAfter(longRead.silentMs) : http.send
        const sendWith = (more: Record<string, string>) => {
          const left = Math.max(1, allowed - (performance.now() - started))
          const headers = { ...request.headers, ...more }
          return sendWithRetry(isRead, sendRequest, { ...request, headers, timeoutMs: left, ...timeouts.extension })
        }
        if (!isRead) return sendWrite(call.path, () => sendWith({}))
        return conditional && !call.unconditional
          ? conditional.read({ pattern: path, url, basis: call.basis, parse: call.parse, send: sendWith })
          : sendWith({})
      })
      if (answer.status < 200 || answer.status >= 300) throw toThreescaleError(answer)
      if (isBulk && !answer.notModified) longReads.observe(list, performance.now() - started)
      onCall?.(pattern, answer.notModified ? 'not_modified' : 'ok', (performance.now() - started) / 1000)
      return answer
    } catch (error) {
      const failure = error instanceof HttpError ? problem('threescale_unavailable', { cause: error }) : error
      onCall?.(pattern, (failure as { code?: string }).code ?? 'error', (performance.now() - started) / 1000)
      throw failure
    }
  }

  /** A sign-up creates an account, about which nothing was read before. */
  function sendWrite(path: string, send: () => Promise<HttpResponse>): Promise<HttpResponse> {
    const accountId = /^\/admin\/api\/accounts\/(\d+)(?:\/|$)/.exec(path)?.[1]
    if (!writes || accountId === undefined) return send()
    return writes.aroundWrite(Number(accountId), send, isUncertain)
  }

  function hedgedAfter(silentMs: number) {
    return (request: TimedRequest): Promise<HttpResponse> => sendHedged(http.send, request, silentMs)
  }

  /** Retries a read once after a broken connection, within the same time. A write is never retried, because it may have succeeded. */
  async function sendWithRetry(
    mayRetry: boolean,
    send: (request: TimedRequest) => Promise<HttpResponse>,
    request: TimedRequest,
  ) {
    const started = performance.now()
    try {
      return await send(request)
    } catch (error) {
      const left = request.timeoutMs - (performance.now() - started)
      if (!mayRetry || !(error instanceof HttpError) || error.kind !== 'network' || left < 50) throw error
      onRetry?.()
      return send({ ...request, timeoutMs: left })
    }
  }
}

/** 3scale may complete a write whose response was not received. */
function isUncertain(error: unknown): boolean {
  return error instanceof HttpError && error.kind !== 'circuit_open'
}

/** Identifies the call: 3scale's paths contain ids, never keys or names. */
export function pathPattern(path: string): string {
  return path.replace(/\/\d+/g, '/{id}')
}

function readJson(answer: HttpResponse): WireObject {
  return object(readAny(answer))
}

function readAny(answer: HttpResponse): unknown {
  try {
    return JSON.parse(answer.text)
  } catch {
    throw unreadableResponse(answer, 'JSON')
  }
}

function readXml(answer: HttpResponse): WireObject {
  try {
    return parseXml(answer.text)
  } catch {
    throw unreadableResponse(answer, 'XML')
  }
}
