import { randomBytes } from 'node:crypto'
import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { Caller } from './caller.js'
import type { Revocable, Revocations } from './revocations.js'
import { createSeal } from './seal.js'
import { createSessionText, type Session } from './session-text.js'

export interface SessionOptions {
  secrets: string[]
  idleSeconds: number
  maxSeconds: number
  /** https: Secure cookies with the __Host- prefix */
  secure: boolean
  /** whose people these are; a cookie of another sign-in service is worth nothing */
  issuer: string
  /** groups that the configuration names */
  groups: string[]
  revocations: Revocations
  now?: () => number
}

export type Sessions = ReturnType<typeof createSessions>

const ROLL_MS = 60_000

interface Opened {
  session: Session | undefined
  isRevoked(): boolean
}

/** Sessions are sealed cookies that hold who it is and when, under 1 KB: any replica reads them, no store is asked. */
export function createSessions(options: SessionOptions) {
  const { secrets, idleSeconds, maxSeconds, secure, issuer, groups, revocations, now = Date.now } = options
  const name = secure ? '__Host-maas_session' : 'maas_session'
  const seal = createSeal(secrets, `${name} ${issuer}`)
  const text = createSessionText({ issuer, groups })
  // a page is several requests with one cookie: opened once, looked at every time
  const opened = new LRUCache<string, Opened>({ max: 1000 })
  const cookie: CookieSerializeOptions = { path: '/', httpOnly: true, sameSite: 'lax', secure }

  return {
    /** Every request: sets request.caller from the cookie where it still holds. */
    hook(app: FastifyInstance): void {
      app.addHook('onRequest', (request, reply, done) => {
        const session = read(request)
        request.caller = session?.caller
        if (session && now() - session.seen > ROLL_MS) write(reply, { ...session, seen: now() })
        done()
      })
    },

    /**
     * A new session at every sign-in, so an older cookie of this browser is worth nothing more; somebody else's session
     * in it is ended. `since` (ms) is when the sign-in began: a sign-out from the provider in between counts.
     */
    async begin(request: FastifyRequest, reply: FastifyReply, caller: Caller, since: number): Promise<void> {
      const before = read(request)
      if (before && before.caller.username !== caller.username) await revocations.endSession(revocable(before))
      const sid = caller.sid ?? randomBytes(16).toString('base64url')
      write(reply, { caller: { ...caller, sid }, began: now(), seen: now(), since })
    },

    /** Ends this browser's session, or every one of this person, on every replica. */
    async end(request: FastifyRequest, reply: FastifyReply, { everywhere = false } = {}): Promise<void> {
      const session = read(request)
      reply.clearCookie(name, cookie)
      request.caller = undefined
      if (!session) return
      await revocations.endSession(revocable(session))
      if (everywhere) await revocations.endAll(revocable(session))
    },
  }

  function read(request: FastifyRequest): Session | undefined {
    const sealed = request.cookies[name]
    if (!sealed) return undefined
    const { session, isRevoked } = opened.get(sealed) ?? open(sealed)
    if (!session || isRevoked()) return undefined
    const { began, seen } = session
    return now() - began > maxSeconds * 1000 || now() - seen > idleSeconds * 1000 ? undefined : session
  }

  function open(sealed: string): Opened {
    const packed = seal.open(sealed)
    if (packed === undefined) return { session: undefined, isRevoked: () => true }
    const session = text.unpack(packed)
    const entry = { session, isRevoked: revocations.watch(revocable(session)) }
    opened.set(sealed, entry)
    return entry
  }

  function write(reply: FastifyReply, session: Session): void {
    const left = Math.ceil(maxSeconds - (now() - session.began) / 1000)
    reply.setCookie(name, seal.seal(text.pack(session)), { ...cookie, maxAge: left })
  }
}

function revocable({ caller, began, since }: Session): Revocable {
  return {
    issuer: caller.issuer,
    subject: caller.subject,
    sid: caller.sid ?? '',
    username: caller.username,
    began,
    since,
  }
}
