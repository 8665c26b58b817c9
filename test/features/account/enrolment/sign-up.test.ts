import t from 'tap'
import type { FieldDefinition, ThreescaleApplication } from '../../../../src/clients/threescale/types.js'
import { problem } from '../../../../src/errors.js'
import type { AccountUser } from '../../../../src/features/account/account-status.js'
import type { CompletionQuestions } from '../../../../src/features/account/enrolment/completion.js'
import { createSignUp, type SignUpDeps } from '../../../../src/features/account/enrolment/sign-up.js'
import { createCache } from '../../../../src/infra/cache.js'
import { identity, log, terms } from '../account-services.js'
import { createInMemoryTenant, taken } from '../in-memory-tenant.js'

const USERNAME = 'sso-ada'
const ada = identity({ subject: 'ada' })

function setUp(options: Partial<SignUpDeps> = {}) {
  const tenant = createInMemoryTenant()
  const removed: string[] = []
  const repaired: number[] = []
  const signUp = createSignUp({
    threescale: tenant.threescale,
    cache: createCache({ prefix: 'test', log }),
    policy: {},
    terms: undefined,
    repairs: { all: async (id) => void repaired.push(id), recorded: async () => {} },
    duplicateRemoved: (kind) => void removed.push(kind),
    ...options,
  })
  return { signUp, tenant, removed, repaired }
}

function definition(name: string, details: Partial<FieldDefinition> = {}): FieldDefinition {
  return {
    ...{ target: 'account', name, label: name, builtIn: false, required: true, hidden: false, readOnly: false },
    choices: [],
    ...details,
  }
}

function created(result: AccountUser | CompletionQuestions): AccountUser {
  if (!('user' in result)) throw new Error('questions')
  return result
}

