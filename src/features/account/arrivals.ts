import type { FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, type PortalError } from '../../errors.js'
import { audited } from '../../web/audit.js'
import { asProblem } from '../../web/failures.js'
import type { Sessions } from '../../web/session.js'
import type { Waiting } from '../../web/waiting.js'
import type { Accounts, SignInOutcome } from './accounts.js'
import { auditSignIn, signUpNote } from './audit.js'
import { type Arrival, type Carried, signInOf } from './carried.js'
import type { Completion } from './sign-up.js'
import { type Contact, completionView, linkedView, stopView } from './view.js'

export interface ArrivalsDeps {
  accounts: Accounts
  sessions: Sessions
  carried: Carried
  waiting: Waiting
  contact: Contact | undefined
  /** told once per sign-in, for metrics */
  counted?: ((outcome: string) => void) | undefined
}

export type Arrivals = ReturnType<typeof createArrivals>

const PENDING = '/sign-up/pending'

/** What was typed, and what is wrong with it. */
interface Typed {
  values: Record<string, string>
  error: PortalError
}

/** From a checked identity to a session, a form, or a page that says why not: never a loop, never a blank end. */
export function createArrivals(deps: ArrivalsDeps) {
  const { accounts, sessions, carried, waiting, contact, counted } = deps

  return {
    /** Somebody who is here without a session yet; undefined when they were signed out meanwhile. */
    read(request: FastifyRequest): Arrival | undefined {
      const arrival = carried.readArrival(request)
      if (!arrival) return undefined
      return sessions.isOver(signInOf(arrival)) ? undefined : arrival
    },

    /** Looks the person up, or signs up with what they answered; `resumed`: while that is done already. */
    async proceed(
      request: FastifyRequest,
      reply: FastifyReply,
      arrival: Arrival,
      completion?: Completion,
      resumed = false,
    ) {
      const { identity } = arrival
      audited(request, { who: identity, event: completion ? 'sign_up' : 'sign_in' })
      // where it is not done at once, the next request goes on with it
      if (!completion) carried.keepArrival(reply, { ...arrival, next: 'again' })
      try {
        const title = completion ? 'Setting up your account' : 'Signing you in'
        const key = `sign-in ${completion ? JSON.stringify(completion) : ''}`
        const form = { key, caller: identity, path: PENDING, carry: { completion }, title, resumed, note: signUpNote }
        const held = await waiting.hold(request, reply, form, () => accounts.signIn(identity, completion))
        if (!('page' in held)) return await go(request, reply, arrival, held.value, completion !== undefined)
        return held.page
      } catch (error) {
        const failure = asProblem(error)
        if (completion && (await isAnswerable(arrival, failure)))
          return ask(reply, arrival, { values: completion.values, error: failure })
        return stop(request, reply, error, arrival)
      }
    },

    /** Goes on with a sign-in or a form that was not done at once; undefined where this browser has none. */
    async resume(request: FastifyRequest, reply: FastifyReply) {
      const arrival = this.read(request)
      const form = arrival && waiting.read<{ completion?: Completion }>(request, arrival.identity)
      return form && this.proceed(request, reply, arrival, form.completion, true)
    },

    ask,
    stop,
  }

  async function go(
    request: FastifyRequest,
    reply: FastifyReply,
    arrival: Arrival,
    outcome: SignInOutcome,
    answered: boolean,
  ) {
    auditSignIn(request, outcome, answered)
    if (outcome.kind === 'asked') {
      const { into, joins } = outcome
      const next = into && !into.isNew ? 'person' : outcome.fields.length > 0 ? 'all' : 'terms'
      carried.keepArrival(reply, { ...arrival, next, joins, into })
      return reply.redirect('/sign-up', 303)
    }
    carried.dropArrival(reply)
    // signed out while 3scale was asked
    if (sessions.isOver(signInOf(arrival))) return reply.redirect('/signed-out', 303)
    await sessions.begin(request, reply, outcome.caller, signInOf(arrival))
    counted?.(outcome.signedUp ? 'signed_up' : 'ok')
    if (!outcome.linkedFrom || arrival.joins) return reply.redirect(arrival.returnTo, 303)
    // nothing was asked, so nobody has said yet what a link means
    request.caller = outcome.caller
    return reply.page('account/linked', linkedView({ oldUsername: outcome.linkedFrom, returnTo: arrival.returnTo }))
  }

  /** The completion form, as it is or with what was typed; no call to 3scale. */
  async function ask(reply: FastifyReply, arrival: Arrival, typed?: Typed) {
    const { identity, next, joins, into } = arrival
    const questions = await accounts.questions(identity, { joins: next === 'person' })
    const fields = next === 'terms' ? [] : questions.fields
    if (typed) audited(reply.request, { failure: typed.error })
    const email = identity.email ?? identity.name
    const view = completionView({ fields, terms: questions.terms, typed, joins, into, email })
    const status = typed?.error.status ?? 200
    if (status === 503) reply.header('retry-after', '5')
    return reply.header('cache-control', 'no-store').page('account/complete', view, { status })
  }

  /** True where another answer, or the same one later, may help; else the form would only come back. */
  async function isAnswerable({ identity, next }: Arrival, failure: PortalError): Promise<boolean> {
    const asked = await accounts.questions(identity, { joins: next === 'person' }).catch(() => undefined)
    const { code } = failure
    if (!asked || code === 'threescale_unavailable' || code === 'threescale_busy') return asked !== undefined
    const names = new Set(asked.fields.flatMap(({ target, name }) => [name, `${target}.${name}`]))
    return Object.keys(failure.fields ?? {}).some((name) => name === 'accept_terms' || names.has(name))
  }

  /** Every way a sign-in can end without a session: what happened, what happens next, whom to ask. */
  function stop(request: FastifyRequest, reply: FastifyReply, error: unknown, at: Arrival | { returnTo: string }) {
    const failure = asProblem(error)
    const arrival = 'identity' in at ? at : undefined
    const again =
      arrival &&
      isProblem(
        failure,
        'account_pending',
        'threescale_unavailable',
        'threescale_busy',
        'threescale_denied',
        'threescale_scope',
      )
    if (arrival) carried.keepArrival(reply, { ...arrival, next: again ? 'again' : 'refused' })
    note(request, failure)
    if (failure.retryAfter ?? failure.status === 503) reply.header('retry-after', String(failure.retryAfter ?? 5))
    const view = stopView({
      failure,
      contact,
      reference: request.id,
      who: arrival && (arrival.identity.email ?? arrival.identity.name),
      retryHref: again ? '/sign-up' : `/login?return_to=${encodeURIComponent(at.returnTo)}`,
    })
    return reply.header('cache-control', 'no-store').page('account/stop', view, { status: failure.status })
  }

  function note(request: FastifyRequest, failure: PortalError): void {
    counted?.(failure.code)
    audited(request, {
      failure,
      event: request.audited?.event ?? 'sign_in',
      ...(isProblem(failure, 'email_taken', 'email_conflict') ? { also: 'link' } : {}),
    })
    const cause = failure.cause instanceof Error ? failure.cause.message : undefined
    request.log.warn({ code: failure.code, cause }, 'sign-in did not end in a session')
  }
}
