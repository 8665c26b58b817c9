import type { FastifyRequest } from 'fastify'
import { audited } from '../../web/audit.js'
import type { SignInOutcome } from './accounts.js'

/** What a sign-in was besides: a sign-up, a link, terms accepted again. Asked for more, nothing has happened yet. */
export function auditSignIn(request: FastifyRequest, outcome: SignInOutcome): void {
  if (outcome.kind === 'asked') {
    audited(request, { quiet: true })
    return
  }
  const { caller, signedUp, linkedFrom } = outcome
  const detail = linkedFrom ? { detail: { username_before: linkedFrom } } : {}
  const more = linkedFrom ? 'link' : signedUp ? 'sign_up' : request.method === 'POST' ? 'terms.accept' : undefined
  audited(request, {
    event: 'sign_in',
    who: caller,
    account: caller.accountId,
    ...(more ? { also: more } : {}),
    ...detail,
  })
}
