import type { Application, RevocationCheck } from '../../schemas.js'
import { credentialNoun } from '../messages.js'
import { formatTime, revocationLabels, revocationPage, revocationSummary } from './messages.js'
import type { RevokedKey } from './revoked-key.js'

/** `isMissing`: this process has no record of the check, and another one may have one. */
export type RevocationCheckState = Pick<RevokedKey, 'check' | 'replaced' | 'name' | 'mode'> & { isMissing?: boolean }

export function revocationCheckView({ check, replaced, name, mode, isMissing = false }: RevocationCheckState) {
  const { application_id, key_id, status, removed_at, accepted_until, check_at, checked_at, request, requests } = check
  const pending = status === 'pending' && !isMissing
  return {
    title: revocationPage.title(mode, replaced),
    name,
    base: `/applications/${application_id}`,
    keyId: key_id,
    noun: credentialNoun(mode),
    replaced,
    ...summaryOf(check, mode, isMissing),
    removed: formatTime(removed_at),
    until: accepted_until ? formatTime(accepted_until) : revocationPage.tokensUntilExpiry,
    check: pending
      ? revocationPage.due(formatTime(check_at))
      : checked_at
        ? formatTime(checked_at)
        : revocationPage.notChecked,
    requests: request && !pending ? revocationPage.requests(requests, mode) : '',
    request: request ? `${request.method} ${request.path}` : '',
    note: isMissing ? revocationPage.missing : check.note,
    pending,
  }
}

/** A check in the list on the page of its application. */
export function revocationCheckRow({ application_id, key_id, status, refused, removed_at }: RevocationCheck) {
  return {
    href: `/applications/${application_id}/keys/${key_id}/revocation-check`,
    id: key_id,
    removed: formatTime(removed_at),
    ...labelOf(status, refused),
  }
}

/** Seconds until the page reloads: once after the check is due, then often until it is completed. */
export function reloadSeconds({ check_at }: RevocationCheck, now: number): number {
  return Math.max(2, Math.ceil((Date.parse(check_at) - now) / 1000) + 2)
}

function labelOf(status: RevocationCheck['status'], refused: boolean | null): { label: string; color: string } {
  if (status === 'pending') return { label: revocationLabels.pending, color: 'blue' }
  if (refused) return { label: revocationLabels.rejected, color: 'green' }
  return { label: refused === false ? revocationLabels.accepted : revocationLabels.unknown, color: 'orange' }
}

function summaryOf(
  { status, refused, accepted_until }: RevocationCheck,
  mode: Application['credentials']['mode'],
  isMissing: boolean,
): { kind: string; summary: string } {
  if (isMissing) return { kind: 'warning', summary: revocationSummary.missing() }
  if (status === 'pending')
    return {
      kind: 'info',
      summary: accepted_until
        ? revocationSummary.acceptedUntil(formatTime(accepted_until))
        : revocationSummary.checkSoon(mode),
    }
  if (refused) return { kind: 'success', summary: revocationSummary.rejected(mode) }
  return {
    kind: 'warning',
    summary: refused === false ? revocationSummary.accepted(mode) : revocationSummary.unknown(mode),
  }
}
