import type { FastifyRequest } from 'fastify'
import { type AuditNote, audited } from '../../web/audit.js'
import type { AuditName } from '../../web/audit-event.js'
import type { Declined } from './joining.js'
import type { SignedIn, SignInOutcome } from './outcomes.js'

/**
 * What a sign-in was besides: a sign-up, a link, terms accepted again. Asked for more, nothing has happened yet. `answered`: by
 * somebody who has filled in the form.
 */
export function auditSignIn(request: FastifyRequest, outcome: SignInOutcome, answered: boolean): void {
  if (outcome.kind === 'asked') {
    audited(request, { quiet: true })
    return
  }
  const { caller, signedUp, joined, linkedFrom } = outcome
  const detail = linkedFrom ? { detail: { username_before: linkedFrom } } : {}
  const more = whatBesides({ linkedFrom, signedUp, joined }, answered)
  audited(request, {
    event: 'sign_in',
    who: caller,
    account: caller.accountId,
    ...(more ? { also: more } : {}),
    ...detail,
  })
}

/** An invitation was removed by whom it was for: an event of its own, whatever becomes of the request. */
export function auditDeclined(request: FastifyRequest, { account, member }: Declined): void {
  const before = request.audited
  request.auditNow(200, {
    event: 'member.remove',
    account,
    target: { member: String(member) },
    detail: { by: 'invited' },
  })
  request.audited = before
}

/** Of a sign-in that was done while nobody was there any more: no session began, but an account may have been created. */
export function signUpNote(outcome: SignInOutcome): AuditNote {
  if (outcome.kind === 'asked' || !outcome.signedUp) return { quiet: true }
  return { event: 'sign_up', who: outcome.caller, account: outcome.caller.accountId }
}

function whatBesides(
  { linkedFrom, signedUp, joined }: Pick<SignedIn, 'linkedFrom' | 'signedUp' | 'joined'>,
  answered: boolean,
): AuditName | undefined {
  if (linkedFrom) return 'link'
  if (joined) return 'member.join'
  if (signedUp) return 'sign_up'
  return answered ? 'terms.accept' : undefined
}
