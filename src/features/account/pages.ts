import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { IdentityProvider, SignInAttempt } from '../../clients/identity.js'
import { isProblem, type PortalError, problem } from '../../errors.js'
import { audited } from '../../web/audit.js'
import type { Identity } from '../../web/caller.js'
import { asProblem } from '../../web/failures.js'
import { formValues } from '../../web/forms.js'
import { callerOf } from '../../web/guard.js'
import { safeHtml } from '../../web/markdown.js'
import type { Revocations } from '../../web/revocations.js'
import type { Seal } from '../../web/seal.js'
import type { Sessions } from '../../web/session.js'
import type { Accounts, SignInOutcome } from './accounts.js'
import { auditSignIn } from './audit.js'
import { type IdentityRules, identityOf } from './identity.js'
import { safeReturnTo } from './return-to.js'
import { completionView, linkedView, profileView, signedOutView, stopView, termsView } from './view.js'

export interface AccountPagesDeps {
  accounts: Accounts
  identity: IdentityProvider
  sessions: Sessions
  revocations: Revocations
  /** ID tokens for the logout hint: kept sealed, and only as a convenience */
  idTokens: { put(key: string, value: string): Promise<void>; get(key: string): Promise<{ value: string }> }
  identityRules: IdentityRules
  seal: Seal
  secure: boolean
  contact: { email?: string; url?: string; text?: string } | undefined
  terms: { version: string; title?: string; text?: string } | undefined
  signIn?: (outcome: string) => void
}

interface Attempt extends SignInAttempt {
  returnTo: string
  began: number
}

interface Pending {
  identity: Identity
  idToken: string
  returnTo: string
  began: number
}

const ATTEMPT_SECONDS = 600
const open = { config: { open: true } }
const signingIn = { config: { open: true, audit: 'sign_in' } } as const
const signingUp = { config: { open: true, audit: 'sign_up' } } as const
const signingOut = { config: { open: true, audit: 'sign_out' } } as const
const fromProvider = { config: { open: true, audit: 'sign_out', crossSite: true } } as const

