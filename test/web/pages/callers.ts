import type { Caller } from '../../../src/web/auth/caller.js'

/** Two users with the same name and organization; one of them is an operator. */
export const member: Caller = {
  kind: 'person',
  issuer: 'https://sso.example.com',
  subject: 'member',
  sid: undefined,
  username: 'sso-member',
  accountId: 1,
  userId: 1,
  role: 'member',
  orgName: 'Same Org',
  name: 'Kim Lee',
  email: 'kim@example.com',
  groups: [],
}

export const operator: Caller = { ...member, subject: 'operator', username: 'sso-operator', groups: ['operators'] }

export const stranger: Caller = {
  ...member,
  subject: 'stranger',
  username: 'sso-stranger',
  accountId: 2,
  userId: 2,
  role: 'admin',
  orgName: 'Other <Org> $& Ltd',
  name: 'Alex Roe',
}
