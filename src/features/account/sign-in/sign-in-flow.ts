import type { FastifyReply, FastifyRequest } from 'fastify'
import { logReason } from '../../../clients/identity/errors.js'
import { isProblem, type PortalError, problem } from '../../../errors.js'
import { annotateAudit } from '../../../web/audit/audit.js'
import type { Sessions } from '../../../web/auth/session.js'
import { signInLink } from '../../../web/auth/sign-in-link.js'
import type { ProgressPages } from '../../../web/pages/progress-page.js'
import { toPortalError } from '../../../web/server/errors/error-handlers.js'
import type { Accounts } from '../enrolment/accounts.js'
import type { CompletionAnswers } from '../enrolment/completion.js'
import type { DeclinedInvitation } from '../enrolment/join-account.js'
import type { SignInOutcome } from '../enrolment/sign-in-outcome.js'
import { auditDeclined, auditDetachedSignUp, auditSignIn } from './audit.js'
import { completionMessages, GROUPS_OMITTED } from './messages.js'
import { type PendingSignIn, type SignInCookies, toSignIn } from './sign-in-cookies.js'
import { type Contact, completionView, signInErrorView } from './view.js'

export interface SignInFlowDeps {
  accounts: Accounts
  sessions: Sessions
  cookies: SignInCookies
  waiting: ProgressPages
  contact: Contact | undefined
  /** Called once per sign-in, for metrics. */
  countOutcome?: ((outcome: string) => void) | undefined
}

export type SignInFlow = ReturnType<typeof createSignInFlow>

const PENDING_PATH = '/sign-up/pending'

interface SubmittedForm {
  values: Record<string, string>
  error: PortalError
}

interface CompletionForm extends CompletionAnswers {
  /** True: the account that the form is about is not joined. */
  declines: boolean
}

