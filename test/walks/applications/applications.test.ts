import t from 'tap'
import { createApi } from '../../helper/api.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

interface Listed {
  id: number
  name: string
  model: string
  state: string
  created_at: string
}
interface Page {
  items: Listed[]
  next_cursor: string | null
}

const MANY = 1000
const stack = await startStack(['threescale', 'identity'])
await stack.portal()
const api = createApi(stack)
const mary = createVisitor(stack)
await mary.signIn('mary')
const token = await api.token({ username: 'mary' })
t.teardown(() => stack.close())

const tenant = (await stack.state()) as unknown as {
  users: { email?: string; account_id: number }[]
  services: { id: number; system_name: string }[]
  plans: { id: number; service_id: number }[]
}
const account = tenant.users.find(({ email }) => email === 'mary@example.com')?.account_id
const planOf = (name: string) => {
  const service = tenant.services.find(({ system_name }) => system_name === name)
  return tenant.plans.find(({ service_id }) => service_id === service?.id)?.id
}
const plans = ['granite-chat', 'mistral-chat', 'phi-approval'].map(planOf)
const had = (await stack.state()).applications.filter(({ account_id }) => account_id === account).length

/** Creates applications as another program of the tenant does. */
async function make(number: number): Promise<void> {
  const answer = await fetch(`${stack.threescale}/admin/api/accounts/${account}/applications.json`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('demo-token:')}` },
    body: new URLSearchParams({
      plan_id: String(plans[number % 3]),
      name: `Robot ${number}`,
      description: number === 77 ? 'the needle in it' : 'one of many',
      purpose: 'Experiment',
    }),
  })
  if (answer.status !== 201) throw new Error(`application ${number}: ${answer.status}`)
}
for (let start = 0; start < MANY; start += 20)
  await Promise.all(Array.from({ length: 20 }, (_, offset) => make(start + offset)))

/** Rows of the table, by displayed name. */
function rowsOf(html: string): string[] {
  return [...html.matchAll(/<a href="\/applications\/\d+">([^<]*)<\/a>/g)].map(([, name = '']) => name)
}

async function listCalls(work: () => Promise<unknown>): Promise<number> {
  await stack.resetCalls()
  await work()
  const calls = Object.entries(await stack.calls())
  return calls.filter(([name]) => name.includes('/applications')).reduce((sum, [, count]) => sum + count, 0)
}

t.test('the list of 1,000 applications is paged, filtered and sorted with one call to 3scale', async (t) => {
  let page = await mary.get('/applications')
  t.equal(
    await listCalls(async () => {
      page = await mary.get('/applications')
    }),
    1,
  )
  t.match(page.text, `${(MANY + had).toLocaleString('en')} applications`)
  t.equal(rowsOf(page.text).length, 25)
  t.match(page.text, '1–25 of')
  t.match(page.text, 'aria-sort="descending"', 'newest first')
  const next = /href="(\/applications\?[^"]*page=2[^"]*)"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const second = await mary.get(next)
  t.match(second.text, '26–50 of')
  t.same(
    rowsOf(second.text).filter((name) => rowsOf(page.text).includes(name)),
    [],
    'no row is repeated',
  )
  const last = await mary.get('/applications?page=999')
  t.equal(rowsOf(last.text).length, (MANY + had) % 25 || 25, 'a page number past the end shows the last page')

  const byName = rowsOf((await mary.get('/applications?q=robot&sort=name')).text)
  t.same(byName.slice(0, 3), ['Robot 0', 'Robot 1', 'Robot 2'], 'numbers in names are sorted numerically')
  t.same(rowsOf((await mary.get('/applications?q=robot&sort=-name')).text)[0], `Robot ${MANY - 1}`)
  const needle = await mary.get('/applications?q=NEEDLE+robot')
  t.same(rowsOf(needle.text), ['Robot 77'], 'words of the name and the description match in any order')
  t.match(needle.text, `1 of ${(MANY + had).toLocaleString('en')} applications`)
  const pending = await mary.get('/applications?state=pending&model=phi-approval')
  t.match(pending.text, '333 of')
  t.match(pending.text, 'Pending approval')
  const none = await mary.get('/applications?q=nothing+like+it')
  t.equal(none.status, 200)
  t.same(rowsOf(none.text), [])
  t.equal((await mary.get('/applications?sort=nonsense&page=-4&state=nonsense')).status, 200)
})

t.test('the API lists each of 1,000 applications once at every page size, filtered and sorted', async (t) => {
  const seen = new Set<number>()
  let cursor: string | null = ''
  let pages = 0
  while (cursor !== null) {
    const query: string = `limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`
    let body: Page | undefined
    t.equal(
      await listCalls(async () => {
        body = (await api.get<Page>(`/applications?${query}`, token)).body
      }),
      1,
    )
    for (const { id } of body?.items ?? []) seen.add(id)
    cursor = body?.next_cursor ?? null
    pages++
  }
  t.equal(seen.size, MANY + had)
  t.equal(pages, Math.ceil((MANY + had) / 100))
  const { body } = await api.get<Page>('/applications?model=phi-approval&state=pending&sort=name&limit=2', token)
  t.same(
    body.items.map(({ name }) => name),
    ['Robot 2', 'Robot 5'],
  )
  for (const bad of ['sort=nonsense', 'state=nonsense', 'limit=101', 'cursor=nonsense'])
    t.equal((await api.get(`/applications?${bad}`, token)).status, 422, bad)
})

t.test('deleting an application requires its name, and each state describes the next step', async (t) => {
  const { body } = await api.get<Page>('/applications?q=needle', token)
  const at = `/applications/${body.items[0]?.id}`
  for (const confirm of ['', 'robot 77', 'Robot 7']) {
    const wrong = await mary.post(`${at}/delete`, { confirm })
    t.equal(wrong.status, 422)
    t.match(wrong.text, 'Type Robot 77 to delete it.')
  }
  await stack.faults([{ match: 'DELETE /admin/api/*', status: 500, times: 1 }])
  const down = await mary.post(`${at}/delete`, { confirm: 'Robot 77' })
  t.equal(down.status, 503)
  await stack.faults([])
  const removed = await mary.submit(down, /\/delete$/)
  t.match(removed.text, 'Robot 77 was deleted', 'the input is preserved and sent again')
  t.equal((await api.get(at, token)).status, 404)
  t.equal((await mary.get(at)).status, 404)

  const pending = (await api.get<Page>('/applications?state=pending&limit=1', token)).body.items[0]
  t.match((await mary.get(`/applications/${pending?.id}`)).text, 'starts to work when this one is approved')
  const live = (await api.get<Page>('/applications?state=live&limit=1', token)).body.items[0]
  t.match(
    (await mary.get(`/applications/${live?.id}`)).text,
    'until you delete the application or the operator suspends it',
  )
  await stack.put(`/_demo/applications/${live?.id}`, { state: 'suspended' })
  t.match((await mary.get(`/applications/${live?.id}`)).text, 'Only the operator can resume it')
})
