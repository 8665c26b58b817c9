import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { Caller } from './caller.js'
import { cookieOf } from './cookies.js'
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

/** A sign-in as sign-outs see it, before and after it is a session. */
export interface SignIn {
  /** see `newSignInId`; the session gets it */
  id: string
  issuer: string
  subject: string
  /** of the sign-in service, where it has sessions */
  sid?: string | undefined
  /** ms: when it began */
  since: number
}

export type Sessions = ReturnType<typeof createSessions>

const ROLL_MS = 60_000

interface Opened {
  session: Session | undefined
  isRevoked(): boolean
}

/** Sessions are sealed cookies of less than 1 KB with the person and the times: every replica can read them without a store. */
export function createSessions(options: SessionOptions) {
  const { secrets, idleSeconds, maxSeconds, secure, issuer, groups, revocations, now = Date.now } = options
  const { name, options: cookie } = cookieOf({ name: 'session', secure })
  const seal = createSeal(secrets, `${name} ${issuer}`)
  const text = createSessionText({ issuer, groups })
  // a page is several requests with one cookie: opened once, looked at every time
  const opened = new LRUCache<string, Opened>({ max: 1000 })

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
     * A new session at every sign-in, which ends the former session of this browser: of the same person by its own id, as
     * other browsers may share the session of the provider; of another person as a sign-out does. A sign-out from the
     * provider since the sign-in began counts.
     */
    async begin(request: FastifyRequest, reply: FastifyReply, caller: Caller, { id, since }: SignIn): Promise<void> {
      const before = read(request)
      if (before && before.id !== id) await revocations.endSession(ownOf(before))
      if (before && before.caller.username !== caller.username) await revocations.endSession(revocable(before))
      write(reply, { id, caller: { ...caller, sid: caller.sid ?? id }, began: now(), seen: now(), since })
    },

    /** True where the person of a sign-in without a session has signed out since it began. */
    isOver(signIn: SignIn): boolean {
      const session = sessionFrom(signIn)
      return revocations.isRevoked(revocable(session)) || revocations.isRevoked(ownOf(session))
    },

    /** Ends a sign-in that has no session yet: copies of its cookie are worth nothing. */
    async abandon(signIn: SignIn): Promise<void> {
      await revocations.endSession(ownOf(sessionFrom(signIn)))
    },

    /** Ends this browser's session, or every one of this person, on every replica. */
    async end(request: FastifyRequest, reply: FastifyReply, { everywhere = false } = {}): Promise<void> {
      const session = read(request)
      reply.clearCookie(name, cookie)
      // pages that the browser kept, for the Back button too
      reply.header('clear-site-data', '"cache"')
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
    const [shared, own] = [revocations.watch(revocable(session)), revocations.watch(ownOf(session))]
    const entry = { session, isRevoked: () => shared() || own() }
    opened.set(sealed, entry)
    return entry
  }

  function write(reply: FastifyReply, session: Session): void {
    const left = Math.ceil(maxSeconds - (now() - session.began) / 1000)
    reply.setCookie(name, seal.seal(text.pack(session)), { ...cookie, maxAge: left })
  }
}

/** Unlike the `sid` of a provider, which may be missing and which several browsers may share, it is of one sign-in. */
export function newSignInId(): string {
  return randomBytes(9).toString('base64url')
}

type Ending = Pick<Session, 'id' | 'began' | 'since'> & {
  caller: Pick<SignIn, 'issuer' | 'subject' | 'sid'> & { username?: string }
}

/** All that share the session of the provider. */
function revocable({ id, caller, began, since }: Ending): Revocable {
  const { issuer, subject, sid = id, username } = caller
  return { issuer, subject, sid, began, since, ...(username === undefined ? {} : { username }) }
}

/** This one alone; no `sid` of a provider has a space. */
function ownOf(session: Ending): Revocable {
  return { ...revocable(session), sid: `portal ${session.id}` }
}

function sessionFrom({ id, since, ...caller }: SignIn): Ending {
  return { id, caller, began: since, since }
}
