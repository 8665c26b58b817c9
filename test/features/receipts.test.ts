import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createCache } from '../../src/clients/cache.js'
import type { MappingRule, Application as Record3scale } from '../../src/clients/threescale/nouns.js'
import { problem } from '../../src/errors.js'
import { createAlone } from '../../src/features/account/alone.js'
import type { FoundModel } from '../../src/features/applications/applications.js'
import { createModelCalls, type Prepared } from '../../src/features/applications/model-calls.js'
import { createReceipts, type ReceiptsDeps } from '../../src/features/applications/receipts.js'
import type { Removal } from '../../src/features/applications/removals.js'
import { createRevocationCheck } from '../../src/features/applications/revocation-check.js'
import type { Model } from '../../src/features/models/schemas.js'
import type { Caller } from '../../src/web/caller.js'
import { modelOf } from '../snippets/fuzz.js'

const START = Date.parse('2026-03-01T10:00:00Z')
const caller = { kind: 'person', issuer: 'i', subject: 's', username: 'u', role: 'admin', accountId: 5 } as Caller
const refusal = { status: 403, text: 'Authentication failed' }
const accepted = { status: 200, text: '{}' }
type Mode = 'user_key' | 'app_id' | 'oidc'
type Answer = { status: number; text: string } | 'none'

const rules = [{ method: 'GET', pattern: '/v1/models', metric: 'hits', delta: 1, last: false }] as MappingRule[]
const records: Record<Mode, object> = {
  user_key: { userKey: 'the-old-key' },
  app_id: { appId: 'an-app' },
  oidc: { appId: 'a-client', clientSecret: 'the-old-key' },
}

function foundOf(mode: Mode): FoundModel {
  const names = { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' }
  const model: Model = {
    ...modelOf({ credentials: { mode, location: 'query', names } }),
    token_url: mode === 'oidc' ? 'https://sso.example.com/token' : null,
  }
  return { model, product: { id: 1 }, plans: [], applicationFields: [], rules } as unknown as FoundModel
}

interface Options extends Partial<ReceiptsDeps> {
  mode?: Mode
  /** what the removed key is answered, one after the other; the last one stays */
  old?: Answer[]
  unknown?: Answer
  held?: string[]
}

/** Receipts beside a gateway, a clock and timers that a test moves. */
function setUp({ mode = 'app_id', old = [refusal], unknown = refusal, held = [], ...deps }: Options = {}) {
  let at = START
  const sent: { what: 'old' | 'unknown'; at: number }[] = []
  const timers: { at: number; work: () => void }[] = []
  const completed: Removal[] = []
  let [reads, describes] = [0, 0]
  const gateway = {
    async call({ url, headers }: Prepared) {
      const basic = Buffer.from(headers.authorization?.split(' ')[1] ?? '', 'base64').toString()
      const what = `${url.search}${basic}`.includes('the-old-key') ? 'old' : 'unknown'
      const before = sent.filter((one) => one.what === 'old').length
      sent.push({ what, at: at - START })
      const answer = what === 'unknown' ? unknown : (old[before] ?? old.at(-1) ?? refusal)
      if (answer === 'none') throw problem('gateway_unavailable')
      return { ...answer, ms: 1, headers: {} }
    },
  }
  const now = () => at
  const cache = createCache({ prefix: 'test', log: { warn() {}, info() {} }, now })
  const kept = { fresh: 86_400, keep: 86_400 }
  const all: ReceiptsDeps = {
    check: createRevocationCheck({
      calls: createModelCalls({ gateway, keys: { ready: async () => {} } }),
      gateway,
      wait: async (ms) => {
        at += ms
      },
    }),
    models: {
      describe: async () => {
        describes++
        return foundOf(mode)
      },
    },
    store: cache.cached<Removal | null>('receipts', kept, async () => null),
    recent: cache.cached<string[]>('recent', kept, async () => []),
    heldValues: async () => {
      reads++
      return held
    },
    oneAtATime: createAlone(undefined),
    completed: (removal) => completed.push(removal),
    appKeySeconds: 60,
    log: { warn() {} },
    now,
    later: (ms, work) => timers.push({ at: at + ms, work }),
    ...deps,
  }
  const receipts = createReceipts(all)
  return {
    receipts,
    all,
    sent,
    timers,
    completed,
    counts: () => ({ reads, describes }),
    remove: (id = 7, { available = true } = {}) => {
      const record = { id, productId: 1, name: 'Chat bot', fields: {}, ...records[mode] } as unknown as Record3scale
      return receipts.removed(caller, {
        record,
        found: available ? foundOf(mode) : undefined,
        value: 'the-old-key',
        replaced: false,
      })
    },
    /** moves the clock, and lets timers that are due run to their end */
    async pass(ms: number) {
      for (const until = at + ms; ; ) {
        const next = timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0]
        if (!next) {
          at = Math.max(at, until)
          return
        }
        timers.splice(timers.indexOf(next), 1)
        at = Math.max(at, next.at)
        next.work()
        await sleep(5)
      }
    },
  }
}

