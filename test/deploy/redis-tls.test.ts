import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'
import { createApi } from '../helper/api.js'
import { until } from '../helper/faults.js'
import { privateCa } from '../helper/private-ca.js'
import { freePort, portBeside, type RunningPortal, startStack } from '../helper/stack.js'
import { createVisitor } from '../helper/visitor.js'
import { type Manifest, render } from './kubernetes.js'

/** The Redis of the manifests: with TLS, and one user with the permissions that the portal requires and no others. */
const kubernetes = join(projectRoot, 'deploy', 'kubernetes')
const PASSWORD = 'a-password-of-the-portal'

for (const variant of ['openshift', 'kubernetes', 'redis-sentinel']) {
  t.test(`${variant}: the portal trusts the cluster's authority for Redis, which issued its certificate`, async (t) => {
    const manifests = render(join(kubernetes, 'examples', variant))
    const one = (kind: string, name: string) =>
      manifests.find(({ kind: its, metadata }) => its === kind && metadata.name === name) as Manifest
    const { containers, volumes } = one('Deployment', 'maas-portal').spec.template.spec
    const env = containers[0].env.find(({ name }: { name: string }) => name === 'REDIS_CA_FILE')
    const mount = containers[0].volumeMounts.find(({ name }: { name: string }) => name === 'redis-ca')
    t.equal(env.value, `${mount.mountPath}/service-ca.crt`)
    const volume = volumes.find(({ name }: { name: string }) => name === 'redis-ca')
    if (variant === 'kubernetes') {
      t.notOk(one('ConfigMap', volume.configMap.name), 'an apply would remove the data of the script')
      t.notOk(one('Service', 'maas-redis').metadata.annotations)
    } else
      t.match(one('ConfigMap', volume.configMap.name).metadata.annotations, {
        'service.beta.openshift.io/inject-cabundle': 'true',
      })
    const secret =
      variant === 'kubernetes'
        ? 'maas-redis-tls'
        : one('Service', 'maas-redis').metadata.annotations?.['service.beta.openshift.io/serving-cert-secret-name']
    t.equal(volume.configMap.name, 'maas-redis-ca', 'as the script for other clusters calls it')
    const redis = (one('Deployment', 'maas-redis') ?? one('StatefulSet', 'maas-redis')).spec.template.spec
    const tls = redis.volumes.find(({ name }: { name: string }) => name === 'tls')
    t.equal(tls.secret.secretName, secret)
    for (const container of redis.containers) {
      const mounted = container.volumeMounts.find(({ name }: { name: string }) => name === 'tls')
      t.match(mounted, { mountPath: '/run/secrets/redis-tls', readOnly: true })
    }
  })
}

t.test('one list of commands applies to one Redis and to three', async (t) => {
  const line = users()
    .split('\n')
    .find((each) => each.startsWith('user portal'))
    ?.replace(PASSWORD, '$portal_password')
  t.match(line, /~maas:\* &maas:\* -@all \+ping/)
  t.ok(readFileSync(join(kubernetes, 'redis-sentinel', 'start.sh'), 'utf8').includes(`"${line}"`))
})

t.test('the script for other clusters creates the objects that the manifests name', async (t) => {
  const folder = t.testdir({
    // Stores the objects that it creates.
    kubectl: `#!/bin/sh\ncase "$*" in *create*) for word in "$@"; do case $word in *.crt|*.key) cp "\${word##*=}" "$OUT"; esac; done;; *) cat >/dev/null;; esac\n`,
    out: {},
  })
  execFileSync('chmod', ['+x', join(folder, 'kubectl')])
  const out = join(folder, 'out')
  execFileSync('sh', [join(kubernetes, 'redis', 'certificate.sh'), 'models'], {
    env: { PATH: process.env.PATH, KUBECTL: join(folder, 'kubectl'), OUT: out },
  })
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: out, encoding: 'utf8' })
  t.match(openssl('verify', '-CAfile', 'ca.crt', '-verify_hostname', 'maas-redis.models.svc', 'tls.crt'), 'OK')
  t.match(
    openssl('verify', '-CAfile', 'ca.crt', '-verify_hostname', 'maas-redis-1.maas-redis.models.svc', 'tls.crt'),
    'OK',
  )
  t.match(openssl('pkey', '-in', 'tls.key', '-noout', '-text'), 'prime256v1')
})

