import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import { createRedisEncryption } from '../../../src/infra/crypto/redis-encryption.js'
import type { Secrets } from '../../../src/infra/crypto/secrets.js'
import { createRedis } from '../../../src/infra/redis.js'
import { createRevocations } from '../../../src/web/auth/revocations.js'
import { until } from '../../helper/faults.js'
import { startRedis } from '../../helper/stack.js'

const SECRET = 'a secret of at least thirty-two bytes'
const OTHER = 'another secret of thirty-two bytes or more'
const log = { warn() {}, info() {} }
const server = await startRedis()
const writer = new Redis(server.url)
let prefix = ''
let list = ''
const closing: { close(): void }[] = []
t.teardown(async () => {
  writer.disconnect()
  for (const each of closing) each.close()
  await server.stop()
})
let tests = 0
t.beforeEach(async () => {
  // Replicas of earlier tests are still running, and restore the entries that they have.
  prefix = `test-${++tests}`
  list = `${prefix}:revocations`
  await writer.flushall()
})

async function replica({ secrets = [SECRET] as Secrets, now = Date.now } = {}) {
  const redis = createRedis(server.url, log, { crypto: createRedisEncryption(secrets) })
  const revocations = createRevocations({ redis, prefix, retentionSeconds: 3600, now })
  await redis.connected(5000)
  closing.push(redis, revocations)
  return revocations
}

const STARTED = Date.now()
const session = (subject: string) => {
  const began = STARTED - 1000
  return {
    issuer: 'https://sso.example',
    subject,
    sid: `sid-${subject}`,
    username: `user-${subject}`,
    began,
    since: began,
  }
}

/** The content of Redis, and the messages sent through it. */
async function recorded() {
  const messages: string[] = []
  const listener = new Redis(server.url)
  closing.push({ close: () => listener.disconnect() })
  await listener.subscribe(list)
  listener.on('message', (_channel, message) => messages.push(message))
  return messages
}

t.test('sign-outs, removals and changes reach every replica', async (t) => {
  const [one, two] = [await replica(), await replica()]
  await one.endSession(session('ada'))
  await one.endAll(session('mary'))
  await one.endUser('user-grace')
  await one.recordChange('user-joan')
  for (const at of [one, two]) {
    await until('all is known', async () => at.changedAt('user-joan') > 0)
    t.ok(at.isRevoked(session('ada')))
    t.ok(at.isRevoked(session('mary')))
    t.ok(at.isRevoked(session('grace')))
    t.notOk(at.isRevoked({ ...session('ada'), sid: 'another', username: 'another' }))
    t.notOk(at.isRevoked({ ...session('grace'), since: Date.now() + 1000 }), 'a user who signs in again has access')
    t.notOk(at.isRevoked(session('joan')), 'a change ends no session')
    t.ok(at.changedAt('user-grace') > 0, 'a removal is also a change')
    t.equal(at.changedAt('user-ada'), -1)
  }
  const late = await replica()
  await late.synchronize()
  t.ok(late.isRevoked(session('ada')), 'and one that starts')
  t.notMatch(JSON.stringify(await writer.zrange(list, '0', '-1')), /sso|ada|user-/, 'not as plain text')
})

t.test('forged entries sign out no user', async (t) => {
  const messages = await recorded()
  const at = await replica()
  await at.endSession(session('ada'))
  await until('it is recorded', async () => messages.length > 0)
  const [key = '', , until_ = '', signature = ''] = (messages.find((each) => !each.startsWith('hello')) ?? '').split(
    ' ',
  )
  const mary = createRedisEncryption([OTHER]).hashes('revoked', 'sid', session('mary').issuer, session('mary').sid)[0]
  const forged = [
    `${mary} ${Number.MAX_SAFE_INTEGER} ${until_} ${signature}`,
    `${key} ${Number.MAX_SAFE_INTEGER} ${until_} ${signature}`,
    `${key} ${Date.now()} 1e400 ${signature}`,
    `${key} ${Date.now()} ${until_}`,
    `__proto__ 1 1 ${signature}`,
    `hello ${Date.now()} ${signature}`,
    'hello',
    'A'.repeat(1_000_000),
    '',
  ]
  for (const message of forged) {
    await writer.publish(list, message)
    await writer.zadd(list, Date.now() + 60_000, message)
  }
  await sleep(300)
  await at.synchronize()
  t.notOk(at.isRevoked(session('mary')), 'no other user is signed out')
  t.notOk(at.isRevoked({ ...session('ada'), began: Date.now() + 60_000 }), 'and the sign-out is not extended')
  await until('and none stays in the list', async () => (await writer.zcard(list)) === 1)
})

t.test('an expired entry is not accepted again', async (t) => {
  let time = Date.now()
  const before = await replica({ now: () => time })
  await before.endUser('user-ada')
  const [member = ''] = await writer.zrange(list, '0', '-1')
  time += 4 * 3600_000
  const after = await replica({ now: () => time })
  await writer.zadd(list, time + 60_000, member)
  await after.synchronize()
  t.equal(after.changedAt('user-ada'), -1)
})

t.test('deleted entries are restored by a replica that has them', async (t) => {
  const at = await replica()
  await at.endSession(session('ada'))
  for (const spoil of [
    () => writer.flushall(),
    () => writer.set(list, 'not a list'),
    () => writer.zremrangebyrank(list, 0, -1),
  ]) {
    await spoil()
    await until('it is there again', async () => {
      const members = await writer.zrange(list, '0', '-1').catch(() => [])
      return members.length === 1
    })
    const late = await replica()
    await late.synchronize()
    t.ok(late.isRevoked(session('ada')))
  }
})

t.test('a long list of forged entries is removed in pages', async (t) => {
  const at = await replica()
  await at.endSession(session('ada'))
  for (let batch = 0; batch < 5; batch++) {
    const members = Array.from({ length: 1000 }, (_, index) => [
      Date.now() + 60_000,
      `${'A'.repeat(22)} ${batch} ${index} x`,
    ])
    await writer.zadd(list, ...members.flat())
  }
  await until('only ours is left', async () => (await writer.zcard(list)) === 1)
  t.ok(at.isRevoked(session('ada')))
})

t.test('greetings are answered at most once per second', async (t) => {
  const messages = await recorded()
  const at = await replica()
  await at.endSession(session('ada'))
  await until('a greeting is recorded', async () => messages.some((each) => each.startsWith('hello')))
  const hello = messages.find((each) => each.startsWith('hello')) ?? ''
  const monitor = await writer.monitor()
  closing.push({ close: () => monitor.disconnect() })
  let reads = 0
  monitor.on('monitor', (_time: string, [command]: string[]) => {
    if (command?.toLowerCase() === 'zrange') reads++
  })
  for (let index = 0; index < 200; index++) await writer.publish(list, hello)
  await sleep(300)
  t.ok(reads <= 3, `${reads} reads after 200 greetings`)
})

t.test('a sign-out remains valid during the replacement of a secret', async (t) => {
  const steps: Secrets[] = [[SECRET], [SECRET, OTHER], [OTHER, SECRET], [OTHER]]
  for (const [index, secrets] of steps.slice(0, -1).entries()) {
    await writer.flushall()
    const one = await replica({ secrets })
    const two = await replica({ secrets: steps[index + 1] ?? [SECRET] })
    await one.endSession(session(`ada-${index}`))
    await two.endSession(session(`mary-${index}`))
    await until('both know both', async () =>
      [one, two].every((at) => at.isRevoked(session(`ada-${index}`)) && at.isRevoked(session(`mary-${index}`))),
    )
    t.pass(`step ${index}`)
  }
})
