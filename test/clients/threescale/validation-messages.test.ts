import t from 'tap'
import { validationMessage } from '../../../src/clients/threescale/requests/validation-messages.js'
import { isProblem, type PortalError } from '../../../src/errors.js'
import { scriptedApi } from '../../helper/account-api.js'

const refusal = async (work: Promise<unknown>): Promise<PortalError> => {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isProblem(error)) throw error ?? new Error('it did not fail')
  return error
}

t.test("3scale's messages become sentences, also several for one attribute", async (t) => {
  const cases: [messages: string[], text: string][] = [
    [
      ["can't be blank", 'must contain at least one alphanumeric character'],
      'This is required. Use at least one alphanumeric character, on one line.',
    ],
    [['invalid', 'is too short (minimum is 4 characters)'], 'This value is not valid. Use at least 4 characters.'],
    [['is too long (maximum is 255 characters)'], 'Use at most 255 characters.'],
    [['has already been taken'], 'This is already taken.'],
    [['should look like an email address'], 'Enter an e-mail address, such as ada@example.com.'],
    [['use only letters, numbers, and .-_@+ please.'], 'Use only alphanumeric characters and . - _ @ +.'],
    [['illegal value'], 'Use one of the choices.'],
    [['not allowed in this context'], 'Not allowed in this context.'],
    [['Limit reached'], 'Limit reached.'],
    [[], ''],
  ]
  for (const [messages, text] of cases) t.equal(validationMessage(messages), text)
})

t.test("a user's errors are reported by attribute, without the account's error about its users", async (t) => {
  const signUp = (errors: object) =>
    refusal(
      scriptedApi({ 'POST /signup': { status: 422, body: { errors } } }).api.signUp({
        orgName: 'A',
        username: 'sso-a',
        fields: {},
      }),
    )
  const several = await signUp({
    users: ['invalid'],
    email: ['has already been taken'],
    first_name: ["can't be blank"],
  })
  t.same(several.fields, { email: 'This is already taken.', first_name: 'This is required.' })
  t.same((await signUp({ users: ['invalid'] })).fields, { users: 'This value is not valid.' })
})

t.test("a change of the only admin's role is rejected by 3scale without a reason, even to the same role", async (t) => {
  const forbidden = { status: 403, body: { status: 'Forbidden' } }
  const user = (id: number, role: string) => ({ user: { id, role, username: `u${id}`, state: 'active' } })
  const users = (...all: object[]) => ({ 'GET /accounts/5/users': { status: 200, body: { users: all } } })
  const only = { ...users(user(9, 'admin'), user(10, 'member')) }
  const admin = scriptedApi({ 'PUT /accounts/5/users/9/admin': forbidden, ...only })
  t.equal((await admin.api.setRole(5, 9, 'admin')).role, 'admin', 'the current role')
  t.equal(admin.calls.length, 2)
  const member = scriptedApi({ 'PUT /accounts/5/users/9/member': forbidden, ...only })
  t.equal((await refusal(member.api.setRole(5, 9, 'member'))).code, 'conflict')
  const others: [title: string, to: 'admin' | 'member', answers: ReturnType<typeof users>][] = [
    ['another admin is there, so it is the token', 'member', users(user(9, 'admin'), user(10, 'admin'))],
    ['the user is no admin', 'admin', users(user(9, 'member'), user(10, 'member'))],
    ['the user is gone', 'member', users(user(10, 'member'))],
  ]
  for (const [title, to, answers] of others) {
    const { api } = scriptedApi({ [`PUT /accounts/5/users/9/${to}`]: forbidden, ...answers })
    t.equal((await refusal(api.setRole(5, 9, to))).code, 'threescale_denied', title)
  }
  const scope = { status: 403, body: { error: 'Your access token does not have the correct permissions' } }
  const { api, calls } = scriptedApi({ 'PUT /accounts/5/users/9/member': scope })
  t.equal((await refusal(api.setRole(5, 9, 'member'))).code, 'threescale_scope')
  t.equal(calls.length, 1)
})
