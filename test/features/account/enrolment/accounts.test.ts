import t from 'tap'
import { problem } from '../../../../src/errors.js'
import type { SignedInOutcome, SignInOutcome } from '../../../../src/features/account/enrolment/sign-in-outcome.js'
import { identity, setUp, terms } from '../account-services.js'
import type { InMemoryTenant } from '../in-memory-tenant.js'

function signedIn(outcome: SignInOutcome): SignedInOutcome {
  if (outcome.kind !== 'signed_in') throw new Error(`questions: ${outcome.step}`)
  return outcome
}

function accept(outcome: SignInOutcome) {
  if (outcome.kind !== 'questions') throw new Error('signed in')
  return { values: {}, acceptTerms: undefined, consent: { fingerprint: outcome.offer?.fingerprint ?? '' } }
}

function addLegacyUser(tenant: InMemoryTenant, details = {}) {
  const account = tenant.addAccount({ orgName: 'Legacy Ltd', state: 'approved' })
  const user = tenant.addUser(account.id, {
    ...{ username: 'ada', email: 'ada@example.com', role: 'admin', state: 'active' },
    ...details,
  })
  return { account, user }
}

const ada = identity({ subject: 'ada' })

t.test('a first sign-in creates an approved account with an active admin', async (t) => {
  const { accounts, tenant } = setUp()
  const { caller, ...outcome } = signedIn(await accounts.signIn(ada))
  t.match(outcome, { signedUp: true, joined: false, linkedUsername: undefined })
  t.match(caller, { role: 'admin', orgName: 'ada Ltd', email: 'ada@example.com' })
  t.match(tenant.account(caller.accountId), { state: 'approved', orgName: 'ada Ltd' })
  t.match(tenant.user(caller.userId), { state: 'active', email: 'ada@example.com' })
})

t.test('a second sign-in finds the user by its username in one call', async (t) => {
  const { accounts, tenant } = setUp()
  const first = signedIn(await accounts.signIn(ada))
  tenant.calls.length = 0
  const second = signedIn(await accounts.signIn(ada))
  t.same(second.caller, first.caller)
  t.equal(second.signedUp, false)
  t.same(tenant.calls, ['findByUsername'])
})

t.test('two first sign-ins of one identity at the same time create one account', async (t) => {
  const { accounts, tenant } = setUp()
  const outcomes = await Promise.all([accounts.signIn(ada), accounts.signIn(ada)])
  t.equal(new Set(outcomes.map((outcome) => signedIn(outcome).caller.accountId)).size, 1)
  t.equal(tenant.accounts().length, 1)
})

t.test('a suspended user, a suspended account and a rejected account are rejected with the reason', async (t) => {
  const { accounts, tenant } = setUp()
  const { caller } = signedIn(await accounts.signIn(ada))
  const user = tenant.user(caller.userId)
  if (!user) return t.fail('no user')
  user.state = 'suspended'
  await t.rejects(accounts.signIn(ada), { code: 'account_suspended' })
  user.state = 'active'
  const account = tenant.account(caller.accountId)
  if (!account) return t.fail('no account')
  account.state = 'suspended'
  await t.rejects(accounts.signIn(ada), { code: 'account_suspended' })
  account.state = 'rejected'
  await t.rejects(accounts.signIn(ada), { code: 'account_rejected' })
})

t.test('in a tenant with approval, a new account is pending', async (t) => {
  const { accounts, tenant } = setUp()
  tenant.state.alwaysApproves = false
  await t.rejects(accounts.signIn(ada), { code: 'account_pending' })
  t.match(tenant.users(), [{ state: 'active' }], "the user is active, so the decision is the operator's")
})

t.test('an unverified, an unstated and a missing address are rejected without a write', async (t) => {
  const { accounts, tenant } = setUp()
  await t.rejects(accounts.signIn({ ...ada, emailVerified: false }), { code: 'email_not_verified' })
  await t.rejects(accounts.signIn({ ...ada, emailVerified: undefined }), {
    code: 'email_not_verified',
    cause: { message: /trust_email/ },
  })
  await t.rejects(accounts.signIn({ ...ada, email: undefined }), { code: 'email_missing' })
  t.equal(tenant.accounts().length, 0)
})

