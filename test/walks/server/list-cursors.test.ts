import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createApi } from '../../helper/api.js'
import { portBeside, startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/** Lists of the API whose rows change between pages, on two replicas without a shared store. */
const stack = await startStack(['threescale', 'identity'])
await stack.portal({ CATALOG_TTL: '1' })
const other = await stack.portal({ PORT: portBeside(stack) })
t.teardown(() => stack.close())
const api = createApi(stack)
const there = createApi(stack, other.url)
await createVisitor(stack).signIn('mary')
const token = await api.token({ username: 'mary' })
await api.person({ username: 'otto' })
const stranger = await api.token({ username: 'otto' })
await api.post('/me', stranger, { fields: { department: 'Research', job_title: 'x' }, accept_terms: '2026-01' })

interface Page {
  items: { id: number; name: string; application: { id: number }; system_name: string }[]
  next_cursor: string | null
  errors?: Record<string, string>
}

async function create(name: string): Promise<number> {
  const body = { model: 'llama-chat', name, fields: { purpose: 'Experiment' } }
  const created = await api.post<{ id: number }>('/applications', token, body)
  if (created.status !== 201) throw new Error(created.text)
  return created.body.id
}

const next = (path: string, cursor: string | null, from = api) =>
  from.get<Page>(`${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor ?? '')}`, token)

t.test('rows deleted between two pages do not shift the next page of any list, on either replica', async (t) => {
  const created: number[] = []
  for (let at = 0; at < 9; at++) created.push(await create(`paged ${at}`))
  for (const path of ['/applications?q=paged&limit=3', '/applications?q=paged&limit=3&sort=name']) {
    const before = (await api.get<Page>(`${path.replace('limit=3', 'limit=100')}`, token)).body.items.map(
      ({ id }) => id,
    )
    const first = (await api.get<Page>(path, token)).body
    t.same(
      first.items.map(({ id }) => id),
      before.slice(0, 3),
    )
    for (const { id } of first.items) t.equal((await api.call('DELETE', `/applications/${id}`, { token })).status, 204)
    // One that sorts before the cursor, and one that sorts after it.
    created.push(await create('paged 00'), await create('paged 99'))
    const second = (await next(path, first.next_cursor, there)).body
    t.same(
      second.items.map(({ id }) => id),
      before.slice(3, 6),
      path,
    )
  }
  for (const path of ['/me/limits?limit=2', '/me/costs?limit=2']) {
    const all = (await api.get<Page>(path.replace('limit=2', 'limit=100'), token)).body.items.map(
      (one) => one.application.id,
    )
    const first = (await api.get<Page>(path, token)).body
    for (const { application } of first.items) await api.call('DELETE', `/applications/${application.id}`, { token })
    const second = (await next(path, first.next_cursor)).body
    t.same(
      second.items.map((one) => one.application.id),
      all.slice(2, 4),
      path,
    )
  }
  for (let at = 0; at < 5; at++) await api.post('/members', token, { email: `paged-${at}@example.com`, role: 'member' })
  const members = (await api.get<Page>('/members', token)).body.items.map(({ id }) => id)
  const first = (await api.get<Page>('/members?limit=3', token)).body
  for (const { id } of first.items.slice(1))
    t.equal((await api.call('DELETE', `/members/${id}`, { token })).status, 204)
  const second = (await next('/members?limit=3', first.next_cursor, there)).body
  t.same(
    second.items.map(({ id }) => id),
    members.slice(3, 6),
  )
})

t.test('a list filtered by state returns each remaining row while other rows change their state', async (t) => {
  const ids: number[] = []
  for (let at = 0; at < 6; at++) ids.push(await create(`stateful ${at}`))
  const path = '/applications?q=stateful&state=live&limit=2'
  const first = (await api.get<Page>(path, token)).body
  for (const { id } of first.items) await stack.put(`/_demo/applications/${id}`, { state: 'suspended' })
  const second = (await next(path, first.next_cursor)).body
  const third = (await next(path, second.next_cursor)).body
  t.same(
    [first, second, third].flatMap(({ items }) => items.map(({ id }) => id)),
    ids.reverse(),
  )
  t.equal(third.next_cursor, null)
})

t.test('a cursor of another sort, filter, list, or account is 422 and states so', async (t) => {
  const path = '/applications?limit=1&sort=name&q=stateful'
  const cursor = (await api.get<Page>(path, token)).body.next_cursor
  for (const [wrong, sentence] of [
    ['/applications?limit=1&sort=-name&q=stateful', /another sort order/],
    ['/applications?limit=1&q=stateful', /another sort order/],
    ['/applications?limit=1&sort=name&q=other', /other filters/],
    ['/applications?limit=1&sort=name', /other filters/],
    ['/members?limit=1', /another list or account/],
    ['/me/limits?limit=1', /another list or account/],
    ['/models?limit=1', /another list or account/],
  ] as const) {
    const answer = await next(wrong, cursor)
    t.equal(answer.status, 422, wrong)
    t.match(answer.body.errors?.cursor, sentence, wrong)
  }
  const theirs = await api.get<Page>(`${path}&cursor=${cursor}`, stranger)
  t.same(
    [theirs.status, theirs.body.errors?.cursor],
    [422, 'This cursor belongs to another list or account. Start without a cursor.'],
  )
  t.equal((await next(path.replace('limit=1', 'limit=50'), cursor)).status, 200, 'another page size is the same list')
})

t.test('the catalogue continues after a model that was removed between pages', async (t) => {
  const names = ({ items }: Page) => items.map(({ system_name }) => system_name)
  const all = names((await api.get<Page>('/models?limit=100', token)).body)
  const first = (await api.get<Page>('/models?limit=3', token)).body
  const removed = (await stack.state()).services.find(({ system_name }) => system_name === all[2])
  await stack.put(`/_demo/services/${removed?.id}`, { promoted: false })
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(300))
    if ((await api.get(`/models/${all[2]}`, token)).status === 404) break
  t.equal((await api.get(`/models/${all[2]}`, token)).status, 404)
  t.same(names((await next('/models?limit=3', first.next_cursor)).body), all.slice(3, 6))
  const visitor = await api.get<Page>(`/models?limit=3&cursor=${first.next_cursor}`)
  t.equal(visitor.status, 200, 'the list does not depend on an account, so visitors can continue it')
  t.ok(names(visitor.body).every((name) => all.indexOf(name) > 2))
})

