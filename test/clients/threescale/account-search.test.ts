import t from 'tap'
import { createAccountSearch } from '../../../src/clients/threescale/account-search.js'
import { isProblem, problem } from '../../../src/errors.js'
import { HttpError, type HttpErrorKind } from '../../../src/infra/http/http-error.js'

const account = { id: '7', org_name: 'Maximal Industries', state: 'approved' }
const user = { id: '9', username: 'max', email: 'max@example.com', role: 'admin', state: 'active' }

/** A search, and the calls that it sends. The XML has so many plans, or fails first. */
function searchOf({
  plans = 1,
  failure,
  applications = 1,
}: {
  plans?: number
  failure?: HttpErrorKind
  applications?: number | 'unavailable'
} = {}) {
  const calls: string[] = []
  const { find: search, isLarge } = createAccountSearch({
    async getXml(path) {
      calls.push(`${path}.xml`)
      if (failure) throw problem('threescale_unavailable', { cause: new HttpError(failure, '3scale') })
      const plan = Array.from({ length: plans }, (_, id) => ({ id: String(id) }))
      return { account: { ...account, users: { user: [user] }, plans: { plan } } }
    },
    async get(path) {
      calls.push(`${path}.json`)
      return { account: { ...account, id: 7 } }
    },
    async countApplications(accountId) {
      calls.push(`count of ${accountId}`)
      if (applications === 'unavailable') throw problem('threescale_unavailable')
      return applications
    },
    async listUsers(accountId) {
      calls.push(`users of ${accountId}`)
      return [
        {
          id: 9,
          accountId,
          username: 'max',
          email: user.email,
          role: 'admin',
          state: 'active',
          createdAt: '',
          fields: {},
        },
      ]
    },
  })
  return { search, isLarge, calls }
}

const XML = ['/admin/api/accounts/find.xml']
const JSON_CALLS = ['/admin/api/accounts/find.json', 'users of 7']

t.test('an account of usual size is found with its users by one call', async (t) => {
  const { search, calls } = searchOf()
  const found = await search({ username: 'max' })
  t.equal(found.account.orgName, 'Maximal Industries')
  t.match(found.users, [{ id: 9, username: 'max', role: 'admin' }])
  await search({ username: 'max' })
  t.same(calls, [...XML, ...XML])
})

t.test('an account with very many plans is found without them the next time, and its users are the same', async (t) => {
  const { search, isLarge, calls } = searchOf({ plans: 301 })
  t.notOk(isLarge(7))
  const first = await search({ username: 'max' })
  t.ok(isLarge(7))
  t.same((await search({ username: 'max' })).account.orgName, first.account.orgName)
  t.same(calls, [...XML, ...JSON_CALLS])
  await search({ username: 'other' })
  t.same(calls.slice(3), XML, 'that is known of this user only')
})

t.test('an account whose XML exceeds the limit of a response is found by JSON at once', async (t) => {
  const { search, calls } = searchOf({ failure: 'too_large' })
  t.match(await search({ username: 'max' }), { account: { id: 7 }, users: [{ username: 'max' }] })
  t.same(calls, [...XML, ...JSON_CALLS])
})

t.test(
  'after a time-out, which is reported, the account is found by JSON and its applications are counted',
  async (t) => {
    const { search, isLarge, calls } = searchOf({ failure: 'timeout', applications: 5000 })
    await t.rejects(search({ username: 'max' }), { code: 'threescale_unavailable' })
    await search({ username: 'max' })
    t.same(calls, [...XML, ...JSON_CALLS, 'count of 7'])
    t.ok(isLarge(7))
    await search({ username: 'max' })
    t.same(calls.slice(4), JSON_CALLS, 'once')

    const usual = searchOf({ failure: 'timeout' })
    await t.rejects(usual.search({ username: 'max' }))
    await usual.search({ username: 'max' })
    t.notOk(usual.isLarge(7), '3scale was slow')
    await t.rejects(usual.search({ username: 'max' }), 'and is asked for the XML again')
  },
)

t.test('an account whose applications cannot be counted is found', async (t) => {
  const { search, isLarge } = searchOf({ failure: 'timeout', applications: 'unavailable' })
  await t.rejects(search({ username: 'max' }))
  t.match(await search({ username: 'max' }), { account: { id: 7 }, users: [{ username: 'max' }] })
  t.notOk(isLarge(7))
})

t.test('a broken connection says nothing about the size of an account', async (t) => {
  const { search, calls } = searchOf({ failure: 'network' })
  for (let time = 0; time < 2; time++)
    await search({ username: 'max' }).catch((error: unknown) => t.ok(isProblem(error, 'threescale_unavailable')))
  t.same(calls, [...XML, ...XML])
})
