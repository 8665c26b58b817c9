import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { createRedisEncryption } from '../../src/infra/crypto/redis-encryption.js'
import { createRedis } from '../../src/infra/redis.js'
import { privateCa } from '../helper/private-ca.js'
import { freePort, startRedis } from '../helper/stack.js'

const log = { warn() {}, info() {} }
const trust = createRedisEncryption(['a secret of at least thirty-two bytes'])
const ca = privateCa('localhost')
const port = await freePort()
const folder = dirname(ca.caFile)
const files = ['--tls-cert-file', join(folder, 'server.pem'), '--tls-key-file', join(folder, 'server.key')]
const tls = ['--port', '0', '--tls-port', String(port), ...files, '--tls-ca-cert-file', ca.caFile]
const server = spawn(
  'redis-server',
  ['--bind', '127.0.0.1', '--save', '', '--dir', folder, '--tls-auth-clients', 'no', ...tls],
  { stdio: 'ignore' },
)
t.teardown(async () => {
  server.kill('SIGKILL')
  await once(server, 'exit')
  ca.close()
})

t.test('rediss: EXTRA_CA_FILE applies to Redis, and an untrusted certificate is rejected', async (t) => {
  const trusting = createRedis(`rediss://localhost:${port}`, log, { crypto: trust, extraCa: ca.ca })
  const doubting = createRedis(`rediss://localhost:${port}`, log, { crypto: trust })
  t.teardown(() => {
    trusting.close()
    doubting.close()
  })
  t.ok(await trusting.connected(20_000))
  const announced = new Promise((resolve) => trusting.subscribe('channel', resolve))
  t.equal(await trusting.try((client) => client.set('key', 'value')), 'OK')
  const say = setInterval(() => void trusting.try((client) => client.publish('channel', 'a word')), 50)
  t.equal(await announced, 'a word', 'also for the subscriber connection')
  clearInterval(say)
  t.notOk(await doubting.connected(2000))
  t.equal(await doubting.try((client) => client.get('key')), undefined)
})

t.test('rediss+sentinel: the sentinels and the Redis that they name are connected to with TLS', async (t) => {
  const at = await freePort()
  const conf = join(folder, 'sentinel.conf')
  writeFileSync(
    conf,
    [
      'bind 127.0.0.1',
      `dir ${folder}`,
      'port 0',
      `tls-port ${at}`,
      `tls-cert-file ${join(folder, 'server.pem')}`,
      `tls-key-file ${join(folder, 'server.key')}`,
      `tls-ca-cert-file ${ca.caFile}`,
      'tls-auth-clients no',
      'tls-replication yes',
      'sentinel resolve-hostnames yes',
      'sentinel announce-hostnames yes',
      `sentinel monitor main localhost ${port} 1`,
    ].join('\n'),
  )
  const sentinel = spawn('redis-server', [conf, '--sentinel'], { stdio: 'ignore' })
  const redis = createRedis(`rediss+sentinel://localhost:${at}/main`, log, { crypto: trust, extraCa: ca.ca })
  t.teardown(async () => {
    redis.close()
    sentinel.kill('SIGKILL')
    await once(sentinel, 'exit')
  })
  t.ok(await redis.connected(20_000))
  const put = async () => redis.try((client) => client.set('by-sentinel', 'value'))
  let answer = await put()
  for (let tries = 0; answer === undefined && tries < 50; tries++) answer = await put()
  t.equal(answer, 'OK')
})

t.test('a delay in this process does not count as a Redis failure, an unresponsive Redis does', async (t) => {
  const plain = await startRedis()
  const redis = createRedis(plain.url, log, { crypto: trust })
  t.teardown(async () => {
    redis.close()
    await plain.stop()
  })
  t.ok(await redis.connected(20_000))
  t.equal(await redis.try((client) => client.set('key', 'value')), 'OK')
  const got = redis.try((client) => client.get('key'))
  for (const end = Date.now() + 300; Date.now() < end; );
  t.equal(await got, 'value')
  t.equal(redis.breaker(), 'closed')
  plain.freeze()
  t.equal(await redis.try((client) => client.get('key')), undefined)
  t.equal(redis.breaker(), 'open')
  await t.rejects(redis.ping(), { message: 'Redis did not respond in time' })
})
