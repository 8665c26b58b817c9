import { problem } from '../../../errors.js'
import type { Credentials } from '../../models/schemas.js'
import { keyErrors } from './messages.js'

const UNRESERVED = /^[A-Za-z0-9._~-]+$/
/** Without "/", in complete groups of four (porta, app/models/cinstance.rb: USER_KEY_FORMAT). */
const BASE64 = /^(?:[A-Za-z0-9+]{4})*(?:[A-Za-z0-9+]{4}|[A-Za-z0-9+]{3}=|[A-Za-z0-9+]{2}==)$/

/**
 * A key that can be guessed protects nothing. 3scale accepts a user_key of one character and an application key of five, so
 * the portal applies stricter minimums to new values in every credential mode.
 */
const MIN_CHARACTERS = 16
const MIN_DISTINCT_CHARACTERS = 8
const MAX_USER_KEY_CHARACTERS = 256
const MAX_APPLICATION_KEY_CHARACTERS = 255

/**
 * Validates a custom key: hard to guess, accepted by 3scale (porta, app/models/{cinstance,application_key}.rb), and readable
 * for the gateway at the configured location (APIcast takes a query unencoded and splits Basic credentials at the last
 * colon). Throws invalid_fields.
 */
export function checkKeyValue(value: string, { mode, location }: Pick<Credentials, 'mode' | 'location'>): void {
  const error = errorIn(value, mode, location)
  if (error) throw problem('invalid_fields', { fields: { value: error } })
}

function errorIn(value: string, mode: Credentials['mode'], location: Credentials['location']): string | undefined {
  const characters = [...value]
  if (characters.length < MIN_CHARACTERS) return keyErrors.tooShort(MIN_CHARACTERS)
  if (new Set(characters).size < MIN_DISTINCT_CHARACTERS) return keyErrors.tooUniform(MIN_DISTINCT_CHARACTERS)
  if (mode === 'user_key') {
    if (value.length > MAX_USER_KEY_CHARACTERS) return keyErrors.tooLong(MAX_USER_KEY_CHARACTERS)
    if (!/^[\w.-]+$/.test(value) && !BASE64.test(value)) return keyErrors.userKeyCharacters
  } else {
    if (value.length > MAX_APPLICATION_KEY_CHARACTERS) return keyErrors.tooLong(MAX_APPLICATION_KEY_CHARACTERS)
    if (!/^[\x21-\x7e]+$/.test(value)) return keyErrors.applicationKeyCharacters
  }
  if (location === 'query' && mode !== 'oidc' && !UNRESERVED.test(value)) return keyErrors.queryCharacters
  if (location === 'authorization' && mode === 'app_id' && value.includes(':')) return keyErrors.colon
  return undefined
}
