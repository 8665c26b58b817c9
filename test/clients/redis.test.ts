import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import t from 'tap'
import { createRedis } from '../../src/clients/redis.js'
import { privateCa } from '../helper/private-ca.js'
import { freePort } from '../helper/stack.js'

const log = { warn() {}, info() {} }
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

t.test('rediss: EXTRA_CA_FILE holds for Redis too, and a certificate that nobody vouches for is refused', async (t) => {
  const trusting = createRedis(`rediss://localhost:${port}`, log, { extraCa: ca.ca })
  const doubting = createRedis(`rediss://localhost:${port}`, log)
  t.teardown(() => {
    trusting.close()
    doubting.close()
  })
  t.ok(await trusting.connected(20_000))
  const heard = new Promise((resolve) => trusting.subscribe('channel', resolve))
  t.equal(await trusting.try((client) => client.set('key', 'value')), 'OK')
  const say = setInterval(() => void trusting.try((client) => client.publish('channel', 'a word')), 50)
  t.equal(await heard, 'a word', 'what is listened to as well')
  clearInterval(say)
  t.notOk(await doubting.connected(2000))
  t.equal(await doubting.try((client) => client.get('key')), undefined)
})
