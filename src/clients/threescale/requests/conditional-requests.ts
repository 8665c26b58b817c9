import { LRUCache } from 'lru-cache'
import type { HttpResponse } from '../../../infra/http/http.js'

const MB = 1024 * 1024
/** Limits of the two caches. Lists of an account hold credentials, so they are cached for less time. */
const LIMITS = {
  catalogue: { maxBytes: 20 * MB, maxAgeMs: 60 * 60_000 },
  account: { maxBytes: 12 * MB, maxAgeMs: 10 * 60_000 },
}
const MAX_RESPONSE_BYTES = 8 * MB
/** Bytes of an entry in addition to its body. */
const OVERHEAD = 512

interface List {
  cache: keyof typeof LIMITS
  /** The answer also depends on something else, which the caller describes as a `Basis`. */
  needsBasis?: true
  /** Rows never change (porta, `attr_readonly`), so their ids identify the content. */
  readOnlyRows?: true
}

/**
 * The only calls that are sent with If-None-Match. porta computes the ETag of a list from the ids and times of its rows
 * (app/lib/three_scale/api/responder.rb), so it changes with every column of these rows. Each list was measured on 3scale 2.16;
 * of `active_docs` and `pricing_rules` the source shows that only columns of their rows are rendered, and of `applications` that its
 * rows are those of an account's list. Never add a single record:
 * `applications/{id}`, `accounts/{id}`, `accounts/find`, `settings` and `service_subscriptions` are answered 304 after a change.
 */
const LISTS = new Map<string, List>([
  ['/admin/api/accounts/{id}/applications', { cache: 'account' }],
  ['/admin/api/applications', { cache: 'account' }],
  ['/admin/api/accounts/{id}/applications/{id}/keys', { cache: 'account', readOnlyRows: true }],
  ['/admin/api/accounts/{id}/users', { cache: 'account' }],
  ['/admin/api/services', { cache: 'catalogue' }],
  // The default plan is a column of the product, so the ETag of plans does not depend on it.
  ['/admin/api/application_plans', { cache: 'catalogue', needsBasis: true }],
  ['/admin/api/application_plans/{id}/limits', { cache: 'catalogue' }],
  ['/admin/api/application_plans/{id}/pricing_rules', { cache: 'catalogue' }],
  ['/admin/api/account/proxy_configs/production', { cache: 'catalogue', readOnlyRows: true }],
  ['/admin/api/fields_definitions', { cache: 'catalogue' }],
  ['/admin/api/active_docs', { cache: 'catalogue' }],
])

/**
 * MySQL stores times in whole seconds: a row that changes twice within one second has one ETag for two contents. An ETag is
 * therefore used only if nothing in its list changed for this long, by 3scale's own clock. One second covers the resolution,
 * two more cover slow transactions and clock differences between pods.
 */
const SETTLED_MS = 3000

/** What a list depends on in addition to its own rows. A cached response is valid for one `version` only. */
export interface ResponseBasis {
  version: string
  /** Time of its last change, in ms. */
  changedAt: number
}

export type ConditionalResponse = HttpResponse & {
  notModified?: true
  /** of `parse`; the same object while 3scale responds with 304 */
  parsed?: unknown
}
export type ConditionalRequests = ReturnType<typeof createConditionalRequests>

interface Read {
  /** With ids replaced: `/admin/api/accounts/{id}/users`. */
  pattern: string
  url: URL
  basis?: ResponseBasis | undefined
  /** Its result is cached instead of the text, for lists of many megabytes. */
  parse?: ((answer: HttpResponse) => unknown) | undefined
  /** Sends the request with these headers added. */
  send(headers: Record<string, string>): Promise<HttpResponse>
}

interface CachedResponse {
  etag: string
  contentType: string
  body: Buffer
  /** of the response, also where only its parsed form is cached */
  length: number
  parsed?: unknown
  basis: string | undefined
  /** Nothing in it changed for SETTLED_MS: its ETag may be used. */
  settled: boolean
  /** Position of its request in the order of sending. */
  order: number
}

/**
 * Caches the last responses of 3scale's lists, only in the memory of this process and limited in bytes and time, because some contain
 * credentials. Every read sends a request. If nothing changed, 3scale returns 304 before it renders anything, and the cached response
 * is used. Concurrent reads are not merged: a read that starts after a write must see it.
 */
