import t from 'tap'
import { createThreescale } from '../../../src/clients/threescale/client.js'
import { isProblem } from '../../../src/errors.js'
import { HttpError } from '../../../src/infra/http/http-error.js'

const OLD = '2020-01-01T00:00:00Z'

/** 3scale with `count` applications of account 5, where the list without pages takes too long. */
function setUp(count: number, { owner = 5, isSlow = true } = {}) {
  const calls: string[] = []
  const rows = Array.from({ length: count }, (_, at) => ({
    application: { id: at + 1, account_id: owner, name: `Robot ${at + 1}`, updated_at: OLD },
  }))
  const tenant = { rows, calls }
  const api = createThreescale({
    adminUrl: 'https://tenant.example.com',
    accessToken: 'token',
    http: {
      async send({ url, headers = {} }) {
        const [perPage, page] = ['per_page', 'page'].map((name) => Number(url.searchParams.get(name)))
        const answer = (list: object[], metadata = {}) => {
          const etag = `"${JSON.stringify(list).length}"`
          const status = headers['if-none-match'] === etag ? 304 : 200
          calls.push(`${url.pathname.replace('/admin/api', '').replace('.json', '')}${url.search} ${status}`)
          const text = status === 304 ? '' : JSON.stringify({ applications: list, ...metadata })
          return { status, headers: { etag, date: new Date().toUTCString() }, text }
        }
        if (url.pathname === '/admin/api/applications.json' && perPage && page) {
          const total_pages = Math.ceil(tenant.rows.length / perPage)
          const metadata = total_pages > 1 ? { metadata: { total_entries: tenant.rows.length, total_pages } } : {}
          return answer(tenant.rows.slice((page - 1) * perPage, page * perPage), metadata)
        }
        if (url.pathname.endsWith('/accounts/find.xml')) {
          const plans = '<plan><id>1</id></plan>'.repeat(tenant.rows.length)
          const text = `<account><id>5</id><users><user><id>1</id><username>max</username></user></users><plans>${plans}</plans></account>`
          return { status: 200, headers: {}, text }
        }
        if (url.pathname === '/admin/api/accounts/5/applications.json') {
          if (!isSlow) return answer(tenant.rows)
          calls.push('/accounts/5/applications time-out')
          throw new HttpError('timeout', url.host)
        }
        calls.push(url.pathname)
        const id = Number(/(\d+)\.json$/.exec(url.pathname)?.[1])
        return { status: 200, headers: {}, text: JSON.stringify({ application: { id, account_id: 5 } }) }
      },
    },
  })
  return { api, tenant, taken: () => calls.splice(0) }
}

t.test('the list of an account with 5,000 applications is read in pages, and only changed pages again', async (t) => {
  const { api, tenant, taken } = setUp(5000)
  await api.findByUsername('max')
  t.equal(api.hasManyApplications(5), true, 'its users are read with one plan for each application')
  t.equal((await api.listApplications(5)).length, 5000)
  const first = taken()
  t.equal(first.filter((call) => call.endsWith('200')).length, 10, 'ten pages of 500')
  tenant.rows.push({ application: { id: 5001, account_id: 5, name: 'Robot 5001', updated_at: OLD } })
  t.equal((await api.listApplications(5)).length, 5001)
  const second = taken()
  t.equal(second.filter((call) => call.endsWith('304')).length, 10)
  t.equal(second.filter((call) => call.endsWith('200')).length, 1, 'the new page')
  t.equal((await api.readListedApplication(5, 77)).id, 77)
  t.same(taken(), ['/admin/api/accounts/5/applications/77.json'], 'one application is read itself')
})

t.test('the newest applications of a long list are read with two or three short pages', async (t) => {
  for (const count of [5000, 5001, 4999, 301]) {
    const { api, tenant, taken } = setUp(count)
    const ids = async () => (await api.listNewestApplications(5, 25)).applications.map(({ id }) => id)
    t.same(
      await ids(),
      tenant.rows.slice(-25).map(({ application }) => application.id),
      `${count}`,
    )
    t.ok(taken().length <= 3)
    await api.findByUsername('max')
    await api.listApplications(5)
    tenant.rows.push({ application: { id: 9999, account_id: 5, name: 'new', updated_at: OLD } })
    t.equal((await ids()).at(-1), 9999, 'one more than was known')
    tenant.rows.splice(100)
    t.same(
      await ids(),
      tenant.rows.slice(-25).map(({ application }) => application.id),
      'and far fewer',
    )
  }
})

t.test('a list that timed out is counted at the next read', async (t) => {
  const { api, taken } = setUp(5000)
  t.ok(isProblem(await api.listApplications(5).catch((error: unknown) => error), 'threescale_unavailable'))
  t.equal(api.hasManyApplications(5), 'unknown')
  t.same(taken(), ['/accounts/5/applications time-out'], 'nothing else is sent')
  t.equal((await api.listApplications(5)).length, 5000)
  t.equal(api.hasManyApplications(5), true)
  t.equal(taken().filter((call) => call.includes('per_page=1&')).length, 1)

  const short = setUp(20, { isSlow: false })
  await short.api.listApplications(5)
  t.same(short.taken(), ['/accounts/5/applications 200'], 'other lists are one call')
})

t.test('those that wait for the same long list share one read', async (t) => {
  const { api, taken } = setUp(900)
  await api.findByUsername('max')
  const lists = await Promise.all(Array.from({ length: 8 }, () => api.listApplications(5)))
  t.same(
    lists.map(({ length }) => length),
    Array(8).fill(900),
  )
  t.equal(taken().length, 2, 'one read of two pages')
})

t.test('a list with applications of another account is rejected', async (t) => {
  const { api } = setUp(600, { owner: 6 })
  await api.findByUsername('max')
  for (const read of [() => api.listApplications(5), () => api.listNewestApplications(5, 25)])
    t.ok(isProblem(await read().catch((error: unknown) => error), 'threescale_unavailable'))
})
