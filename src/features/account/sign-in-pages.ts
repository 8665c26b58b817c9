import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { IdentityProvider } from '../../clients/identity.js'
import { problem } from '../../errors.js'
import { audited } from '../../web/audit.js'
import { formValues } from '../../web/forms.js'
import { newSignInId } from '../../web/session.js'
import type { Arrivals } from './arrivals.js'
import type { Carried } from './carried.js'
import type { Kept } from './id-tokens.js'
import { type IdentityRules, identityOf, type SignInNote, signInNotes } from './identity.js'
import { safeReturnTo } from './return-to.js'
import { toSignIn } from './view.js'

export interface SignInPagesDeps {
  identity: IdentityProvider
  identityRules: IdentityRules
  arrivals: Arrivals
  carried: Carried
  idTokens: Kept
  /** receives what became of the claims that settings name */
  observe(...notes: string[]): void
  /** so many sign-ins of one person; rejects with too_many_requests */
  limit(request: FastifyRequest, reply: FastifyReply, person: string): Promise<void>
}

const open = { config: { open: true, limit: 'sign_in' } } as const
const signingIn = { config: { open: true, audit: 'sign_in', patient: true, limit: 'sign_in' } } as const
const pending = { config: { ...signingIn.config, limit: 'pages' } } as const
const signingUp = { config: { open: true, audit: 'sign_up', patient: true, limit: 'sign_in' } } as const

/** To the sign-in service, back, and through the completion form where one is needed. */
export async function signInPages(app: FastifyInstance, deps: SignInPagesDeps) {
  const { identity, identityRules, arrivals, carried, idTokens, observe, limit } = deps

  app.get<{ Querystring: { return_to?: string } }>('/login', open, async (request, reply) => {
    const returnTo = safeReturnTo(request.query.return_to)
    if (request.caller) return reply.redirect(returnTo, 303)
    const arrival = arrivals.read(request)
    if (arrival && arrival.next !== 'refused') {
      carried.keepArrival(reply, { ...arrival, returnTo })
      return reply.redirect('/sign-up', 303)
    }
    try {
      const { url, attempt } = await identity.begin()
      carried.keepAttempt(request, reply, { ...attempt, returnTo, began: Date.now() })
      if (mayFollowForm(request)) return reply.leave(url, toSignIn)
      return reply.header('cache-control', 'no-store').redirect(url, 303)
    } catch (error) {
      return arrivals.stop(request, reply, error, { returnTo })
    }
  })

  app.get<{ Querystring: { state?: string } }>('/login/callback', signingIn, async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const attempt = carried.takeAttempt(request, reply, String(request.query.state ?? ''))
    if (!attempt) {
      // the Back button after a sign-in that worked
      audited(request, { quiet: request.caller !== undefined })
      if (request.caller) return reply.redirect('/', 303)
      return arrivals.stop(request, reply, problem('sign_in_failed'), { returnTo: '/' })
    }
    const { returnTo, began } = attempt
    try {
      const { claims, idToken } = await identity.finish(request.url, attempt)
      const who = identityOf(claims, identityRules)
      note(request, signInNotes(claims, identityRules, who))
      await limit(request, reply, `${who.issuer} ${who.subject}`)
      const id = newSignInId()
      await idTokens.put({ ...who, sid: who.sid ?? id }, idToken)
      return await arrivals.proceed(request, reply, { id, identity: who, returnTo, began, next: 'again' })
    } catch (error) {
      return arrivals.stop(request, reply, error, { returnTo })
    }
  })

  app.get('/sign-up', signingIn, async (request, reply) => {
    const arrival = arrivals.read(request)
    audited(request, { quiet: arrival?.next !== 'again' })
    if (!arrival || arrival.next === 'refused') return reply.redirect('/login', 303)
    if (arrival.next === 'again') return arrivals.proceed(request, reply, arrival)
    try {
      return await arrivals.ask(reply, arrival)
    } catch (error) {
      return arrivals.stop(request, reply, error, arrival)
    }
  })

  app.get('/sign-up/pending', pending, async (request, reply) => {
    const resumed = await arrivals.resume(request, reply)
    if (resumed) return resumed
    audited(request, { quiet: true })
    return reply.redirect(request.caller ? '/' : '/sign-up', 303)
  })

  app.post('/sign-up', signingUp, async (request, reply) => {
    const arrival = arrivals.read(request)
    audited(request, { quiet: !arrival })
    if (!arrival) return reply.redirect('/login', 303)
    const values = formValues(request.body)
    const consent = { shown: values.join ?? '' }
    const declines = values.decline === 'yes'
    return arrivals.proceed(request, reply, arrival, { values, acceptTerms: values.accept_terms, consent, declines })
  })

  /** The audit line of the same request names the person. */
  function note(request: FastifyRequest, notes: SignInNote[]): void {
    observe(...notes)
    const claims = notes.filter((each) => each.startsWith('omitted ')).map((each) => each.slice('omitted '.length))
    if (claims.length > 0)
      request.log.warn(
        { code: 'claims_omitted', claims },
        'the sign-in service left out claims that PORTAL_CONFIG names, because they are too long',
      )
  }
}

/**
 * Whether a form of the portal may have led here, as one does that is sent after the session ended, by GET too. Its browser
 * then says that the request comes from this site; an address that is typed, a link elsewhere and other clients are redirected.
 */
function mayFollowForm({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site']
  return site === 'same-origin' || site === 'same-site'
}
