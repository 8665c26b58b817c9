import { join } from 'node:path'
import t from 'tap'
import { legacyRedirectTarget } from '../../../src/web/pages/legacy-redirects.js'
import { raw } from '../../helper/raw.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

const stack = await startStack(['threescale', 'identity'])
const config = join(t.testdir({ 'portal.yaml': 'stock_hosts: [maas.apps.example.com]\n' }), 'portal.yaml')
await stack.portal({ PORTAL_CONFIG: config })
t.teardown(() => stack.close())

t.test('every page of the stock portal redirects to the corresponding page', async (t) => {
  const table: [string, string][] = [
    ['/admin', '/'],
    ['/admin/applications', '/applications'],
    ['/admin/applications/42', '/applications/42'],
    ['/admin/applications/42/edit', '/applications/42'],
    ['/admin/applications/42/alerts', '/applications/42'],
    ['/admin/applications/new', '/applications/new'],
    ['/admin/applications/new?service_id=granite-chat', '/applications/new?model=granite-chat'],
    ['/admin/applications/new?service_id=7', '/applications/new'],
    ['/admin/applications/new?service_id=a%22%3E', '/applications/new'],
    ['/admin/applications/choose_service', '/applications/new'],
    ['/admin/access_details', '/applications'],
    ['/admin/account', '/account'],
    ['/admin/account/edit', '/account'],
    ['/admin/account/users', '/account'],
    ['/admin/account/invitations/new', '/account'],
    ['/admin/account/personal_details', '/account'],
    ['/admin/account/password/new', '/account'],
    ['/admin/account/invoices/3', '/account'],
    ['/admin/messages/received/9', '/'],
    ['/admin/services', '/models'],
    ['/admin/service_contracts/new', '/models'],
    ['/services', '/models'],
    ['/docs', '/models'],
    ['/docs/granite-chat', '/models'],
    ['/swagger/spec', '/models'],
    ['/api_docs/services.json', '/models'],
    ['/examples', '/models'],
    ['/configuration', '/models'],
    ['/stats', '/usage'],
    ['/buyer/stats', '/usage'],
    ['/buyer/stats/5/methods', '/usage'],
    ['/buyer/contract', '/applications'],
    ['/search?q=a%20b%26c', '/models?q=a%20b%26c'],
    ['/search', '/models'],
    ['/signup', '/login'],
    ['/signup/success', '/login'],
    ['/signup/0a1b2c', '/login'],
    ['/activate/0a1b2c', '/login'],
    ['/auth/keycloak/callback?code=1', '/login'],
    ['/session/create', '/login'],
    ['/forgot_password', '/login'],
    ['/logout', '/account'],
    ['/logged_out', '/signed-out'],
    ['/privacy', '/'],
    ['/access_code', '/'],
  ]
  for (const [from, to] of table) {
    const answer = await fetch(stack.url + from, { redirect: 'manual' })
    t.match({ status: answer.status, location: answer.headers.get('location') }, { status: 303, location: to }, from)
  }
  for (const other of ['/adminer', '/service', '/documents', '/signups', '/logout/now', '//example.com/admin'])
    t.equal(legacyRedirectTarget(other === '//example.com/admin' ? '/x//example.com/admin' : other), undefined, other)
})

t.test('an invalid path is not found and never redirects to another host', async (t) => {
  for (const path of ['//', '/\\', '///', '//:0', '/%5c%5c'])
    t.equal((await raw(stack.port, `GET ${path}`)).status, 404, path)
})

t.test('forms of the stock portal and pages of this portal are not redirected', async (t) => {
  const posted = await fetch(`${stack.url}/signup`, { method: 'POST', redirect: 'manual' })
  t.not(posted.headers.get('location'), '/login')
  for (const own of ['/login', '/signed-out', '/models']) {
    const answer = await fetch(stack.url + own, { redirect: 'manual' })
    t.ok(answer.status === 200 || answer.headers.get('location')?.startsWith(stack.identity), own)
  }
})

t.test('a request for the host name of the stock portal is redirected to the public address', async (t) => {
  const table: [string, string][] = [
    ['/', '/'],
    ['/models?q=a', '/models?q=a'],
    ['/admin/applications/42', '/applications/42'],
    ['//example.com/', '//example.com/'],
  ]
  for (const [path, target] of table) {
    const answer = await raw(stack.port, `GET ${path}`, ['Host: maas.apps.example.com'])
    t.match([answer.status, answer.header('location')], [303, stack.url + target], path)
  }
  const other = await raw(stack.port, 'GET /signed-out', ['Host: other.example.com'])
  t.equal(other.status, 200, 'other host names, such as that of the service, are not redirected')
})

t.test('a user with a password in the stock portal follows a bookmark to the same application', async (t) => {
  const { applications } = await stack.state()
  const old = applications.find(({ name }) => name === 'stock chat')
  const linus = createVisitor(stack)
  const login = await linus.get(`/admin/applications/${old?.id}`)
  t.match(login.text, 'name="password"', 'through sign-in')
  const linked = await linus.submit(login, /interaction/, { username: 'linus', password: 'demo' })
  t.match(
    linked.text,
    'linus-stock',
    'asked for confirmation first, and informed that the previous user name and password are no longer used',
  )
  const page = await linus.submit(linked, /sign-up/)
  t.equal(page.url, `${stack.url}/applications/${old?.id}`)
  t.match(page.text, 'stock chat')
  const { users } = await stack.state()
  const user = users.filter(({ email }) => email === 'linus@example.com')
  t.equal(user.length, 1, 'no duplicate user was created')
  t.match(user[0]?.username, /^sso-/, 'the previous user name no longer works')
})
