import t from 'tap'
import type { User } from '../../../../src/clients/threescale/types.js'
import { isProblem, problem } from '../../../../src/errors.js'
import { createMemberResults, type RecordedMember } from '../../../../src/features/account/members/member-results.js'
import { createMembers, type MembersDeps } from '../../../../src/features/account/members/members.js'
import { createUsernames } from '../../../../src/features/account/usernames/usernames.js'
import { createLock } from '../../../../src/infra/lock.js'
import type { Caller } from '../../../../src/web/auth/caller.js'
import { createInMemoryTenant, taken } from '../in-memory-tenant.js'

function setUp(options: Partial<MembersDeps> = {}) {
  const tenant = createInMemoryTenant()
  const usernames = createUsernames({ secrets: ['x'.repeat(32)], issuerIds: () => ['https://sso.example.com'] })
  const account = tenant.addAccount({ state: 'approved' })
  const addMember = (name: string, role: User['role'] = 'member', details: Partial<User> = {}) =>
    tenant.addUser(account.id, {
      ...{ username: usernames.usernameFor('person', name), email: `${name}@example.com`, role, state: 'active' },
      ...details,
    })
  const admin = addMember('ada', 'admin')
  const entries = new Map<string, RecordedMember>()
  const mails: string[] = []
  const ended: string[] = []
  const invalidated: string[] = []
  const members = createMembers({
    threescale: tenant.threescale,
    recent: { listUsers: tenant.threescale.listUsers, readSettings: () => tenant.threescale.readSettings() },
    usernames,
    services: ['bot'],
    duplicateRemoved() {},
    allowances: { multipleApplications: true, multipleServices: true, multipleUsers: true },
    accounts: {
      invalidateUser: async ({ username }) => void invalidated.push(username),
      endUserSessions: async ({ username }) => void ended.push(username),
    },
    claims: { claimedElsewhere: async () => undefined },
    invitationMail: { isEnabled: true, send: async (_caller, to) => mails.push(to) > 0 },
    dayLimits: { take: async () => true },
    withLock: createLock(undefined),
    results: createMemberResults({
      sync: async () => {},
      peek: (key) => ({ value: entries.get(key) ?? null, ageSeconds: 1 }),
      put: async (key, value) => void entries.set(key, value),
    }),
    ...options,
  })
  return { members, tenant, account, admin, addMember, usernames, mails, ended, invalidated }
}

function callerFor({ id, accountId, username, role }: User): Caller {
  return { userId: id, accountId, username, role } as Caller
}

async function rejection(work: Promise<unknown>) {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return isProblem(error) ? error : undefined
}

const grace = { email: 'Grace@Example.com', role: 'member' } as const

t.test('an invitation creates a pending user, which is listed as invited, and sends one e-mail', async (t) => {
  const { members, tenant, admin, mails } = setUp()
  const { member, isNew, isMailed } = await members.invite(callerFor(admin), grace, 'key')
  t.match(member, { kind: 'person', state: 'invited', role: 'member', email: 'grace@example.com', you: false })
  t.same([isNew, isMailed], [true, true])
  t.same(mails, ['grace@example.com'])
  t.match(tenant.user(member.id), { state: 'pending', username: /^invite-m-/ })
  t.same(
    (await members.list(callerFor(admin))).map(({ state }) => state),
    ['active', 'invited'],
  )
})

t.test('a repeated invitation returns the same member, and another role is a conflict', async (t) => {
  const { members, admin, mails } = setUp()
  const caller = callerFor(admin)
  const first = await members.invite(caller, grace, 'key')
  const repeated = await members.invite(caller, grace, 'key')
  const byAnotherKey = await members.invite(caller, grace, 'another')
  t.same([repeated.member.id, byAnotherKey.member.id], [first.member.id, first.member.id])
  t.same([repeated.isNew, repeated.isMailed, mails.length], [false, false, 1])
  const asAdmin = { ...grace, role: 'admin' } as const
  t.equal((await rejection(members.invite(caller, asAdmin, 'another')))?.code, 'conflict')
  t.equal((await rejection(members.invite(caller, asAdmin, 'key')))?.code, 'idempotency_key_reused')
})

t.test('a repeat of an invitation that was removed does not create it again', async (t) => {
  const { members, admin } = setUp()
  const caller = callerFor(admin)
  const { member } = await members.invite(caller, grace, 'key')
  await members.remove(caller, member.id)
  t.equal((await rejection(members.invite(caller, grace, 'key')))?.code, 'result_deleted')
})

