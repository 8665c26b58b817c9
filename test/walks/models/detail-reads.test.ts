import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startRedis, startStack } from '../../helper/stack.js'

const TTL = 2
/** Several refreshes of the catalogue. */
const WHILE_MS = TTL * 3000
const settings = { OIDC_ISSUER: 'http://localhost:9', LOG_LEVEL: 'silent', CATALOG_TTL: String(TTL) }
const ADMIN = { authorization: `Basic ${Buffer.from('demo-token:').toString('base64')}` }

interface TenantPlans {
  services: { id: number; system_name: string }[]
  plans: { id: number; service_id: number; state: string }[]
}

t.test('details are read once, and again only for what changed in 3scale, also after a restart', async (t) => {
  const redis = await startRedis()
  const stack = await startStack(['threescale'])
  t.teardown(async () => {
    await stack.close()
    await redis.stop()
  })
  await fetch(`${stack.threescale}/_demo/products?count=100`, { method: 'POST' })
  await stack.age()
  const env = { ...settings, REDIS_URL: redis.url }
  const portal = await stack.portal(env)
  await quiet()
  const { services, plans } = (await (
    await fetch(`${stack.threescale}/_demo/state?only=services,plans`)
  ).json()) as TenantPlans
  const first = await details()
  const published = plans.filter(({ state }) => state === 'published').length
  t.ok(published > 200)
  for (const list of ['limits', 'pricing_rules'])
    t.ok((first[`GET /admin/api/application_plans/{id}/${list}.json`] ?? 0) <= published, `${list} of each plan once`)
  t.ok((first['GET /admin/api/services/{id}/metrics.json'] ?? 0) <= services.length, 'metrics of each product once')

  await stack.resetCalls()
  await sleep(WHILE_MS)
  t.same(await details(), {}, 'no detail while nothing changes')

  const service = services.find(({ system_name }) => system_name === 'added-7')
  const [changed, ...others] = plans.filter(
    ({ service_id, state }) => service_id === service?.id && state === 'published',
  )
  await fetch(`${stack.threescale}/admin/api/services/${service?.id}/application_plans/${changed?.id}.json`, {
    method: 'PUT',
    headers: { ...ADMIN, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Renamed plan' }),
  })
  t.equal(await sumFrom(2), 2, 'limits and prices of the changed plan')

  await stack.resetCalls()
  await stack.put(`/_demo/services/${service?.id}`, { name: 'Promoted again' })
  const ofProduct = 2 * (1 + others.length) + 1
  const promoted = await sumFrom(ofProduct - 1)
  t.ok(promoted >= ofProduct - 1 && promoted <= ofProduct, `${promoted} details of the promoted product`)

  await portal.stop()
  await stack.resetCalls()
  await stack.portal(env)
  await sleep(WHILE_MS)
  t.same(await details(), {}, 'no detail after a restart')

  async function details(): Promise<Record<string, number>> {
    return Object.fromEntries(
      Object.entries(await stack.calls()).filter(([call]) => /limits|pricing_rules|metrics/.test(call)),
    )
  }

  async function sum(): Promise<number> {
    return Object.values(await details()).reduce((all, count) => all + count, 0)
  }

  /** Waits for so many calls, and then for several refreshes. */
  async function sumFrom(least: number): Promise<number> {
    for (let attempt = 0; attempt < 60 && (await sum()) < least; attempt++) await sleep(500)
    await sleep(WHILE_MS)
    return sum()
  }

  async function quiet(): Promise<void> {
    for (let before = -1; ; await sleep(1000)) {
      const now = await sum()
      if (now === before && now > 0) return
      before = now
    }
  }
})
