import t from 'tap'
import { launchBrowser, signInAs } from '../helper/browser.js'
import { startStack } from '../helper/stack.js'
import { createVisitor } from '../helper/visitor.js'

/** The home page of visitors, of new users, and of people who come back, also while 3scale is slow or not available. */
t.setTimeout(300_000)
const stack = await startStack(['threescale', 'identity'])
await stack.portal({ CATALOG_TTL: '3600', CATALOG_ACCESS: 'public' })
t.teardown(() => stack.close())
const USAGE = 'GET */stats/*'
const LIST = 'GET */applications.json'

const visitor = createVisitor(stack)
await visitor.signIn('ada')

async function use(name: string, amount: number): Promise<void> {
  const application = (await stack.list('applications')).find((row) => row.name === name)?.id
  const at = new Date().toISOString()
  const usage = ['hits', 'total_tokens'].map((metric) => ({ application, metric, at, amount }))
  const answer = await fetch(`${stack.threescale}/_demo/usage`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(usage),
  })
  if (!answer.ok) throw new Error(await answer.text())
}

t.test('visitors see what the portal is and models that they can start with', async (t) => {
  const { text } = await createVisitor(stack).get('/')
  t.match(text, /class="hero"/)
  t.match(text, 'Models to start with')
  t.notMatch(text, 'data-own')
  t.notMatch(text, />(Deprecated|Retired)</, 'no model that is about to be retired')
})

t.test('an account that has not called yet sees where its code is', async (t) => {
  const { text } = await visitor.get('/')
  t.match(text, 'Welcome, Ada Lovelace')
  t.match(text, 'Run your first call')
  const [, href = ''] = /href="(\/applications\/\d+)">Show the code/.exec(text) ?? []
  t.equal((await visitor.get(href)).status, 200)
  t.notMatch(text, /class="hero"/)
})

t.test('someone who comes back sees their applications, calls and tokens, and other models', async (t) => {
  const form = await visitor.get('/applications/new?model=granite-chat')
  await visitor.submit(form, /^\/applications$/, { name: 'Reports & summaries' })
  await stack.settled()
  await use('Reports & summaries', 90)
  await visitor.get('/')
  const { text } = await visitor.get('/')
  t.match(text, 'Welcome back, Ada Lovelace')
  t.match(text, /data-own="complete"/)
  t.match(text, /<dt>Calls, last 24 hours<\/dt>\s*<dd class="tile-value">90<\/dd>/)
  t.match(text, />Reports &amp; summaries<\/a>/)
  t.match(text, /90 calls/)
  t.match(text, /Closest limit/)
  t.notMatch(text, 'Run your first call')
  const suggested = text.slice(text.indexOf('Recommended models'))
  t.match(suggested, 'model-card')
  t.notMatch(suggested, '/models/granite-chat"', 'not the model that is in use')
})

t.test('a second visit within seconds costs 3scale the list alone', async (t) => {
  await visitor.get('/')
  await stack.resetCalls()
  await visitor.get('/')
  t.same(Object.keys(await stack.calls()), ['GET /admin/api/accounts/{id}/applications.json'])
})

t.test('a new application shows the state of its key', async (t) => {
  const form = await visitor.get('/applications/new?model=phi-approval')
  if (form.status !== 200) return t.fail(`phi-approval: ${form.status}`)
  await visitor.submit(form, /^\/applications$/, { name: 'Waiting' })
  const { text } = await visitor.get('/')
  const row = text.slice(text.indexOf('>Waiting<')).split('</li>')[0] ?? ''
  t.match(row, 'Pending approval')
  t.notMatch(row, /\d+ calls/)
})

t.test('slow usage is requested by a script, and without scripts is one link away', async (t) => {
  await stack.faults([{ match: USAGE, latency_ms: 1500 }])
  t.teardown(() => stack.faults([]))
  const linus = createVisitor(stack)
  await linus.signIn('mary')
  const form = await linus.get('/applications/new?model=granite-chat')
  await linus.submit(form, /^\/applications$/, { name: 'Slow' })
  const page = await linus.get('/')
  t.equal(page.status, 200)
  t.match(page.text, /data-own="partial"/)
  t.match(page.text, /<a href="\/usage">View usage<\/a>/)
  t.match(page.text, />Slow</, 'the applications are there')
  const fragment = await linus.get('/?fragment=own')
  t.match(fragment.text, /data-own="complete"/)
  t.match(fragment.headers.get('cache-control'), 'no-store')

  const browser = await launchBrowser()
  t.teardown(() => browser.close())
  const context = await browser.newContext()
  const tab = await signInAs(context, stack.url, 'ada')
  await tab.goto(stack.url)
  await tab.waitForSelector('[data-own=complete] .tile')
  t.match(await tab.textContent('.tile'), 'Calls, last 24 hours')
})

t.test('while 3scale is not available, the page says so and still has models', async (t) => {
  await stack.faults([{ match: LIST, status: 503 }])
  t.teardown(() => stack.faults([]))
  const { status, text } = await visitor.get('/')
  t.equal(status, 200)
  t.match(text, 'Your applications are not available right now.')
  t.match(text, 'model-card')
  await stack.faults([{ match: LIST, hang: true }])
  const waiting = await visitor.get('/')
  t.equal(waiting.status, 200)
  t.match(waiting.text, /data-own="(pending|failed)"/)
})

t.test('the fragment of somebody who is not signed in has nothing of an account', async (t) => {
  const { text } = await createVisitor(stack).get('/?fragment=own')
  t.notMatch(text, 'data-own')
})
