import t from 'tap'
import type { Application as Record3scale } from '../../src/clients/threescale/nouns.js'
import { problem } from '../../src/errors.js'
import type { FoundModel } from '../../src/features/applications/applications.js'
import type { Verdict } from '../../src/features/applications/gateway-check.js'
import { createKeyRepair, type GatewayRecord } from '../../src/features/applications/key-repair.js'
import { makeKey, renewedKey } from '../../src/features/applications/keys.js'

const secret = Buffer.from('secret')
const today = new Date('2026-03-01T12:00:00Z')
const found = { model: { credentials: { mode: 'app_id' } }, plans: [], applicationFields: [] } as unknown as FoundModel
const byKey = {
  model: { credentials: { mode: 'user_key' } },
  plans: [],
  applicationFields: [],
} as unknown as FoundModel
const generated = (attempt: string) => makeKey({ account: 5, attempt }, today)

interface SetUp {
  keys?: string[]
  record?: Partial<Record3scale>
  known?: GatewayRecord
  says?: (key: string) => Verdict
  /** which writes fail, by their text */
  fails?: (write: string) => Error | undefined
}

/** An application with these keys, and what is written of it. */
function setUp({ keys = [], record = {}, known, says = () => 'accepted', fails = () => undefined }: SetUp) {
  const held = [...keys]
  const writes: string[] = []
  const records = new Map<string, GatewayRecord>(known ? [['7', known]] : [])
  const asked: string[] = []
  const write = async (text: string, change: () => void = () => {}) => {
    writes.push(text)
    const failure = fails(text)
    if (failure) throw failure
    change()
  }
  const row = { id: 7, name: 'Chat bot', state: 'live', createdAt: '2026-03-01T10:00:00Z', fields: {}, ...record }
  const application = { accountId: 5, record: row as unknown as Record3scale, found: row.userKey ? byKey : found }
  let least = held.length
  const repair = createKeyRepair({
    threescale: {
      listKeys: async () => held.map((value) => ({ value, createdAt: '2026-03-01T10:00:00Z' })),
      addKey: (_account, _id, value) => write(`add ${value}`, () => held.push(value)),
      deleteKey: (_account, _id, value) =>
        write(`delete ${value}`, () => {
          held.splice(held.indexOf(value), 1)
          least = Math.min(least, held.length)
        }),
      readApplication: async () => application.record,
      updateApplication: async (_account, _id, change) => {
        await write(`put ${change.userKey ?? change.name}`)
        return application.record
      },
    },
    records: {
      get: async (key) => ({ value: records.get(key) ?? null }),
      put: async (key, value) => void records.set(key, value),
    },
    check: async (_found, { credentials }) => {
      const [key = ''] = credentials.app_keys ?? []
      asked.push(key)
      return says(key)
    },
    keys: { changed: () => {} },
    secret,
    wait: async () => {},
  })
  return { repair, application, writes, held, asked, record: () => records.get('7'), least: () => least }
}

t.test('what is in step costs nothing; a single key is written again, and nobody is asked', async (t) => {
  const well = setUp({ keys: ['a-key'], known: { state: 'in_step' } })
  t.equal(await well.repair.ensure(well.application), false)
  t.same([well.writes, well.asked], [[], []])
  const single = setUp({ record: { userKey: 'one' } })
  t.equal(await single.repair.ensure(single.application), true)
  t.same([single.writes, single.asked, single.record()], [['put Chat bot'], [], { state: 'in_step' }])
})

t.test('of an application with keys of which nothing is known the gateway is asked', async (t) => {
  const [one, two] = [generated('one'), generated('two')]
  const accepted = setUp({ keys: [one, two] })
  t.equal(await accepted.repair.ensure(accepted.application), false)
  t.same([accepted.asked, accepted.writes], [[one, two], []])

  const refused = setUp({ keys: [one, two], says: (key) => (key === two ? 'refused' : 'accepted') })
  t.equal(await refused.repair.ensure(refused.application), true)
  const other = renewedKey(secret, two)
  t.match(other, /^maas_/)
  t.same(
    refused.writes,
    ['put Chat bot', `add ${other}`, `delete ${two}`],
    'what was refused once stays so for a minute',
  )
  t.same(refused.held, [one, other])

  const five = [one, 'custom-1', 'custom-2', 'custom-3', two]
  const full = setUp({ keys: five, says: (key) => (key === two ? 'refused' : 'accepted') })
  await full.repair.ensure(full.application)
  t.same(full.writes, ['put Chat bot', `delete ${two}`, `add ${other}`], 'there is no room for a sixth')

  const own = setUp({ keys: ['custom-1'], says: () => 'refused' })
  await own.repair.ensure(own.application)
  t.same(own.held, ['custom-1'], 'a chosen value stays')
  t.equal(own.least(), 1, 'the application is never without keys')

  for (const verdict of ['open', 'unknown'] as const) {
    const doubted = setUp({ keys: [one], says: () => verdict })
    await doubted.repair.ensure(doubted.application)
    t.same([doubted.held, doubted.least(), doubted.writes.length], [[one], 1, 5], verdict)
  }
  const waiting = setUp({ keys: [one], record: { state: 'pending' } })
  await waiting.repair.ensure(waiting.application)
  t.same([waiting.asked, waiting.held], [[], [one]], 'of one that waits for approval nothing can be asked')
})

