import t from 'tap'
import type { ThreescaleApplication } from '../../../../../src/clients/threescale/types.js'
import { problem } from '../../../../../src/errors.js'
import type { CatalogueModel } from '../../../../../src/features/applications/applications.js'
import type { GatewayVerdict } from '../../../../../src/features/applications/keys/gateway-sync/gateway-check.js'
import {
  createKeyRepair,
  type GatewayRecord,
} from '../../../../../src/features/applications/keys/gateway-sync/key-repair.js'
import { deriveReplacementKey, generateKey } from '../../../../../src/features/applications/keys/key-format.js'
import { deriveKeys } from '../../../../../src/infra/crypto/secrets.js'

const [secret] = deriveKeys(['secret'], 'keys')
const today = new Date('2026-03-01T12:00:00Z')
const entry = {
  model: { credentials: { mode: 'app_id' } },
  plans: [],
  applicationFields: [],
} as unknown as CatalogueModel
const byKey = {
  model: { credentials: { mode: 'user_key' } },
  plans: [],
  applicationFields: [],
} as unknown as CatalogueModel
const generated = (attempt: string) => generateKey({ account: 5, attempt }, today)

interface SetUp {
  keys?: string[]
  record?: Partial<ThreescaleApplication>
  known?: GatewayRecord
  says?: (key: string) => GatewayVerdict
  /** the error of a write, by its text */
  fails?: (write: string) => Error | undefined
}

