import { problem } from '../../errors.js'
import type { Credentials } from '../models/schemas.js'

const PLAIN = /^[A-Za-z0-9._~-]+$/
/** without "/", in whole groups of four (porta, app/models/cinstance.rb: USER_KEY_FORMAT) */
const BASE64 = /^(?:[A-Za-z0-9+]{4})*(?:[A-Za-z0-9+]{4}|[A-Za-z0-9+]{3}=|[A-Za-z0-9+]{2}==)$/

/**
 * A key that somebody chose: as 3scale takes it (porta, app/models/{cinstance,application_key}.rb), and as the gateway can
 * read it where this product carries it (APIcast takes a query raw, and splits Basic at its last colon). Throws
 * invalid_fields.
 */
export function checkKeyValue(value: string, { mode, location }: Pick<Credentials, 'mode' | 'location'>): void {
  const sentence = complaint(value, mode, location)
  if (sentence) throw problem('invalid_fields', { fields: { value: sentence } })
}

function complaint(value: string, mode: Credentials['mode'], location: Credentials['location']): string | undefined {
  if (mode === 'user_key') {
    if (value.length > 256) return 'Use at most 256 characters.'
    if (!/^[\w.-]+$/.test(value) && !BASE64.test(value)) return 'Use letters, digits, _ . and - only.'
  } else {
    if (value.length < 5) return 'Use at least 5 characters.'
    if (value.length > 255) return 'Use at most 255 characters.'
    if (!/^[\x21-\x7e]+$/.test(value)) return 'Use letters, digits and signs without accents or blanks.'
  }
  if (location === 'query' && mode !== 'oidc' && !PLAIN.test(value))
    return 'This model takes its key in the address: use letters, digits, . _ ~ and - only.'
  if (location === 'authorization' && mode === 'app_id' && value.includes(':'))
    return 'Use no colon: the gateway would split the key there.'
  return undefined
}
