import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { IdentityProvider } from '../../../clients/identity/provider.js'
import { problem } from '../../../errors.js'
import type { Secrets } from '../../../infra/crypto/secrets.js'
import { annotateAudit } from '../../../web/audit/audit.js'
import type { Revocations } from '../../../web/auth/revocations.js'
import { newSignInId, type Sessions } from '../../../web/auth/session.js'
import { formValues } from '../../../web/pages/forms.js'
import { markdownToHtml } from '../../../web/pages/markdown.js'
import type { ProgressPages } from '../../../web/pages/progress-page.js'
import type { Accounts } from '../enrolment/accounts.js'
import { type ClaimObservation, type IdentityRules, observeClaims, toIdentity } from './id-token-claims.js'
import type { IdTokenStore } from './id-token-store.js'
import { redirectMessages, termsMessages } from './messages.js'
import { safeReturnTo } from './return-to.js'
import { createSignInCookies, type SignInCookies } from './sign-in-cookies.js'
import { createSignInFlow, type SignInFlow } from './sign-in-flow.js'
import { signOutPages } from './sign-out-pages.js'
import { type Contact, termsView } from './view.js'

export interface AccountPagesDeps {
  accounts: Accounts
  identity: IdentityProvider
  sessions: Sessions
  revocations: Revocations
  idTokens: IdTokenStore
  identityRules: IdentityRules
  /** Seal the cookies of a sign-in without a session. */
  secrets: Secrets
  secure: boolean
  contact: Contact | undefined
  terms: { version: string; title?: string; text?: string } | undefined
  countSignIn?: (outcome: string) => void
  /** Limits the sign-ins of one person; rejects with too_many_requests. */
  limit(request: FastifyRequest, reply: FastifyReply, person: string): void
  /** Receives the outcome of each claim that a setting names. */
  observe(...observations: string[]): void
  waiting: ProgressPages
}

interface SignInRoutesDeps
  extends Pick<AccountPagesDeps, 'identity' | 'identityRules' | 'idTokens' | 'observe' | 'limit'> {
  flow: SignInFlow
  cookies: SignInCookies
}

/** The operator writes the terms, which are rendered once. */
const MAX_TERMS_CHARACTERS = 50_000

const open = { config: { open: true, limit: 'sign_in' } } as const
const signingIn = { config: { open: true, audit: 'sign_in', deadline: false, limit: 'sign_in' } } as const
const pending = { config: { ...signingIn.config, limit: 'pages' } } as const
const signingUp = { config: { open: true, audit: 'sign_up', deadline: false, limit: 'sign_in' } } as const

/** Sign-in, sign-out and the terms. */
export async function accountPages(app: FastifyInstance, deps: AccountPagesDeps) {
  const { accounts, identity, sessions, revocations, idTokens, identityRules, contact, terms, waiting } = deps
  const cookies = createSignInCookies(deps)
  const flow = createSignInFlow({ accounts, sessions, cookies, waiting, contact, countOutcome: deps.countSignIn })
  await signInRoutes(app, { ...deps, flow, cookies })
  await signOutPages(app, { identity, issuer: identityRules.issuer, sessions, revocations, cookies, idTokens })

  app.get('/terms', { config: { open: true } }, async (_request, reply) => {
    if (!terms?.text) throw problem('not_found')
    const view = termsView({
      title: terms.title ?? termsMessages.title,
      version: terms.version,
      textHtml: markdownToHtml(terms.text, { maxCharacters: MAX_TERMS_CHARACTERS }),
    })
    return reply.page('account/terms', view)
  })
}

