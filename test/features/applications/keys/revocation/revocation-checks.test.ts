import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { MappingRule, ThreescaleApplication } from '../../../../../src/clients/threescale/types.js'
import { problem } from '../../../../../src/errors.js'
import type { CatalogueModel } from '../../../../../src/features/applications/applications.js'
import { createRevocationCheck } from '../../../../../src/features/applications/keys/revocation/revocation-check.js'
import {
  createRevocationChecks,
  type RevocationChecksDeps,
} from '../../../../../src/features/applications/keys/revocation/revocation-checks.js'
import type { RevokedKey } from '../../../../../src/features/applications/keys/revocation/revoked-key.js'
import type { Model } from '../../../../../src/features/models/schemas.js'
import { createCache } from '../../../../../src/infra/cache.js'
import { createLock } from '../../../../../src/infra/lock.js'
import { createModelCalls, type PreparedRequest } from '../../../../../src/model-calls/gateway-requests.js'
import type { Caller } from '../../../../../src/web/auth/caller.js'
import { modelOf } from '../../../../helper/models.js'

const START = Date.parse('2026-03-01T10:00:00Z')
const caller = { kind: 'person', issuer: 'i', subject: 's', username: 'u', role: 'admin', accountId: 5 } as Caller
const refusal = { status: 403, text: 'Authentication failed' }
const accepted = { status: 200, text: '{}' }
type Mode = 'user_key' | 'app_id' | 'oidc'
type Answer = { status: number; text: string } | 'none'

const rules = [{ method: 'GET', pattern: '/v1/models', metric: 'hits', delta: 1, last: false }] as MappingRule[]
const records: Record<Mode, object> = {
  user_key: { userKey: 'the-revoked-key' },
  app_id: { appId: 'an-app' },
  oidc: { appId: 'a-client', clientSecret: 'the-revoked-key' },
}

