import type { Application, Receipt } from './schemas.js'

type Mode = Application['credentials']['mode']

/** What the user is told of a removed key, for pages and the API alike. A check is a sample: it never says "everywhere". */
export function receiptNote(receipt: Omit<Receipt, 'note'>, mode: Mode, appKeySeconds: number): string {
  const lasting = lastingWords[mode]
  if (receipt.status === 'pending') return `${untilWords(mode, appKeySeconds)} ${lasting}`
  if (receipt.reason) return `${reasonWords[receipt.reason]} ${lasting}`
  const who = mode === 'oidc' ? 'The sign-in service' : 'The gateway'
  if (receipt.refused) return `${who} refused it when this was checked. ${lasting}`
  return `${who} still accepted it when this was checked. Check again by calling the model with it, and contact the operator if it is still accepted.`
}

function untilWords(mode: Mode, appKeySeconds: number): string {
  if (mode === 'app_id') return `3scale caches the status of an application key for up to ${appKeySeconds} seconds.`
  if (mode === 'user_key') return 'The gateway follows a change of the key within seconds.'
  return 'The sign-in service follows a change of the secret within seconds.'
}

const cached = 'A gateway pod that has the key in its cache may accept one more request per path before it refuses it.'
const lastingWords: Record<Mode, string> = {
  user_key: cached,
  app_id: cached,
  oidc: 'Access tokens that were issued for the old secret remain valid until they expire.',
}

const reasonWords: Record<NonNullable<Receipt['reason']>, string> = {
  no_response: 'The check received no response, so it is not known whether it is still accepted.',
  inconclusive: 'The check was inconclusive: an unknown key is not refused in a way that can be recognized.',
  no_safe_request: 'It was not checked, because every request to this product could run the model.',
  model_not_available: 'It was not checked, because the product of this application is not available in the portal.',
  key_in_use: 'It was not checked further, because 3scale lists the same key for this application again.',
  interrupted: 'The check was interrupted, so it is not known whether it is still accepted.',
  too_many_checks: 'It was not checked, because too many checks were pending.',
}