/** The error that rejects the work. */
function rejection(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

t.test('without required fields and terms, the account is created without questions', async (t) => {
  const { signUp, repaired } = setUp()
  const { account, user } = created(await signUp.signUp(ada, USERNAME))
  t.match(account, { orgName: 'ada Ltd', state: 'approved' })
  t.match(user, { username: USERNAME, role: 'admin', state: 'active', email: 'ada@example.com' })
  t.same(repaired, [], 'a sign-up without a failure needs no repair')
})

t.test('where sign-up is closed, nothing is written', async (t) => {
  const { signUp, tenant } = setUp()
  tenant.settings.signupsEnabled = false
  await t.rejects(signUp.signUp(ada, USERNAME), { code: 'sign_up_closed' })
  t.notOk(tenant.calls.includes('signUp'))
  await t.resolves(signUp.prepare(ada, undefined, { existingAccount: true }), 'an existing account can be joined')
})

t.test('the policy limits domains, groups and claims', async (t) => {
  const rejected: [SignUpDeps['policy'], Parameters<typeof identity>[0]][] = [
    [{ email_domains: ['example.org'] }, ada],
    [{ groups: ['research'] }, { ...ada, groups: ['sales'] }],
    [{ groups: ['research'] }, { ...ada, groupsOmitted: true }],
    [{ claims: [{ name: 'tier', values: ['gold'] }] }, { ...ada, claims: { tier: 'silver' } }],
    [{}, { ...ada, email: 'ada@@example.com' }],
  ]
  for (const [policy, person] of rejected)
    await t.rejects(setUp({ policy }).signUp.signUp(identity(person), USERNAME), { code: 'sign_up_refused' })
  const policy = { email_domains: ['example.com'], groups: ['research'], claims: [{ name: 'tier', values: ['gold'] }] }
  const person = { ...ada, groups: ['research'], claims: { tier: ['silver', 'gold'] } }
  created(await setUp({ policy }).signUp.signUp(person, USERNAME))
})

t.test('required fields are requested, and their answers validated and stored', async (t) => {
  const { signUp, tenant } = setUp()
  tenant.state.definitions = [
    definition('department', { choices: ['Research', 'Sales'] }),
    definition('job_title', { target: 'user' }),
    definition('note', { required: false }),
  ]
  const questions = await signUp.signUp(ada, USERNAME)
  t.match(questions, { fields: [{ name: 'department' }, { name: 'job_title' }, { name: 'note', required: false }] })
  const answers = (values: Record<string, string>) => ({ values, acceptTerms: undefined })
  t.match(await rejection(signUp.signUp(ada, USERNAME, answers({ 'account.department': 'Law' }))), {
    fields: { 'account.department': /Research, Sales/, 'user.job_title': /required/ },
  })
  const values = { 'account.department': 'Sales', 'user.job_title': 'Scientist' }
  const { account, user } = created(await signUp.signUp(ada, USERNAME, answers(values)))
  t.match(account.fields, { department: 'Sales', job_title: 'Scientist' })
  t.match(user.fields, { department: 'Sales', job_title: 'Scientist' })
})

t.test('a required field that the user cannot see or change rejects the sign-up', async (t) => {
  for (const flag of ['hidden', 'readOnly'] as const) {
    const { signUp, tenant } = setUp()
    tenant.state.definitions = [definition('cost_centre', { [flag]: true })]
    await t.rejects(signUp.signUp(ada, USERNAME), { code: 'sign_up_refused', message: /cost_centre/ })
  }
})

t.test('a mapped claim answers its field', async (t) => {
  const policy = { fields: { account: { cost_centre: 'cc' } } }
  const { signUp, tenant } = setUp({ policy })
  tenant.state.definitions = [definition('cost_centre', { hidden: true })]
  const { account } = created(await signUp.signUp({ ...ada, claims: { cc: '4711' } }, USERNAME))
  t.equal(account.fields.cost_centre, '4711')
})

t.test('the terms must be accepted in their current version', async (t) => {
  const { signUp } = setUp({ terms })
  t.match(await signUp.signUp(ada, USERNAME), { terms })
  t.match(await rejection(signUp.signUp(ada, USERNAME, { values: {}, acceptTerms: 'another' })), {
    fields: { accept_terms: /Accept/ },
  })
  const { user } = created(await signUp.signUp(ada, USERNAME, { values: {}, acceptTerms: terms.version }))
  t.equal(user.fields.terms_version, terms.version)
})

t.test('answers about an offer that no longer exists lead to the questions', async (t) => {
  const { signUp, tenant } = setUp()
  const consent = { fingerprint: 'an earlier offer' }
  t.match(await signUp.signUp(ada, USERNAME, { values: {}, acceptTerms: undefined, consent }), { fields: [] })
  t.equal(tenant.accounts().length, 0)
})

t.test('a lost response after the write is recognised by the username, and keys are repaired', async (t) => {
  const { signUp, tenant, repaired } = setUp()
  tenant.fail('signUp', problem('threescale_unavailable'), { stores: true })
  const { account, user } = created(await signUp.signUp(ada, USERNAME))
  t.equal(user.state, 'active')
  t.same(repaired, [account.id])
  t.equal(tenant.accounts().length, 1)
})

t.test('an interrupted request is repeated once, and a slow one is not', async (t) => {
  const interrupted = setUp()
  interrupted.tenant.fail('signUp')
  created(await interrupted.signUp.signUp(ada, USERNAME))
  let time = 0
  const slow = setUp({ now: () => (time += 2000) })
  slow.tenant.fail('signUp')
  await t.rejects(slow.signUp.signUp(ada, USERNAME), { code: 'threescale_unavailable' })
  t.equal(slow.tenant.calls.filter((call) => call === 'signUp').length, 1)
})

t.test('rejections of 3scale become problems for the user', async (t) => {
  const cases = [
    [taken('email'), 'email_taken'],
    [problem('invalid_fields', { fields: { email: 'is invalid' } }), 'sign_up_refused'],
    [problem('not_found'), 'threescale_denied'],
  ] as const
  for (const [error, code] of cases) {
    const { signUp, tenant } = setUp()
    tenant.fail('signUp', error)
    await t.rejects(signUp.signUp(ada, USERNAME), { code })
  }
})

t.test('an interrupted sign-up is approved first and activated second', async (t) => {
  const { signUp, tenant, repaired } = setUp()
  tenant.fail('activateUser')
  await t.rejects(signUp.signUp(ada, USERNAME), { code: 'threescale_unavailable' })
  const pending = await tenant.threescale.findByUsername(USERNAME)
  t.match(pending, { account: { state: 'approved' }, user: { state: 'pending' } })
  if (!pending) return
  t.equal((await signUp.finish(pending)).user.state, 'active')
  t.same(repaired, [pending.account.id])
})

t.test('a rejected account is the decision of the operator and is not completed', async (t) => {
  const { signUp, tenant } = setUp()
  const account = tenant.addAccount({ state: 'rejected' })
  const user = tenant.addUser(account.id, { username: USERNAME })
  t.equal((await signUp.finish({ account, user })).user.state, 'pending')
  t.notOk(tenant.calls.includes('activateUser'))
})

t.test('of duplicate accounts without use, one remains and is activated', async (t) => {
  const { signUp, tenant, removed } = setUp()
  const first = tenant.addAccount()
  const user = tenant.addUser(first.id, { username: USERNAME })
  const second = tenant.addAccount()
  tenant.addUser(second.id, { username: USERNAME })
  tenant.fail('activateUser', problem('invalid_fields', { fields: { username: 'has already been taken' } }))
  for (let each = 0; each < 3; each++) tenant.fail('activateUser', taken('username'))
  const finished = await signUp.finish({ account: first, user })
  t.match(finished, { account: { id: first.id, state: 'approved' }, user: { state: 'active' } })
  t.same(removed, ['account'])
  t.same(
    tenant.accounts().map(({ id }) => id),
    [first.id],
  )
})

t.test('duplicate accounts that are both in use are left unchanged', async (t) => {
  const { signUp, tenant, removed } = setUp()
  const accounts = [tenant.addAccount(), tenant.addAccount()]
  const [user] = accounts.map(({ id }) => tenant.addUser(id, { username: USERNAME }))
  const createdAt = '2026-03-02T10:00:00Z'
  tenant.state.applications = accounts.map(
    ({ id }) => ({ accountId: id, createdAt, lastTrafficAt: '' }) as ThreescaleApplication,
  )
  for (let each = 0; each < 4; each++) tenant.fail('activateUser', taken('username'))
  const [account] = accounts
  if (!account || !user) return
  await t.rejects(signUp.finish({ account, user }), { code: 'duplicate_accounts' })
  t.same(removed, [])
})
