import { randomBytes } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type AuditNote, audited } from './audit.js'
import { cookieOf } from './cookies.js'
import { asProblem } from './failures.js'
import { createJobs, type JobOptions } from './jobs.js'
import { createSeal } from './seal.js'

export interface WaitingOptions extends JobOptions {
  secrets: string[]
  /** https: Secure cookies */
  secure: boolean
  /** until the page says what is going on; ms */
  waitMs?: number
  /** how long a later look waits; ms */
  lookMs?: number
  /** how long another replica may be silent before its work is done again here; ms */
  takeoverMs?: number
}

type Owner = { accountId: number } | { issuer: string; subject: string }

/** Work of a form that may take longer than anybody looks at a browser that loads. */
export interface Form<T> {
  /** what tells it from other work of the caller */
  key: string
  /** whose it is; nobody else can continue it */
  caller: Owner
  /** the address that continues it */
  path: string
  /** what is needed to do it again elsewhere */
  carry: object
  title: string
  /** true: asked at that address */
  resumed: boolean
  /** what the audit log says of the work where nobody comes back for its page */
  note?(value: T): AuditNote
}

export type Waiting = ReturnType<typeof createWaiting>

interface Carried {
  owner: string
  carry: object
  /** the process that does the work, and when it last said so; ms */
  by: string
  at: number
}

const SECONDS = 3600
const WAIT_MS = 2000
const LOOK_MS = 5000
const TAKEOVER_MS = 15_000
/** What browsers take, with name and attributes. */
const MOST_CHARACTERS = 3800

/**
 * Pages for work that is not done after two seconds: the page says what is going on and loads itself again until it is done
 * (`Refresh`, so without scripts too). The work runs on in this process. What is needed to do it again goes along in the
 * browser, sealed, and only at that address: a replica that does not know the work does it again when the one that did it has
 * been silent for a while. So the work has to be such that doing it twice leaves one result. Without that cookie the address
 * does nothing.
 */
export function createWaiting({ secrets, secure, waitMs, lookMs, takeoverMs = TAKEOVER_MS, ...times }: WaitingOptions) {
  const jobs = createJobs(times)
  const seal = createSeal(secrets, 'pending form')
  const self = randomBytes(6).toString('base64url')
  const { name, options: cookie } = cookieOf({ name: 'pending', secure, everywhere: false })

  return {
    /** What the caller's form at this address carried; undefined where there was none. */
    read<C>(request: FastifyRequest, caller: Owner): C | undefined {
      const carried = carriedBy(request)
      return carried?.owner === ownerOf(caller) ? (carried.carry as C) : undefined
    },

    /** The value of the work, or the page that was sent instead. Rejects as the work does. */
    async hold<T>(
      request: FastifyRequest,
      reply: FastifyReply,
      form: Form<T>,
      run: () => Promise<T>,
    ): Promise<{ value: T } | { page: FastifyReply }> {
      const before = form.resumed ? carriedBy(request) : undefined
      const elsewhere = before && before.by !== self && Date.now() - before.at < takeoverMs
      const owner = ownerOf(form.caller)
      const key = `${owner} ${form.key}`
      if (elsewhere && !jobs.has(key)) return { page: await page(request, reply, form) }
      const sealed = sealedOf({ owner, carry: form.carry, by: self, at: Date.now() })
      jobs.begin(key, owner, run, {
        kept: form.resumed,
        unclaimed(outcome) {
          const failure = 'error' in outcome ? asProblem(outcome.error) : undefined
          if (failure) request.auditNow(failure.status, { failure })
          else if ('value' in outcome) request.auditNow(200, form.note?.(outcome.value))
        },
      })
      // what does not fit into a cookie is waited for
      const most = sealed === undefined ? 2 ** 31 - 1 : form.resumed ? (lookMs ?? LOOK_MS) : (waitMs ?? WAIT_MS)
      const outcome = await jobs.wait<T>(key, reply, most)
      if (outcome === undefined) {
        if (sealed !== undefined) reply.setCookie(name, sealed, { ...cookie, path: form.path, maxAge: SECONDS })
        return { page: await page(request, reply, form) }
      }
      if (before) reply.clearCookie(name, { ...cookie, path: form.path })
      if ('error' in outcome) throw outcome.error
      return outcome
    },
  }

  async function page(
    request: FastifyRequest,
    reply: FastifyReply,
    { path, title }: Pick<Form<unknown>, 'path' | 'title'>,
  ): Promise<FastifyReply> {
    // nothing has happened yet
    audited(request, { quiet: true })
    reply.header('cache-control', 'no-store').header('refresh', `1; url=${path}`)
    return reply.page('waiting/show', { title, path }, { status: 202 })
  }

  function carriedBy(request: FastifyRequest): Carried | undefined {
    const packed = seal.openBytes(request.cookies[name] ?? '')
    if (!packed) return undefined
    const carried = JSON.parse(inflateRawSync(packed).toString('utf8')) as Carried & { until: number }
    return carried.until > Date.now() ? carried : undefined
  }

  function sealedOf(carried: Carried): string | undefined {
    const text = JSON.stringify({ ...carried, until: Date.now() + SECONDS * 1000 })
    const sealed = seal.sealBytes(deflateRawSync(text))
    return sealed.length > MOST_CHARACTERS ? undefined : sealed
  }
}

function ownerOf(caller: Owner): string {
  return 'accountId' in caller ? `account ${caller.accountId}` : `${caller.issuer} ${caller.subject}`
}