t.test('an existing user is linked after consent to exactly this user', async (t) => {
  const { accounts, tenant } = setUp()
  const { user } = addLegacyUser(tenant)
  const questions = await accounts.signIn(ada)
  t.match(questions, { kind: 'questions', step: 'consent', offer: { basis: 'link', username: 'ada' } })
  t.equal(tenant.user(user.id)?.username, 'ada', 'nothing is written')
  const other = { values: {}, acceptTerms: undefined, consent: { fingerprint: 'another offer' } }
  t.match(await accounts.signIn(ada, other), { kind: 'questions' })
  const outcome = signedIn(await accounts.signIn(ada, accept(questions)))
  t.match(outcome, { linkedUsername: 'ada', signedUp: false, caller: { userId: user.id } })
  t.match(tenant.user(user.id)?.username, /^sso-/)
})

t.test('an existing user cannot be declined, and is not linked where linking is off', async (t) => {
  const linking = setUp()
  addLegacyUser(linking.tenant)
  const onDeclined = () => {}
  await t.rejects(linking.accounts.decline(ada, { consent: undefined, onDeclined }), { code: 'link_declined' })
  const off = setUp({ linkByEmail: false })
  addLegacyUser(off.tenant)
  await t.rejects(off.accounts.signIn(ada), { code: 'email_taken' })
})

t.test('two users with the address in different spellings are reported and not linked', async (t) => {
  const { accounts, tenant } = setUp()
  addLegacyUser(tenant, { email: 'Ada@example.com' })
  addLegacyUser(tenant, { email: 'ada@example.com', username: 'ada2' })
  await t.rejects(accounts.signIn({ ...ada, email: 'Ada@example.com' }), { code: 'email_conflict' })
})

t.test('an invitation is accepted with its role, or declined', async (t) => {
  const { accounts, tenant, usernames } = setUp()
  const account = tenant.addAccount({ orgName: 'Host Ltd', state: 'approved' })
  const invite = () => {
    const email = 'ada@example.com'
    const binding = { accountId: account.id, email, role: 'admin', idempotencyKey: 'k' } as const
    return tenant.addUser(account.id, { username: usernames.invitationUsername(binding), email })
  }
  const invitation = invite()
  const questions = await accounts.signIn(ada)
  t.match(questions, { step: 'person', offer: { basis: 'invitation', name: 'Host Ltd', role: 'admin' } })
  const outcome = signedIn(await accounts.signIn(ada, accept(questions)))
  t.match(outcome, { joined: true, caller: { accountId: account.id, role: 'admin', userId: invitation.id } })
  t.match(tenant.user(invitation.id), { state: 'active', role: 'admin', username: /^sso-/ })

  await tenant.threescale.deleteUser(account.id, invitation.id)
  const second = invite()
  const declined: unknown[] = []
  const answers = { values: {}, acceptTerms: undefined }
  const own = await accounts.decline(ada, {
    consent: undefined,
    answers,
    onDeclined: (event) => void declined.push(event),
  })
  t.match(signedIn(own), { signedUp: true, caller: { orgName: 'ada Ltd' } })
  t.same(declined, [{ account: account.id, member: second.id }])
})

t.test('an invitation whose account is gone is a conflict', async (t) => {
  const { accounts, tenant, usernames } = setUp()
  const account = tenant.addAccount({ state: 'approved' })
  const email = 'ada@example.com'
  const binding = { accountId: account.id, email, role: 'member', idempotencyKey: 'k' } as const
  tenant.addUser(account.id, { username: usernames.invitationUsername(binding), email })
  const questions = await accounts.signIn(ada)
  tenant.fail('updateUser', problem('not_found'))
  await t.rejects(accounts.signIn(ada, accept(questions)), { code: 'conflict' })
})