t.test('a repair that was cut off leaves no spare key', async (t) => {
  const one = generated('one')
  const spare = renewedKey(secret, one) ?? ''
  const both = setUp({ keys: [one, spare] })
  t.equal(await both.repair.ensure(both.application), true)
  t.same([both.writes, both.held], [[`delete ${spare}`], [one]])
  const half = setUp({ keys: [one, spare], says: (key) => (key === spare ? 'accepted' : 'refused') })
  await half.repair.ensure(half.application)
  t.same([half.writes, half.held], [['put Chat bot', `delete ${one}`], [spare]])
})

t.test('a user_key whose replacement the back-end missed is put back, then replaced again', async (t) => {
  const known: GatewayRecord = { state: 'behind', replaced: ['old', 'new'] }
  const single = setUp({ record: { userKey: 'new' }, known })
  await single.repair.ensure(single.application)
  t.same(single.writes, ['put old', 'put new'])
  const taken = (text: string) => (text === 'put old' ? problem('invalid_fields') : undefined)
  const lost = setUp({ record: { userKey: 'new' }, known, fails: taken })
  await lost.repair.ensure(lost.application)
  t.same([lost.writes, lost.record()], [['put old', 'put new'], { state: 'in_step' }], 'somebody else has it now')
})

t.test('two replicas that write the same at once: MySQL ends one, which is sent again', async (t) => {
  let deadlocks = 1
  const single = setUp({
    record: { userKey: 'one' },
    fails: () => (deadlocks-- > 0 ? problem('threescale_unavailable') : undefined),
  })
  await single.repair.ensure(single.application)
  t.same(single.writes, ['put Chat bot', 'put Chat bot'])
  const one = generated('one')
  const both = setUp({
    keys: [one],
    says: () => 'refused',
    fails: (text) => {
      if (!text.startsWith('add')) return undefined
      both.held.push(text.slice(4))
      return problem('conflict')
    },
  })
  await both.repair.ensure(both.application)
  t.same(both.held, [renewedKey(secret, one)], '"taken": the other replica has added it')
})

t.test('where it cannot be done now it is noted, with what the back-end may still accept', async (t) => {
  const down = () => problem('threescale_unavailable')
  const single = setUp({ record: { userKey: 'new' }, fails: down })
  const change = single.repair.change(single.application, {
    send: async () => {
      throw down()
    },
    stored: async () => 'stored',
    replaces: 'old',
  })
  await t.rejects(change, { code: 'key_not_usable', application: 7 })
  t.same(single.record(), { state: 'behind', replaced: ['old'] })
  t.equal(await single.repair.isNeeded(7), true)
})

t.test('a write: refused, lost, of unknown outcome, or done', async (t) => {
  const known: GatewayRecord = { state: 'in_step' }
  const refused = setUp({ keys: ['a-key'], known })
  const send = async () => {
    throw problem('invalid_fields')
  }
  await t.rejects(refused.repair.change(refused.application, { send, stored: async () => 1 }), {
    code: 'invalid_fields',
  })
  t.same([refused.record(), refused.writes], [known, []])

  const lost = async () => {
    throw problem('threescale_unavailable')
  }
  const nothing = setUp({ keys: ['a-key'], known })
  const outcome = nothing.repair.change(nothing.application, { send: lost, stored: async () => undefined })
  await t.rejects(outcome, { code: 'threescale_unavailable' })
  t.same(nothing.record(), known, 'nothing is stored')

  const unseen = setUp({ keys: ['a-key'], known })
  await t.rejects(unseen.repair.change(unseen.application, { send: lost, stored: lost }), {
    code: 'threescale_unavailable',
  })
  t.match(unseen.record(), { state: 'changing' }, 'a repeat has to look')

  const stored = setUp({ keys: ['first-key', 'new-key'], known })
  t.match(
    await stored.repair.change(stored.application, { send: lost, stored: async () => 'new', keys: ['new-key'] }),
    { result: 'new', isRewritten: true },
  )
  t.same(stored.writes, ['put Chat bot', 'delete new-key', 'add new-key'], 'the other keys are left alone')

  const done = setUp({ keys: ['first-key'], known })
  t.match(await done.repair.change(done.application, { send: async () => 'done', stored: lost }), {
    result: 'done',
    isRewritten: false,
  })
  t.same([done.writes, done.record()], [[], known])
})
