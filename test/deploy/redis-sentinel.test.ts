import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createRedisEncryption } from '../../src/infra/crypto/redis-encryption.js'
import { createRedis } from '../../src/infra/redis.js'
import { projectRoot } from '../../src/project-root.js'
import { privateCa } from '../helper/private-ca.js'

// The three pods of deploy/kubernetes/redis-sentinel, each with a separate address of this machine.
const peers = ['127.0.0.2', '127.0.0.3', '127.0.0.4']
const script = join(projectRoot, 'deploy', 'kubernetes', 'redis-sentinel', 'start.sh')
const password = 'a-password-of-the-cluster'
const portalPassword = 'a-password-of-the-portal'
const [port, sentinelPort] = [await freePort(), await freePort()]
// The cluster's certificate is for the names of the pods; here they are addresses.
const ca = privateCa(...peers)
const folder = t.testdir({
  password,
  'portal-password': portalPassword,
  tls: { 'tls.crt': ca.cert, 'tls.key': ca.key },
})
const running = new Map<string, ChildProcess[]>()
t.teardown(async () => {
  for (const peer of peers) await stop(peer)
  ca.close()
})

t.test('the portal follows the next primary after the first one stops, which returns as a replica', async (t) => {
  for (const peer of peers) start(peer)
  const nodes = peers.map((peer) => `${peer}:${sentinelPort}`).join(',')
  const silent = { info() {}, warn() {} }
  const redis = createRedis(`rediss+sentinel://portal:${portalPassword}@${nodes}/maas`, silent, {
    crypto: createRedisEncryption([password]),
    ca: ca.ca,
  })
  t.teardown(() => redis.close())
  t.equal(await until(() => redis.try((client) => client.set('maas:kept', 'one'))), 'OK')
  const first = await master()
  t.equal(first, peers[0], 'the first of the three starts as primary')
  const refused = await redis.try((client) => client.set('another:key', 'one').catch((error: Error) => error.message))
  t.match(refused, 'NOPERM', 'the portal may access only its own keys')
  t.ok(await until(async () => /state=online[\s\S]*state=online/.test(await ask(first, port, ['info', 'replication']))))
  // They discover each other through the first one, so it may stop only after all are known to all.
  for (const peer of peers)
    t.ok(
      await until(async () => {
        const known = await ask(peer, sentinelPort, ['--raw', 'sentinel', 'master', 'maas'])
        return /num-slaves\n2\nnum-other-sentinels\n2\n/.test(known)
      }),
      `the sentinel of ${peer} knows all others`,
    )
  await stop(first)
  const next = await until(async () => {
    const found = await master()
    return found && found !== first ? found : undefined
  })
  t.ok(next && peers.includes(next), 'the sentinels elected another')
  t.equal(await until(() => redis.try((client) => client.set('maas:after', 'two'))), 'OK', 'writes continue')
  t.equal(
    await until(() => redis.try(async (client) => (await client.get('maas:kept')) ?? undefined)),
    'one',
    'retained',
  )
  start(first)
  t.ok(await until(async () => (await ask(first, port, ['info', 'replication'])).includes('role:slave')))
  t.equal(await until(() => ask(first, port, ['get', 'maas:after']).then((value) => value.trim() || undefined)), 'two')
})

function start(peer: string): void {
  const data = join(folder, peer)
  mkdirSync(data, { recursive: true })
  const env = {
    PATH: process.env.PATH,
    REDIS_PEERS: peers.join(' '),
    REDIS_SELF: peer,
    REDIS_BIND: peer,
    REDIS_PORT: String(port),
    SENTINEL_PORT: String(sentinelPort),
    REDIS_DATA: data,
    REDIS_PASSWORD_FILE: join(folder, 'password'),
    REDIS_PORTAL_PASSWORD_FILE: join(folder, 'portal-password'),
    REDIS_TLS: join(folder, 'tls'),
    REDIS_CA: ca.caFile,
    REDIS_DOWN_AFTER_MS: '1500',
    REDIS_FAILOVER_MS: '5000',
  }
  running.set(
    peer,
    ['redis', 'sentinel'].map((role) => spawn('sh', [script, role], { env, stdio: 'ignore' })),
  )
}

async function stop(peer: string): Promise<void> {
  const children = running.get(peer) ?? []
  running.delete(peer)
  await Promise.all(
    children.map((child) => {
      if (child.exitCode !== null) return undefined
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      return ended
    }),
  )
}

/** The address of the primary according to the sentinels. */
async function master(): Promise<string> {
  for (const peer of peers) {
    const answer = await ask(peer, sentinelPort, ['--raw', 'sentinel', 'get-master-addr-by-name', 'maas'])
    const [host = ''] = answer.split('\n')
    if (peers.includes(host)) return host
  }
  return ''
}

async function ask(host: string, at: number, words: string[]): Promise<string> {
  const env = { PATH: process.env.PATH, ...(at === port ? { REDISCLI_AUTH: password } : {}) }
  const child = spawn('redis-cli', ['--tls', '--cacert', ca.caFile, '-h', host, '-p', String(at), ...words], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  await new Promise((resolve) => child.once('close', resolve))
  return output
}

async function until<T>(attempt: () => Promise<T | undefined>): Promise<T | undefined> {
  for (let count = 0; count < 600; count++) {
    const value = await attempt()
    if (value) return value
    await sleep(100)
  }
  return undefined
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}
