import { randomBytes } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { createSeal } from '../../infra/crypto/seal.js'
import type { Secrets } from '../../infra/crypto/secrets.js'
import { type AuditNote, annotateAudit } from '../audit/audit.js'
import { defineCookie } from '../auth/cookies.js'
import { type BackgroundJobOptions, createBackgroundJobs } from '../server/background-jobs.js'
import { toPortalError } from '../server/errors/error-handlers.js'

export interface ProgressPageOptions extends BackgroundJobOptions {
  secrets: Secrets
  /** https: Secure cookies */
  secure: boolean
  /** how long the first request waits before it shows the progress page; ms */
  waitMs?: number
  /** how long each request of the progress page waits; ms */
  pollMs?: number
  /** how long another replica may be silent before this one repeats its work; ms */
  takeoverMs?: number
}

type Owner = { accountId: number } | { issuer: string; subject: string }

/** A form whose work may take longer than a user waits for a page. */
export interface LongRunningForm<T> {
  /** distinguishes it from other work of the caller */
  key: string
  /** the only caller that can continue it */
  caller: Owner
  /** URL of the progress page */
  path: string
  /** input that another replica requires to repeat the work */
  input: object
  title: string
  /** true for a request of the progress page */
  resumed: boolean
  /** the audit entry if no request receives the result */
  note?(value: T): AuditNote
}

export type ProgressPages = ReturnType<typeof createProgressPages>

interface PendingForm {
  owner: string
  input: object
  /** the process that works on it, and its last sign of life; ms */
  worker: string
  heartbeat: number
}

const SECONDS = 3600
const WAIT_MS = 2000
const POLL_MS = 5000
const TAKEOVER_MS = 15_000
/** Browsers drop cookies above 4 KB, with name and attributes. */
const MAX_COOKIE_CHARACTERS = 3800

/**
 * Progress pages for work that takes more than two seconds. The page reloads until the work has ended (`Refresh`, so without scripts
 * too), and the work continues in this process. The browser carries the input in an encrypted cookie for that URL, so another replica
 * can repeat the work if the first one has been silent for a while. Therefore the work must be repeatable. Without the cookie, the
 * URL does nothing.
 */
export function createProgressPages({
  secrets,
  secure,
  waitMs,
  pollMs,
  takeoverMs = TAKEOVER_MS,
  ...times
}: ProgressPageOptions) {
  const jobs = createBackgroundJobs(times)
  const seal = createSeal(secrets, 'pending form')
  const self = randomBytes(6).toString('base64url')
  const { name, options: cookie } = defineCookie({ name: 'pending', secure, allPaths: false })

  return {
    /** The input of the pending form of this caller at this URL. */
    read<I>(request: FastifyRequest, caller: Owner): I | undefined {
      const pending = pendingForm(request)
      return pending?.owner === ownerOf(caller) ? (pending.input as I) : undefined
    },

    /** The result of the work, or the progress page that was sent instead. Rejects as the work does. */
    async run<T>(
      request: FastifyRequest,
      reply: FastifyReply,
      form: LongRunningForm<T>,
      work: () => Promise<T>,
    ): Promise<{ value: T } | { page: FastifyReply }> {
      const pending = form.resumed ? pendingForm(request) : undefined
      const isElsewhere = pending && pending.worker !== self && Date.now() - pending.heartbeat < takeoverMs
      const owner = ownerOf(form.caller)
      const key = `${owner} ${form.key}`
      if (isElsewhere && !jobs.has(key)) return { page: await page(request, reply, form) }
      const sealed = sealForm({ owner, input: form.input, worker: self, heartbeat: Date.now() })
      jobs.start(key, owner, work, {
        reuse: form.resumed,
        unclaimed(outcome) {
          const failure = 'error' in outcome ? toPortalError(outcome.error) : undefined
          if (failure) request.auditNow(failure.status, { failure })
          else if ('value' in outcome) request.auditNow(200, form.note?.(outcome.value))
        },
      })
      // without a cookie there is no progress page
      const maxWaitMs = sealed === undefined ? 2 ** 31 - 1 : form.resumed ? (pollMs ?? POLL_MS) : (waitMs ?? WAIT_MS)
      const outcome = await jobs.wait<T>(key, reply, maxWaitMs)
      if (outcome === undefined) {
        if (sealed !== undefined) reply.setCookie(name, sealed, { ...cookie, path: form.path, maxAge: SECONDS })
        return { page: await page(request, reply, form) }
      }
      if (pending) reply.clearCookie(name, { ...cookie, path: form.path })
      if ('error' in outcome) throw outcome.error
      return outcome
    },
  }

  async function page(
    request: FastifyRequest,
    reply: FastifyReply,
    { path, title }: Pick<LongRunningForm<unknown>, 'path' | 'title'>,
  ): Promise<FastifyReply> {
    // the work has no result yet
    annotateAudit(request, { quiet: true })
    reply.header('cache-control', 'no-store').header('refresh', `1; url=${path}`)
    return reply.page('waiting/show', { title, path }, { status: 202 })
  }

  function pendingForm(request: FastifyRequest): PendingForm | undefined {
    const packed = seal.openBytes(request.cookies[name] ?? '')
    if (!packed) return undefined
    const pending = JSON.parse(inflateRawSync(packed).toString('utf8')) as PendingForm & { until: number }
    return pending.until > Date.now() ? pending : undefined
  }

  function sealForm(pending: PendingForm): string | undefined {
    const text = JSON.stringify({ ...pending, until: Date.now() + SECONDS * 1000 })
    const sealed = seal.sealBytes(deflateRawSync(text))
    return sealed.length > MAX_COOKIE_CHARACTERS ? undefined : sealed
  }
}

function ownerOf(caller: Owner): string {
  return 'accountId' in caller ? `account ${caller.accountId}` : `${caller.issuer} ${caller.subject}`
}
