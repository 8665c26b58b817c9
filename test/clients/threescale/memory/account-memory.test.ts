import { Redis } from 'ioredis'
import t from 'tap'
import { createAccountMemory } from '../../../../src/clients/threescale/memory/account-memory.js'
import { createAccountVersions } from '../../../../src/clients/threescale/memory/account-versions.js'
import { createRedisEncryption } from '../../../../src/infra/crypto/redis-encryption.js'
import type { Secrets } from '../../../../src/infra/crypto/secrets.js'
import { createRedis } from '../../../../src/infra/redis.js'
import { until } from '../../../helper/faults.js'
import { startRedis } from '../../../helper/stack.js'

const SECRET = 'a secret of at least thirty-two bytes'
const OTHER = 'another secret of thirty-two bytes or more'
const log = { warn() {}, info() {} }
let server = await startRedis()
const writer = new Redis(server.url)
writer.on('error', () => {})
const closing: { close(): void }[] = []
t.teardown(async () => {
  writer.disconnect()
  for (const each of closing) each.close()
  await server.stop()
})
t.beforeEach(() => writer.flushall())

/** 3scale: a list of each account. */
function createTenant() {
  const lists = new Map<number, string[]>()
  const reads: number[] = []
  return {
    reads,
    set: (account: number, ...rows: string[]) => lists.set(account, rows),
    async read(account: number) {
      reads.push(account)
      return (lists.get(account) ?? []).map((row) => row)
    },
  }
}

interface ReplicaOptions {
  secrets?: Secrets
  now?: () => number
}

async function replica(
  tenant: ReturnType<typeof createTenant>,
  { secrets = [SECRET], ...options }: ReplicaOptions = {},
) {
  const redis = createRedis(server.url, log, { crypto: createRedisEncryption(secrets) })
  const versions = createAccountVersions({ redis, prefix: 'test' })
  const memory = createAccountMemory({ versions, ...options })
  await redis.connected(5000)
  closing.push(redis, versions)
  return {
    redis,
    versions,
    memory,
    show: (account = 1, read = () => tenant.read(account)) => memory.list(account, 'applications', read),
    write: (rows: string[], account = 1) =>
      versions.aroundWrite(
        account,
        async () => void tenant.set(account, ...rows),
        () => false,
      ),
  }
}

t.test('a list is read once a minute, and again after a write of any replica', async (t) => {
  const tenant = createTenant()
  let time = 1000
  const one = await replica(tenant, { now: () => time })
  const two = await replica(tenant)
  tenant.set(1, 'a')
  t.same(await one.show(), ['a'])
  t.equal(await one.show(), await one.show(), 'the same list')
  t.same(await two.show(), ['a'])
  t.same(tenant.reads.splice(0), [1, 1], 'one read of each replica')
  await two.write(['b'])
  t.same([await one.show(), await two.show()], [['b'], ['b']])
  await one.write(['c'])
  t.same([await one.show(), await two.show()], [['c'], ['c']])
  tenant.reads.length = 0

  tenant.set(1, 'changed in 3scale')
  time += 59_000
  t.same(await one.show(), ['c'])
  time += 1100
  t.same(await one.show(), ['changed in 3scale'], 'after a minute')
  t.same(await two.show(), ['c'])
  await one.versions.invalidate(1)
  t.same(await two.show(), ['changed in 3scale'], 'after a webhook')
  await one.write(['other'], 2)
  tenant.reads.length = 0
  await one.show()
  t.same(tenant.reads, [1])
  await two.write(['other'], 2)
  tenant.reads.length = 0
  await one.show()
  t.same(tenant.reads, [], 'a write to another account changes nothing')
})

t.test('what is read while a write runs is not used after it', async (t) => {
  const tenant = createTenant()
  const [one, two] = [await replica(tenant), await replica(tenant)]
  tenant.set(1, 'before')
  let answer = () => {}
  const slow = async () => {
    const rows = await tenant.read(1)
    await new Promise<void>((resolve) => (answer = resolve))
    return rows
  }
  const begun = two.show(1, slow)
  await until('the read has begun', async () => tenant.reads.length === 1)
  await one.write(['after'])
  t.same(await two.show(), ['after'], 'a read that began later is not the same')
  answer()
  t.same(await begun, ['before'])
  t.same(await two.show(), ['after'], 'nor replaced by it')

  let finish: (() => void) | undefined
  const writing = one.versions.aroundWrite(
    1,
    async () => {
      await new Promise<void>((resolve) => (finish = resolve))
      tenant.set(1, 'finished')
    },
    () => false,
  )
  await until('the write has begun', async () => finish !== undefined && (await two.versions.read(1)) === undefined)
  t.same(await two.show(), ['after'])
  tenant.reads.length = 0
  await two.show()
  t.same(tenant.reads, [1], 'nothing is cached during a write')
  finish?.()
  await writing
  t.same(await two.show(), ['finished'])
})

