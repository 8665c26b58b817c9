import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { portBeside, startRedis, startStack } from '../../helper/stack.js'
import { createVisitor, type Visitor } from '../../helper/visitor.js'

const stack = await startStack()
const redis = await startRedis()
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})
await stack.portal({ REDIS_URL: redis.url })
const second = await stack.portal({ REDIS_URL: redis.url, PORT: portBeside(stack) })
const ada = createVisitor(stack)
const operator = createVisitor(stack)
await ada.signIn('ada')
await operator.signIn('admin')

t.test('only operators see the doctor; it is 404 for others', async (t) => {
  const visitor = await createVisitor(stack).raw('/doctor')
  t.equal(visitor.status, 303)
  t.match(visitor.location, '/login?return_to=%2Fdoctor')
  const [hers, nowhere] = [await ada.raw('/doctor'), await ada.raw('/nowhere-at-all')]
  t.equal(hers.status, 404)
  t.equal(withoutReference(hers.text), withoutReference(nowhere.text))
  t.equal((await ada.post('/doctor', {})).status, 404)
  t.notMatch((await ada.get('/models')).text, 'href="/doctor"')
  t.match((await operator.get('/models')).text, 'href="/doctor"')
  const foreign = await operator.post('/doctor', {}, { headers: { origin: 'https://elsewhere.example' } })
  t.equal(foreign.status, 403, 'a form of another site starts nothing')
})

t.test('the report of a run is available on every replica when it finishes, for a limited time', async (t) => {
  t.match((await operator.get('/doctor')).text, 'No report yet')
  await stack.faults([{ match: 'GET /admin/api/settings.json', latency_ms: 1500, times: 1 }])
  await stack.resetCalls()
  const begun = await operator.post('/doctor', {})
  t.equal(begun.status, 303)
  const during = await operator.raw('/doctor')
  t.match(during.text, 'Checks are running')
  t.match(during.text, /<button[^>]*disabled/)
  t.equal(during.headers.get('refresh'), '2', 'the page reloads without a script')
  t.equal((await operator.post('/doctor', {})).status, 303, 'a second request uses the running one')
  const report = await ended(operator)
  t.match(report.text, /\d+ errors, \d+ warnings, \d+ info\. 20 products, \d+ calls, \d+ s ago\./)
  for (const words of ['not_promoted', 'never-promoted', 'All its plans are hidden: Internal.', 'plan_default'])
    t.match(report.text, words)
  t.match(report.text, /href="http:\/\/localhost:\d+\/apiconfig\/services\/\d+\/integration"/)
  for (const secret of ['LEAK', 'demo-token', `127.0.0.1:${stack.port + 5}`]) t.notMatch(report.text, secret)
  t.equal((await stack.calls())['GET /admin/api/services.xml'], 1, 'a single run')

  const there = await operator.at(second.url)('/doctor')
  t.match(there.text, 'never-promoted', 'the other replica has it too')
  await stack.resetCalls()
  await operator.post('/doctor', {})
  t.match((await operator.get('/doctor')).text, 'never-promoted')
  t.equal((await stack.calls())['GET /admin/api/backend_apis.json'], undefined, 'a fresh report is not created again')
})

t.test('the reasons for a missing model are the same for a restricted and an unknown name', async (t) => {
  const pages = await Promise.all(
    ['restricted-research', 'no-such-model'].map(async (name) => {
      const absent = await ada.get(`/models/${name}`)
      t.equal(absent.status, 404)
      t.match(absent.text, `href="/missing-model?model=${name}"`)
      const reasons = await ada.get(`/missing-model?model=${name}`)
      t.equal(reasons.status, 200)
      return (withoutReference(absent.text) + reasons.text).replaceAll(name, 'NAME')
    }),
  )
  t.equal(pages[0], pages[1])
  t.match(pages[0], 'The model is limited to certain groups.')
  t.match(pages[0], 'contact the platform team (models@example.com)')
  t.notMatch(pages[0], 'For operators')
  t.match((await ada.get('/models?q=nothing+like+it')).text, 'href="/missing-model"')
  t.equal((await createVisitor(stack).raw('/missing-model')).status, 303, 'only after sign-in')
  const unusual = await ada.get(`/missing-model?model=${encodeURIComponent('<script>')}&user=x&model=`)
  t.equal(unusual.status, 200)
  t.notMatch(unusual.text, '<script>alert')
})

t.test('operators see why a model is missing, and for which users', async (t) => {
  const explain = async (model: string, user = '') =>
    (await operator.get(`/missing-model?${new URLSearchParams({ model, user })}`)).text
  t.match(await explain('granite-chat'), 'The model is visible. A change in 3scale takes effect within 60 s')
  t.match(await explain('granit-chat'), 'no product with the system name “granit-chat”.')
  t.match(await explain('granite'), 'Similar: granite-chat.')
  t.match(await explain('never-promoted'), 'no usable production configuration')
  t.match(await explain('hidden-plan'), 'It has no published application plan.')
  t.match(await explain('restricted-research'), 'members of research only')
  t.match(await explain('granite-chat', 'pat@example.com'), 'The account “Pat Ltd” is suspended, not approved.')
  t.match(await explain('granite-chat', 'nobody-here'), '3scale has no user “nobody-here”')
  t.match(await explain('granite-chat', 'linus-stock'), 'The model is visible.')

  const linus = (await stack.state()).users.find(({ username }) => username === 'linus-stock')
  await stack.put(`/_demo/users/${linus?.id}`, { state: 'suspended' })
  t.match(await explain('granite-chat', 'linus-stock'), 'The user is suspended, not active.')
  await stack.put(`/_demo/users/${linus?.id}`, { state: 'active' })

  await stack.put('/_demo/settings', { service_plans_ui_visible: true })
  t.match(await explain('granite-chat'), 'only accounts with a live subscription')
  t.match(await explain('granite-chat', 'linus-stock'), 'The model is visible.')
  t.match(await explain('mistral-chat', 'linus-stock'), 'subscription to the product is missing')
  const { subscriptions } = (await stack.state()) as unknown as { subscriptions: { id: number; account_id: number }[] }
  const own = subscriptions.filter(({ account_id }) => account_id === linus?.account_id)
  for (const { id } of own) await stack.put(`/_demo/subscriptions/${id}`, { state: 'pending' })
  t.match(await explain('granite-chat', 'linus-stock'), 'subscription to the product is pending')
  await stack.put('/_demo/settings', { service_plans_ui_visible: false })

  await stack.faults([{ match: 'GET /admin/api/*', status: 500 }])
  t.equal((await operator.get('/missing-model?model=granite-chat')).status, 503)
  await stack.faults([])
})

t.test('the page reports a run that 3scale rejects', async (t) => {
  const third = await stack.portal({ PORT: String(stack.port + 51), THREESCALE_ACCESS_TOKEN: 'nobodys-token' })
  const at = operator.at(third.url)
  await at('/doctor', { method: 'POST', headers: { origin: stack.url } })
  let page = await at('/doctor')
  while (page.text.includes('Checks are running')) {
    await sleep(100)
    page = await at('/doctor')
  }
  t.match(page.text, 'Some checks could not run')
  t.match(page.text, 'threescale_token_rejected')
})

async function ended(visitor: Visitor) {
  let page = await visitor.get('/doctor')
  while (page.text.includes('Checks are running')) {
    await sleep(100)
    page = await visitor.get('/doctor')
  }
  return page
}

function withoutReference(text: string): string {
  return text.replace(/Request ID: <code>[^<]+/, '')
}
