import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from './caller.js'
import type { Revocations } from './revocations.js'
import { createSeal } from './seal.js'

export interface SessionOptions {
  secrets: string[]
  idleSeconds: number
  maxSeconds: number
  /** https: Secure cookies with the __Host- prefix */
  secure: boolean
  revocations: Revocations
  now?: () => number
}

interface Sealed {
  caller: Caller
  /** ms: when it began, and when it was last seen (at most a minute old) */
  began: number
  seen: number
}

export type Sessions = ReturnType<typeof createSessions>

const ROLL_MS = 60_000

/** Sessions are sealed cookies that hold who it is and when, under 1 KB: any replica reads them, no store is asked. */
export function createSessions({
  secrets,
  idleSeconds,
  maxSeconds,
  secure,
  revocations,
  now = Date.now,
}: SessionOptions) {
  const name = secure ? '__Host-maas_session' : 'maas_session'
  const seal = createSeal(secrets, name)
  const options: CookieSerializeOptions = { path: '/', httpOnly: true, sameSite: 'lax', secure }

  return {
    /** Every request: sets request.caller from the cookie where it still holds. */
    hook(app: FastifyInstance): void {
      app.addHook('onRequest', async (request, reply) => {
        const session = read(request)
        request.caller = session?.caller
        if (session && now() - session.seen > ROLL_MS) write(reply, { ...session, seen: now() })
      })
    },
    /** A new session at every sign-in, so an older cookie of this browser is worth nothing more. */
    begin(reply: FastifyReply, caller: Caller): void {
      write(reply, { caller, began: now(), seen: now() })
    },
    /** Ends this browser's session, on every replica. */
    async end(request: FastifyRequest, reply: FastifyReply): Promise<void> {
      const caller = read(request)?.caller
      reply.clearCookie(name, options)
      if (caller) await revocations.revoke({ issuer: caller.issuer, sid: caller.sid, subject: caller.subject })
    },
  }

  function read(request: FastifyRequest): Sealed | undefined {
    const session = seal.openObject<Sealed>(request.cookies[name])
    if (!session) return undefined
    const { caller, began, seen } = session
    if (now() - began > maxSeconds * 1000 || now() - seen > idleSeconds * 1000) return undefined
    const revoked = revocations.isRevoked({
      issuer: caller.issuer,
      subject: caller.subject,
      sid: caller.sid,
      issuedAt: began,
    })
    return revoked ? undefined : session
  }

  function write(reply: FastifyReply, session: Sealed): void {
    const left = Math.ceil(maxSeconds - (now() - session.began) / 1000)
    reply.setCookie(name, seal.sealObject(session), { ...options, maxAge: left })
  }
}