export async function accountPages(app: FastifyInstance, deps: AccountPagesDeps) {
  const { accounts, identity, sessions, revocations, idTokens, identityRules, seal, secure, contact, terms, signIn } =
    deps
  const cookie = { httpOnly: true, sameSite: 'lax', secure } as const
  const attempts = { ...cookie, path: '/login', maxAge: ATTEMPT_SECONDS }
  const pendings = { ...cookie, path: '/sign-up', maxAge: ATTEMPT_SECONDS }
  const PENDING = 'maas_sign_up'

  app.get<{ Querystring: { return_to?: string } }>('/login', open, async (request, reply) => {
    const returnTo = safeReturnTo(request.query.return_to)
    if (request.caller) return reply.redirect(returnTo, 303)
    try {
      const { url, attempt } = await identity.begin()
      keepAttempt(request, reply, { ...attempt, returnTo, began: Date.now() })
      return reply.header('cache-control', 'no-store').redirect(url, 303)
    } catch (error) {
      return stop(request, reply, error, returnTo)
    }
  })

  app.get<{ Querystring: { state?: string } }>('/login/callback', signingIn, async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const name = attemptName(String(request.query.state ?? ''))
    const attempt = seal.openObject<Attempt>(request.cookies[name])
    reply.clearCookie(name, attempts)
    if (!attempt || Date.now() - attempt.began > ATTEMPT_SECONDS * 1000) {
      // the Back button after a sign-in that worked
      audited(request, { quiet: request.caller !== undefined })
      if (request.caller) return reply.redirect('/', 303)
      return stop(request, reply, problem('sign_in_failed'), '/')
    }
    try {
      const { claims, idToken } = await identity.finish(request.url, attempt)
      const who = identityOf(claims, identityRules)
      audited(request, { who })
      const outcome = await accounts.signIn(who)
      return await go(reply, outcome, { identity: who, idToken, returnTo: attempt.returnTo, began: Date.now() })
    } catch (error) {
      return stop(request, reply, error, attempt.returnTo)
    }
  })

  app.get('/sign-up', open, async (request, reply) => {
    const pending = readPending(request)
    if (!pending) return reply.redirect('/login', 303)
    try {
      const outcome = await accounts.signIn(pending.identity)
      if (outcome.kind === 'in') return await go(reply, outcome, pending)
      return form(reply, pending, outcome, {}, {}, undefined, 200)
    } catch (error) {
      return stop(request, reply, error, pending.returnTo)
    }
  })

  app.post('/sign-up', signingUp, async (request, reply) => {
    const pending = readPending(request)
    audited(request, pending ? { who: pending.identity } : { quiet: true })
    if (!pending) return reply.redirect('/login', 303)
    const values = formValues(request.body)
    try {
      const outcome = await accounts.signIn(pending.identity, { values, acceptTerms: values.accept_terms })
      return await go(reply, outcome, pending)
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'threescale_unavailable'))
        return stop(request, reply, error, pending.returnTo)
      const asked = await accounts.required(pending.identity).catch(() => undefined)
      if (!asked) return stop(request, reply, error, pending.returnTo)
      const failure = isProblem(error, 'threescale_unavailable') ? error.message : undefined
      return form(reply, pending, asked, values, named(error.fields ?? {}, asked.fields), failure, error.status)
    }
  })

  app.post('/logout', signingOut, async (request, reply) => {
    const { caller } = request
    audited(request, { quiet: caller === undefined })
    await sessions.end(request, reply)
    if (!caller) return reply.redirect('/signed-out', 303)
    const idToken = (await idTokens.get(tokenKey(caller))).value
    return reply.redirect((await identity.endSessionUrl(idToken || undefined)) ?? '/signed-out', 303)
  })

  app.get('/signed-out', open, async (_request, reply) => reply.page('account/signed-out', signedOutView()))

  app.post('/logout/backchannel', fromProvider, async (request, reply) => {
    reply.header('cache-control', 'no-store')
    try {
      const token = formValues(request.body).logout_token ?? ''
      if (token === '' || token.length > 16_384) throw problem('bad_request')
      const { sid, subject } = await identity.readLogoutToken(token)
      audited(request, { who: { kind: 'provider', issuer: identityRules.issuer, subject } })
      await revocations.revoke({ issuer: identityRules.issuer, sid, subject })
      return reply.code(200).send({})
    } catch (error) {
      const failure = asProblem(error)
      audited(request, { failure })
      return reply.code(failure.status).send({ error: 'invalid_request', error_description: failure.message })
    }
  })

  app.get('/terms', open, async (_request, reply) => {
    if (!terms?.text) throw problem('not_found')
    return reply.page(
      'account/terms',
      termsView({ title: terms.title ?? 'Terms', version: terms.version, textHtml: safeHtml(terms.text) }),
    )
  })

  app.get('/account', async (request, reply) => {
    const caller = callerOf(request)
    const found = await accounts.profile(caller).catch(() => undefined)
    return reply.page('account/profile', profileView({ caller, account: found?.account }))
  })

  /** Signed in: a new session and on. Asked: the form, with the checked identity sealed in this browser. */
  async function go(reply: FastifyReply, outcome: SignInOutcome, pending: Pending) {
    auditSignIn(reply.request, outcome)
    if (outcome.kind === 'asked') {
      reply.setCookie(PENDING, seal.sealObject(pending), pendings)
      return reply.redirect('/sign-up', 303)
    }
    reply.clearCookie(PENDING, pendings)
    sessions.begin(reply, outcome.caller)
    await idTokens.put(tokenKey(outcome.caller), pending.idToken)
    signIn?.(outcome.signedUp ? 'signed_up' : 'ok')
    if (outcome.linkedFrom) {
      return reply.page('account/linked', linkedView({ oldUsername: outcome.linkedFrom, returnTo: pending.returnTo }))
    }
    return reply.redirect(pending.returnTo, 303)
  }

  function form(
    reply: FastifyReply,
    pending: Pending,
    asked: Omit<Extract<SignInOutcome, { kind: 'asked' }>, 'kind'>,
    values: Record<string, string>,
    errors: Record<string, string>,
    failure: string | undefined,
    status: number,
  ) {
    const fields = asked.fields.map((field) => {
      const key = `${field.target}.${field.name}`
      return { ...field, value: values[key] ?? '', error: errors[key] }
    })
    const view = completionView({
      fields,
      terms: asked.terms,
      termsError: errors.accept_terms,
      returnTo: pending.returnTo,
      failure,
      email: pending.identity.email ?? '',
    })
    return reply.header('cache-control', 'no-store').page('account/complete', view, { status })
  }

  /** Every way a sign-in can end without a session: what happened, what happens next, and no loop. */
  function stop(request: FastifyRequest, reply: FastifyReply, error: unknown, returnTo: string) {
    const failure = asProblem(error)
    signIn?.(failure.code)
    audited(request, {
      failure,
      event: request.method === 'POST' ? 'sign_up' : 'sign_in',
      ...(failure.code === 'email_taken' ? { also: 'link' } : {}),
    })
    request.log.warn(
      { code: failure.code, cause: failure.cause instanceof Error ? failure.cause.message : undefined },
      'sign-in did not end in a session',
    )
    if (failure.status === 503) reply.header('retry-after', '5')
    const view = stopView({
      code: failure.code,
      detail: failure.message,
      contact,
      reference: request.id,
      signedIn: false,
      returnTo,
    })
    return reply.header('cache-control', 'no-store').page('account/stop', view, { status: failure.status })
  }

  function readPending(request: FastifyRequest): Pending | undefined {
    const pending = seal.openObject<Pending>(request.cookies[PENDING])
    return pending && Date.now() - pending.began < ATTEMPT_SECONDS * 1000 ? pending : undefined
  }

  /** One cookie a sign-in, so that two tabs both work; the oldest go when there are more than four. */
  function keepAttempt(request: FastifyRequest, reply: FastifyReply, attempt: Attempt): void {
    const old = Object.keys(request.cookies).filter((name) => name.startsWith('maas_login_'))
    for (const name of old.slice(0, Math.max(0, old.length - 3))) reply.clearCookie(name, attempts)
    reply.setCookie(attemptName(attempt.state), seal.sealObject(attempt), attempts)
  }
}

function attemptName(state: string): string {
  return `maas_login_${state.replace(/[^A-Za-z0-9]/g, '').slice(0, 12)}`
}

function tokenKey({ issuer, subject, sid }: { issuer: string; subject: string; sid: string | undefined }): string {
  return JSON.stringify([issuer, subject, sid ?? ''])
}

/** 3scale names a field without its target; the form has both. */
function named(
  errors: PortalError['fields'] & object,
  fields: { target: string; name: string }[],
): Record<string, string> {
  const entries = Object.entries(errors).map(([name, sentence]) => {
    const field = fields.find((candidate) => candidate.name === name)
    return [field ? `${field.target}.${field.name}` : name, sentence]
  })
  return Object.fromEntries(entries) as Record<string, string>
}
