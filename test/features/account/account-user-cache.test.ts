import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { problem } from '../../../src/errors.js'
import type { AccountUser } from '../../../src/features/account/account-status.js'
import { createAccountUserCache } from '../../../src/features/account/account-user-cache.js'
import { type AccountsDeps, createAccounts } from '../../../src/features/account/enrolment/accounts.js'
import { createCache } from '../../../src/infra/cache.js'
import type { Caller } from '../../../src/web/auth/caller.js'

/** A user as cached by the portal after it changed or removed the user itself. */
const log = { warn() {}, info() {} }

function found(username: string, role: 'admin' | 'member' = 'admin'): AccountUser {
  const account = { id: 1, orgName: 'Analytical Engines', state: 'approved' }
  return { account, user: { id: 2, accountId: 1, username, role, state: 'active' } } as unknown as AccountUser
}

/** 3scale responds with `answer`, which a test can change; `changed` and `accountChanged` are the state of the revocations. */
function setting(answer: (username: string) => Promise<AccountUser | undefined>) {
  const state = { answer, calls: 0, changed: -1, accountChanged: -1 }
  const changes = { changedAt: () => state.changed, accountChangedAt: () => state.accountChanged }
  const threescale = {
    findByUsername: async (username: string) => {
      state.calls++
      return state.answer(username)
    },
  }
  const cache = createCache({ prefix: 'test', log })
  const people = createAccountUserCache(threescale, cache, changes)
  const accounts = createAccounts({
    threescale,
    cache,
    claims: {},
    usernames: { usernamesFor: (_kind: string, subject: string) => [subject] },
    policy: {},
    repairs: {},
    changes,
  } as unknown as AccountsDeps)
  return { state, people, accounts }
}

const slow = async (name: string) => {
  await sleep(1000)
  return found(name)
}
const isDown = async () => {
  throw problem('threescale_unavailable')
}
const caller = {
  kind: 'person',
  subject: 'ada',
  username: 'ada',
  accountId: 1,
  userId: 2,
  role: 'admin',
  orgName: 'Analytical Engines',
} as Caller

t.test('an unchanged user costs one call per minute', async (t) => {
  const { state, people } = setting(async (name) => found(name))
  for (let read = 0; read < 5; read++) t.equal((await people.find('ada'))?.user.username, 'ada')
  t.equal(state.calls, 1)
})

t.test('an entry from before a change is not used, also while 3scale is slow or down', async (t) => {
  const { state, people } = setting(async (name) => found(name))
  t.ok(await people.find('ada'))
  t.ok(await people.find('mary'))
  state.changed = Date.now()
  state.answer = slow
  t.equal(await people.findWithinDeadline('mary'), 'unknown')
  state.answer = isDown
  t.equal(await people.findWithinDeadline('ada'), 'unknown')
  await t.rejects(people.find('ada'), { code: 'threescale_unavailable' })
  await t.rejects(people.lastKnown('ada'), { code: 'threescale_unavailable' })
  await t.rejects(people.reloadWithinDeadline('ada'), { code: 'threescale_unavailable' })
  state.answer = async () => undefined
  t.equal(await people.find('ada'), undefined)
})

t.test('after 3scale reported a change of the account, its users are read once more', async (t) => {
  const { state, people } = setting(async (name) => found(name))
  t.equal((await people.find('ada'))?.user.role, 'admin')
  state.accountChanged = Date.now()
  await sleep(5)
  state.answer = async (name) => found(name, 'member')
  for (let read = 0; read < 5; read++) t.equal((await people.find('ada'))?.user.role, 'member')
  t.equal(state.calls, 2)
})

t.test('while 3scale is down after it reported a change of the account, a caller is no admin', async (t) => {
  const { state, accounts } = setting(isDown)
  t.equal((await accounts.refreshCaller(caller))?.role, 'admin')
  state.accountChanged = Date.now()
  t.equal((await accounts.refreshCaller(caller))?.role, 'member')
})

t.test('a response that was in flight during a change is not used', async (t) => {
  let release = (_found: AccountUser) => {}
  const { state, people } = setting(() => new Promise((resolve) => (release = resolve)))
  const reading = people.find('ada')
  await sleep(20)
  state.changed = Date.now()
  const old = release
  state.answer = async (name) => found(name, 'member')
  await sleep(5)
  old(found('ada', 'admin'))
  t.equal((await reading)?.user.role, 'member')
})

t.test('a sign-in that ends after a change caches nothing that it read before', async (t) => {
  const { state, people } = setting(async () => undefined)
  state.changed = Date.now()
  await people.store(found('ada'))
  t.equal(await people.find('ada'), undefined)
})

t.test('a user with another spelling of the username is not found', async (t) => {
  const { people, accounts } = setting(async () => found('Ada'))
  t.equal(await people.find('ada'), undefined)
  t.equal(await accounts.refreshCaller(caller), undefined)
})

t.test('a session of a changed user has no admin rights until 3scale confirms them', async (t) => {
  const { state, accounts } = setting(isDown)
  t.match(await accounts.refreshCaller(caller), { role: 'admin' }, 'an unchanged user keeps the role')
  state.changed = Date.now()
  t.match(await accounts.refreshCaller(caller), { role: 'member' })
  state.answer = async (name) => found(name, 'admin')
  t.match(await accounts.refreshCaller(caller), { role: 'admin' }, 'as 3scale reports')
})
