import { dateWords } from '../../web/words.js'
import type { Removal } from './removals.js'
import type { Application, Receipt } from './schemas.js'

/** What the page of a receipt shows; `missing`: this process has no record of it, and another one may have. */
export type ShownReceipt = Pick<Removal, 'receipt' | 'replaced' | 'name' | 'mode'> & { missing?: boolean }

const missingNote =
  'No result is available here. Without Redis, only the process that removed it has the result, and a check that was pending when that process stopped is not made.'

/** `word`: key or secret. A check is a sample, so the page never says that it is refused everywhere. */
export function receiptView({ receipt, replaced, name, mode, missing = false }: ShownReceipt) {
  const word = mode === 'oidc' ? 'secret' : 'key'
  const { application_id, key_id, status, removed_at, accepted_until, check_at, checked_at, request, requests } =
    receipt
  const pending = status === 'pending' && !missing
  return {
    title: replaced ? `The ${word} is replaced` : `The ${word} is retired`,
    name,
    base: `/applications/${application_id}`,
    keyId: key_id,
    word,
    replaced,
    ...summaryOf(receipt, word, mode, missing),
    removed: timeWords(removed_at),
    until: accepted_until ? timeWords(accepted_until) : 'Access tokens until they expire',
    check: pending ? `Due at ${timeWords(check_at)}` : checked_at ? timeWords(checked_at) : 'Not checked',
    requests: request && !pending ? requestWords(requests, word) : '',
    request: request ? `${request.method} ${request.path}` : '',
    note: missing ? missingNote : receipt.note,
    pending,
  }
}

/** One receipt in the list on the page of its application. */
export function receiptRow({ application_id, key_id, status, refused, removed_at }: Receipt) {
  const pending = status === 'pending'
  return {
    href: `/applications/${application_id}/keys/${key_id}/receipt`,
    id: key_id,
    removed: timeWords(removed_at),
    label: pending ? 'Check pending' : refused ? 'Refused' : refused === false ? 'Still accepted' : 'Not known',
    color: pending ? 'blue' : refused ? 'green' : 'orange',
  }
}

/** Seconds until the page is worth loading again: once after the check is due, then often until it has ended. */
export function reloadSeconds({ check_at }: Receipt, now: number): number {
  return Math.max(2, Math.ceil((Date.parse(check_at) - now) / 1000) + 2)
}

function summaryOf(
  { status, refused, accepted_until }: Receipt,
  word: string,
  mode: Application['credentials']['mode'],
  missing: boolean,
): { kind: string; summary: string } {
  const who = mode === 'oidc' ? 'sign-in service' : 'gateway'
  if (missing) return { kind: 'warning', summary: `It is not known here whether the ${who} refuses the old ${word}.` }
  if (status === 'pending')
    return {
      kind: 'info',
      summary: accepted_until
        ? `The gateway may accept the old key until ${timeWords(accepted_until)}.`
        : `The ${who} is checked in a few seconds.`,
    }
  if (refused) return { kind: 'success', summary: `The ${who} refuses the old ${word}.` }
  return {
    kind: 'warning',
    summary:
      refused === false
        ? `The ${who} still accepted the old ${word}.`
        : `It is not known whether the ${who} refuses the old ${word}.`,
  }
}

function requestWords(requests: number, word: string): string {
  const times = requests === 1 ? '1 request' : `${requests} requests`
  return `${times} with the old ${word}`
}

/** `1 March 2026, 10:00:05 UTC` */
function timeWords(iso: string): string {
  return `${dateWords(iso)}, ${iso.slice(11, 19)} UTC`
}
