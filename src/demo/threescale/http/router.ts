import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Behaviour } from '../behaviour.js'
import type { Clock } from '../clock.js'
import { rowWith } from '../row-index.js'
import type { Account, State } from '../store.js'
import type { WebhookSender } from '../webhooks/delivery.js'
import type { ChangedRecord } from '../webhooks/events.js'
import { type Costs, workMs } from './costs.js'
import { exists, splitFormat } from './format.js'
import { hasNul, holdsBeyondBmp, type Params } from './params.js'
import { type Answer, answers, NOT_FOUND_PAGE, Refusal } from './responses.js'
import { credentialsOf, refuse, tokenOf, WRONG_PERMISSION } from './tokens.js'
import type { Workers } from './workers.js'

/** One call as a route sees it: extension read off, parameters merged (the query wins over the body). */
export interface Call {
  state: State
  clock: Clock
  database: Behaviour['database']
  params: Params
  query: Params
  body: Params
  /** address of links: without a port */
  host: string
  /** the access token that it came with */
  token: string
  ifNoneMatch: string | undefined
  /** whether the token may only read */
  readsOnly: boolean
  /** a piece of the path, as text and as a number */
  piece(name: string): string
  id(name: string): number
  /** the account that the path names */
  account(): Account | undefined
  /**
   * Changes the state. Only here a token that reads only is refused. The change comes a moment after the checks of the route, and
   * what another request did meanwhile is not checked again. Of two writes of one `lock` at a time, MySQL refuses the second.
   */
  write<T>(work: () => T, options?: { lock?: string; texts?: (string | undefined)[]; ms?: number }): Promise<T>
  /** After a write: sends a webhook, if the tenant has them. */
  fire(change: ChangedRecord): void
}

type Handler = (call: Call) => Answer | Promise<Answer>
/** `get` accepts a function for the ETag: a request with that ETag receives 304 before any work. */
export interface Api {
  get(path: string, handler: Handler, tag?: (call: Call) => string | undefined): void
  put(path: string, handler: Handler): void
  post(path: string, handler: Handler): void
  delete(path: string, handler: Handler): void
  /** PUT and PATCH */
  update(path: string, handler: Handler): void
}

export interface Tenant {
  state(): State
  replace(state: State): void
  /** Writes are stored before the response, so they survive a process that is killed afterwards. */
  changed(): void
  behaviour(): Behaviour
  clock: Clock
  webhooks: Pick<WebhookSender, 'changed'>
}

/** Routes below /admin/api and /stats: credentials and scope first, then the work, then the format. */
export function createApi(
  app: FastifyInstance,
  tenant: Tenant,
  { workers, costs }: { workers: Workers; costs: Pick<Costs, 'rendered'> },
): Api {
  const add =
    (methods: ('GET' | 'HEAD' | 'PUT' | 'PATCH' | 'POST' | 'DELETE')[]) =>
    (path: string, handler: Handler, tag?: (call: Call) => string | undefined) => {
      app.route({
        method: methods,
        url: path,
        exposeHeadRoute: false,
        handler: async (request, reply) => {
          const { latency_ms, web_workers } = tenant.behaviour()
          if (latency_ms > 0) await sleep(latency_ms)
          return workers.run(web_workers, async () => {
            const { answer, etag } = await answered(request, handler, tag)
            const busyMs = workMs(answer, tenant.behaviour(), splitFormat(request.originalUrl).format === 'xml')
            if (busyMs > 0) await sleep(busyMs)
            if (etag !== undefined) reply.header('etag', etag)
            if (answer.status === 304) return reply.code(304).send()
            costs.rendered(request, answer)
            if (request.method === 'HEAD' && answer.status === 200) return reply.code(204).send()
            return render(request, reply, answer)
          })
        },
      })
    }

  async function answered(
    request: FastifyRequest,
    handler: Handler,
    tag: ((call: Call) => string | undefined) | undefined,
  ): Promise<{ answer: Answer; etag?: string | undefined }> {
    const call = callOf(request, tenant)
    try {
      const access = refuse(request, call.params, call.state)
      if ('refusal' in access) {
        const unreadable = tenant.behaviour().database === 'postgresql' && isUnreadable(credentialsOf(request))
        return { answer: unreadable ? answers.internal : access.refusal }
      }
      call.readsOnly = access.readOnly
      call.write = writer(tenant, access.readOnly)
      // PostgreSQL refuses any NUL; MySQL accepts it.
      if (tenant.behaviour().database === 'postgresql' && hasNul(call.params)) return { answer: answers.internal }
      const etag = request.method === 'GET' ? tag?.(call) : undefined
      if (etag !== undefined && isKnown(call, etag)) return { answer: { status: 304 }, etag }
      return { answer: await handler(call), etag }
    } catch (error) {
      if (error instanceof Refusal) return { answer: error.answer }
      throw error
    }
  }

  // an unknown address, or one without this method, is a page for every caller
  app.setNotFoundHandler((_request, reply) => reply.code(404).type('text/html; charset=utf-8').send(NOT_FOUND_PAGE))
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500
    // A control has no format and reports its errors.
    if (request.url.startsWith('/_demo')) return reply.code(status).send({ error: error.message })
    if (status >= 500) return render(request, reply, answers.internal)
    return render(request, reply, { status, json: { status, error: 'Bad Request' }, xml: '' })
  })
  return {
    get: add(['GET', 'HEAD']),
    put: add(['PUT']),
    post: add(['POST']),
    delete: add(['DELETE']),
    update: add(['PUT', 'PATCH']),
  }
}

