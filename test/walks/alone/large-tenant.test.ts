import t from 'tap'
import { LARGE } from '../../../src/demo/threescale/tenant/large/large.js'
import { addPerson, makeReturning } from '../../bench/scale/crowd.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/** 2,000 products, 10,000 accounts and 100,000 applications. Durations and memory are in `npm run bench -- --scale`. */
t.setTimeout(180_000)
const stack = await startStack(['identity'])
t.teardown(() => stack.close())
await stack.part('threescale', ['--tenant', 'large'])
const headers = { authorization: `Basic ${btoa('demo-token:')}` }
const get = async <T>(path: string) =>
  (await (await fetch(`${stack.threescale}/admin/api/${path}`, { headers })).json()) as T

t.test(
  'the large tenant has what it claims, in pages where 3scale has pages and in one response elsewhere',
  async (t) => {
    type Page = { metadata?: { total_entries: number } }
    for (const [path, total] of [
      ['services.json?per_page=500', LARGE.products],
      ['accounts.json?per_page=500', LARGE.accounts],
      ['applications.json?per_page=500', LARGE.applications],
    ] as const)
      t.equal((await get<Page>(path)).metadata?.total_entries, total, path)
    t.equal((await get<{ plans: object[] }>('application_plans.json')).plans.length, LARGE.plans)
    const { account } = await get<{ account: { id: number } }>('accounts/find.json?username=max')
    const of = `accounts/${account.id}`
    t.equal((await get<{ applications: object[] }>(`${of}/applications.json?per_page=5`)).applications.length, 5000)
    t.equal((await get<{ users: object[] }>(`${of}/users.json`)).users.length, 50)
    const page = await get<Page & { applications: object[] }>(
      `applications.json?account=${account.id}&per_page=500&page=10`,
    )
    t.equal(page.applications.length, 500)
    t.equal(page.metadata?.total_entries, 5000)
  },
)

t.test('the portal lists all of its products, and members of an account with 5,000 applications sign in', async (t) => {
  await stack.portal()
  await makeReturning(stack, ['max', 'tess'])
  await addPerson(stack, 'newcomer')
  for (const name of ['max', 'tess', 'newcomer']) {
    const { status, url } = await createVisitor(stack).signIn(name, '/models')
    t.equal(status, 200, name)
    t.equal(new URL(url).pathname, '/models', name)
  }
  const first = await (await fetch(`${stack.url}/api/v1/models?limit=100`)).json()
  t.equal((first as { items: object[] }).items.length, 100)
})
