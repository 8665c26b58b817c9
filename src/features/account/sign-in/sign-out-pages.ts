import type { FastifyInstance } from 'fastify'
import type { IdentityProvider } from '../../../clients/identity/provider.js'
import { isProblem, problem } from '../../../errors.js'
import { annotateAudit } from '../../../web/audit/audit.js'
import type { Revocations } from '../../../web/auth/revocations.js'
import type { Sessions } from '../../../web/auth/session.js'
import { formValues } from '../../../web/pages/forms.js'
import { toPortalError } from '../../../web/server/errors/error-handlers.js'
import type { IdTokenStore } from './id-token-store.js'
import { redirectMessages, signedOutMessages } from './messages.js'
import { type SignInCookies, toSignIn } from './sign-in-cookies.js'

export interface SignOutPagesDeps {
  identity: IdentityProvider
  issuer: string
  sessions: Sessions
  revocations: Revocations
  cookies: SignInCookies
  idTokens: IdTokenStore
}

const MAX_TOKEN_CHARACTERS = 16_384
const open = { config: { open: true } }
const signingOut = { config: { open: true, audit: 'sign_out' } } as const
const fromProvider = { config: { open: true, audit: 'sign_out', crossSite: true, limit: 'sign_in' } } as const

/** Ends the session of the portal, then that of the identity provider; and back-channel logout. */
export async function signOutPages(app: FastifyInstance, deps: SignOutPagesDeps) {
  const { identity, issuer, sessions, revocations, cookies, idTokens } = deps

  app.post('/logout', signingOut, async (request, reply) => {
    const pending = cookies.readPendingSignIn(request)
    const session = request.caller ?? (pending && toSignIn(pending))
    annotateAudit(request, request.caller ? { actor: request.caller } : { quiet: true })
    await sessions.end(request, reply, { allSessions: formValues(request.body).everywhere === 'yes' })
    cookies.clearPendingSignIn(reply)
    if (pending) await sessions.abandon(toSignIn(pending))
    if (!session) return reply.redirect('/signed-out', 303)
    try {
      const idToken = await idTokens.take('id' in session ? { ...session, sid: session.sid ?? session.id } : session)
      const url = await identity.endSessionUrl(idToken)
      return url
        ? reply.redirectExternally(url, redirectMessages.signOut)
        : reply.redirect('/signed-out?provider=no_sign_out', 303)
    } catch (error) {
      if (!isProblem(error, 'identity_unavailable')) throw error
      return reply.redirect('/signed-out?provider=unavailable', 303)
    }
  })

  app.get<{ Querystring: { provider?: string } }>('/signed-out', open, async (request, reply) =>
    reply.page('account/signed-out', signedOutMessages(request.query.provider ?? '')),
  )

  app.post('/logout/backchannel', fromProvider, async (request, reply) => {
    reply.header('cache-control', 'no-store')
    try {
      const token = formValues(request.body).logout_token ?? ''
      if (token === '' || token.length > MAX_TOKEN_CHARACTERS) throw problem('bad_request')
      const logout = await identity.readLogoutToken(token)
      annotateAudit(request, { actor: { kind: 'provider', issuer, subject: logout.subject } })
      await revocations.endedByProvider({ issuer, ...logout })
      return reply.code(200).send({})
    } catch (error) {
      const failure = toPortalError(error)
      annotateAudit(request, { failure })
      return reply.code(failure.status).send({ error: 'invalid_request', error_description: failure.message })
    }
  })
}
