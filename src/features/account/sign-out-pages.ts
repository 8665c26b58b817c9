import type { FastifyInstance } from 'fastify'
import type { IdentityProvider } from '../../clients/identity.js'
import { isProblem, problem } from '../../errors.js'
import { audited } from '../../web/audit.js'
import { asProblem } from '../../web/failures.js'
import { formValues } from '../../web/forms.js'
import type { Revocations } from '../../web/revocations.js'
import type { Sessions } from '../../web/session.js'
import { type Carried, signInOf } from './carried.js'
import type { Kept } from './id-tokens.js'
import { signedOutView, toSignOut } from './view.js'

export interface SignOutPagesDeps {
  identity: IdentityProvider
  issuer: string
  sessions: Sessions
  revocations: Revocations
  carried: Carried
  idTokens: Kept
}

const TOKEN_CHARS = 16_384
const open = { config: { open: true } }
const signingOut = { config: { open: true, audit: 'sign_out' } } as const
const fromProvider = { config: { open: true, audit: 'sign_out', crossSite: true, limit: 'sign_in' } } as const

/** Out here first, then at the provider; and out when the provider says so. */
export async function signOutPages(app: FastifyInstance, deps: SignOutPagesDeps) {
  const { identity, issuer, sessions, revocations, carried, idTokens } = deps

  app.post('/logout', signingOut, async (request, reply) => {
    const arrival = carried.readArrival(request)
    const who = request.caller ?? (arrival && signInOf(arrival))
    audited(request, request.caller ? { who: request.caller } : { quiet: true })
    await sessions.end(request, reply, { everywhere: formValues(request.body).everywhere === 'yes' })
    carried.dropArrival(reply)
    if (arrival) await sessions.abandon(signInOf(arrival))
    if (!who) return reply.redirect('/signed-out', 303)
    try {
      const url = await identity.endSessionUrl(
        await idTokens.take('id' in who ? { ...who, sid: who.sid ?? who.id } : who),
      )
      return url ? reply.leave(url, toSignOut) : reply.redirect('/signed-out?provider=stays', 303)
    } catch (error) {
      if (!isProblem(error, 'identity_unavailable')) throw error
      return reply.redirect('/signed-out?provider=away', 303)
    }
  })

  app.get<{ Querystring: { provider?: string } }>('/signed-out', open, async (request, reply) =>
    reply.page('account/signed-out', signedOutView(request.query.provider)),
  )

  app.post('/logout/backchannel', fromProvider, async (request, reply) => {
    reply.header('cache-control', 'no-store')
    try {
      const token = formValues(request.body).logout_token ?? ''
      if (token === '' || token.length > TOKEN_CHARS) throw problem('bad_request')
      const logout = await identity.readLogoutToken(token)
      audited(request, { who: { kind: 'provider', issuer, subject: logout.subject } })
      await revocations.endedByProvider({ issuer, ...logout })
      return reply.code(200).send({})
    } catch (error) {
      const failure = asProblem(error)
      audited(request, { failure })
      return reply.code(failure.status).send({ error: 'invalid_request', error_description: failure.message })
    }
  })
}