t.test('a removed app_key is not sent before the minute is over, and an unknown key goes first', async (t) => {
  const { remove, receipts, sent, pass, completed, counts } = setUp()
  const receipt = await remove()
  t.match(receipt, {
    application_id: 7,
    status: 'pending',
    removed_at: '2026-03-01T10:00:00.000Z',
    accepted_until: '2026-03-01T10:01:05.000Z',
    check_at: '2026-03-01T10:01:05.000Z',
    checked_at: null,
    refused: null,
    reason: null,
    requests: 0,
  })
  t.match(receipt.note, 'caches the status of an application key for up to 60 seconds')
  await pass(64_999)
  t.same([sent, counts()], [[], { reads: 0, describes: 0 }], 'the caller and the minute cost nothing')
  t.equal((await receipts.read(caller, 7, receipt.key_id)).receipt.status, 'pending')
  await pass(1)
  t.same(sent, [
    { what: 'unknown', at: 65_000 },
    { what: 'old', at: 65_000 },
    { what: 'old', at: 65_200 },
  ])
  const done = await receipts.read(caller, 7, receipt.key_id)
  t.match(done.receipt, {
    status: 'completed',
    checked_at: '2026-03-01T10:01:05.200Z',
    refused: true,
    reason: null,
    requests: 2,
    request: { method: 'GET', path: '/v1/models' },
    note: /refused it when this was checked/,
  })
  t.equal(done.application, undefined, 'the key is no longer kept')
  t.same(
    completed.map(({ receipt: { key_id }, by }) => [key_id, by.username]),
    [[receipt.key_id, 'u']],
    'it is reported once',
  )
  t.notMatch(JSON.stringify([receipt, done]), 'the-old-key')
  t.same(counts(), { reads: 0, describes: 1 }, 'no call to 3scale')
  await pass(86_400_000)
  await t.rejects(receipts.read(caller, 7, receipt.key_id), { code: 'not_found' }, 'after a day it is gone')
})

t.test('each mode has its time', async (t) => {
  for (const [mode, due, until] of [
    ['user_key', 2000, '2026-03-01T10:00:02.000Z'],
    ['app_id', 65_000, '2026-03-01T10:01:05.000Z'],
    ['oidc', 5000, null],
  ] as const) {
    const { remove, pass, sent, receipts } = setUp({
      mode,
      unknown: mode === 'oidc' ? { status: 401, text: '1' } : refusal,
      old: mode === 'oidc' ? [{ status: 400, text: '2' }] : [refusal],
    })
    const { key_id, accepted_until, note } = await remove()
    t.equal(accepted_until, until, mode)
    await pass(due - 1)
    t.same(sent, [], mode)
    await pass(1)
    t.same(
      sent.map(({ what }) => what),
      ['unknown', 'old', 'old'],
      mode,
    )
    const { receipt } = await receipts.read(caller, 7, key_id)
    t.match(receipt, { refused: true, request: { path: mode === 'oidc' ? '/token' : '/v1/models' } }, mode)
    if (mode === 'oidc') t.match(note + receipt.note, /Access tokens .* remain valid until they expire/)
  }
})

