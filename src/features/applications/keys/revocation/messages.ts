import { formatDate, plural } from '../../../../web/pages/format.js'
import type { Application, RevocationCheck } from '../../schemas.js'
import { credentialNoun } from '../messages.js'

type Mode = Application['credentials']['mode']

/** The state of a check, for pages and API. A check is a sample of gateway pods, so no message claims more. */
export function revocationCheckNote(check: Omit<RevocationCheck, 'note'>, mode: Mode, appKeySeconds: number): string {
  const remaining = remainingAccess[mode]
  if (check.status === 'pending') return `${pendingNote(mode, appKeySeconds)} ${remaining}`
  if (check.reason) return `${reasons[check.reason]} ${remaining}`
  const checker = checkerOf(mode)
  if (check.refused) return `The ${checker} rejected the ${credentialNoun(mode)} when it was checked. ${remaining}`
  return `The ${checker} accepted the ${credentialNoun(mode)} when it was checked. Call the model with it to check again. If it is still accepted, contact the operator.`
}

function pendingNote(mode: Mode, appKeySeconds: number): string {
  if (mode === 'app_id')
    return `3scale caches the status of an application key for up to ${plural(appKeySeconds, 'second')}.`
  if (mode === 'user_key') return 'The gateway applies the change within seconds.'
  return 'The identity provider applies the change within seconds.'
}

const cachedKey = 'A gateway pod with the key in its cache may accept one more request per path.'
const remainingAccess: Record<Mode, string> = {
  user_key: cachedKey,
  app_id: cachedKey,
  oidc: 'Access tokens issued for the previous client secret remain valid until they expire.',
}

const reasons: Record<NonNullable<RevocationCheck['reason']>, string> = {
  no_response: 'The check received no response, so its result is unknown.',
  inconclusive: 'The check is inconclusive, because the gateway does not reject unknown keys in a recognizable way.',
  no_safe_request: 'Not checked, because every request to this product could run the model.',
  model_not_available: 'Not checked, because the product of this application is not available in the portal.',
  key_in_use: 'Not checked further, because 3scale lists the same key for this application again.',
  interrupted: 'The check was interrupted, so its result is unknown.',
  too_many_checks: 'Not checked, because too many checks were pending.',
}

export const revocationPage = {
  title: (mode: Mode, isReplaced: boolean) =>
    `${mode === 'oidc' ? 'Client secret' : 'Key'} ${isReplaced ? 'replaced' : 'revoked'}`,
  tokensUntilExpiry: 'Access tokens until they expire',
  due: (date: string) => `Due at ${date}`,
  notChecked: 'Not checked',
  requests: (count: number, mode: Mode) => `${plural(count, 'request')} with the previous ${credentialNoun(mode)}`,
  missing:
    'No result is available. Without Redis, only the process that revoked the key stores the result, and a pending check is lost when that process stops.',
}

export const revocationSummary = {
  missing: () => 'The result of the check is unknown.',
  acceptedUntil: (date: string) => `The gateway may accept the previous key until ${date}.`,
  checkSoon: (mode: Mode) => `The ${checkerOf(mode)} is checked in a few seconds.`,
  rejected: (mode: Mode) => `The ${checkerOf(mode)} rejects the previous ${credentialNoun(mode)}.`,
  accepted: (mode: Mode) => `The ${checkerOf(mode)} still accepted the previous ${credentialNoun(mode)}.`,
  unknown: (mode: Mode) => `It is unknown whether the ${checkerOf(mode)} rejects the previous ${credentialNoun(mode)}.`,
}

export const revocationLabels = {
  pending: 'Check pending',
  rejected: 'Rejected',
  accepted: 'Still accepted',
  unknown: 'Unknown',
}

function checkerOf(mode: Mode): string {
  return mode === 'oidc' ? 'identity provider' : 'gateway'
}

/** `1 March 2026, 10:00:05 UTC` */
export function formatTime(iso: string): string {
  return `${formatDate(iso)}, ${iso.slice(11, 19)} UTC`
}