function foundOf(mode: Mode): CatalogueModel {
  const names = { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' }
  const model: Model = {
    ...modelOf({ credentials: { mode, location: 'query', names } }),
    token_url: mode === 'oidc' ? 'https://sso.example.com/token' : null,
  }
  return { model, product: { id: 1 }, plans: [], applicationFields: [], rules } as unknown as CatalogueModel
}

interface Options extends Partial<RevocationChecksDeps> {
  mode?: Mode
  /** Responses to the revoked key, in order; the last one is repeated. */
  revoked?: Answer[]
  unknown?: Answer
  held?: string[]
}

/** Revocation checks with a gateway, a clock and timers that a test controls. */
function setUp({ mode = 'app_id', revoked = [refusal], unknown = refusal, held: current = [], ...deps }: Options = {}) {
  let at = START
  const sent: { what: 'revoked' | 'unknown'; at: number }[] = []
  const timers: { at: number; work: () => void }[] = []
  const completed: RevokedKey[] = []
  let [reads, describes] = [0, 0]
  const gateway = {
    async call({ url, headers }: PreparedRequest) {
      const basic = Buffer.from(headers.authorization?.split(' ')[1] ?? '', 'base64').toString()
      const what = `${url.search}${basic}`.includes('the-revoked-key') ? 'revoked' : 'unknown'
      const before = sent.filter((one) => one.what === 'revoked').length
      sent.push({ what, at: at - START })
      const answer = what === 'unknown' ? unknown : (revoked[before] ?? revoked.at(-1) ?? refusal)
      if (answer === 'none') throw problem('gateway_unavailable')
      return { ...answer, ms: 1, headers: {} }
    },
  }
  const now = () => at
  const cache = createCache({ prefix: 'test', log: { warn() {}, info() {} }, now })
  const lifetime = { freshSeconds: 86_400, maxAgeSeconds: 86_400 }
  const all: RevocationChecksDeps = {
    runner: createRevocationCheck({
      calls: createModelCalls({ gateway, readiness: { waitUntilReady: async () => {} } }),
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
    store: cache.cached<RevokedKey | null>('revocation-checks', lifetime, async () => null),
    recent: cache.cached<string[]>('recent', lifetime, async () => []),
    currentValues: async () => {
      reads++
      return current
    },
    withLock: createLock(undefined),
    completed: (removal) => completed.push(removal),
    appKeySeconds: 60,
    log: { warn() {} },
    now,
    later: (ms, work) => timers.push({ at: at + ms, work }),
    ...deps,
  }
  const revocationChecks = createRevocationChecks(all)
  return {
    revocationChecks,
    all,
    sent,
    timers,
    completed,
    counts: () => ({ reads, describes }),
    remove: (id = 7, { available = true } = {}) => {
      const record = {
        id,
        productId: 1,
        name: 'Chat bot',
        fields: {},
        ...records[mode],
      } as unknown as ThreescaleApplication
      return revocationChecks.schedule(caller, {
        record,
        entry: available ? foundOf(mode) : undefined,
        value: 'the-revoked-key',
        replaced: false,
      })
    },
    /** Advances the clock and completes the timers that are due. */
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

t.test('a revoked app_key is checked after the gateway cache expires, starting with an unknown key', async (t) => {
  const { remove, revocationChecks, sent, pass, completed, counts } = setUp()
  const check = await remove()
  t.match(check, {
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
  t.match(check.note, 'caches the status of an application key for up to 60 seconds')
  await pass(64_999)
  t.same([sent, counts()], [[], { reads: 0, describes: 0 }], 'neither the caller nor the waiting time costs a call')
  t.equal((await revocationChecks.read(caller, 7, check.key_id)).check.status, 'pending')
  await pass(1)
  t.same(sent, [
    { what: 'unknown', at: 65_000 },
    { what: 'revoked', at: 65_000 },
    { what: 'revoked', at: 65_200 },
  ])
  const done = await revocationChecks.read(caller, 7, check.key_id)
  t.match(done.check, {
    status: 'completed',
    checked_at: '2026-03-01T10:01:05.200Z',
    refused: true,
    reason: null,
    requests: 2,
    request: { method: 'GET', path: '/v1/models' },
    note: /rejected the key when it was checked/,
  })
  t.equal(done.application, undefined, 'the key is no longer stored')
  t.same(
    completed.map(({ check: { key_id }, revokedBy }) => [key_id, revokedBy.username]),
    [[check.key_id, 'u']],
    'the result is reported once',
  )
  t.notMatch(JSON.stringify([check, done]), 'the-revoked-key')
  t.same(counts(), { reads: 0, describes: 1 }, 'no call to 3scale')
  await pass(86_400_000)
  await t.rejects(revocationChecks.read(caller, 7, check.key_id), { code: 'not_found' }, 'after a day it is gone')
})

t.test('each credential mode has its own waiting time', async (t) => {
  for (const [mode, due, until] of [
    ['user_key', 2000, '2026-03-01T10:00:02.000Z'],
    ['app_id', 65_000, '2026-03-01T10:01:05.000Z'],
    ['oidc', 5000, null],
  ] as const) {
    const { remove, pass, sent, revocationChecks } = setUp({
      mode,
      unknown: mode === 'oidc' ? { status: 401, text: '1' } : refusal,
      revoked: mode === 'oidc' ? [{ status: 400, text: '2' }] : [refusal],
    })
    const { key_id, accepted_until, note } = await remove()
    t.equal(accepted_until, until, mode)
    await pass(due - 1)
    t.same(sent, [], mode)
    await pass(1)
    t.same(
      sent.map(({ what }) => what),
      ['unknown', 'revoked', 'revoked'],
      mode,
    )
    const { check } = await revocationChecks.read(caller, 7, key_id)
    t.match(check, { refused: true, request: { path: mode === 'oidc' ? '/token' : '/v1/models' } }, mode)
    if (mode === 'oidc') t.match(note + check.note, /Access tokens .* remain valid until they expire/)
  }
})

t.test('at most three requests use the revoked key, whatever the response', async (t) => {
  const refused = { refused: true, reason: null }
  for (const [name, revoked, requests, result] of [
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
    const { remove, pass, sent, revocationChecks, completed, counts } = setUp({ revoked })
    const { key_id } = await remove()
    await pass(3_600_000)
    const { check } = await revocationChecks.read(caller, 7, key_id)
    t.match(check, { status: 'completed', requests, ...result }, name)
    t.equal(sent.filter(({ what }) => what === 'revoked').length, requests, name)
    t.equal(completed.length, 1, name)
    t.equal(
      counts().reads,
      check.refused === false ? 1 : 0,
      `${name}: 3scale is requested only before the key is reported as accepted`,
    )
    const times = sent.map(({ at }) => at)
    if (revoked[0] === accepted)
      t.ok((times[2] ?? 0) - (times[1] ?? 0) >= 1000, `${name}: the gateway cache was updated in between`)
  }
})

t.test(
  'a gateway that does not respond to an unknown key is called three times, without the revoked key',
  async (t) => {
    const { remove, pass, sent, revocationChecks } = setUp({ unknown: 'none' })
    const { key_id } = await remove()
    await pass(65_000)
    t.match((await revocationChecks.read(caller, 7, key_id)).check, {
      status: 'pending',
      check_at: '2026-03-01T10:01:10.000Z',
    })
    await pass(3_600_000)
    t.same(
      sent.map(({ what, at }) => `${what} ${at}`),
      ['unknown 65000', 'unknown 70000', 'unknown 75000'],
    )
    t.match((await revocationChecks.read(caller, 7, key_id)).check, {
      status: 'completed',
      refused: null,
      reason: 'no_response',
      requests: 0,
    })
  },
)

t.test('a check that is impossible is reported immediately, or without a request', async (t) => {
  const open = setUp({ unknown: accepted })
  const { key_id } = await open.remove()
  await open.pass(65_000)
  t.match(
    (await open.revocationChecks.read(caller, 7, key_id)).check,
    { refused: null, reason: 'inconclusive', requests: 0 },
    'any key is accepted',
  )

  const removed = setUp({ models: { describe: async () => undefined } })
  await removed.remove()
  await removed.pass(65_000)
  t.match(removed.completed, [{ check: { reason: 'model_not_available', checked_at: null, requests: 0 } }])
  const missing = setUp()
  t.match(await missing.remove(7, { available: false }), { status: 'completed', reason: 'model_not_available' })
  t.equal(missing.timers.length, 0)

  const same = setUp({ revoked: [accepted], held: ['the-revoked-key'] })
  await same.remove()
  await same.pass(65_000 + 3000)
  t.match(same.completed, [{ check: { refused: null, reason: 'key_in_use' } }], 'added again in the meantime')

  const full = setUp({ maxPending: 2 })
  const results = [await full.remove(1), await full.remove(2), await full.remove(3)]
  t.same(
    results.map(({ status, reason }) => reason ?? status),
    ['pending', 'pending', 'too_many_checks'],
  )
  await full.pass(65_000)
  t.match(await full.remove(4), { status: 'pending' }, 'a check was completed')
})

t.test('a check is taken over when it is read after the process that revoked the key has ended', async (t) => {
  const first = setUp()
  const { key_id } = await first.remove()
  // The second process shares the store, as with Redis, but not the timers.
  const { store, recent, now = Date.now } = first.all
  const second = setUp({ store, recent, now })
  first.timers.length = 0
  t.equal((await second.revocationChecks.read(caller, 7, key_id)).check.status, 'pending')
  await first.pass(75_000)
  await second.revocationChecks.read(caller, 7, key_id)
  t.equal(second.timers.length, 0, 'due, but the first process may still run it')
  await first.pass(1)
  for (let each = 0; each < 3; each++)
    t.equal(
      (await second.revocationChecks.read(caller, 7, key_id)).check.status,
      'pending',
      'the caller does not wait for the check',
    )
  t.equal(second.timers.length, 1, 'it starts once')
  await second.pass(80_000)
  t.match((await second.revocationChecks.read(caller, 7, key_id)).check, {
    status: 'completed',
    refused: true,
    requests: 2,
  })
  t.same(first.sent, [])
})

t.test('an interrupted check continues with the remaining requests', async (t) => {
  for (const [requests, more, result] of [
    [1, 2, { refused: true, requests: 3 }],
    [2, 1, { refused: true, requests: 3 }],
    [3, 0, { refused: null, reason: 'interrupted', requests: 3 }],
  ] as const) {
    const { remove, pass, sent, revocationChecks, all } = setUp()
    const { key_id } = await remove()
    const removal = await revocationChecks.read(caller, 7, key_id)
    await all.store.put(`5/7/${key_id}`, { ...removal, check: { ...removal.check, requests } })
    await pass(65_000)
    t.match((await revocationChecks.read(caller, 7, key_id)).check, { status: 'completed', ...result })
    t.equal(sent.filter(({ what }) => what === 'revoked').length, more)
  }
})

t.test('a check is visible only to its account and for its application', async (t) => {
  const { remove, revocationChecks, pass } = setUp()
  const { key_id } = await remove(7)
  await remove(8)
  const stranger = { ...caller, accountId: 6 }
  await t.rejects(revocationChecks.read(stranger, 7, key_id), { code: 'not_found' })
  await t.rejects(revocationChecks.read(caller, 8, key_id), { code: 'not_found' })
  await t.rejects(revocationChecks.read(caller, 7, '0'.repeat(16)), { code: 'not_found' })
  t.same(await revocationChecks.listRecent(stranger, 7), [])
  t.match(await revocationChecks.listRecent(caller, 7), [{ key_id, status: 'pending' }])
  await pass(65_000)
  t.match(await revocationChecks.listRecent(caller, 7), [{ key_id, status: 'completed' }])
})

t.test('a check that fails for another reason is logged without the key and repeated when it is read', async (t) => {
  const lines: object[] = []
  let broken = true
  const { remove, revocationChecks, pass, sent } = setUp({
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
  t.notMatch(JSON.stringify(lines), 'the-revoked-key')
  broken = false
  await pass(11_000)
  t.equal((await revocationChecks.read(caller, 7, key_id)).check.status, 'pending')
  await pass(1000)
  t.match((await revocationChecks.read(caller, 7, key_id)).check, { status: 'completed', refused: true })
  t.equal(sent.filter(({ what }) => what === 'revoked').length, 2)
})
