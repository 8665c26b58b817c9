import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createApi } from '../../helper/api.js'
import { onlyGood, underLoad, until } from '../../helper/faults.js'
import { roundRobin } from '../../helper/round-robin.js'
import { type RunningPortal, startRedis, startStack } from '../../helper/stack.js'
import { codeOf, createVisitor, type Visitor } from '../../helper/visitor.js'

/** Four portals behind one address, with one Redis. Each request goes to the next portal. */
const OLD = 'an-old-secret-of-at-least-32-bytes-for-tests'
const NEW = 'a-new-secret-of-at-least-32-bytes-for-tests!'

// The waits take minutes, and longer on a busy machine.
t.setTimeout(600_000)
const redis = await startRedis()
const stack = await startStack()
const settings = { REDIS_URL: redis.url, CATALOG_TTL: '2', DRAIN: '2s' }
const places = [50, 51, 52, 53].map((offset) => String(stack.port + offset))
const portals: RunningPortal[] = []
for (const PORT of places) portals.push(await stack.portal({ ...settings, PORT, SESSION_SECRET: OLD }))
const balancer = await roundRobin(stack.port, () => portals)
const api = createApi(stack)
t.teardown(async () => {
  await balancer.close()
  await stack.close()
  await redis.stop()
})

/** Stops and starts one portal after the other, as a rollout does. */
async function rollOut(secret: string): Promise<void> {
  for (const [index, PORT] of places.entries()) {
    await portals[index]?.stop()
    portals[index] = await stack.portal({ ...settings, PORT, SESSION_SECRET: secret })
    await until('the balancer sends to it', async () => {
      await fetch(`${stack.url}/models`)
      return balancer.served.slice(-8).some(({ by }) => by === portals[index]?.url)
    })
  }
}

const cookieOf = (visitor: Visitor) => [...visitor.jar].map(([name, value]) => `${name}=${value}`).join('; ')
const everywhere = async (holds: (at: RunningPortal) => Promise<boolean>) =>
  (await Promise.all(portals.map(holds))).every(Boolean)

t.test('a sign-in that moves between replicas succeeds, and every replica accepts the session', async (t) => {
  const ada = createVisitor(stack)
  balancer.served.length = 0
  t.equal((await ada.signIn('ada', '/account')).status, 200)
  const by = (path: string) => balancer.served.find((each) => each.path === path)?.by
  t.ok(by('/login') && by('/login/callback'))
  t.not(by('/login'), by('/login/callback'), 'started on one replica, completed on another')
  t.ok(new Set(balancer.served.map((each) => each.by)).size >= 3)
  t.ok(await everywhere(async (at) => (await ada.at(at.url)('/account')).status === 200))
})

t.test('a sign-out, here or at the provider, takes effect on every replica immediately', async (t) => {
  for (const way of ['here', 'provider']) {
    const mary = createVisitor(stack)
    const page = await mary.signIn('mary', '/account')
    const cookie = cookieOf(mary)
    const status = async ({ url }: RunningPortal) =>
      (await fetch(`${url}/account`, { headers: { cookie }, redirect: 'manual' })).status
    t.ok(await everywhere(async (at) => (await status(at)) === 200))
    if (way === 'here') await mary.submit(page, /\/logout/)
    else {
      const answer = await fetch(`http://127.0.0.1:${stack.port + 2}/_demo/sign-out`, {
        method: 'POST',
        body: JSON.stringify({ username: 'mary', url: `${stack.url}/logout/backchannel` }),
      })
      t.match(await answer.json(), { status: 200 })
    }
    await until('all refuse', () => everywhere(async (at) => (await status(at)) === 303))
  }
})

