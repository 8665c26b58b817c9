import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Logger, pino } from 'pino'
import type { PortalError } from '../../errors.js'
import { parseId } from '../api/validation/ids.js'
import { levelNames } from '../server/log.js'
import type { AuditEvent, AuditName } from './audit-event.js'

/** A caller, an identity without an account yet, or the identity provider itself. */
export interface AuditSubject {
  kind: 'person' | 'service' | 'provider'
  issuer: string
  subject?: string | undefined
  username?: string
  role?: string
}

/** What a handler adds to the event of a request. */
export interface AuditNote {
  /** replaces the event of the route */
  event?: AuditName
  /** a second event of the same request */
  also?: AuditName
  /** true: no event, because nothing has happened yet */
  quiet?: boolean
  actor?: AuditSubject
  account?: number
  target?: NonNullable<AuditEvent['target']>
  detail?: NonNullable<AuditEvent['detail']>
  failure?: PortalError
}

export type Audit = ReturnType<typeof createAudit>

export interface BackgroundAuditNote
  extends Required<Pick<AuditEvent, 'event' | 'outcome' | 'account' | 'target' | 'detail'>> {
  actor: AuditSubject
}

export interface AuditOptions {
  log: Logger
  to: string
  /** called for every event, even with the log off */
  onEvent?: (event: AuditName, outcome: AuditEvent['outcome']) => void
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** the event of this route; a route that is not a GET has one, or the reason for none */
    audit?: AuditName | { none: string }
  }
  interface FastifyRequest {
    audited: AuditNote | undefined
    /** writes the event of work that ended after the response, with the status that the response would have had */
    auditNow(status: number, note?: AuditNote): void
  }
}

/** Adds details to the event of this request: ids and codes, never names, e-mail addresses or keys. */
export function annotateAudit(request: FastifyRequest, note: AuditNote): void {
  request.audited = { ...request.audited, ...note }
}

/** Adds the application of a form. */
export function annotateAuditApplication(request: FastifyRequest, text: string | undefined): void {
  const application = parseId(text)
  if (application !== undefined) annotateAudit(request, { target: { application } })
}

/**
 * The audit log: a channel with its own level, independent of LOG_LEVEL. `to` is `stdout` (among the other lines, with `channel`), a
 * file, or `off`.
 */
export function createAudit({ log, to, onEvent }: AuditOptions) {
  const out = channelOf(log, to)

  return {
    /** One event of background work, which `actor` caused. */
    background({ event, outcome, actor, account, target, detail }: BackgroundAuditNote): void {
      const at = new Date().toISOString()
      const about = { actor: subjectOf(actor), account, target, detail }
      write({ channel: 'audit', schema: 1, at, event, outcome, source: 'background', ...about })
    },

    /** One event for every request whose route or handler has one. */
    hook(app: FastifyInstance): void {
      app.decorateRequest('audited', undefined)
      app.decorateRequest('auditNow', function (this: FastifyRequest, status: number, note: AuditNote = {}) {
        annotateAudit(this, { quiet: false, ...note })
        for (const event of eventsOf(this)) write(recordOf(event, this, status))
        annotateAudit(this, { quiet: true })
      })
      // onResponse is not called if the client disconnects before the response, although the work is done
      app.addHook('onSend', (request, reply, payload, done) => {
        for (const event of eventsOf(request)) write(recordOf(event, request, reply.statusCode))
        annotateAudit(request, { quiet: true })
        done(null, payload)
      })
    },
  }

  function write(record: AuditEvent): void {
    const { channel: _, ...fields } = record
    onEvent?.(record.event, record.outcome)
    out?.info(fields, `${record.event} ${record.outcome}`)
  }
}

function channelOf(log: Logger, to: string): Logger | undefined {
  if (to === 'off' || (to === 'stdout' && log.level === 'silent')) return undefined
  if (to === 'stdout') return log.child({ channel: 'audit' }, { level: 'info' })
  // synchronous, so that no event is lost if the process ends
  const file = pino.destination({ dest: to, append: true, sync: true })
  return pino({ level: 'info', formatters: levelNames }, file).child({ channel: 'audit' })
}

/** Requests without credentials have no event, otherwise anyone could fill the log. */
function eventsOf({ audited: note, routeOptions }: FastifyRequest): AuditName[] {
  if (note?.quiet || note?.failure?.code === 'sign_in_required') return []
  const own = routeOptions.config.audit
  const event = note?.event ?? (typeof own === 'string' ? own : undefined)
  const first = event ?? (note?.failure?.policy ? 'policy.violated' : undefined)
  return [first, note?.also].filter((name) => name !== undefined)
}

function recordOf(event: AuditName, request: FastifyRequest, status: number): AuditEvent {
  const { account, failure } = request.audited ?? {}
  const { candidates } = failure ?? {}
  const detail = { ...request.audited?.detail, ...(candidates === undefined ? {} : { candidates }) }
  const target = { ...idsOf(request), ...request.audited?.target }
  return {
    channel: 'audit',
    schema: 1,
    at: new Date().toISOString(),
    event,
    outcome: status < 400 ? 'ok' : status < 500 ? 'refused' : 'failed',
    status,
    ...(failure ? { code: failure.code } : {}),
    ...(failure?.policy ? { policy: failure.policy } : {}),
    source: request.routeOptions.url?.startsWith('/api/') ? 'api' : 'page',
    actor: actorOf(request),
    account: account ?? request.caller?.accountId ?? null,
    address: request.ip,
    request_id: request.id,
    ...(Object.keys(target).length > 0 ? { target } : {}),
    ...(Object.keys(detail).length > 0 ? { detail } : {}),
  }
}

/** Only values with the form of an id, because a client may put a key into the URL. */
function idsOf({ params, routeOptions: { url = '' } }: FastifyRequest): NonNullable<AuditEvent['target']> {
  const { id = '', key_id = '' } = (params ?? {}) as Record<string, string | undefined>
  const application = url.includes('/applications/:id') ? parseId(id) : undefined
  return {
    ...(application === undefined ? {} : { application }),
    ...(url.includes('/members/:id') && /^[A-Za-z0-9_-]{1,64}$/.test(id) ? { member: id } : {}),
    ...(/^[0-9a-f]{16}$/.test(key_id) ? { key_id } : {}),
  }
}

function actorOf(request: FastifyRequest): AuditEvent['actor'] {
  const actor: AuditSubject | undefined = request.audited?.actor ?? request.caller ?? request.identity
  return actor ? subjectOf(actor) : { kind: 'visitor' }
}

function subjectOf({ kind, issuer, subject, username, role }: AuditSubject): AuditEvent['actor'] {
  return {
    kind,
    issuer,
    ...(subject === undefined ? {} : { subject }),
    ...(username === undefined ? {} : { username }),
    ...(role === undefined ? {} : { role }),
  }
}