export function createConditionalRequests({ now = () => performance.now() } = {}) {
  const caches = { catalogue: cacheOf('catalogue'), account: cacheOf('account') }
  let requests = 0

  return {
    /** Rejects like `send`. Returns a response of any status, but 304 only if 3scale sends it for an unconditional request. */
    async read({ pattern, url, basis, parse, send }: Read): Promise<ConditionalResponse> {
      const list = LISTS.get(pattern)
      if (!list || !url.pathname.endsWith('.json') || (list.needsBasis && !basis)) return send({})
      const entries = caches[list.cache]
      const key = url.pathname + url.search
      const order = ++requests
      const cached = entries.get(key)
      const known = cached?.settled && cached.basis === basis?.version ? cached : undefined
      const started = now()
      const answer = await send(known ? { 'if-none-match': known.etag } : {})
      const later = newerResponse(entries, key, order, basis)
      if (answer.status === 304) {
        if (known && isSame(answer.headers.etag ?? known.etag, known.etag)) return answerOf(later ?? known, true)
        entries.delete(key)
        return send({})
      }
      if (answer.status >= 400 && answer.status < 500) entries.delete(key)
      if (answer.status !== 200) return answer
      if (later) return answerOf(later)
      const settled = list.readOnlyRows || isSettled(answer, now() - started, basis)
      const parsed = parse && { parsed: parse(answer) }
      const entry = entryOf(answer, { settled, basis: basis?.version, order, ...parsed })
      if (entry) entries.set(key, entry)
      else entries.delete(key)
      return parsed ? { ...answer, ...parsed } : answer
    },

    sizes: () => ({ catalogue: caches.catalogue.calculatedSize, account: caches.account.calculatedSize }),
  }

  function cacheOf(name: keyof typeof LIMITS) {
    const { maxBytes, maxAgeMs } = LIMITS[name]
    return new LRUCache<string, CachedResponse>({
      maxSize: maxBytes,
      maxEntrySize: MAX_RESPONSE_BYTES,
      sizeCalculation: ({ body, length }) => (name === 'account' ? length : body.length) + OVERHEAD,
      ttl: maxAgeMs,
      ttlAutopurge: true,
      ttlResolution: 0,
      perf: { now },
    })
  }
}

/** The response to a request that was sent later and answered earlier. Returning the other one would go back in time. */
function newerResponse(
  entries: LRUCache<string, CachedResponse>,
  key: string,
  order: number,
  basis: ResponseBasis | undefined,
) {
  const other = entries.get(key)
  return other && other.order > order && other.basis === basis?.version ? other : undefined
}

function entryOf(
  { headers: { etag, 'content-type': contentType = '' }, text }: HttpResponse,
  rest: Omit<CachedResponse, 'etag' | 'contentType' | 'body' | 'length'>,
): CachedResponse | undefined {
  if (!etag) return undefined
  const body = Buffer.from('parsed' in rest ? '' : text)
  return { etag, contentType, body, length: Math.max(body.length, text.length), ...rest }
}

function isSettled({ headers, text }: HttpResponse, elapsed: number, basis: ResponseBasis | undefined): boolean {
  // 3scale read the rows at some time after the request was sent
  const sentAt = Date.parse(headers.date ?? '') - elapsed
  return Math.max(newestIn(text), basis?.changedAt ?? 0) <= sentAt - SETTLED_MS
}

/** The newest time of a row, in ms; 0 for an empty list, NaN if a time cannot be read. */
function newestIn(text: string): number {
  let newest = 0
  for (const [, time = ''] of text.matchAll(/"(?:updated|created)_at":\s?"([^"]*)"/g))
    newest = Math.max(newest, Date.parse(time))
  return newest
}

function answerOf({ etag, contentType, body, ...rest }: CachedResponse, notModified = false): ConditionalResponse {
  const parsed = 'parsed' in rest ? { parsed: rest.parsed } : {}
  const answer = { status: 200, headers: { etag, 'content-type': contentType }, text: body.toString(), ...parsed }
  return notModified ? { ...answer, notModified: true } : answer
}

/** Weak comparison (RFC 9110 section 8.8.3.2). */
function isSame(one: string, other: string): boolean {
  return one.replace(/^W\//, '') === other.replace(/^W\//, '')
}