t.test('exact filters match only the exact value, and an unknown model is 422', async (t) => {
  const id = await create('exact')
  await create('exact match')
  const found = async (query: string) => (await api.get<Page>(query, token)).body.items.map((one) => one.id)
  t.same(await found('/applications?name=exact'), [id])
  for (const name of ['Exact', 'exac', 'exact%20', 'nothing'])
    t.same(await found(`/applications?name=${name}`), [], name)
  t.same(await found(`/applications?q=${id}`), [id])
  t.same(await found(`/applications?q=${String(id).slice(1)}`), [], 'a partial ID does not match')
  const invited = await api.post<{ id: number }>('/members', token, { email: 'Exact@example.com', role: 'member' })
  const service = await api.post<{ id: number }>('/members', token, { client_id: 'exact-service', role: 'member' })
  t.same(await found('/members?email=exact@EXAMPLE.com'), [invited.body.id])
  t.same(await found('/members?client_id=exact-service'), [service.body.id])
  t.same(await found('/members?client_id=exact'), [])
  for (const query of [
    '/applications?name=',
    '/applications?model=',
    '/members?email=',
    '/members?client_id=',
    '/me/usage?model=',
  ])
    t.equal((await api.get(query, token)).status, 422, `${query} does not match everything`)

  const calls = async (path: string, caller = token) => {
    await stack.resetCalls()
    const answer = await api.get<Page>(path, caller)
    const counts = Object.entries(await stack.calls()).filter(([call]) => call.includes('/accounts/'))
    return {
      status: answer.status,
      errors: answer.body.errors,
      calls: counts.reduce((sum, [, count]) => sum + count, 0),
    }
  }
  await calls('/applications?model=llama-chat')
  t.match(await calls('/applications?model=llama-chat'), { status: 200, calls: 1 })
  t.match(await calls('/applications?model=granite-chat'), { status: 200 }, 'a model without applications')
  for (const [path, caller] of [
    ['/applications?model=nope', token],
    ['/me/usage?model=nope', token],
    // A model that exists, but that this caller cannot see.
    ['/applications?model=restricted-research', stranger],
  ] as const) {
    const answer = await calls(path, caller)
    t.match(answer, { status: 422, errors: { model: /^This model does not exist/ } }, path)
    t.ok(answer.calls <= 3, `${path}: ${answer.calls} calls`)
  }
})