async function signInRoutes(app: FastifyInstance, deps: SignInRoutesDeps) {
  const { identity, identityRules, flow, cookies, idTokens, observe, limit } = deps

  app.get<{ Querystring: { return_to?: string } }>('/login', open, async (request, reply) => {
    const returnTo = safeReturnTo(request.query.return_to)
    if (request.caller) return reply.redirect(returnTo, 303)
    const pendingSignIn = flow.read(request)
    if (pendingSignIn && pendingSignIn.step !== 'rejected') {
      cookies.storePendingSignIn(reply, { ...pendingSignIn, returnTo })
      return reply.redirect('/sign-up', 303)
    }
    try {
      const { url, authorization } = await identity.begin()
      cookies.storeAuthorizationRequest(request, reply, { ...authorization, returnTo, startedAt: Date.now() })
      if (mayFollowForm(request)) return reply.redirectExternally(url, redirectMessages.signIn)
      return reply.header('cache-control', 'no-store').redirect(url, 303)
    } catch (error) {
      return flow.renderSignInError(request, reply, error, { returnTo })
    }
  })

  app.get<{ Querystring: { state?: string } }>('/login/callback', signingIn, async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const authorization = cookies.takeAuthorizationRequest(request, reply, String(request.query.state ?? ''))
    if (!authorization) {
      // The Back button leads here after a successful sign-in.
      annotateAudit(request, { quiet: request.caller !== undefined })
      if (request.caller) return reply.redirect('/', 303)
      return flow.renderSignInError(request, reply, problem('sign_in_failed'), { returnTo: '/' })
    }
    const { returnTo, startedAt } = authorization
    try {
      const { claims, idToken } = await identity.finish(request.url, authorization)
      const person = toIdentity(claims, identityRules)
      report(request, observeClaims(claims, identityRules, person))
      limit(request, reply, `${person.issuer} ${person.subject}`)
      const id = newSignInId()
      await idTokens.put({ ...person, sid: person.sid ?? id }, idToken)
      return await flow.complete(request, reply, { id, identity: person, returnTo, startedAt, step: 'retry' })
    } catch (error) {
      return flow.renderSignInError(request, reply, error, { returnTo })
    }
  })

  app.get('/sign-up', signingIn, async (request, reply) => {
    const pendingSignIn = flow.read(request)
    annotateAudit(request, { quiet: pendingSignIn?.step !== 'retry' })
    if (!pendingSignIn || pendingSignIn.step === 'rejected') return reply.redirect('/login', 303)
    if (pendingSignIn.step === 'retry') return flow.complete(request, reply, pendingSignIn)
    try {
      return await flow.renderCompletionForm(reply, pendingSignIn)
    } catch (error) {
      return flow.renderSignInError(request, reply, error, pendingSignIn)
    }
  })

  app.get('/sign-up/pending', pending, async (request, reply) => {
    const resumed = await flow.resume(request, reply)
    if (resumed) return resumed
    annotateAudit(request, { quiet: true })
    return reply.redirect(request.caller ? '/' : '/sign-up', 303)
  })

  app.post('/sign-up', signingUp, async (request, reply) => {
    const pendingSignIn = flow.read(request)
    annotateAudit(request, { quiet: !pendingSignIn })
    if (!pendingSignIn) return reply.redirect('/login', 303)
    const values = formValues(request.body)
    const consent = { fingerprint: values.join ?? '' }
    const declines = values.decline === 'yes'
    return flow.complete(request, reply, pendingSignIn, {
      values,
      acceptTerms: values.accept_terms,
      consent,
      declines,
    })
  })

  /** The audit event of the same request names the person. */
  function report(request: FastifyRequest, observations: ClaimObservation[]): void {
    observe(...observations)
    const claims = observations
      .filter((observation) => observation.startsWith('omitted '))
      .map((observation) => observation.slice('omitted '.length))
    if (claims.length > 0)
      request.log.warn(
        { code: 'claims_omitted', claims },
        'The identity provider omitted claims that PORTAL_CONFIG names, because they are too long',
      )
  }
}

/**
 * Whether a form of the portal may have led here, such as one that was submitted after the session ended. Its browser then
 * states that the request comes from this site. Any other request is redirected.
 */
function mayFollowForm({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site']
  return site === 'same-origin' || site === 'same-site'
}
