import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createCache } from '../../src/clients/cache.js'
import { problem } from '../../src/errors.js'
import { type AccountsDeps, createAccounts } from '../../src/features/account/accounts.js'
import { createPeople } from '../../src/features/account/people.js'
import type { Found } from '../../src/features/account/standing.js'
import type { Caller } from '../../src/web/caller.js'

/** What the portal believes of a user whom it has just changed or removed itself. */
const log = { warn() {}, info() {} }

function found(username: string, role: 'admin' | 'member' = 'admin'): Found {
  const account = { id: 1, orgName: 'Analytical Engines', state: 'approved' }
  return { account, user: { id: 2, accountId: 1, username, role, state: 'active' } } as unknown as Found
}

/** 3scale answers with `answer`, which a test may change; `changed` is what the revocations say. */
function setting(answer: (username: string) => Promise<Found | undefined>) {
  const state = { answer, calls: 0, changed: -1 }
  const threescale = {
    findByUsername: async (username: string) => {
      state.calls++
      return state.answer(username)
    },
  }
  const cache = createCache({ prefix: 'test', log })
  const people = createPeople(threescale, cache, () => state.changed)
  const accounts = createAccounts({
    threescale,
    cache,
    claims: {},
    names: { usernamesOf: (_kind: string, subject: string) => [subject] },
    rules: {},
    repairs: {},
    changes: { changedAt: () => state.changed },
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

t.test('one call a minute, without a change', async (t) => {
  const { state, people } = setting(async (name) => found(name))
  for (let read = 0; read < 5; read++) t.equal((await people.find('ada'))?.user.username, 'ada')
  t.equal(state.calls, 1)
})

t.test('what was read before a change is not used, whether 3scale answers, is slow or is down', async (t) => {
  const { state, people } = setting(async (name) => found(name))
  t.ok(await people.find('ada'))
  t.ok(await people.find('mary'))
  state.changed = Date.now()
  state.answer = slow
  t.equal(await people.findSoon('mary'), 'unknown')
  state.answer = isDown
  t.equal(await people.findSoon('ada'), 'unknown')
  await t.rejects(people.find('ada'), { code: 'threescale_unavailable' })
  await t.rejects(people.recall('ada'), { code: 'threescale_unavailable' })
  await t.rejects(people.reloadSoon('ada'), { code: 'threescale_unavailable' })
  state.answer = async () => undefined
  t.equal(await people.find('ada'), undefined)
})

t.test('an answer that was on its way during a change is not used', async (t) => {
  let release = (_found: Found) => {}
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

t.test('a sign-in that ends after a change leaves no copy of what it read before', async (t) => {
  const { state, people } = setting(async () => undefined)
  state.changed = Date.now()
  await people.keep(found('ada'))
  t.equal(await people.find('ada'), undefined)
})

t.test('a user of another name is nobody', async (t) => {
  const { people, accounts } = setting(async () => found('Ada'))
  t.equal(await people.find('ada'), undefined)
  t.equal(await accounts.renewed(caller), undefined)
})

t.test('a session of a changed user has no rights of an admin until 3scale says so', async (t) => {
  const { state, accounts } = setting(isDown)
  t.match(await accounts.renewed(caller), { role: 'admin' }, 'who was not changed goes on')
  state.changed = Date.now()
  t.match(await accounts.renewed(caller), { role: 'member' })
  state.answer = async (name) => found(name, 'admin')
  t.match(await accounts.renewed(caller), { role: 'admin' }, 'as 3scale says')
})