t.test('never more than three requests with the removed key, whatever is answered', async (t) => {
  const refused = { refused: true, reason: null }
  for (const [name, old, requests, result] of [
    ['a gateway that accepts a cached key once more', [accepted, refusal], 3, refused],
    ['two pods that do', [accepted, accepted, refusal], 3, refused],
    ['still accepted', [accepted], 3, { refused: false, reason: null }],
    [
      'over its limit, so it was accepted',
      [{ status: 429, text: 'Usage limit exceeded' }],
      3,
      { refused: false, reason: null },
    ],
    ['no response', ['none'], 3, { refused: null, reason: 'no_response' }],
    ['a server error', [{ status: 502, text: '' }], 3, { refused: null, reason: 'no_response' }],
    ['one response is missing', ['none', refusal], 3, refused],
    [
      'refused in another way than an unknown key',
      [{ status: 403, text: 'Blocked' }],
      3,
      { refused: false, reason: null },
    ],
  ] as [string, Answer[], number, object][]) {
    const { remove, pass, sent, receipts, completed, counts } = setUp({ old })
    const { key_id } = await remove()
    await pass(3_600_000)
    const { receipt } = await receipts.read(caller, 7, key_id)
    t.match(receipt, { status: 'completed', requests, ...result }, name)
    t.equal(sent.filter(({ what }) => what === 'old').length, requests, name)
    t.equal(completed.length, 1, name)
    t.equal(
      counts().reads,
      receipt.refused === false ? 1 : 0,
      `${name}: 3scale is asked only before it is called accepted`,
    )
    const times = sent.map(({ at }) => at)
    if (old[0] === accepted) t.ok((times[2] ?? 0) - (times[1] ?? 0) >= 1000, `${name}: the gateway has asked meanwhile`)
  }
})

t.test(
  'a gateway that does not answer an unknown key is tried three times, and the removed key is never sent',
  async (t) => {
    const { remove, pass, sent, receipts } = setUp({ unknown: 'none' })
    const { key_id } = await remove()
    await pass(65_000)
    t.match((await receipts.read(caller, 7, key_id)).receipt, {
      status: 'pending',
      check_at: '2026-03-01T10:01:10.000Z',
    })
    await pass(3_600_000)
    t.same(
      sent.map(({ what, at }) => `${what} ${at}`),
      ['unknown 65000', 'unknown 70000', 'unknown 75000'],
    )
    t.match((await receipts.read(caller, 7, key_id)).receipt, {
      status: 'completed',
      refused: null,
      reason: 'no_response',
      requests: 0,
    })
  },
)

t.test('what cannot be checked is said at once, or without a request', async (t) => {
  const open = setUp({ unknown: accepted })
  const { key_id } = await open.remove()
  await open.pass(65_000)
  t.match(
    (await open.receipts.read(caller, 7, key_id)).receipt,
    { refused: null, reason: 'inconclusive', requests: 0 },
    'any key is accepted',
  )

  const gone = setUp({ models: { describe: async () => undefined } })
  await gone.remove()
  await gone.pass(65_000)
  t.match(gone.completed, [{ receipt: { reason: 'model_not_available', checked_at: null, requests: 0 } }])
  const missing = setUp()
  t.match(await missing.remove(7, { available: false }), { status: 'completed', reason: 'model_not_available' })
  t.equal(missing.timers.length, 0)

  const same = setUp({ old: [accepted], held: ['the-old-key'] })
  await same.remove()
  await same.pass(65_000 + 3000)
  t.match(same.completed, [{ receipt: { refused: null, reason: 'key_in_use' } }], 'added again meanwhile')

  const full = setUp({ mostPending: 2 })
  const results = [await full.remove(1), await full.remove(2), await full.remove(3)]
  t.same(
    results.map(({ status, reason }) => reason ?? status),
    ['pending', 'pending', 'too_many_checks'],
  )
  await full.pass(65_000)
  t.match(await full.remove(4), { status: 'pending' }, 'there is room again')
})