t.test('two invitations at the same time create one user', async (t) => {
  const { members, tenant, admin } = setUp()
  const invite = (key: string) => members.invite(callerFor(admin), grace, key)
  const [one, other] = await Promise.all([invite('one'), invite('other')])
  t.equal(one.member.id, other.member.id)
  t.equal(tenant.users().length, 2)
})

t.test('a lost response after the write counts as created, without an e-mail', async (t) => {
  const { members, tenant, admin, mails } = setUp()
  tenant.fail('createUser', problem('threescale_unavailable'), { stores: true })
  const { isNew, isMailed, member } = await members.invite(callerFor(admin), grace, 'key')
  t.match({ isNew, isMailed, state: member.state }, { isNew: true, isMailed: false, state: 'invited' })
  t.same(mails, [])
})

t.test('invalid invitations are rejected at their field, without a call to create', async (t) => {
  const { members, tenant, admin } = setUp()
  const invitees = [
    [{ role: 'member' }, 'email'],
    [{ role: 'member', email: 'a@example.com', client_id: 'bot' }, 'email'],
    [{ role: 'member', email: 'nobody' }, 'email'],
    [{ role: 'member', email: 'a@b@example.com' }, 'email'],
    [{ role: 'member', email: 'ünal@example.com' }, 'email'],
    [{ role: 'member', email: 'a@localhost' }, 'email'],
    [{ role: 'member', client_id: 'two words' }, 'client_id'],
    [{ role: 'member', client_id: 'x'.repeat(121) }, 'client_id'],
  ] as const
  for (const [invitee, field] of invitees) {
    const error = await rejection(members.invite(callerFor(admin), invitee, 'key'))
    t.same([error?.code, Object.keys(error?.fields ?? {})], ['invalid_fields', [field]], JSON.stringify(invitee))
  }
  t.notOk(tenant.calls.includes('createUser'))
})

t.test('an address of another account gets the same message as any taken address', async (t) => {
  const { members, tenant, admin } = setUp()
  const other = tenant.addAccount()
  tenant.addUser(other.id, { username: 'grace', email: 'grace@example.com' })
  const error = await rejection(members.invite(callerFor(admin), grace, 'key'))
  t.match(error?.fields?.email, /cannot be invited/)
  tenant.fail('createUser', taken('email'))
  const free = { email: 'free@example.com', role: 'member' } as const
  t.equal((await rejection(members.invite(callerFor(admin), free, 'key')))?.fields?.email, error?.fields?.email)
})

t.test('a service is invited by its client id, which the list shows', async (t) => {
  const { members, admin, mails } = setUp()
  const { member } = await members.invite(callerFor(admin), { client_id: 'ci-runner', role: 'member' }, 'key')
  t.match(member, { kind: 'service', client_id: 'ci-runner', email: null, state: 'invited' })
  t.same(mails, [])
})

t.test(
  'policies: only admins invite, only where the tenant allows several users, and within the daily limit',
  async (t) => {
    const { members, addMember } = setUp()
    const member = callerFor(addMember('mary'))
    t.match(await rejection(members.invite(member, grace, 'key')), { policy: 'admins_manage_members' })
    const single = setUp({ allowances: { multipleApplications: true, multipleServices: true, multipleUsers: false } })
    t.match(await rejection(single.members.invite(callerFor(single.admin), grace, 'key')), { policy: 'multiple_users' })
    const limited = setUp({ dayLimits: { take: async () => false } })
    const error = await rejection(limited.members.invite(callerFor(limited.admin), grace, 'key'))
    t.match(error, { code: 'too_many_requests', retryAfter: 3600 })
  },
)

t.test('a removed caller can do nothing', async (t) => {
  const { members, account } = setUp()
  const caller = { userId: 1, accountId: account.id } as Caller
  t.equal((await rejection(members.list(caller)))?.code, 'forbidden')
})

t.test('the role of a member is written to 3scale, and that of an invitation into its username', async (t) => {
  const { members, tenant, admin, addMember, invalidated, usernames } = setUp()
  const caller = callerFor(admin)
  const mary = addMember('mary')
  t.match(await members.change(caller, mary.id, { role: 'admin' }), { before: 'member', member: { role: 'admin' } })
  t.equal(tenant.user(mary.id)?.role, 'admin')
  t.same(invalidated, [mary.username])
  const { member: invited } = await members.invite(caller, grace, 'key')
  await members.change(caller, invited.id, { role: 'admin' })
  const user = tenant.user(invited.id)
  t.match(user, { role: 'member', username: /^invite-a-/ })
  t.equal(user && usernames.invitedRole(user), 'admin')
})

