import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AuthorizationState } from '../../../clients/identity/provider.js'
import { problem } from '../../../errors.js'
import { createSeal } from '../../../infra/crypto/seal.js'
import type { Secrets } from '../../../infra/crypto/secrets.js'
import type { Identity } from '../../../web/auth/caller.js'
import { defineCookie } from '../../../web/auth/cookies.js'
import type { SignIn } from '../../../web/auth/session.js'
import type { CompletionStep } from '../enrolment/completion.js'
import type { JoinOffer } from '../enrolment/join-offer.js'

/** A sign-in between the redirect to the identity provider and its callback. */
export interface AuthorizationRequest extends AuthorizationState {
  returnTo: string
  /** In ms. */
  startedAt: number
}

/** A sign-in whose identity is verified and that has no session yet. */
export interface PendingSignIn {
  /** The session gets the same id, so that both end together. */
  id: string
  identity: Identity
  returnTo: string
  /** In ms. */
  startedAt: number
  /**
   * The form to show. `retry`: the decision is 3scale's and is requested again without a new sign-in. `rejected`: only a new
   * sign-in can change the outcome.
   */
  step: CompletionStep | 'retry' | 'rejected'
  /** The existing account that the form is about. */
  offer?: JoinOffer | undefined
}

export type SignInCookies = ReturnType<typeof createSignInCookies>

const REQUEST_SECONDS = 600
/** Reading terms takes time, and so does an operator's approval. */
const PENDING_SECONDS = 3600
const MAX_REQUESTS = 4
/** Browsers silently drop a cookie over 4096 bytes, name and attributes included. */
const PART = /.{1,3800}/g
const PARTS = 3

/** Sealed cookies of a sign-in that has no session yet. */
export function createSignInCookies({ secrets, secure }: { secrets: Secrets; secure: boolean }) {
  const requestSeal = createSeal(secrets, 'authorization request')
  const pendingSeal = createSeal(secrets, 'pending sign-in')
  const { name: pendingName, options: cookie } = defineCookie({ name: 'sign_up', secure })
  const { name: requestPrefix } = defineCookie({ name: 'login_', secure })
  const partNames = [pendingName, ...Array.from({ length: PARTS - 1 }, (_, at) => `${pendingName}_${at + 2}`)]
  const requestName = (state: string) => `${requestPrefix}${state.replace(/[^A-Za-z0-9]/g, '').slice(0, 12)}`

  return {
    /** One cookie per sign-in, so that two tabs both work. The oldest are removed when there are too many. */
    storeAuthorizationRequest(request: FastifyRequest, reply: FastifyReply, authorization: AuthorizationRequest): void {
      const earlier = Object.keys(request.cookies).filter((name) => name.startsWith(requestPrefix))
      for (const name of earlier.slice(0, Math.max(0, earlier.length - MAX_REQUESTS + 1)))
        reply.clearCookie(name, cookie)
      reply.setCookie(requestName(authorization.state), requestSeal.sealObject(authorization), {
        ...cookie,
        maxAge: REQUEST_SECONDS,
      })
    },

    /** Can be taken once. Undefined where it is another browser's, has expired or was used. */
    takeAuthorizationRequest(
      request: FastifyRequest,
      reply: FastifyReply,
      state: string,
    ): AuthorizationRequest | undefined {
      const authorization = requestSeal.openObject<AuthorizationRequest>(request.cookies[requestName(state)])
      reply.clearCookie(requestName(state), cookie)
      return authorization && isFresh(authorization, REQUEST_SECONDS) ? authorization : undefined
    },

    /** Rejects with sign_in_too_large where the profile has more groups and claims than browsers store. */
    storePendingSignIn(reply: FastifyReply, pending: PendingSignIn): void {
      const sealed = pendingSeal.sealBytes(deflateRawSync(JSON.stringify(pending)))
      const parts = sealed.match(PART) ?? []
      if (parts.length > partNames.length) throw problem('sign_in_too_large')
      partNames.forEach((name, at) => {
        const part = parts[at]
        if (part !== undefined) reply.setCookie(name, part, { ...cookie, maxAge: PENDING_SECONDS })
        else if (reply.request.cookies[name] !== undefined) reply.clearCookie(name, cookie)
      })
    },

    readPendingSignIn(request: FastifyRequest): PendingSignIn | undefined {
      const parts = partNames.map((name) => request.cookies[name] ?? '')
      const compressed = pendingSeal.openBytes(parts.join(''))
      const pending = compressed && (JSON.parse(inflateRawSync(compressed).toString('utf8')) as PendingSignIn)
      return pending?.id && isFresh(pending, PENDING_SECONDS) ? pending : undefined
    },

    clearPendingSignIn(reply: FastifyReply): void {
      for (const name of partNames)
        if (name === pendingName || reply.request.cookies[name] !== undefined) reply.clearCookie(name, cookie)
    },
  }
}

export function toSignIn({ id, identity: { issuer, subject, sid }, startedAt }: PendingSignIn): SignIn {
  return { id, issuer, subject, sid, since: startedAt }
}

function isFresh({ startedAt }: { startedAt: number }, seconds: number): boolean {
  return Date.now() - startedAt < seconds * 1000
}
