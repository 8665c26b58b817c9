import { isProblem, problem } from '../../errors.js'
import { threescaleRefusals } from './messages.js'

/** Where 3scale rejects the address of a sign-in, the problem for its user; any other error unchanged. */
export function toEmailProblem(error: unknown): unknown {
  const email = isProblem(error, 'invalid_fields') ? error.fields?.email : undefined
  if (email === undefined) return error
  if (email.includes('taken')) return problem('email_taken')
  return problem('sign_up_refused', { detail: threescaleRefusals.email(email), cause: error })
}

/** 3scale reports an unknown country as blank (porta, app/models/account.rb: `country=`). */
export function toCountryProblem(error: unknown, country: string | undefined): unknown {
  if (!country || !isProblem(error, 'invalid_fields') || error.fields?.country === undefined) return error
  return problem('invalid_fields', { fields: { ...error.fields, country: threescaleRefusals.country }, cause: error })
}