/** Locks of the writes that are between their check and their commit. */
const underWay = new Map<string, number>()

function writer(tenant: Tenant, readOnly: boolean): Call['write'] {
  return async (work, { lock, texts = [], ms = 0 } = {}) => {
    if (readOnly) throw new Refusal(WRONG_PERMISSION)
    const { database, check_to_write_ms, write_ms } = tenant.behaviour()
    const blocked = lock !== undefined && (underWay.get(lock) ?? 0) > 0 && database === 'mysql'
    if (lock !== undefined) underWay.set(lock, (underWay.get(lock) ?? 0) + 1)
    try {
      const wait = check_to_write_ms + write_ms + ms
      if (wait > 0) await sleep(wait)
      if (blocked || (database === 'mysql' && texts.some(holdsBeyondBmp))) throw new Refusal(answers.internal)
      const result = work()
      tenant.changed()
      return result
    } finally {
      if (lock !== undefined) underWay.set(lock, (underWay.get(lock) ?? 1) - 1)
    }
  }
}

function isKnown({ ifNoneMatch = '' }: Call, etag: string): boolean {
  const plain = etag.replace(/^W\//, '')
  return ifNoneMatch.split(/\s*,\s*/).some((given) => given.replace(/^W\//, '') === plain)
}

function isUnreadable(bytes: Buffer): boolean {
  return bytes.includes(0) || !Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes)
}

function callOf(request: FastifyRequest, tenant: Tenant): Call {
  const query = (request.query ?? {}) as Params
  const body = (request.body ?? {}) as Params
  const pieces = (request.params ?? {}) as Record<string, string>
  const id = (name: string) => (/^\d+$/.test(pieces[name] ?? '') ? Number(pieces[name]) : 0)
  const state = tenant.state()
  const host = hostOf(request)
  return {
    state,
    clock: tenant.clock,
    database: tenant.behaviour().database,
    query,
    body,
    params: { ...body, ...query },
    host,
    token: tokenOf(request, { ...body, ...query }),
    ifNoneMatch: request.headers['if-none-match'],
    readsOnly: true,
    piece: (name) => pieces[name] ?? '',
    id,
    account: () => rowWith(state.accounts, 'id', id('account')),
    write: writer(tenant, true),
    fire: (change) => tenant.webhooks.changed(change, { state, host }),
  }
}

/** Links have no port (app/lib/three_scale/api/responder.rb). */
function hostOf({ headers }: FastifyRequest): string {
  return (headers.host ?? '').replace(/:\d+$/, '')
}

function render(request: FastifyRequest, reply: FastifyReply, answer: Answer) {
  const { path, format } = splitFormat(request.originalUrl)
  if (!exists(path, format)) return reply.code(404).type('text/html; charset=utf-8').send(NOT_FOUND_PAGE)
  const { status, json, xml, text } = answer
  const ofFormat = format === 'xml' ? 'application/xml; charset=utf-8' : 'application/json; charset=utf-8'
  if (text !== undefined)
    return reply
      .code(status)
      .type(answer.type ?? ofFormat)
      .send(text)
  if (format !== 'json' && format !== 'xml') return reply.code(406).type('text/plain; charset=utf-8').send('')
  if (format === 'xml' && xml === undefined)
    return reply.code(406).send({ error: 'The server does not understand "xml" request.' })
  if (answer.id !== undefined) reply.header('location', locationOf(request, answer.id))
  return reply
    .code(status)
    .type(ofFormat)
    .send(format === 'xml' ? textOf(xml) : JSON.stringify(json))
}

function textOf(xml: Answer['xml']): string | undefined {
  return typeof xml === 'function' ? xml() : xml
}

/** The URL repeats the query with the new ID and any token in it, without extension and port. */
function locationOf(request: FastifyRequest, id: number): string {
  const { path, query } = splitFormat(request.originalUrl)
  const parameters = new URLSearchParams(query.slice(1))
  parameters.set('id', String(id))
  return `https://${hostOf(request)}${path}?${parameters}`
}
