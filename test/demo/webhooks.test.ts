import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { until } from '../helper/faults.js'
import { startStack } from '../helper/stack.js'

/** What the 3scale part sends, and when, as porta does (docs/webhooks.md names the files). */
const stack = await startStack(['threescale'])
await stack.behave({ webhook_delay_ms: 1, webhook_retry_ms: 30 })

interface Received {
  method: string | undefined
  path: string | undefined
  headers: IncomingMessage['headers']
  body: string
}

const received: Received[] = []
let respond: (count: number) => { status: number; location?: string } = () => ({ status: 200 })
const receiver = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  received.push({ method: request.method, path: request.url, headers: request.headers, body })
  const { status, location } = respond(received.length)
  response.writeHead(status, location === undefined ? {} : { location }).end()
})
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
const receiverPort = (receiver.address() as AddressInfo).port
t.teardown(async () => {
  receiver.close()
  await stack.close()
})

const ACCOUNT = 501

async function call(method: string, path: string, values: Record<string, string> = {}) {
  const answer = await fetch(`${stack.threescale}/admin/api/${path}`, {
    method,
    body: new URLSearchParams({ access_token: 'demo-wide-token', ...values }),
  })
  const text = await answer.text()
  return { status: answer.status, text, json: () => JSON.parse(text) as Record<string, Record<string, unknown>> }
}

/** The events that a call causes, as `type action`. */
async function eventsOf(work: () => Promise<{ status: number; text: string }>): Promise<string[]> {
  received.length = 0
  const { status, text } = await work()
  if (status >= 300) throw new Error(`${status} ${text}`)
  await settled()
  return received
    .map(({ body }) => /<event><action>(\w+)<\/action><type>(\w+)<\/type>/.exec(body))
    .map((match) => `${match?.[2]} ${match?.[1]}`)
    .sort()
}

const report = async () =>
  (await (await fetch(`${stack.threescale}/_demo/webhooks`)).json()) as Record<
    'delivered' | 'failed' | 'pending',
    number
  >
const settled = () => until('no webhook is pending', async () => (await report()).pending === 0)

const everything = (url: string) => ({
  url,
  active: 'true',
  provider_actions: 'true',
  ...Object.fromEntries(
    [
      ...['account_created', 'account_updated', 'account_deleted', 'account_plan_changed'],
      ...['user_created', 'user_updated', 'user_deleted', 'application_created', 'application_updated'],
      ...['application_deleted', 'application_plan_changed', 'application_suspended', 'application_key_created'],
      ...['application_key_deleted', 'application_key_updated', 'application_user_key_updated'],
    ].map((name) => [`${name}_on`, 'true']),
  ),
})

t.test('the settings are JSON only, cannot be read, and have a URL while they are active', async (t) => {
  t.equal((await fetch(`${stack.threescale}/admin/api/webhooks.json?access_token=demo-token`)).status, 404)
  t.equal((await call('PUT', 'webhooks.json')).status, 400)
  const wrong = await call('PUT', 'webhooks.json', { url: 'example', active: 'true' })
  t.equal(wrong.status, 422)
  t.match(wrong.json(), { errors: { url: ['Must be a valid URL such as http://example.com'] } })
  t.equal((await call('PUT', 'webhooks.json', { url: `http://a/${'b'.repeat(255)}` })).status, 422)
  t.equal((await call('PUT', 'webhooks.xml', { active: 'false' })).status, 406)
  const { status, json } = await call('PUT', 'webhooks.json', { 'web_hook[user_created_on]': '1' })
  t.equal(status, 200)
  t.match(json(), { webhook: { url: null, active: false, provider_actions: false, user_created_on: true } })
})

t.test('nothing is sent without provider_actions, without the event, or while it is not active', async (t) => {
  const url = `http://127.0.0.1:${receiverPort}/`
  const rename = (org_name: string) => () => call('PUT', `accounts/${ACCOUNT}.json`, { org_name })
  for (const off of ['provider_actions', 'account_updated_on', 'active']) {
    await call('PUT', 'webhooks.json', { ...everything(url), [off]: '0' })
    t.same(await eventsOf(rename(`Quiet without ${off}`)), [], off)
  }
  await call('PUT', 'webhooks.json', everything(url))
  t.same(await eventsOf(rename('Loud')), ['account updated'])
  const [{ method, headers, body }] = received as [Received]
  t.equal(method, 'POST')
  t.equal(headers['content-type'], 'application/xml')
  t.notOk('authorization' in headers)
  t.match(headers['user-agent'], /^rest-client\/2\.0\.2/)
  t.match(
    body,
    /^<\?xml version="1.0" encoding="UTF-8"\?><event><action>updated<\/action><type>account<\/type><object><account><id>501</,
  )
  t.match(body, /<org_name>Loud<.*<users><user>/s)
})

