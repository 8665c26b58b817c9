import type { FastifyReply, FastifyRequest } from 'fastify'
import { reasonOf } from '../../clients/identity-refusals.js'
import { isProblem, type PortalError, problem } from '../../errors.js'
import { audited } from '../../web/audit.js'
import { asProblem } from '../../web/failures.js'
import type { Sessions } from '../../web/session.js'
import type { Waiting } from '../../web/waiting.js'
import type { Accounts } from './accounts.js'
import { auditDeclined, auditSignIn, signUpNote } from './audit.js'
import { type Arrival, type Carried, signInOf } from './carried.js'
import type { Declined } from './joining.js'
import type { SignInOutcome } from './outcomes.js'
import type { Completion } from './questions.js'
import { type Contact, completionView, stopView } from './view.js'

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
const CHANGED =
  'The account that this page is about has changed since you opened it. Nothing was changed. Review it and confirm again.'

const GROUPS_OMITTED =
  'The sign-in service left out your groups because there are too many. Models that are limited to certain groups are not shown to you. Ask the operator of this portal.'

/** What was typed, and what is wrong with it. */
interface Typed {
  values: Record<string, string>
  error: PortalError
}

/** A form that was sent. */
interface Answer extends Completion {
  /** true: the account that the form is about is not joined */
  declines: boolean
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
    async proceed(request: FastifyRequest, reply: FastifyReply, arrival: Arrival, answer?: Answer, resumed = false) {
      const { identity } = arrival
      audited(request, { who: identity, event: answer ? 'sign_up' : 'sign_in' })
      // where it is not done at once, the next request goes on with it
      if (!answer) carried.keepArrival(reply, { ...arrival, next: 'again' })
      try {
        const title = answer ? 'Setting up your account' : 'Signing you in'
        const key = `sign-in ${answer ? JSON.stringify(answer) : ''}`
        const form = { key, caller: identity, path: PENDING, carry: { answer }, title, resumed, note: signUpNote }
        const declined = (what: Declined) => auditDeclined(request, what)
        const held = await waiting.hold(request, reply, form, () =>
          answer?.declines
            ? accounts.decline(identity, { consent: answer.consent, declined })
            : accounts.signIn(identity, answer),
        )
        if (!('page' in held)) return await go(request, reply, arrival, held.value, answer)
        return held.page
      } catch (error) {
        const failure = asProblem(error)
        if (answer && (await isAnswerable(arrival, failure)))
          return ask(reply, arrival, { values: answer.values, error: failure })
        return stop(request, reply, error, arrival)
      }
    },

    /** Goes on with a sign-in or a form that was not done at once; undefined where this browser has none. */
    async resume(request: FastifyRequest, reply: FastifyReply) {
      const arrival = this.read(request)
      const form = arrival && waiting.read<{ answer?: Answer }>(request, arrival.identity)
      return form && this.proceed(request, reply, arrival, form.answer, true)
    },

    ask,
    stop,
  }

  async function go(
    request: FastifyRequest,
    reply: FastifyReply,
    arrival: Arrival,
    outcome: SignInOutcome,
    answer: Answer | undefined,
  ) {
    auditSignIn(request, outcome, answer !== undefined)
    if (outcome.kind === 'asked') {
      const asked: Arrival = { ...arrival, next: outcome.asks, offer: outcome.offer }
      carried.keepArrival(reply, asked)
      // the answers were given to another question than there is now
      if (answer && !answer.declines)
        return ask(reply, asked, { values: answer.values, error: problem('conflict', { detail: CHANGED }) })
      return reply.redirect('/sign-up', 303)
    }
    carried.dropArrival(reply)
    // signed out while 3scale was asked
    if (sessions.isOver(signInOf(arrival))) return reply.redirect('/signed-out', 303)
    await sessions.begin(request, reply, outcome.caller, signInOf(arrival))
    if (outcome.caller.groupsOmitted) reply.flash('warning', GROUPS_OMITTED)
    counted?.(outcome.signedUp ? 'signed_up' : 'ok')
    return reply.redirect(arrival.returnTo, 303)
  }

  /** The completion form, as it is or with what was typed; no call to 3scale. */
  async function ask(reply: FastifyReply, arrival: Arrival, typed?: Typed) {
    const { identity, next, offer } = arrival
    const questions = await accounts.questions(identity, { joins: next === 'person' })
    const fields = next === 'all' || next === 'person' ? questions.fields : []
    const terms = next === 'consent' ? undefined : questions.terms
    if (typed) audited(reply.request, { failure: typed.error, quiet: false })
    const email = identity.email ?? identity.name
    const view = completionView({ isNew: next !== 'terms', fields, terms, typed, offer, email })
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
        'conflict',
        'link_declined',
        'threescale_unavailable',
        'threescale_busy',
        'threescale_denied',
        'threescale_scope',
      )
    if (arrival && failure.code !== 'sign_in_too_large')
      carried.keepArrival(reply, { ...arrival, next: again ? 'again' : 'refused' })
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
      ...(isProblem(failure, 'email_taken', 'email_conflict', 'link_declined') ? { also: 'link' } : {}),
    })
    const cause = failure.cause === undefined ? undefined : reasonOf(failure.cause)
    request.log.warn({ code: failure.code, cause }, 'sign-in did not end in a session')
  }
}
