import { problem } from '../../errors.js'
import { currentWork } from '../deadline.js'
import type { Http, HttpAnswer, HttpRequest } from '../http.js'
import { HttpFailure } from '../http-failure.js'
import { askBeside } from './beside.js'
import type { Basis, Conditional, ConditionalAnswer } from './conditional.js'
import { createQueue, type Queue } from './queue/queue.js'
import { refusal, unreadable } from './refusals.js'
import { SINGLE_MS, timesOf } from './times.js'
import { object, unwrap, type Wire } from './values.js'
import { listOf, parseXml } from './xml.js'

export interface ThreescaleOptions {
  http: Pick<Http, 'send'>
  /** the tenant's admin portal, no trailing slash */
  adminUrl: string
  accessToken: string
  /** told once per call, by a pattern without ids or keys */
  onCall?: (call: string, outcome: string, seconds: number) => void
  /** told when a read is sent a second time */
  onRetry?: () => void
  /** Caches lists by their ETag. Without it, 3scale renders every read. */
  conditional?: Conditional
  /** shared by all who call the same 3scale; default: one of its own */
  queue?: Queue
}

interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  query?: Record<string, string>
  form?: Record<string, string>
  bulk?: boolean
  basis?: Basis
}

type Timed = HttpRequest & { timeoutMs: number }

const BULK = { timeoutMs: 15_000, maxBytes: 64 * 1024 * 1024 }
const SINGLE_BYTES = 1024 * 1024
const PER_PAGE = 500

export type Calls = ReturnType<typeof createCalls>

/**
 * How 3scale is asked: Basic credentials, the format in the path, flat forms, a time and a size for each kind of call. What
 * it refuses is rejected as refusals.ts says.
 */