t.test('the process that removed the key ends: another one checks it when its receipt is read', async (t) => {
  const first = setUp()
  const { key_id } = await first.remove()
  // the second one has the same store, as through Redis, and none of the timers
  const { store, recent, now = Date.now } = first.all
  const second = setUp({ store, recent, now })
  first.timers.length = 0
  t.equal((await second.receipts.read(caller, 7, key_id)).receipt.status, 'pending')
  await first.pass(75_000)
  await second.receipts.read(caller, 7, key_id)
  t.equal(second.timers.length, 0, 'it is due, but the first process may be at it')
  await first.pass(1)
  for (let each = 0; each < 3; each++)
    t.equal((await second.receipts.read(caller, 7, key_id)).receipt.status, 'pending', 'nobody waits for the check')
  t.equal(second.timers.length, 1, 'it is started once')
  await second.pass(80_000)
  t.match((await second.receipts.read(caller, 7, key_id)).receipt, { status: 'completed', refused: true, requests: 2 })
  t.same(first.sent, [])
})

t.test('a check that was cut off goes on with what is left of the three requests', async (t) => {
  for (const [requests, more, result] of [
    [1, 2, { refused: true, requests: 3 }],
    [2, 1, { refused: true, requests: 3 }],
    [3, 0, { refused: null, reason: 'interrupted', requests: 3 }],
  ] as const) {
    const { remove, pass, sent, receipts, all } = setUp()
    const { key_id } = await remove()
    const removal = await receipts.read(caller, 7, key_id)
    await all.store.put(`5/7/${key_id}`, { ...removal, receipt: { ...removal.receipt, requests } })
    await pass(65_000)
    t.match((await receipts.read(caller, 7, key_id)).receipt, { status: 'completed', ...result })
    t.equal(sent.filter(({ what }) => what === 'old').length, more)
  }
})

t.test('another account finds no receipt, and an application has its own', async (t) => {
  const { remove, receipts, pass } = setUp()
  const { key_id } = await remove(7)
  await remove(8)
  const stranger = { ...caller, accountId: 6 }
  await t.rejects(receipts.read(stranger, 7, key_id), { code: 'not_found' })
  await t.rejects(receipts.read(caller, 8, key_id), { code: 'not_found' })
  await t.rejects(receipts.read(caller, 7, '0'.repeat(16)), { code: 'not_found' })
  t.same(await receipts.listRecent(stranger, 7), [])
  t.match(await receipts.listRecent(caller, 7), [{ key_id, status: 'pending' }])
  await pass(65_000)
  t.match(await receipts.listRecent(caller, 7), [{ key_id, status: 'completed' }])
})

t.test(
  'a check that fails for another reason is logged without the key, and is made when the receipt is read',
  async (t) => {
    const lines: object[] = []
    let broken = true
    const { remove, receipts, pass, sent } = setUp({
      log: { warn: (details) => void lines.push(details) },
      models: {
        describe: async () => {
          if (broken) throw problem('threescale_unavailable')
          return foundOf('app_id')
        },
      },
    })
    const { key_id } = await remove()
    await pass(65_000)
    t.equal(lines.length, 1)
    t.notMatch(JSON.stringify(lines), 'the-old-key')
    broken = false
    await pass(11_000)
    t.equal((await receipts.read(caller, 7, key_id)).receipt.status, 'pending')
    await pass(1000)
    t.match((await receipts.read(caller, 7, key_id)).receipt, { status: 'completed', refused: true })
    t.equal(sent.filter(({ what }) => what === 'old').length, 2)
  },
)
