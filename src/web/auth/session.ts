import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { createSeal } from '../../infra/crypto/seal.js'
import type { Secrets } from '../../infra/crypto/secrets.js'
import type { Caller } from './caller.js'
import { defineCookie } from './cookies.js'
import type { Revocable, Revocations } from './revocations.js'
import { createSessionCodec, type Session } from './session-codec.js'

export interface SessionOptions {
  secrets: Secrets
  idleSeconds: number
  maxSeconds: number
  /** https: Secure cookies with the __Host- prefix */
  secure: boolean
  /** cookies of another identity provider are not valid */
  issuer: string
  /** configured groups */
  groups: string[]
  revocations: Revocations
  now?: () => number
}

/** The members of a sign-in that a sign-out matches. */
export interface SignIn {
  /** see `newSignInId`; also the id of the session */
  id: string
  issuer: string
  subject: string
  /** session of the identity provider, if it has sessions */
  sid?: string | undefined
  /** start; ms */
  since: number
}

export type Sessions = ReturnType<typeof createSessions>

const ROLL_MS = 60_000

interface CachedSession {
  session: Session | undefined
  isRevoked(): boolean
}

/** Sessions are encrypted cookies of less than 1 KB, which every replica can read without a store. */
export function createSessions(options: SessionOptions) {
  const { secrets, idleSeconds, maxSeconds, secure, issuer, groups, revocations, now = Date.now } = options
  const { name, options: cookie } = defineCookie({ name: 'session', secure })
  const seal = createSeal(secrets, `${name} ${issuer}`)
  const codec = createSessionCodec({ issuer, groups })
  // a cookie is decrypted once, and checked at every request
  const cache = new LRUCache<string, CachedSession>({ max: 1000 })

  return {
    /** Sets `request.caller` from a valid cookie. */
    hook(app: FastifyInstance): void {
      app.addHook('onRequest', (request, reply, done) => {
        const session = read(request)
        request.caller = session?.caller
        if (session && now() - session.seen > ROLL_MS) write(reply, { ...session, seen: now() })
        done()
      })
    },

    /**
     * Starts a session, which ends the previous session of this browser: only that one for the same person, because other browsers may
     * share the session of the provider; a sign-out for another person. A sign-out by the provider since the start of the sign-in counts.
     */
    async start(request: FastifyRequest, reply: FastifyReply, caller: Caller, { id, since }: SignIn): Promise<void> {
      const previous = read(request)
      if (previous && previous.id !== id) await revocations.endSession(ownOf(previous))
      if (previous && previous.caller.username !== caller.username) await revocations.endSession(revocable(previous))
      write(reply, { id, caller: { ...caller, sid: caller.sid ?? id }, began: now(), seen: now(), since })
    },

    /** Whether the person has signed out since this sign-in began. */
    isRevoked(signIn: SignIn): boolean {
      const session = sessionFrom(signIn)
      return revocations.isRevoked(revocable(session)) || revocations.isRevoked(ownOf(session))
    },

    /** Ends a sign-in without a session, so copies of its cookie become invalid. */
    async abandon(signIn: SignIn): Promise<void> {
      await revocations.endSession(ownOf(sessionFrom(signIn)))
    },

    /** Ends the session of this browser, or all sessions of the person, on all replicas. */
    async end(request: FastifyRequest, reply: FastifyReply, { allSessions = false } = {}): Promise<void> {
      const session = read(request)
      reply.clearCookie(name, cookie)
      // cached pages, also for the Back button
      reply.header('clear-site-data', '"cache"')
      request.caller = undefined
      if (!session) return
      await revocations.endSession(revocable(session))
      if (allSessions) await revocations.endAll(revocable(session))
    },
  }

  function read(request: FastifyRequest): Session | undefined {
    const sealed = request.cookies[name]
    if (!sealed) return undefined
    const { session, isRevoked } = cache.get(sealed) ?? open(sealed)
    if (!session || isRevoked()) return undefined
    const { began, seen } = session
    return now() - began > maxSeconds * 1000 || now() - seen > idleSeconds * 1000 ? undefined : session
  }

  function open(sealed: string): CachedSession {
    const decrypted = seal.open(sealed)
    if (decrypted === undefined) return { session: undefined, isRevoked: () => true }
    const session = codec.decode(decrypted)
    const [shared, own] = [revocations.createCheck(revocable(session)), revocations.createCheck(ownOf(session))]
    const entry = { session, isRevoked: () => shared() || own() }
    cache.set(sealed, entry)
    return entry
  }

  function write(reply: FastifyReply, session: Session): void {
    const remainingSeconds = Math.ceil(maxSeconds - (now() - session.began) / 1000)
    reply.setCookie(name, seal.seal(codec.encode(session)), { ...cookie, maxAge: remainingSeconds })
  }
}

/** Unique to one sign-in. The `sid` of a provider may be missing, and browsers may share it. */
export function newSignInId(): string {
  return randomBytes(9).toString('base64url')
}

type Ending = Pick<Session, 'id' | 'began' | 'since'> & {
  caller: Pick<SignIn, 'issuer' | 'subject' | 'sid'> & { username?: string }
}

/** All sessions that share the session of the provider. */
function revocable({ id, caller, began, since }: Ending): Revocable {
  const { issuer, subject, sid = id, username } = caller
  return { issuer, subject, sid, began, since, ...(username === undefined ? {} : { username }) }
}

/** Only this session. A `sid` of a provider has no space. */
function ownOf(session: Ending): Revocable {
  return { ...revocable(session), sid: `portal ${session.id}` }
}

function sessionFrom({ id, since, ...caller }: SignIn): Ending {
  return { id, caller, began: since, since }
}
