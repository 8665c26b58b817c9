import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { SignInAttempt } from '../../clients/identity.js'
import { problem } from '../../errors.js'
import type { Identity } from '../../web/caller.js'
import { cookieOf } from '../../web/cookies.js'
import { createSeal } from '../../web/seal.js'
import type { SignIn } from '../../web/session.js'
import type { Offer } from './offers.js'
import type { Asks } from './questions.js'

/** A sign-in that is on its way to the sign-in service and back. */
export interface Attempt extends SignInAttempt {
  returnTo: string
  /** ms */
  began: number
}

/** Somebody whose sign-in is checked and who is not in yet. */
export interface Arrival {
  /** of this sign-in; the session that comes of it gets the same, so that both end together */
  id: string
  identity: Identity
  returnTo: string
  /** ms: when the sign-in began */
  began: number
  /**
   * what the form asks, which is open; `again`: 3scale decides, so it is asked again without a new sign-in; `refused`: only a
   * new sign-in can change that
   */
  next: Asks | 'again' | 'refused'
  /** the existing account that the form is about */
  offer?: Offer | undefined
}

const ATTEMPT_SECONDS = 600
/** Terms take their time to read, and an operator to approve. */
const ARRIVAL_SECONDS = 3600
const ATTEMPTS = 4
/** Browsers silently drop a cookie over 4096 bytes, name and attributes included. */
const PART = /.{1,3800}/g
const PARTS = 3

/** What the browser carries, sealed, until there is a session. */
export function createCarried({ secrets, secure }: { secrets: string[]; secure: boolean }) {
  const attempts = createSeal(secrets, 'sign-in attempt')
  const arrivals = createSeal(secrets, 'sign-in arrival')
  const { name: arrivalName, options: cookie } = cookieOf({ name: 'sign_up', secure })
  const { name: attemptsName } = cookieOf({ name: 'login_', secure })
  const partNames = [arrivalName, ...Array.from({ length: PARTS - 1 }, (_, at) => `${arrivalName}_${at + 2}`)]
  const nameOf = (state: string) => `${attemptsName}${state.replace(/[^A-Za-z0-9]/g, '').slice(0, 12)}`

  return {
    /** One cookie a sign-in, so that two tabs both work; the oldest go when there are too many. */
    keepAttempt(request: FastifyRequest, reply: FastifyReply, attempt: Attempt): void {
      const old = Object.keys(request.cookies).filter((name) => name.startsWith(attemptsName))
      for (const name of old.slice(0, Math.max(0, old.length - ATTEMPTS + 1))) reply.clearCookie(name, cookie)
      reply.setCookie(nameOf(attempt.state), attempts.sealObject(attempt), { ...cookie, maxAge: ATTEMPT_SECONDS })
    },

    /** The attempt that this state belongs to, once: undefined when it is another browser's, too old, or was used. */
    takeAttempt(request: FastifyRequest, reply: FastifyReply, state: string): Attempt | undefined {
      const attempt = attempts.openObject<Attempt>(request.cookies[nameOf(state)])
      reply.clearCookie(nameOf(state), cookie)
      return attempt && isYoung(attempt, ATTEMPT_SECONDS) ? attempt : undefined
    },

    /** Throws sign_in_too_large where the person has more groups and claims that count than browsers carry. */
    keepArrival(reply: FastifyReply, arrival: Arrival): void {
      const sealed = arrivals.sealBytes(deflateRawSync(JSON.stringify(arrival)))
      const parts = sealed.match(PART) ?? []
      if (parts.length > partNames.length) throw problem('sign_in_too_large')
      partNames.forEach((name, at) => {
        const part = parts[at]
        if (part !== undefined) reply.setCookie(name, part, { ...cookie, maxAge: ARRIVAL_SECONDS })
        else if (reply.request.cookies[name] !== undefined) reply.clearCookie(name, cookie)
      })
    },

    readArrival(request: FastifyRequest): Arrival | undefined {
      const parts = partNames.map((name) => request.cookies[name] ?? '')
      const packed = arrivals.openBytes(parts.join(''))
      const arrival = packed && arrivalFrom(packed)
      return arrival?.id && isYoung(arrival, ARRIVAL_SECONDS) ? arrival : undefined
    },

    dropArrival(reply: FastifyReply): void {
      for (const name of partNames)
        if (name === arrivalName || reply.request.cookies[name] !== undefined) reply.clearCookie(name, cookie)
    },
  }
}

/** Of a release before it was compressed, the text itself. */
function arrivalFrom(packed: Buffer): Arrival {
  const text = packed[0] === 0x7b ? packed : inflateRawSync(packed)
  return JSON.parse(text.toString('utf8')) as Arrival
}

export type Carried = ReturnType<typeof createCarried>

export function signInOf({ id, identity: { issuer, subject, sid }, began }: Arrival): SignIn {
  return { id, issuer, subject, sid, since: began }
}

function isYoung({ began }: { began: number }, seconds: number): boolean {
  return Date.now() - began < seconds * 1000
}
