import type { FastifyRequest } from 'fastify'
import { type AuditNote, annotateAudit } from '../../../web/audit/audit.js'
import type { AuditName } from '../../../web/audit/audit-event.js'
import type { DeclinedInvitation } from '../enrolment/join-account.js'
import type { SignedInOutcome, SignInOutcome } from '../enrolment/sign-in-outcome.js'

/**
 * A sign-in may also be a sign-up, a link or an acceptance of new terms. Where questions are outstanding, nothing has happened
 * yet. `submitted`: the user has submitted the completion form.
 */
export function auditSignIn(request: FastifyRequest, outcome: SignInOutcome, submitted: boolean): void {
  if (outcome.kind === 'questions') {
    annotateAudit(request, { quiet: true })
    return
  }
  const { caller, signedUp, joined, linkedUsername } = outcome
  const detail = linkedUsername ? { detail: { username_before: linkedUsername } } : {}
  const also = secondEvent({ linkedUsername, signedUp, joined }, submitted)
  annotateAudit(request, {
    event: 'sign_in',
    actor: caller,
    account: caller.accountId,
    ...(also ? { also } : {}),
    ...detail,
  })
}

/** The removal of a declined invitation is an event, whatever the outcome of the request. */
export function auditDeclined(request: FastifyRequest, { account, member }: DeclinedInvitation): void {
  const before = request.audited
  request.auditNow(200, {
    event: 'member.remove',
    account,
    target: { member: String(member) },
    detail: { by: 'invited' },
  })
  request.audited = before
}

/** For a sign-in that was completed after the browser left: no session began, but an account may have been created. */
export function auditDetachedSignUp(outcome: SignInOutcome): AuditNote {
  if (outcome.kind === 'questions' || !outcome.signedUp) return { quiet: true }
  return { event: 'sign_up', actor: outcome.caller, account: outcome.caller.accountId }
}

function secondEvent(
  { linkedUsername, signedUp, joined }: Pick<SignedInOutcome, 'linkedUsername' | 'signedUp' | 'joined'>,
  submitted: boolean,
): AuditName | undefined {
  if (linkedUsername) return 'link'
  if (joined) return 'member.join'
  if (signedUp) return 'sign_up'
  return submitted ? 'terms.accept' : undefined
}
