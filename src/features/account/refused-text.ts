import { isProblem, problem } from '../../errors.js'

/**
 * 3scale's refusal of the address of a sign-in, for the person: it is another user's, or 3scale does not accept it. Any
 * other error is returned as it is.
 */
export function refusedAddress(error: unknown): unknown {
  const email = isProblem(error, 'invalid_fields') ? error.fields?.email : undefined
  if (email === undefined) return error
  if (email.includes('taken')) return problem('email_taken')
  const detail = `3scale does not accept your e-mail address. ${email} Change it in the sign-in service, then sign in again.`
  return problem('sign_up_refused', { detail, cause: error })
}

/** A country that was named and is not known is "blank" to 3scale (porta, app/models/account.rb: `country=`). */
export function refusedCountry(error: unknown, country: string | undefined): unknown {
  if (!country || !isProblem(error, 'invalid_fields') || error.fields?.country === undefined) return error
  const sentence = 'Use the English name of a country, such as Germany.'
  return problem('invalid_fields', { fields: { ...error.fields, country: sentence }, cause: error })
}