t.test('changed keys, applications, and products are the same on every replica', async (t) => {
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const token = await api.token({ username: 'mary' })
  const body = { model: 'nomic-embed', name: 'everywhere', fields: { purpose: 'Experiment' } }
  const { body: created } = await api.post<{ id: number }>('/applications', token, body)
  const path = `/applications/${created.id}`
  t.ok(await everywhere(async (at) => (await mary.at(at.url)(path)).status === 200), 'an application')

  const keysAt = async (at: RunningPortal) =>
    (await createApi(stack, at.url).get<{ items: object[] }>(`${path}/keys`, token)).body.items.length
  await api.post(`${path}/keys`, token, {})
  t.ok(await everywhere(async (at) => (await keysAt(at)) === 2), 'an added key')
  const { body: keys } = await api.get<{ items: { key_id: string }[] }>(`${path}/keys`, token)
  await api.call('DELETE', `${path}/keys/${keys.items[0]?.key_id}`, { token })
  t.ok(await everywhere(async (at) => (await keysAt(at)) === 1), 'a removed key')
  const codeAt = async (at: RunningPortal) => codeOf((await mary.at(at.url)(path)).text, 'curl').replace(/\s+/g, ' ')
  await until('the same code', async () => new Set(await Promise.all(portals.map(codeAt))).size === 1)

  const answer = await fetch(`${stack.threescale}/_demo/products?count=1`, { method: 'POST' })
  const { products } = (await answer.json()) as { products: { system_name: string }[] }
  const added = async ({ url }: RunningPortal) =>
    (await fetch(`${url}/models/${products[0]?.system_name}`)).status === 200
  await until('one has it', async () => (await Promise.all(portals.map(added))).some(Boolean))
  await until('all have it', () => everywhere(added))
})

t.test('a rollout under load drops no request and ends no session', async (t) => {
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const paths = ['/models', '/account', '/applications', '/api/v1/models/granite-chat', '/models?q=chat']
  const load = underLoad(stack.url, paths, { cookie: cookieOf(mary) })
  const writer = writing(mary)
  await rollOut(OLD)
  await load.stop()
  const names = await writer.stop()
  onlyGood(t, load, paths)
  const created = (await stack.state()).applications.map(({ name }) => name)
  t.ok(names.length > 3, `${names.length} applications were created meanwhile`)
  for (const name of names) t.equal(created.filter((each) => each === name).length, 1, name)
})

t.test('the session secret is rotated in three rollouts without ending a session', async (t) => {
  const before = createVisitor(stack)
  await before.signIn('mary')
  const paths = ['/account', '/applications']
  for (const [secret, words] of [
    [`${OLD},${NEW}`, 'all open both'],
    [`${NEW},${OLD}`, 'the new one seals'],
  ] as const) {
    const load = underLoad(stack.url, paths, { cookie: cookieOf(before) })
    const during = createVisitor(stack)
    await rollOut(secret)
    await during.signIn('mary')
    await load.stop()
    onlyGood(t, load, paths)
    t.ok(await everywhere(async (at) => (await during.at(at.url)('/account')).status === 200), words)
  }
  const after = createVisitor(stack)
  await after.signIn('mary')
  await Promise.all(portals.map((portal) => portal.stop()))
  const restarted = places.map((PORT) => stack.portal({ ...settings, PORT, SESSION_SECRET: NEW }))
  portals.splice(0, places.length, ...(await Promise.all(restarted)))
  t.ok(
    await everywhere(async (at) => (await after.at(at.url)('/account')).status === 200),
    'sealed with the new secret',
  )
  t.ok(
    await everywhere(async (at) => (await before.at(at.url)('/account')).status === 303),
    'the old secret is no longer accepted',
  )
})

t.test('a replica that is killed during a shared read of the catalogue does not block the others', async (t) => {
  await stack.faults([{ match: 'GET /admin/api/services.json', hang: true }])
  await until('one of them reads', async () => ((await stack.readFaults())[0]?.hits ?? 0) > 0)
  const holders = portals.splice(0, 3)
  for (const holder of holders) await holder.stop('SIGKILL')
  await stack.faults([])
  const [left] = portals
  await until('the one that is left reads', async () => {
    const list = (await (await fetch(`${left?.url}/api/v1/models`)).json()) as { stale?: boolean }
    return list.stale !== true
  })
  t.equal((await fetch(`${left?.url}/models`)).status, 200)
})

/** Creates applications through the balancer until it is stopped. Each form is sent once. */
function writing(visitor: Visitor) {
  const names: string[] = []
  let going = true
  const work = (async () => {
    while (going) {
      const name = `rolled ${names.length}`
      const page = await visitor.get('/applications/new?model=mistral-chat')
      let created = await visitor.submit(page, /^\/applications$/, { name })
      // On a busy machine 3scale can be too slow. The returned form is submitted again, which is safe.
      while (created.status === 503 && !created.headers.has('x-balancer'))
        created = await visitor.submit(created, /^\/applications$/, { name })
      if (created.status !== 200) throw new Error(`${name}: ${created.status} ${created.headers.get('x-balancer')}`)
      names.push(name)
      await sleep(500)
    }
  })()
  return {
    async stop() {
      going = false
      await work
      return names
    },
  }
}
