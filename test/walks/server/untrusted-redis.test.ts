import { Redis } from 'ioredis'
import t from 'tap'
import { createRedisEncryption } from '../../../src/infra/crypto/redis-encryption.js'
import { createApi } from '../../helper/api.js'
import { until } from '../../helper/faults.js'
import { portBeside, type RunningPortal, startRedis, startStack } from '../../helper/stack.js'
import { createVisitor, type Visitor } from '../../helper/visitor.js'

/**
 * An attacker who can read and write Redis, but does not have the session secret. Everything that two portals stored is moved,
 * truncated, forged, and restored. No user gets the identity of another, no foreign data is shown, no portal stops, and all of
 * them work normally afterwards.
 */
const SECRET = 'a-session-secret-of-at-least-32-bytes-for-tests'
const OTHER = 'another-session-secret-of-32-bytes-for-tests!!!'
const EVIL = 'http://evil.example:8080'
const ADDRESS = '203.0.113.77'

const redis = await startRedis()
const writer = new Redis(redis.url)
const stack = await startStack()
const settings = { REDIS_URL: redis.url, SESSION_SECRET: SECRET, CATALOG_TTL: '2', TRUST_PROXY: '1' }
t.setTimeout(500_000)
t.teardown(async () => {
  writer.disconnect()
  await stack.close()
  await redis.stop()
})

/** All commands that were sent to Redis, without the addresses that MONITOR adds. */
const commands: string[] = []
const monitor = await writer.monitor()
monitor.on('monitor', (_time: string, [command = '', ...rest]: string[]) => {
  if (!['info', 'monitor', 'keys', 'type', 'dump'].includes(command.toLowerCase()))
    commands.push([command, ...rest].join(' '))
})
t.teardown(() => monitor.disconnect())

const portals: RunningPortal[] = [
  await stack.portal(settings),
  await stack.portal({ ...settings, PORT: portBeside(stack) }),
]
const api = createApi(stack)
const forwarded = { headers: { 'x-forwarded-for': ADDRESS } }

/** Signs in a user and leaves every kind of data in Redis. The tests use two users of two accounts. */
async function signedInUser(username: string): Promise<Visitor> {
  const visitor = createVisitor(stack)
  await visitor.signIn(username, '/account')
  const token = await api.token({ username, expires_in: 3600 })
  const body = { model: 'nomic-embed', name: `${username}s own`, fields: { purpose: 'Experiment' } }
  const keyed = { 'idempotency-key': `key-of-${username}`, 'x-forwarded-for': ADDRESS }
  const { id } = (await api.post<{ id: number }>('/applications', token, body, keyed)).body
  await api.post('/applications', token, { ...body, name: 'another' }, { prefer: 'respond-async' })
  await api.post(`/applications/${id}/keys`, token, {})
  const { items } = (await api.get<{ items: { key_id: string }[] }>(`/applications/${id}/keys`, token)).body
  await api.call('DELETE', `/applications/${id}/keys/${items[0]?.key_id}`, { token })
  for (const path of ['/models', '/models/granite-chat', '/usage', `/applications/${id}`, '/account'])
    await visitor.get(path, forwarded)
  await api.post('/members', token, { email: `invited.by.${username}@example.org`, role: 'member' })
  const leaving = createVisitor(stack)
  await leaving.submit(await leaving.signIn(username, '/account'), /\/logout/)
  return visitor
}
const ada = await signedInUser('ada')
const mary = await signedInUser('mary')
await createVisitor(stack).signIn('admin', '/models')
await api.post('/me', await api.token({ client_id: 'demo-service' }), {
  fields: { department: 'Research', job_title: 'Scientist' },
  accept_terms: '2026-01',
})