t.test('the first person of a claim creates the shared account, and the next one consents to join it', async (t) => {
  const { accounts, tenant } = setUp({ claimSettings: { claim: 'org', admin_groups: ['leads'] } })
  const first = identity({ subject: 'ada', claims: { org: 'Acme' }, groups: ['leads'] })
  const created = signedIn(await accounts.signIn(first))
  t.match(created, { joined: true, caller: { role: 'admin', orgName: 'Acme' } })
  const second = identity({ subject: 'grace', claims: { org: 'Acme' } })
  const questions = await accounts.signIn(second)
  t.match(questions, { offer: { basis: 'claim', name: 'Acme', role: 'member' } })
  const joined = signedIn(await accounts.signIn(second, accept(questions)))
  t.match(joined.caller, { accountId: created.caller.accountId, role: 'member' })
  t.equal(tenant.accounts().length, 1)
})

t.test('a join that was interrupted before the activation is completed by the next sign-in', async (t) => {
  const { accounts, tenant } = setUp({ claimSettings: { claim: 'org', admin_groups: ['leads'] } })
  const person = identity({ subject: 'ada', claims: { org: 'Acme' }, groups: ['leads'] })
  tenant.fail('setRole')
  await t.rejects(accounts.signIn(person), { code: 'threescale_unavailable' })
  t.match(signedIn(await accounts.signIn(person)).caller, { role: 'admin', orgName: 'Acme' })
})

t.test('new terms are requested at the next sign-in, and their acceptance is recorded', async (t) => {
  const { accounts, tenant } = setUp({ terms })
  const questions = await accounts.signIn(ada)
  t.match(questions, { step: 'all', terms: { version: '2026-01' } })
  await t.rejects(accounts.signIn(ada, { values: {}, acceptTerms: '2025-01' }), { code: 'invalid_fields' })
  const { caller } = signedIn(await accounts.signIn(ada, { values: {}, acceptTerms: '2026-01' }))
  t.equal(tenant.user(caller.userId)?.fields.terms_version, '2026-01')
  t.equal((await accounts.signIn(ada)).kind, 'signed_in')
  const user = tenant.user(caller.userId)
  if (user) user.fields = { terms_version: '2025-01' }
  t.match(await accounts.signIn(ada), { kind: 'questions', step: 'terms' })
  await t.rejects(accounts.signIn(ada, { values: {}, acceptTerms: undefined }), { code: 'invalid_fields' })
  signedIn(await accounts.signIn(ada, { values: {}, acceptTerms: '2026-01' }))
})

t.test('a bearer token has a caller only after a complete sign-up', async (t) => {
  const { accounts, tenant } = setUp()
  t.equal(await accounts.callerForToken(ada), undefined)
  const other = identity({ subject: 'grace' })
  const { caller } = signedIn(await accounts.signIn(other))
  t.same(await accounts.callerForToken(other), caller)
  const user = tenant.user(caller.userId)
  if (user) user.state = 'pending'
  t.equal((await accounts.current(other))?.user.state, 'pending')
})

t.test('a service withdraws an invitation of another account only where it names that account', async (t) => {
  const { accounts, tenant, usernames } = setUp()
  const service = identity({ subject: 'bot', kind: 'service', email: undefined, emailVerified: undefined })
  signedIn(await accounts.signIn(service))
  const account = tenant.addAccount({ state: 'approved' })
  const email = usernames.serviceAddress(account.id, 'bot')
  const binding = { accountId: account.id, email, role: 'member', idempotencyKey: 'k' } as const
  const { id } = tenant.addUser(account.id, { username: usernames.invitationUsername(binding), email })
  const declined: unknown[] = []
  await accounts.withdraw(service, 1, (event) => void declined.push(event))
  t.ok(tenant.user(id))
  await accounts.withdraw(service, account.id, (event) => void declined.push(event))
  t.equal(tenant.user(id), undefined)
  t.same(declined, [{ account: account.id, member: id }])
})