t.test('two portals share data through Redis, and require no other command', async (t) => {
  const ca = privateCa('localhost')
  const port = await freePort()
  const folder = t.testdir({
    conf: { 'redis.conf': users() },
    tls: { 'tls.crt': ca.cert, 'tls.key': ca.key },
    data: {},
  })
  // This test reads the rejected commands.
  appendFileSync(
    join(folder, 'conf', 'redis.conf'),
    'user admin on >admin ~* &* +@all\nuser other on >other ~other:* &other:* +@all\n',
  )
  const manifest = render(join(kubernetes, 'examples', 'openshift')).find(
    ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'maas-redis',
  )
  const command: string[] = manifest?.spec.template.spec.containers[0].command ?? []
  const places: Record<string, string> = {
    '/run/secrets/redis': 'conf',
    '/run/secrets/redis-tls': 'tls',
    '/data': 'data',
  }
  const local = command.map((word) => {
    if (word === '6379') return String(port)
    const place = Object.keys(places)
      .sort((one, other) => other.length - one.length)
      .find((path) => word === path || word.startsWith(`${path}/`))
    return place ? join(folder, places[place] ?? '', word.slice(place.length)) : word
  })
  const server = spawn(local[0] ?? '', [...local.slice(1), '--bind', '127.0.0.1'], { stdio: 'ignore' })
  const stack = await startStack(['threescale', 'identity'])
  const caFile = join(folder, 'service-ca.crt')
  mkdirSync(folder, { recursive: true })
  writeFileSync(caFile, ca.ca)
  const connect = (username: string) =>
    new Redis({ port, host: 'localhost', username, password: username, tls: { ca: ca.ca }, lazyConnect: true })
  const [admin, other] = [connect('admin'), connect('other')]
  t.teardown(async () => {
    admin.disconnect()
    other.disconnect()
    await stack.close()
    server.kill('SIGKILL')
    await once(server, 'exit')
    ca.close()
  })
  const settings = { REDIS_URL: `rediss://portal:${PASSWORD}@localhost:${port}`, REDIS_CA_FILE: caFile }
  const portals: RunningPortal[] = [
    await stack.portal(settings),
    await stack.portal({ ...settings, PORT: portBeside(stack) }),
  ]
  for (const { metrics } of portals)
    await until('Redis is there', async () => {
      const { checks } = (await (await fetch(`${metrics}/readyz`)).json()) as {
        checks: { name: string; ok: boolean }[]
      }
      return checks.find(({ name }) => name === 'redis')?.ok === true
    })

  const visitor = createVisitor(stack)
  const page = await visitor.signIn('ada', '/account')
  const cookie = `maas_session=${visitor.jar.get('maas_session')}`
  const api = createApi(stack)
  const token = await api.token({ username: 'ada' })
  const body = { model: 'nomic-embed', name: 'by TLS', fields: { purpose: 'Experiment' } }
  t.equal((await api.post('/applications', token, body, { 'idempotency-key': 'one' })).status, 201)
  await api.post('/applications', token, { ...body, name: 'early' }, { prefer: 'respond-async' })
  await visitor.submit(page, /\/logout/)
  for (const { url } of portals)
    await until('the sign-out is known', async () => {
      return (await fetch(`${url}/account`, { headers: { cookie }, redirect: 'manual' })).status === 303
    })
  await until('counts are shared', async () => (await admin.keys('maas:rate:*')).length > 0)
  const keys = await admin.keys('*')
  t.ok(keys.length > 10, `${keys.length} keys`)
  t.same(
    keys.filter((key) => !key.startsWith('maas:')),
    [],
  )
  t.same(await admin.acl('LOG'), [], 'no command of the portal was rejected')

  await t.rejects(other.set(keys[0] ?? '', 'x'), /NOPERM/, 'another user can write none of its keys')
  await t.rejects(other.publish('maas:changed', 'x'), /NOPERM/, 'and send none of its messages')
  const plain = new Redis({ port, host: 'localhost', lazyConnect: true, retryStrategy: () => null })
  plain.on('error', () => {})
  await t.rejects(plain.ping(), 'no connection without TLS is answered')
  plain.disconnect()
  const doubting = await stack.portal({ REDIS_URL: settings.REDIS_URL, PORT: String(stack.port + 52) })
  const { checks } = (await (await fetch(`${doubting.metrics}/readyz`)).json()) as {
    checks: { name: string; ok: boolean }[]
  }
  t.match(
    checks.find(({ name }) => name === 'redis'),
    { ok: false },
    'without REDIS_CA_FILE the certificate is rejected',
  )
})

/** Creates redis.conf as in the guide. */
function users(): string {
  return execFileSync('sh', [join(kubernetes, 'redis', 'users.sh')], { encoding: 'utf8', input: `${PASSWORD}\n` })
}