t.test('no name, address, subject, or client appears in a Redis key, channel, or value', async (t) => {
  const state = await stack.state()
  const names = [
    ...state.users.flatMap(({ username, email }) => [username, email ?? '']),
    ...state.accounts.map(({ org_name }) => org_name),
    ...state.applications.flatMap(({ application_id, user_key, keys }) => [
      application_id,
      user_key,
      ...keys.map(({ value }) => value),
    ]),
    ...[
      'ada@example.com',
      'example.org',
      'demo-service',
      'key-of-ada',
      'invited.by',
      ADDRESS,
      '127.0.0.1',
      stack.identity,
    ],
    ...['granite-chat', 'restricted-research', 'members:', 'address:', 'https://', 'http://'],
  ].filter((name) => name.length > 5)
  t.ok(commands.length > 100, `${commands.length} commands`)
  t.ok(names.length > 30)
  for (const verb of [
    'set maas:lock',
    'zadd maas:revocations',
    'publish maas:changed',
    'incrby maas:rate',
    'set maas:attempt',
  ])
    t.ok(
      commands.some((command) => command.toLowerCase().startsWith(verb)),
      `${verb} was sent`,
    )
  for (const name of names) {
    const found = commands.filter((command) => command.includes(name))
    t.same(
      found.map((command) => command.slice(0, 80)),
      [],
      name,
    )
  }
  for (const subject of ['ada', 'mary', 'admin']) {
    const words = commands.flatMap((command) => command.split(/[\s:]/)).filter((word) => word === subject)
    t.same(words, [], `${subject} does not appear in a command`)
  }
  for (const key of await writer.keys('*')) {
    const kind = /^maas:([a-z0-9_-]+)(?::[\w-]{22,43}(?::(?:lock|\d+))?)?$/.exec(key)?.[1]
    t.ok(kind, `${key} consists of a known name and a hash`)
  }
})

const ownOf: [visitor: Visitor, mine: string, theirs: string][] = [
  [ada, 'ada@example.com', 'mary@example.com'],
  [mary, 'mary@example.com', 'ada@example.com'],
]

/** What a portal shows to both users, and to programs. */
async function isUnharmed(t: Tap.Test, { url }: RunningPortal, name: string): Promise<void> {
  for (const [visitor, mine, theirs] of ownOf) {
    const account = await visitor.at(url)('/account')
    t.equal(account.status, 200, `${name}: ${mine} is signed in`)
    t.ok(account.text.includes(mine) && !account.text.includes(theirs), `${name}: not as another user`)
    const list = await visitor.at(url)('/applications')
    t.equal(list.status, 200)
    t.ok(list.text.includes(`${mine.split('@')[0]}s own`), `${name}: with their own applications`)
    t.notOk(list.text.includes(`${theirs.split('@')[0]}s own`), `${name}: without those of another user`)
    const token = await api.token({ username: mine.split('@')[0] ?? '', expires_in: 3600 })
    const me = await createApi(stack, url).get<{ email?: string }>('/me', token)
    t.equal(me.status, 200)
    t.notMatch(me.text, theirs)
  }
  const model = await createApi(stack, url).get<{ base_url: string }>('/models/granite-chat')
  t.equal(model.status, 200, `${name}: the catalogue`)
  t.notMatch(model.text, 'evil', `${name}: is the one of 3scale`)
  t.notMatch(await fetch(`${url}/models`).then((answer) => answer.text()), 'evil')
}

interface Stored {
  key: string
  type: string
  dump: Buffer
  text: string
}

async function snapshot(): Promise<Stored[]> {
  const keys = (await writer.keys('maas:*')).filter((key) => !key.endsWith(':lock')).sort()
  const all = keys.map(async (key) => {
    // In one transaction, as the portals write at the same time.
    const [type, dump, text] = (await writer.multi().type(key).dumpBuffer(key).get(key).exec()) ?? []
    return {
      key,
      type: String(type?.[1]),
      dump: dump?.[1] as Buffer,
      text: typeof text?.[1] === 'string' ? text[1] : '',
    }
  })
  return (await Promise.all(all)).filter(({ dump }) => dump !== null)
}

const cacheOf = (key: string) => key.split(':')[1] ?? ''
const evilCatalogue = (text: string) =>
  JSON.stringify({ value: { base_url: EVIL, text: text.slice(0, 20) }, at: Date.now() })
const foreign = createRedisEncryption([OTHER])

