import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Logger, pino } from 'pino'
import type { PortalError } from '../errors.js'
import type { AuditEvent, AuditName } from './audit-event.js'
import { idFrom } from './ids.js'

/** A caller, an identity without an account yet, or the sign-in service itself. */
export interface AuditSubject {
  kind: 'person' | 'service' | 'provider'
  issuer: string
  subject?: string | undefined
  username?: string
  role?: string
}

/** What a handler knows beyond the route and the caller. */
export interface AuditNote {
  /** another event than the route's */
  event?: AuditName
  /** one event more for the same request */
  also?: AuditName
  /** nothing has happened yet, so nothing is written */
  quiet?: boolean
  who?: AuditSubject
  account?: number
  target?: NonNullable<AuditEvent['target']>
  detail?: NonNullable<AuditEvent['detail']>
  failure?: PortalError
}

export type Audit = ReturnType<typeof createAudit>

export interface BackgroundNote
  extends Required<Pick<AuditEvent, 'event' | 'outcome' | 'account' | 'target' | 'detail'>> {
  who: AuditSubject
}

export interface AuditOptions {
  log: Logger
  to: string
  /** told of every event, also where no log is kept */
  onEvent?: (event: AuditName, outcome: AuditEvent['outcome']) => void
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** the event of this route; every route that is not a GET has one, or says why it has none */
    audit?: AuditName | { none: string }
  }
  interface FastifyRequest {
    audited: AuditNote | undefined
    /** writes the event of what was done after the response, with the status that the response would have had */
    auditNow(status: number, note?: AuditNote): void
  }
}

/** Adds to what the audit log will say of this request. Ids and codes only: names, addresses of mail and keys never. */
export function audited(request: FastifyRequest, note: AuditNote): void {
  request.audited = { ...request.audited, ...note }
}

/** The application that a form names. */
export function auditedApplication(request: FastifyRequest, text: string | undefined): void {
  const application = idFrom(text)
  if (application !== undefined) audited(request, { target: { application } })
}

/**
 * The audit log: a channel of its own, at a level of its own, so no LOG_LEVEL hides it. `to` is `stdout` (between the
 * other lines, told apart by `channel`), a file, or `off`.
 */
export function createAudit({ log, to, onEvent }: AuditOptions) {
  const out = channelOf(log, to)

  return {
    /** One event of work that no request waits for; `who` caused it. */
    background({ event, outcome, who, account, target, detail }: BackgroundNote): void {
      const at = new Date().toISOString()
      const about = { who: subjectOf(who), account, target, detail }
      write({ channel: 'audit', schema: 1, at, event, outcome, door: 'background', ...about })
    },

    /** One event for every answered request whose route or handler names one. */
    hook(app: FastifyInstance): void {
      app.decorateRequest('audited', undefined)
      app.decorateRequest('auditNow', function (this: FastifyRequest, status: number, note: AuditNote = {}) {
        audited(this, { quiet: false, ...note })
        for (const event of eventsOf(this)) write(recordOf(event, this, status))
        audited(this, { quiet: true })
      })
      // not onResponse: that one stays out when the caller hangs up before the answer, though the work is done
      app.addHook('onSend', (request, reply, payload, done) => {
        for (const event of eventsOf(request)) write(recordOf(event, request, reply.statusCode))
        audited(request, { quiet: true })
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
  // written at once: an event is on disk before the next request, whatever ends the process
  const file = pino.destination({ dest: to, append: true, sync: true })
  return pino({ level: 'info' }, file).child({ channel: 'audit' })
}

/** Nobody sent it and nothing was tried: no event, or strangers could fill the log. */
function eventsOf({ audited: note, routeOptions }: FastifyRequest): AuditName[] {
  if (note?.quiet || note?.failure?.code === 'sign_in_required') return []
  const own = routeOptions.config.audit
  const event = note?.event ?? (typeof own === 'string' ? own : undefined)
  const first = event ?? (note?.failure?.rule ? 'rule.refused' : undefined)
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
    ...(failure?.rule ? { rule: failure.rule } : {}),
    door: request.routeOptions.url?.startsWith('/api/') ? 'api' : 'page',
    who: whoOf(request),
    account: account ?? request.caller?.accountId ?? null,
    address: request.ip,
    request_id: request.id,
    ...(Object.keys(target).length > 0 ? { target } : {}),
    ...(Object.keys(detail).length > 0 ? { detail } : {}),
  }
}

/** Only what has the form of an id: somebody may put a key where an id belongs. */
function idsOf({ params, routeOptions: { url = '' } }: FastifyRequest): NonNullable<AuditEvent['target']> {
  const { id = '', key_id = '' } = (params ?? {}) as Record<string, string | undefined>
  const application = url.includes('/applications/:id') ? idFrom(id) : undefined
  return {
    ...(application === undefined ? {} : { application }),
    ...(url.includes('/members/:id') && /^[A-Za-z0-9_-]{1,64}$/.test(id) ? { member: id } : {}),
    ...(/^[0-9a-f]{16}$/.test(key_id) ? { key_id } : {}),
  }
}

function whoOf(request: FastifyRequest): AuditEvent['who'] {
  const who: AuditSubject | undefined = request.audited?.who ?? request.caller ?? request.identity
  return who ? subjectOf(who) : { kind: 'visitor' }
}

function subjectOf({ kind, issuer, subject, username, role }: AuditSubject): AuditEvent['who'] {
  return {
    kind,
    issuer,
    ...(subject === undefined ? {} : { subject }),
    ...(username === undefined ? {} : { username }),
    ...(role === undefined ? {} : { role }),
  }
}