/** Key repair for an application with these keys; `writes` are the calls that change it. */
function setUp({ keys = [], record = {}, known, says = () => 'accepted', fails = () => undefined }: SetUp) {
  const current = [...keys]
  const writes: string[] = []
  const records = new Map<string, GatewayRecord>(known ? [['7', known]] : [])
  const requested: string[] = []
  const write = async (text: string, change: () => void = () => {}) => {
    writes.push(text)
    const failure = fails(text)
    if (failure) throw failure
    change()
  }
  const row = { id: 7, name: 'Chat bot', state: 'live', createdAt: '2026-03-01T10:00:00Z', fields: {}, ...record }
  const application = {
    accountId: 5,
    record: row as unknown as ThreescaleApplication,
    entry: row.userKey ? byKey : entry,
  }
  let least = current.length
  const repair = createKeyRepair({
    threescale: {
      listKeys: async () => current.map((value) => ({ value, createdAt: '2026-03-01T10:00:00Z' })),
      addKey: (_account, _id, value) => write(`add ${value}`, () => current.push(value)),
      deleteKey: (_account, _id, value) =>
        write(`delete ${value}`, () => {
          current.splice(current.indexOf(value), 1)
          least = Math.min(least, current.length)
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
      requested.push(key)
      return says(key)
    },
    readiness: { markChanged: () => {} },
    secret,
    wait: async () => {},
  })
  return {
    repair,
    application,
    writes,
    held: current,
    asked: requested,
    record: () => records.get('7'),
    least: () => least,
  }
}

t.test('an application in sync needs no call, and a single key is written again without a gateway check', async (t) => {
  const well = setUp({ keys: ['a-key'], known: { state: 'in_sync' } })
  t.equal(await well.repair.ensure(well.application), false)
  t.same([well.writes, well.asked], [[], []])
  const single = setUp({ record: { userKey: 'one' } })
  t.equal(await single.repair.ensure(single.application), true)
  t.same([single.writes, single.asked, single.record()], [['put Chat bot'], [], { state: 'in_sync' }])
})

t.test('keys with an unknown state are checked at the gateway', async (t) => {
  const [one, two] = [generated('one'), generated('two')]
  const accepted = setUp({ keys: [one, two] })
  t.equal(await accepted.repair.ensure(accepted.application), false)
  t.same([accepted.asked, accepted.writes], [[one, two], []])

  const refused = setUp({ keys: [one, two], says: (key) => (key === two ? 'refused' : 'accepted') })
  t.equal(await refused.repair.ensure(refused.application), true)
  const other = deriveReplacementKey(secret, two)
  t.match(other, /^maas_/)
  t.same(
    refused.writes,
    ['put Chat bot', `add ${other}`, `delete ${two}`],
    'the gateway caches a rejection for a minute',
  )
  t.same(refused.held, [one, other])

  const five = [one, 'custom-1', 'custom-2', 'custom-3', two]
  const full = setUp({ keys: five, says: (key) => (key === two ? 'refused' : 'accepted') })
  await full.repair.ensure(full.application)
  t.same(full.writes, ['put Chat bot', `delete ${two}`, `add ${other}`], 'five keys are the maximum')

  const own = setUp({ keys: ['custom-1'], says: () => 'refused' })
  await own.repair.ensure(own.application)
  t.same(own.held, ['custom-1'], 'a custom value is preserved')
  t.equal(own.least(), 1, 'the application always has a key')

  for (const verdict of ['open', 'unknown'] as const) {
    const doubted = setUp({ keys: [one], says: () => verdict })
    await doubted.repair.ensure(doubted.application)
    t.same([doubted.held, doubted.least(), doubted.writes.length], [[one], 1, 5], verdict)
  }
  const waiting = setUp({ keys: [one], record: { state: 'pending' } })
  await waiting.repair.ensure(waiting.application)
  t.same([waiting.asked, waiting.held], [[], [one]], 'an application that waits for approval cannot be checked')
})

t.test('an interrupted repair leaves no extra key', async (t) => {
  const one = generated('one')
  const spare = deriveReplacementKey(secret, one) ?? ''
  const both = setUp({ keys: [one, spare] })
  t.equal(await both.repair.ensure(both.application), true)
  t.same([both.writes, both.held], [[`delete ${spare}`], [one]])
  const half = setUp({ keys: [one, spare], says: (key) => (key === spare ? 'accepted' : 'refused') })
  await half.repair.ensure(half.application)
  t.same([half.writes, half.held], [['put Chat bot', `delete ${one}`], [spare]])
})

t.test('a replaced user_key that the back-end missed is restored and replaced again', async (t) => {
  const known: GatewayRecord = { state: 'behind', replaced: ['outdated', 'new'] }
  const single = setUp({ record: { userKey: 'new' }, known })
  await single.repair.ensure(single.application)
  t.same(single.writes, ['put outdated', 'put new'])
  const taken = (text: string) => (text === 'put outdated' ? problem('invalid_fields') : undefined)
  const lost = setUp({ record: { userKey: 'new' }, known, fails: taken })
  await lost.repair.ensure(lost.application)
  t.same(
    [lost.writes, lost.record()],
    [['put outdated', 'put new'], { state: 'in_sync' }],
    'another application uses the value',
  )
})

t.test('two replicas that repair the same key at the same time succeed despite a deadlock', async (t) => {
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
  t.same(both.held, [deriveReplacementKey(secret, one)], '"taken": the other replica has added it')
})

t.test('a failed repair is recorded with the key that the back-end may still accept', async (t) => {
  const down = () => problem('threescale_unavailable')
  const single = setUp({ record: { userKey: 'new' }, fails: down })
  const change = single.repair.change(single.application, {
    send: async () => {
      throw down()
    },
    stored: async () => 'stored',
    replaces: 'outdated',
  })
  await t.rejects(change, { code: 'key_not_usable', application: 7 })
  t.same(single.record(), { state: 'behind', replaced: ['outdated'] })
  t.equal(await single.repair.isRequired(7), true)
})

t.test('a write is rejected, lost, of unknown outcome, or successful, and its record is updated', async (t) => {
  const known: GatewayRecord = { state: 'in_sync' }
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
  t.match(unseen.record(), { state: 'changing' }, 'a repeated request has to check')

  const stored = setUp({ keys: ['first-key', 'new-key'], known })
  t.match(
    await stored.repair.change(stored.application, { send: lost, stored: async () => 'new', keys: ['new-key'] }),
    { result: 'new', isRewritten: true },
  )
  t.same(stored.writes, ['put Chat bot', 'delete new-key', 'add new-key'], 'the other keys are unchanged')

  const done = setUp({ keys: ['first-key'], known })
  t.match(await done.repair.change(done.application, { send: async () => 'done', stored: lost }), {
    result: 'done',
    isRewritten: false,
  })
  t.same([done.writes, done.record()], [[], known])
})