const ways: [name: string, spoil: (all: Stored[]) => Promise<unknown>][] = [
  [
    'each copy is moved to the next key of its cache',
    (all) =>
      Promise.all(
        all.map(({ key }, index) => {
          const peers = all.filter((other) => cacheOf(other.key) === cacheOf(key) && other.type === 'string')
          const at = peers.findIndex((other) => other.key === key)
          const next = peers[(at + 1) % peers.length] ?? all[index]
          return next && next.type === 'string' ? writer.set(key, next.text, 'EX', 600) : undefined
        }),
      ),
  ],
  [
    'each copy is moved to another cache',
    (all) => {
      const strings = all.filter(({ type }) => type === 'string')
      return Promise.all(strings.map(({ key }, index) => writer.set(key, strings.at(index - 7)?.text ?? '', 'EX', 600)))
    },
  ],
  ['each copy is cut', (all) => each(all, ({ text }) => text.slice(0, Math.floor(text.length / 2)))],
  ['each copy is of another portal', (all) => each(all, ({ key, text }) => foreign.seal(key, evilCatalogue(text)))],
  ['each copy is in the clear', (all) => each(all, ({ text }) => evilCatalogue(text))],
  [
    'each copy has odd members and numbers',
    (all) => each(all, () => '{"__proto__":{"role":"admin","value":1},"value":{"user":{"role":"admin"}},"at":1e999}'),
  ],
  [
    'each key is of another type',
    (all) =>
      Promise.all(
        all.map(async ({ key, type }) => {
          const both = writer.multi().del(key)
          await (type === 'string' ? both.rpush(key, 'x', 'y') : both.set(key, EVIL)).exec()
        }),
      ),
  ],
  ['each counter is huge', (all) => each(all, () => '9223372036854775807', /^maas:rate/)],
  [
    'each key is locked for ever, and forged messages are sent',
    async (all) => {
      for (const { key } of all) await writer.set(`${key}:lock`, 'x')
      for (const channel of ['maas:changed', 'maas:revocations'])
        for (const message of [
          '',
          'hello',
          'hello 1 x',
          'x people ada gone',
          `${'A'.repeat(22)} 9007199254740991 9007199254740991 x`,
        ])
          await writer.publish(channel, message)
    },
  ],
  ['everything is deleted', () => writer.flushall()],
]

function each(all: Stored[], change: (stored: Stored) => string, only = /^maas:(?!rate)/): Promise<unknown> {
  const some = all.filter(({ key, type }) => type === 'string' && only.test(key))
  return Promise.all(some.map((stored) => writer.set(stored.key, change(stored), 'EX', 600)))
}

namespace Tap {
  export type Test = {
    equal(...args: unknown[]): unknown
    ok(...args: unknown[]): unknown
    notOk(...args: unknown[]): unknown
    notMatch(...args: unknown[]): unknown
  }
}

for (const [name, spoil] of ways) {
  t.test(name, async (t) => {
    for (const [visitor] of ownOf) for (const { url } of portals) await visitor.at(url)('/applications')
    const all = await snapshot()
    t.ok(new Set(all.map(({ key }) => cacheOf(key))).size > 8 || name.startsWith('everything'), `${all.length} keys`)
    await spoil(all)
    // A portal that knows only the content of Redis.
    const fresh = await stack.portal({ ...settings, PORT: String(stack.port + 51) })
    for (const portal of [fresh, ...portals]) await isUnharmed(t, portal, name)
    for (const portal of [fresh, ...portals]) t.equal((await fetch(`${portal.metrics}/healthz`)).status, 200, 'it runs')
    await fresh.stop()
    await until('copies of the portals are there again', async () => {
      for (const { url } of portals) await ada.at(url)('/applications')
      const now = await snapshot()
      return now.some(({ key, type }) => cacheOf(key).startsWith('catalogue') && type === 'string')
    })
  })
}

t.test('an older cache entry restored in Redis does not replace a newer one in memory', async (t) => {
  const before = await snapshot()
  const token = await api.token({ username: 'ada', expires_in: 3600 })
  await api.post('/applications', token, {
    model: 'nomic-embed',
    name: 'made later',
    fields: { purpose: 'Experiment' },
  })
  for (const { key, dump } of before) await writer.restore(key, 600_000, dump, 'REPLACE')
  for (const portal of portals) {
    await isUnharmed(t, portal, 'replayed')
    t.match((await ada.at(portal.url)('/applications')).text, 'made later')
  }
})

t.test('a session that was ended stays ended, whatever is restored in Redis', async (t) => {
  const visitor = createVisitor(stack)
  const page = await visitor.signIn('ada', '/account')
  const cookie = `maas_session=${visitor.jar.get('maas_session')}`
  const before = await snapshot()
  await visitor.submit(page, /\/logout/)
  await writer.flushall()
  for (const { key, dump } of before) await writer.restore(key, 600_000, dump, 'REPLACE')
  const statusAt = async ({ url }: RunningPortal) =>
    (await fetch(`${url}/account`, { headers: { cookie }, redirect: 'manual' })).status
  for (const portal of portals) await until('out', async () => (await statusAt(portal)) === 303)
  const fresh = await stack.portal({ ...settings, PORT: String(stack.port + 51) })
  await until('and at one that starts', async () => (await statusAt(fresh)) === 303)
  t.equal((await ada.at(fresh.url)('/account')).status, 200, 'another session is still valid')
  await fresh.stop()
})
