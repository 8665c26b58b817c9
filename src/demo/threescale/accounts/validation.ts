import { type Params, textOf } from '../http/params.js'
import type { Errors } from '../http/responses.js'
import type { State, User } from '../store.js'

/** What Rails says of a text that is too long. */
export function tooLong(text: string, maximum: number): string[] {
  return text.length > maximum ? [`is too long (maximum is ${maximum} characters)`] : []
}

/** `.` of the format does not match a line break, so a name of two lines has no such character (porta, app/models/account.rb). */
export function accountErrors(orgName: string): Errors {
  const messages = [
    ...(orgName.trim() === '' ? ["can't be blank"] : []),
    ...(/^.*\w+.*$/.test(orgName) && !orgName.includes('\n')
      ? []
      : ['must contain at least one alphanumeric character']),
    ...tooLong(orgName, 255),
  ]
  return messages.length > 0 ? { org_name: messages } : {}
}

export interface Candidate {
  username: string | undefined
  email: string | undefined
  /** signed up by the API: neither the form of the address nor the length of a password is checked */
  minimal: boolean
  password?: string | undefined
  confirmation?: string | undefined
  self?: User
}

/** Names and addresses are unique among all users of the tenant, and compared case-sensitively (porta, app/models/user.rb). */
export function userErrors(state: State, candidate: Candidate): Errors {
  const { username, email, password, confirmation, self } = candidate
  const others = state.users.filter((user) => user !== self)
  const errors: Errors = {
    username: [
      ...nameErrors(username),
      ...(username && others.some((user) => user.username === username) ? ['has already been taken'] : []),
    ],
    email: [
      ...(email ? [...(email.length < 6 ? [tooShort(6)] : []), ...tooLong(email, 255)] : []),
      ...(candidate.minimal || ADDRESS.test(email ?? '') ? [] : ['should look like an email address']),
      ...(email && others.some((user) => user.email === email) ? ['has already been taken'] : []),
    ],
    password: password && !candidate.minimal && password.length < 6 ? [tooShort(6)] : [],
    password_confirmation:
      password && confirmation !== undefined && confirmation !== password ? ["doesn't match Password"] : [],
  }
  return Object.fromEntries(Object.entries(errors).filter(([, messages]) => messages.length > 0))
}

export function passwordsOf(params: Params) {
  return { password: textOf(params, 'password'), confirmation: textOf(params, 'password_confirmation') }
}

/** porta, app/lib/authentication.rb */
const ADDRESS = /^['\w.%+-]+@(?:[A-Z0-9-]+\.)+[A-Za-z]{2,63}$/i
const NAME = /^\w[\w.\-_@+]+$/

/** Nothing at all has no length, which is both too short and too long. */
function nameErrors(username: string | undefined): string[] {
  const long = 'is too long (maximum is 40 characters)'
  if (username === undefined) return [tooShort(3), long]
  return [
    ...(username.length < 3 ? [tooShort(3)] : []),
    ...(username.length > 40 ? [long] : []),
    ...(username.trim() === '' || NAME.test(username) ? [] : ['use only letters, numbers, and .-_@+ please.']),
  ]
}

function tooShort(minimum: number): string {
  return `is too short (minimum is ${minimum} characters)`
}