t.test('after a write without a response, nothing is cached for a minute', async (t) => {
  const tenant = createTenant()
  const one = await replica(tenant)
  const failing = one.versions.aroundWrite(
    1,
    async () => {
      throw new Error('no response')
    },
    () => true,
  )
  await t.rejects(failing, { message: 'no response' })
  tenant.set(1, 'a')
  await one.show()
  tenant.set(1, 'stored late')
  t.same(await one.show(), ['stored late'])
  const [key = ''] = await writer.keys('test:account:*')
  t.ok((await writer.ttl(key)) <= 60)
})

t.test('concurrent readers share one read', async (t) => {
  const tenant = createTenant()
  const one = await replica(tenant)
  tenant.set(1, 'a')
  t.same(await Promise.all([1, 2, 3].map(() => one.show())), [['a'], ['a'], ['a']])
  t.same(tenant.reads, [1])
})

t.test('after Redis lost its content or was down, every list is read again', async (t) => {
  const tenant = createTenant()
  const [one, two] = [await replica(tenant), await replica(tenant)]
  tenant.set(1, 'a')
  await two.show()
  await one.write(['b'])
  await two.show()
  await writer.flushall()
  tenant.set(1, 'changed in 3scale')
  t.same(await two.show(), ['changed in 3scale'], 'flushed')

  const { port } = server
  await server.stop()
  await one.write(['written without Redis'])
  t.same(await two.show(), ['written without Redis'], 'while it is down')
  tenant.reads.length = 0
  await two.show()
  t.same(tenant.reads, [1], 'nothing is cached')
  server = await startRedis(port)
  await until('Redis is back', async () => one.redis.ready() && two.redis.ready())
  await one.write(['written with Redis'])
  t.same(await two.show(), ['written with Redis'])

  server.freeze()
  await one.write(['written while it hangs'])
  t.same(await two.show(), ['written while it hangs'])
  server.thaw()
  await until('Redis responds', async () => one.redis.ready() && two.redis.ready())
  t.same(await two.show(), ['written while it hangs'])
  await until('versions are used again', async () => (await one.versions.read(1)) !== undefined)
  t.same(await one.show(), ['written while it hangs'])
})

t.test('a change that Redis did not store is repeated until it does', async (t) => {
  const tenant = createTenant()
  const [one, two] = [await replica(tenant), await replica(tenant)]
  let isCut = false
  const redis: typeof one.redis = { ...one.redis, try: async (run) => (isCut ? undefined : one.redis.try(run)) }
  const cut = createAccountVersions({ redis, prefix: 'test' })
  closing.push(cut)
  tenant.set(1, 'a')
  await two.show()
  isCut = true
  tenant.set(1, 'b')
  await cut.invalidate(1)
  t.equal(await cut.read(1), undefined, 'it caches nothing itself')
  isCut = false
  await until('the other replica reads again', async () => (await two.show())[0] === 'b')
  await until('and it caches again', async () => (await cut.read(1)) !== undefined)
})

t.test('a write waits for a Redis that does not respond for a moment', async (t) => {
  const tenant = createTenant()
  const [one, two] = [await replica(tenant), await replica(tenant)]
  tenant.set(1, 'before')
  t.same(await two.show(), ['before'])
  await writer.client('PAUSE', 500)
  await one.write(['after'])
  t.same(await two.show(), ['after'])
})

t.test('replicas with a new and a previous secret see the writes of each other', async (t) => {
  const tenant = createTenant()
  const [old, rotated] = [await replica(tenant), await replica(tenant, { secrets: [OTHER, SECRET] })]
  tenant.set(1, 'a')
  await old.show()
  await rotated.show()
  await old.write(['b'])
  t.same([await old.show(), await rotated.show()], [['b'], ['b']])
  await rotated.write(['c'])
  t.same([await old.show(), await rotated.show()], [['c'], ['c']])
})

t.test('Redis contains no id of an account, and what others write there is not used', async (t) => {
  const tenant = createTenant()
  const one = await replica(tenant)
  await one.show(4711)
  const [key = ''] = await writer.keys('test:account:*')
  t.notMatch(key, /4711/)
  t.match(await writer.get(key), /^[\w-]{16}$/)
  for (const value of ['x'.repeat(100_000), 'short', '']) {
    await writer.set(key, value)
    t.equal(await one.versions.read(4711), undefined)
  }
  await writer.del(key)
  await writer.hset(key, 'a', 'b')
  t.equal(await one.versions.read(4711), undefined)
})

t.test('the number of cached rows is limited for all accounts together', async (t) => {
  const tenant = createTenant()
  const one = await replica(tenant)
  const many = Array.from({ length: 5000 }, (_, index) => `row ${index}`)
  for (let account = 1; account <= 6; account++) {
    tenant.set(account, ...many)
    await one.show(account)
  }
  t.ok(one.memory.size() <= 20_000, `${one.memory.size()} rows`)
  tenant.reads.length = 0
  await one.show(6)
  t.same(tenant.reads, [], 'the latest ones')
  tenant.set(7, ...many, ...many, ...many, ...many, ...many)
  await one.show(7)
  await one.show(7)
  t.same(tenant.reads, [7, 7], 'a longer list is not cached')
})