export function createCalls({
  http,
  adminUrl,
  accessToken,
  onCall,
  onRetry,
  conditional,
  queue = createQueue(),
}: ThreescaleOptions) {
  const authorization = `Basic ${Buffer.from(`${accessToken}:`).toString('base64')}`

  return { get, getXml, bulk, bareLists, longList, write, remove, pages, xmlPage }

  async function get(path: string, query?: Record<string, string>): Promise<Wire> {
    return readJson(await send({ method: 'GET', path, ...(query ? { query } : {}) }))
  }

  async function getXml(path: string, query: Record<string, string>): Promise<Wire> {
    return readXml(await send({ method: 'GET', path, query }, 'xml'))
  }

  /** For what nobody waits for: more time, and many megabytes. */
  async function bulk(path: string, query?: Record<string, string>, basis?: Basis): Promise<Wire> {
    const call = { path, bulk: true, ...(query ? { query } : {}), ...(basis ? { basis } : {}) }
    return readJson(await send({ method: 'GET', ...call }, 'json', BULK.timeoutMs))
  }

  /** For what somebody waits for and may be long. */
  async function longList(path: string): Promise<Wire> {
    return readJson(await send({ method: 'GET', path, bulk: true }))
  }

  async function remove(path: string, query?: Record<string, string>): Promise<void> {
    await send({ method: 'DELETE', path, ...(query ? { query } : {}) })
  }

  async function write(method: 'POST' | 'PUT', path: string, form: Record<string, string>): Promise<Wire> {
    return readJson(await send({ method, path, form }))
  }

  /**
   * Metadata is there only when more exists than one page holds (porta, lib/three_scale/api/collection.rb). The ETag of a page
   * does not cover it: after a full page that did not change, there may be one more page than it states.
   */
  async function pages(path: string, root: string, item: string, query: Record<string, string> = {}): Promise<Wire[]> {
    const all: Wire[] = []
    for (let page = 1; ; page++) {
      const paged = { ...query, per_page: String(PER_PAGE), page: String(page) }
      const answer = await send({ method: 'GET', path, query: paged, bulk: true }, 'json', BULK.timeoutMs)
      const wire = readJson(answer)
      const rows = unwrap(wire[root], item)
      all.push(...rows)
      const total = Number(object(wire.metadata).total_pages ?? 1)
      const mayBeMore = page < total || (answer.notModified && rows.length >= PER_PAGE)
      if (!mayBeMore || rows.length === 0) return all
    }
  }

  /** For lists that say nothing of their pages, bare or below `root`: read on until one is not full. */
  async function bareLists(path: string, item: string, root?: string): Promise<Wire[]> {
    const all: Wire[] = []
    for (let page = 1; ; page++) {
      const query = { per_page: String(PER_PAGE), page: String(page) }
      const answer = await send({ method: 'GET', path, query, bulk: true }, 'json', BULK.timeoutMs)
      const rows = unwrap(root ? readJson(answer)[root] : readAny(answer), item)
      all.push(...rows)
      if (rows.length < PER_PAGE) return all
    }
  }

  /** One page of a list whose XML has more than its JSON. The total is an attribute of the root, where there are more pages. */
  async function xmlPage(
    path: string,
    root: string,
    item: string,
    { page, perPage }: { page: number; perPage: number },
  ) {
    const query = { per_page: String(perPage), page: String(page) }
    const answer = await send({ method: 'GET', path, query, bulk: true }, 'xml', BULK.timeoutMs)
    const wire = readXml(answer)
    if (!(root in wire))
      throw problem('threescale_unavailable', { cause: new Error(`3scale answered without ${root}`) })
    const rows = listOf(wire[root], item)
    const start = answer.text.indexOf(`<${root}`)
    const total = /\btotal_entries="(\d+)"/.exec(answer.text.slice(start, answer.text.indexOf('>', start)))?.[1]
    return { rows, total: total === undefined ? rows.length : Number(total) }
  }

  async function send(call: Call, format: 'json' | 'xml' = 'json', timeoutMs = SINGLE_MS): Promise<ConditionalAnswer> {
    const url = new URL(`${adminUrl}${call.path}.${format}`)
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value)
    const request = {
      method: call.method,
      url,
      headers: { authorization, ...(call.form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) },
      ...(call.form ? { body: new URLSearchParams(call.form).toString() } : {}),
      maxBytes: call.bulk ? BULK.maxBytes : SINGLE_BYTES,
      owner: currentWork()?.owner ?? '',
    }
    const path = patternOf(call.path)
    const pattern = `${call.method} ${path}`
    const isRead = call.method === 'GET'
    const times = timesOf(call.method, timeoutMs, queue)
    let started = performance.now()
    const queued = {
      kind: times.kind,
      name: isRead ? url.pathname : pattern,
      host: url.host,
      work: currentWork(),
      waitMs: times.waitMs,
    }
    try {
      if (times.timeoutMs < 20) throw new HttpFailure('timeout', url.host)
      const answer = await queue.run<ConditionalAnswer>(queued, () => {
        const waited = performance.now() - started
        started += waited
        const allowed = times.altogether ? times.timeoutMs - waited : times.timeoutMs
        const ask = times.behind ? patiently : http.send
        const sendWith = (more: Record<string, string>) => {
          const left = Math.max(1, allowed - (performance.now() - started))
          const headers = { ...request.headers, ...more }
          return attempt(isRead, ask, { ...request, headers, timeoutMs: left, ...times.longer })
        }
        return isRead && conditional
          ? conditional.read({ pattern: path, url, basis: call.basis, send: sendWith })
          : sendWith({})
      })
      if (answer.status < 200 || answer.status >= 300) throw refusal(answer)
      onCall?.(pattern, answer.notModified ? 'not_modified' : 'ok', (performance.now() - started) / 1000)
      return answer
    } catch (error) {
      const failure = error instanceof HttpFailure ? problem('threescale_unavailable', { cause: error }) : error
      onCall?.(pattern, (failure as { code?: string }).code ?? 'error', (performance.now() - started) / 1000)
      throw failure
    }
  }

  function patiently(request: Timed): Promise<HttpAnswer> {
    return askBeside(http.send, request)
  }

  /** A read is repeated once after a broken connection, within the same time; a write never (it may have worked). */
  async function attempt(repeat: boolean, ask: (request: Timed) => Promise<HttpAnswer>, request: Timed) {
    const started = performance.now()
    try {
      return await ask(request)
    } catch (error) {
      const left = request.timeoutMs - (performance.now() - started)
      if (!repeat || !(error instanceof HttpFailure) || error.kind !== 'network' || left < 50) throw error
      onRetry?.()
      return ask({ ...request, timeoutMs: left })
    }
  }
}

/** Which call it is: 3scale's paths hold ids, never keys or names. */
export function patternOf(path: string): string {
  return path.replace(/\/\d+/g, '/{id}')
}

function readJson(answer: HttpAnswer): Wire {
  return object(readAny(answer))
}

function readAny(answer: HttpAnswer): unknown {
  try {
    return JSON.parse(answer.text)
  } catch {
    throw unreadable(answer, 'JSON')
  }
}

function readXml(answer: HttpAnswer): Wire {
  try {
    return parseXml(answer.text)
  } catch {
    throw unreadable(answer, 'XML')
  }
}