t.test('an unchanged role writes nothing, and a changed read-only field is rejected', async (t) => {
  const { members, tenant, admin, addMember } = setUp()
  const mary = addMember('mary')
  await members.change(callerFor(admin), mary.id, { role: 'member' })
  await members.change(callerFor(admin), mary.id, { email: 'mary@example.com' })
  t.notOk(tenant.calls.includes('setRole'))
  const error = await rejection(members.change(callerFor(admin), mary.id, { email: 'other@example.com' }))
  t.equal(error?.code, 'invalid_fields')
})

t.test('the last active admin can neither become a member nor leave', async (t) => {
  const { members, tenant, admin, addMember } = setUp()
  const caller = callerFor(admin)
  addMember('mary', 'admin', { state: 'suspended' })
  t.match(await rejection(members.change(caller, admin.id, { role: 'member' })), { policy: 'last_admin' })
  t.match(await rejection(members.remove(caller, admin.id)), { policy: 'last_admin' })
  addMember('linus', 'admin')
  tenant.fail('setRole', problem('conflict'))
  t.match(await rejection(members.change(caller, admin.id, { role: 'member' })), { code: 'conflict' })
  t.match(await members.change(caller, admin.id, { role: 'member' }), { member: { role: 'member' } })
})

t.test('a removal ends the sessions of the user, and a member may remove only themselves', async (t) => {
  const { members, tenant, admin, addMember, ended } = setUp()
  const mary = addMember('mary')
  t.match(await rejection(members.remove(callerFor(mary), admin.id)), { policy: 'admins_manage_members' })
  t.match(await members.remove(callerFor(mary), mary.id), { you: true })
  t.same(ended, [mary.username])
  t.equal(tenant.user(mary.id), undefined)
  t.equal((await rejection(members.read(callerFor(admin), mary.id)))?.code, 'not_found')
})

t.test(
  'a tenant without account management lets no one change members, but lets admins withdraw invitations',
  async (t) => {
    const { members, tenant, admin, addMember } = setUp()
    const caller = callerFor(admin)
    const mary = addMember('mary')
    const { member } = await members.invite(caller, grace, 'key')
    tenant.settings.userAccountAreaEnabled = false
    t.match(await rejection(members.remove(caller, mary.id)), { policy: 'useraccountarea_enabled' })
    t.match(await rejection(members.change(caller, mary.id, { role: 'admin' })), { policy: 'useraccountarea_enabled' })
    await members.remove(caller, member.id)
    t.equal(tenant.user(member.id), undefined)
  },
)

t.test('a precondition that fails prevents the change', async (t) => {
  const { members, tenant, admin, addMember } = setUp()
  const mary = addMember('mary')
  const fails = () => {
    throw problem('precondition_failed')
  }
  t.equal((await rejection(members.remove(callerFor(admin), mary.id, fails)))?.code, 'precondition_failed')
  const change = members.change(callerFor(admin), mary.id, { role: 'admin' }, fails)
  t.equal((await rejection(change))?.code, 'precondition_failed')
  t.match(tenant.user(mary.id), { role: 'member' })
})

t.test('the user that holds a claim account is not a member', async (t) => {
  const { members, admin, addMember, usernames } = setUp()
  const [username = ''] = usernames.claimAccountUsernames('org', 'Acme')
  const holder = addMember('holder', 'admin', { username, email: undefined })
  t.equal((await members.list(callerFor(admin))).length, 1)
  t.equal((await rejection(members.remove(callerFor(admin), holder.id)))?.code, 'not_found')
  t.match(await rejection(members.remove(callerFor(admin), admin.id)), { policy: 'last_admin' })
})

t.test('only admins see the organisation that the identity provider claims for a member', async (t) => {
  const { members, admin, addMember } = setUp({ claims: { claimedElsewhere: async () => 'Acme' } })
  const mary = addMember('mary')
  t.match(await members.read(callerFor(admin), mary.id), { claimed_organisation: 'Acme' })
  t.match(await members.read(callerFor(mary), mary.id), { claimed_organisation: null })
})