t.test('each write causes the events of 3scale', async (t) => {
  const signUp = {
    org_name: 'Webhook Inc',
    username: 'webhook',
    email: 'webhook@example.com',
    password: 'a-password',
    department: 'Research',
    job_title: 'Scientist',
  }
  let account = 0
  t.same(
    await eventsOf(async () => {
      const answer = await call('POST', 'signup.json', signUp)
      account = Number(answer.json().account?.id)
      return answer
    }),
    ['account created', 'application created', 'user created'],
    'the demo has a product with default plans',
  )
  const base = `accounts/${account}`
  let user = 0
  t.same(
    await eventsOf(async () => {
      const answer = await call('POST', `${base}/users.json`, {
        username: 'second-webhook',
        email: 'second-webhook@example.com',
        password: 'a-password',
      })
      user = Number(answer.json().user?.id)
      return answer
    }),
    ['user created'],
  )
  const changes: [string, string, string, Record<string, string>, string[]][] = [
    ['an activation', 'PUT', `users/${user}/activate.json`, {}, ['user updated']],
    ['a role', 'PUT', `users/${user}/admin.json`, {}, ['user updated']],
    ['a suspension', 'PUT', `users/${user}/suspend.json`, {}, ['user updated']],
    ['a removal', 'DELETE', `users/${user}.json`, {}, ['user deleted']],
    ['a state', 'PUT', 'make_pending.json', {}, ['account updated']],
    ['an approval', 'PUT', 'approve.json', {}, ['account updated']],
  ]
  for (const [name, method, path, values, expected] of changes)
    t.same(await eventsOf(() => call(method, `${base}/${path}`, values)), expected, name)

  const { services } = (await stack.state()) as unknown as { services: { id: number; backend_version: string }[] }
  const { plans } = (await (await fetch(`${stack.threescale}/_demo/state?only=plans`)).json()) as {
    plans: { id: number; service_id: number; custom?: boolean }[]
  }
  const product = services.find(({ backend_version }) => backend_version === '2')
  const plan = plans.find(({ service_id }) => service_id === product?.id)
  let application = 0
  const created = await eventsOf(async () => {
    const answer = await call('POST', `${base}/applications.json`, { plan_id: String(plan?.id), name: 'app' })
    application = Number(answer.json().application?.id)
    return answer
  })
  t.ok(created.includes('application created'), created.join())
  const ofApplication: [string, string, Record<string, string>, string[]][] = [
    ['PUT', '.json', { name: 'renamed' }, ['application updated']],
    ['PUT', '/suspend.json', {}, ['application suspended']],
    ['PUT', '/resume.json', {}, ['application updated']],
    ['PUT', '/customize_plan.json', {}, ['application updated']],
    ['PUT', '/decustomize_plan.json', {}, ['application plan_changed']],
    ['POST', '/keys.json', { key: 'another-key' }, ['application key_created']],
    ['DELETE', '/keys/another-key.json', {}, ['application key_deleted']],
    ['PUT', '.json', { user_key: 'chosen-user-key' }, ['application key_updated', 'application updated']],
  ]
  for (const [method, path, values, expected] of ofApplication)
    t.same(await eventsOf(() => call(method, `${base}/applications/${application}${path}`, values)), expected, path)
  t.same(await eventsOf(() => call('DELETE', `${base}.json`)), [
    'account deleted',
    'application deleted',
    'application deleted',
    'user deleted',
  ])
  for (const { body } of received)
    t.notMatch(body, /<(username|org_name|keys|users|extra_fields)>/, 'without its fields')
  t.match(received.find(({ body }) => body.includes('<type>user<'))?.body, `<account_id>${account}</account_id>`)
})

t.test('the user name and password of the address are decoded and sent as Basic authorization', async (t) => {
  const url = `http://3scale:p%40ss+word@127.0.0.1:${receiverPort}/hook?a=1`
  await call('PUT', 'webhooks.json', everything(url))
  await eventsOf(() => call('PUT', `accounts/${ACCOUNT}.json`, { org_name: 'With a password' }))
  t.equal(received[0]?.path, '/hook?a=1')
  t.equal(received[0]?.headers.authorization, `Basic ${Buffer.from('3scale:p@ss word').toString('base64')}`)
})

t.test('a failed delivery is repeated five times, then listed with the event until it is deleted', async (t) => {
  const url = `http://127.0.0.1:${receiverPort}/`
  await call('PUT', 'webhooks.json', everything(url))
  const rename = (org_name: string) => eventsOf(() => call('PUT', `accounts/${ACCOUNT}.json`, { org_name }))
  respond = (count) => ({ status: count < 3 ? 503 : 204 })
  t.equal((await rename('Third time')).length, 3)
  t.equal((await report()).failed, 0)
  respond = () => ({ status: 302, location: url })
  t.equal((await rename('Redirected')).length, 6, 'a redirect of a POST is a failure')
  respond = () => ({ status: 500 })
  t.equal((await rename('Never')).length, 6)

  const list = (format: string) =>
    fetch(`${stack.threescale}/admin/api/webhooks/failures.${format}?access_token=demo-token`)
  const { 'webhooks-failures': failures } = (await (await list('json')).json()) as {
    'webhooks-failures': { 'webhooks-failure': Record<string, string> }[]
  }
  t.match(
    failures.map((each) => each['webhooks-failure']),
    [
      { error: '302 Found', url, event: /Redirected/ },
      { error: '500 Internal Server Error', url, event: /^<\?xml.*Never/, id: /^[\da-f-]{36}$/, time: /Z$/ },
    ],
  )
  t.match(
    await (await list('xml')).text(),
    /<webhooks-failures><webhooks-failure><id>.*<error>302 Found<\/error>.*<event><action>updated</,
  )
  const remove = (values: Record<string, string>) => call('DELETE', 'webhooks/failures.json', values)
  t.equal((await remove({ time: 'yesterday-ish' })).status, 400)
  const first = failures[0]?.['webhooks-failure']?.time ?? ''
  t.equal((await remove({ time: first })).status, 200)
  t.equal(((await (await list('json')).json()) as Record<string, unknown[]>)['webhooks-failures']?.length, 1)
  t.equal((await remove({})).status, 200)
  t.same(await (await list('json')).json(), { 'webhooks-failures': [] })
})