/** From a verified identity to a session, the completion form, or an error page. */
export function createSignInFlow(deps: SignInFlowDeps) {
  const { accounts, sessions, cookies, waiting, contact, countOutcome } = deps

  return {
    /** Undefined where there is no pending sign-in, or a sign-out ended it. */
    read(request: FastifyRequest): PendingSignIn | undefined {
      const pending = cookies.readPendingSignIn(request)
      if (!pending) return undefined
      return sessions.isRevoked(toSignIn(pending)) ? undefined : pending
    },

    /** Signs the user in, or up with the submitted form. `resumed`: the work has begun in an earlier request. */
    async complete(
      request: FastifyRequest,
      reply: FastifyReply,
      pending: PendingSignIn,
      form?: CompletionForm,
      resumed = false,
    ) {
      const { identity } = pending
      annotateAudit(request, { actor: identity, event: form ? 'sign_up' : 'sign_in' })
      // The next request resumes a sign-in that takes too long for this one.
      if (!form) cookies.storePendingSignIn(reply, { ...pending, step: 'retry' })
      try {
        const title = form ? completionMessages.settingUp : completionMessages.signingIn
        const key = `sign-in ${form ? JSON.stringify(form) : ''}`
        const work = {
          key,
          caller: identity,
          path: PENDING_PATH,
          input: { form },
          title,
          resumed,
          note: auditDetachedSignUp,
        }
        const onDeclined = (declined: DeclinedInvitation) => auditDeclined(request, declined)
        const held = await waiting.run(request, reply, work, () =>
          form?.declines
            ? accounts.decline(identity, { consent: form.consent, onDeclined })
            : accounts.signIn(identity, form),
        )
        if (!('page' in held)) return await respondTo(request, reply, pending, held.value, form)
        return held.page
      } catch (error) {
        const failure = toPortalError(error)
        if (form && (await isRecoverable(pending, failure)))
          return renderCompletionForm(reply, pending, { values: form.values, error: failure })
        return renderSignInError(request, reply, error, pending)
      }
    },

    /** Resumes a sign-in or a form whose work took too long for its request; undefined where this browser has none. */
    async resume(request: FastifyRequest, reply: FastifyReply) {
      const pending = this.read(request)
      const work = pending && waiting.read<{ form?: CompletionForm }>(request, pending.identity)
      return work && this.complete(request, reply, pending, work.form, true)
    },

    renderCompletionForm,
    renderSignInError,
  }

  async function respondTo(
    request: FastifyRequest,
    reply: FastifyReply,
    pending: PendingSignIn,
    outcome: SignInOutcome,
    form: CompletionForm | undefined,
  ) {
    auditSignIn(request, outcome, form !== undefined)
    if (outcome.kind === 'questions') {
      const next: PendingSignIn = { ...pending, step: outcome.step, offer: outcome.offer }
      cookies.storePendingSignIn(reply, next)
      // The form was about another offer than the current one.
      if (form && !form.declines) {
        const error = problem('conflict', { detail: completionMessages.offerChanged })
        return renderCompletionForm(reply, next, { values: form.values, error })
      }
      return reply.redirect('/sign-up', 303)
    }
    cookies.clearPendingSignIn(reply)
    // The user signed out while 3scale was responding.
    if (sessions.isRevoked(toSignIn(pending))) return reply.redirect('/signed-out', 303)
    await sessions.start(request, reply, outcome.caller, toSignIn(pending))
    if (outcome.caller.groupsOmitted) reply.flash('warning', GROUPS_OMITTED)
    countOutcome?.(outcome.signedUp ? 'signed_up' : 'ok')
    return reply.redirect(pending.returnTo, 303)
  }

  /** Does not call 3scale while the definitions of its fields are cached. */
  async function renderCompletionForm(reply: FastifyReply, pending: PendingSignIn, submitted?: SubmittedForm) {
    const { identity, step, offer } = pending
    const questions = await accounts.questions(identity, { existingAccount: step === 'person' })
    const fields = step === 'all' || step === 'person' ? questions.fields : []
    const terms = step === 'consent' ? undefined : questions.terms
    if (submitted) annotateAudit(reply.request, { failure: submitted.error, quiet: false })
    const email = identity.email ?? identity.name
    const view = completionView({ isNew: step !== 'terms', fields, terms, submitted, offer, email })
    const status = submitted?.error.status ?? 200
    if (status === 503) reply.header('retry-after', '5')
    return reply.header('cache-control', 'no-store').page('account/complete-sign-in', view, { status })
  }

  /** True where other answers, or the same ones later, may succeed. */
  async function isRecoverable({ identity, step }: PendingSignIn, failure: PortalError): Promise<boolean> {
    const questions = await accounts.questions(identity, { existingAccount: step === 'person' }).catch(() => undefined)
    const { code } = failure
    if (!questions || code === 'threescale_unavailable' || code === 'threescale_busy') return questions !== undefined
    const names = new Set(questions.fields.flatMap(({ target, name }) => [name, `${target}.${name}`]))
    return Object.keys(failure.fields ?? {}).some((name) => name === 'accept_terms' || names.has(name))
  }

  function renderSignInError(
    request: FastifyRequest,
    reply: FastifyReply,
    error: unknown,
    from: PendingSignIn | { returnTo: string },
  ) {
    const failure = toPortalError(error)
    const pending = 'identity' in from ? from : undefined
    const isRetryable =
      pending &&
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
    if (pending && failure.code !== 'sign_in_too_large')
      cookies.storePendingSignIn(reply, { ...pending, step: isRetryable ? 'retry' : 'rejected' })
    report(request, failure)
    if (failure.retryAfter ?? failure.status === 503) reply.header('retry-after', String(failure.retryAfter ?? 5))
    const view = signInErrorView({
      failure,
      contact,
      reference: request.id,
      signedInAs: pending && (pending.identity.email ?? pending.identity.name),
      retryHref: isRetryable ? '/sign-up' : signInLink(from.returnTo),
    })
    return reply.header('cache-control', 'no-store').page('account/sign-in-error', view, { status: failure.status })
  }

  function report(request: FastifyRequest, failure: PortalError): void {
    countOutcome?.(failure.code)
    annotateAudit(request, {
      failure,
      event: request.audited?.event ?? 'sign_in',
      ...(isProblem(failure, 'email_taken', 'email_conflict', 'link_declined') ? { also: 'link' } : {}),
    })
    const cause = failure.cause === undefined ? undefined : logReason(failure.cause)
    request.log.warn({ code: failure.code, cause }, 'The sign-in was rejected')
  }
}
