import t from 'tap'
import { createApi } from '../../helper/api.js'
import { startStack } from '../../helper/stack.js'
import { namesOf } from '../../helper/usernames.js'
import { createVisitor } from '../../helper/visitor.js'

/** Accounts that an interrupted request created twice: 3scale then activates neither, and the person could never sign in. */
const stack = await startStack()
await stack.portal()
const api = createApi(stack)
t.teardown(() => stack.close())

const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
let counter = 0

function call(method: string, path: string, body: Record<string, string> = {}) {
  const headers = { authorization: `Basic ${btoa('demo-token:')}` }
  return fetch(`${stack.threescale}/admin/api/${path}`, { method, headers, body: new URLSearchParams(body) })
}

/** A person whose sign-up 3scale accepted twice; `accounts` is in the order of their ids. */
async function doubled() {
  const username = `twin-${++counter}`
  const email = `${username}@example.com`
  await api.person({ username })
  const token = await api.token({ username })
  const { sub = '' } = JSON.parse(atob(token.split('.')[1] ?? '')) as { sub?: string }
  const name = namesOf(stack).usernameFor('person', sub)
  const required = {
    org_name: username,
    username: name,
    email,
    department: 'Research',
    job_title: 'Scientist',
    terms_version: '2026-01',
  }
  const [one, other] = await Promise.all([call('POST', 'signup.json', required), call('POST', 'signup.json', required)])
  if (one.status !== 201 || other.status !== 201) throw new Error(`${one.status}, ${other.status}`)
  const accounts = (await accountsOf(email)).sort((a, b) => a - b)
  return { username, email, token, accounts }
}
const accountsOf = async (email: string) =>
  (await stack.state()).users.filter((user) => user.email === email).map(({ account_id }) => account_id)

async function give(account: number, name = 'held before') {
  const { plans, services } = (await stack.state()) as unknown as {
    plans: { id: number; service_id: number }[]
    services: { id: number; system_name: string }[]
  }
  const service = services.find(({ system_name }) => system_name === 'mistral-chat')?.id
  const plan_id = String(plans.find(({ service_id }) => service_id === service)?.id)
  const { status } = await call('POST', `accounts/${account}/applications.json`, { plan_id, name, description: '' })
  if (status !== 201) throw new Error(`application: ${status}`)
}
/** Backdates the sign-up of the user by an hour, so that later records are not part of the sign-up. */
async function longAgo(account: number) {
  const user = (await stack.state()).users.find(({ account_id }) => account_id === account)
  const created_at = Date.now() - 3_600_000
  await stack.put(`/_demo/users/${user?.id}`, { created_at })
}

t.test('of two unused accounts one remains, preferably the approved one', async (t) => {
  const oldest = await doubled()
  const { status, body } = await api.post<{ account: { id: number } }>('/me', oldest.token, answers)
  t.same([status < 300, body.account?.id], [true, oldest.accounts[0]], 'by API')
  t.same(await accountsOf(oldest.email), [oldest.accounts[0]])

  const page = await doubled()
  const visitor = createVisitor(stack)
  t.equal((await visitor.signIn(page.username, '/account')).status, 200, 'by page')
  t.same(await accountsOf(page.email), [page.accounts[0]])

  const approved = await doubled()
  const [one, two] = approved.accounts as [number, number]
  await call('PUT', `accounts/${one}/make_pending.json`)
  await call('PUT', `accounts/${two}/approve.json`)
  await api.post('/me', approved.token, answers)
  t.same(await accountsOf(approved.email), [two])
})

t.test('applications of the sign-up do not count as use, and later ones do', async (t) => {
  const atOnce = await doubled()
  for (const account of atOnce.accounts) await give(account)
  t.ok((await api.post('/me', atOnce.token, answers)).status < 300)
  t.same(await accountsOf(atOnce.email), [atOnce.accounts[0]])

  const used = await doubled()
  const [, younger] = used.accounts as [number, number]
  await longAgo(younger)
  await give(younger)
  const { status, body } = await api.post<{ account: { id: number } }>('/me', used.token, answers)
  t.same([status < 300, body.account?.id], [true, younger], 'the account in use is unchanged')
  t.same(await accountsOf(used.email), [younger])
})

t.test('two accounts in use are unchanged, and the person sees an error page', async (t) => {
  const both = await doubled()
  for (const account of both.accounts) {
    await longAgo(account)
    await give(account)
  }
  const { status, text } = await api.post('/me', both.token, answers)
  t.match([status, text], [409, /duplicate_accounts/])
  const page = await createVisitor(stack).signIn(both.username, '/account')
  t.equal(page.status, 409)
  t.match(page.text, 'You have more than one account')
  t.match(page.text, 'none was removed')
  t.same(
    (await accountsOf(both.email)).sort((a, b) => a - b),
    both.accounts,
  )
})

t.test('a metric counts the removed accounts', async (t) => {
  const text = await (await fetch(`http://127.0.0.1:${stack.port + 3}/metrics`)).text()
  t.match(text, /maas_duplicates_removed_total\{kind="account"\} [1-9]/)
})
