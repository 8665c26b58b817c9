import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import t from 'tap'
import { webhookRoutes } from '../../../src/features/webhooks/routes.js'
import { createWebhooks } from '../../../src/features/webhooks/webhooks.js'
import { createCache } from '../../../src/infra/cache.js'
import { rateLimits } from '../../../src/web/limits/rate-limits.js'

const SECRET = 'a'.repeat(32)
const NEXT_SECRET = 'b'.repeat(32)
const XML = '<?xml version="1.0" encoding="UTF-8"?>'

const application = (action: string, account: number | string = 501) =>
  `${XML}<event><action>${action}</action><type>application</type><object><application><id>3001</id>` +
  `<state>live</state><user_account_id>${account}</user_account_id><first_traffic_at/><service_id>11</service_id>` +
  '<user_key>k</user_key><plan custom="false" default="true"><id>7</id><name>Basic</name></plan><name>a &amp; b</name>' +
  '</application></object></event>'
const account = (action: string, more = '') =>
  `${XML}<event><action>${action}</action><type>account</type><object><account><id>502</id><state>approved</state>${more}</account></object></event>`
const user = (action: string) =>
  `${XML}<event><action>${action}</action><type>user</type><object><user><id>9</id><account_id>503</account_id><state>suspended</state></user></object></event>`

async function setting({ rejectedPerMinute = 300 } = {}) {
  const done: string[] = []
  const counted: string[] = []
  const app = Fastify({ bodyLimit: 256 * 1024 })
  const limits = await rateLimits(app, {
    prefix: 'test',
    ...{ api: 100, calls: 100, reveals: 100, writes: 100, pages: 100, reports: 100, visits: 100 },
    signIn: rejectedPerMinute,
  })
  const webhooks = createWebhooks({
    cache: createCache({ prefix: 'test', log: { warn() {}, info() {} } }),
    now: Date.now,
    changes: {
      async accountChanged(id) {
        done.push(`account ${id}`)
      },
      async usersChanged(id) {
        done.push(`users ${id}`)
      },
      async productUsed(id) {
        done.push(`product ${id}`)
      },
      catalogueChanged: (id) => void done.push(`catalogue ${id}`),
    },
  })
  await app.register(
    (scope) =>
      webhookRoutes(scope, {
        secrets: [SECRET, NEXT_SECRET],
        webhooks,
        limits,
        countEvent: (type, outcome) => void counted.push(`${type} ${outcome}`),
      }),
    { prefix: '/webhooks' },
  )
  t.teardown(async () => {
    limits.close()
    await app.close()
  })
  const send = (
    payload: string,
    { type = 'application/xml', password = SECRET, authorization }: Record<string, string> = {},
  ) =>
    app.inject({
      method: 'POST',
      url: '/webhooks/3scale',
      headers: {
        'content-type': type,
        authorization: authorization ?? `Basic ${Buffer.from(`3scale:${password}`).toString('base64')}`,
      },
      payload,
    })
  return { app, send, done, counted, webhooks }
}

t.test('each type of event invalidates what the portal has of its account', async (t) => {
  const { send, done, counted, webhooks } = await setting()
  t.equal(await webhooks.lastReceived(), undefined)
  for (const body of [application('suspended'), account('updated'), user('deleted')]) {
    const answer = await send(body)
    t.equal(answer.statusCode, 204, answer.body)
    t.equal(answer.body, '')
  }
  t.same(done, ['product 11', 'account 501', 'account 502', 'users 502', 'account 503', 'users 503'])
  t.same(counted, ['application accepted', 'account accepted', 'user accepted'])
  t.ok(Date.now() - ((await webhooks.lastReceived())?.at ?? 0) < 60_000)
})

t.test('an event of which the form field has the XML is accepted', async (t) => {
  const { send, done } = await setting()
  const form = new URLSearchParams({ 'params[xml]': application('updated') }).toString()
  t.equal((await send(form, { type: 'application/x-www-form-urlencoded' })).statusCode, 204)
  t.same(done, ['product 11', 'account 501'])
})

t.test('one event, sent a thousand times, invalidates an account a few times', async (t) => {
  const { send, done } = await setting()
  const answers = await Promise.all(Array.from({ length: 1000 }, () => send(user('updated'))))
  t.same([...new Set(answers.map(({ statusCode }) => statusCode))], [204])
  await sleep(1000)
  const [accounts, users] = ['account 503', 'users 503'].map((name) => done.filter((each) => each === name).length)
  t.ok(accounts && accounts >= 2 && accounts < 50, `${accounts} times`)
  t.equal(users, accounts)
  await sleep(1000)
  t.equal(done.filter((each) => each === 'account 503').length, accounts, 'and not again later')
})

t.test('only the start of a large event is read', async (t) => {
  const { send, done } = await setting()
  const plans = `<plans>${'<plan><id>1</id><name>Basic</name></plan>'.repeat(50_000)}</plans>`
  t.equal((await send(account('updated', plans))).statusCode, 204)
  t.same(done, ['account 502', 'users 502'])
  const form = new URLSearchParams({ 'params[xml]': account('updated', plans) }).toString()
  t.equal((await send(form, { type: 'application/x-www-form-urlencoded' })).statusCode, 204)
})

t.test('an event of an unknown type is accepted and ignored', async (t) => {
  const { send, done, counted } = await setting()
  const body = `${XML}<event><action>created</action><type>service</type><object><service><id>1</id></service></object></event>`
  t.equal((await send(body)).statusCode, 204)
  t.same(done, [])
  t.same(counted, ['other ignored'])
  t.equal((await send(application('an_action_of_a_later_version'))).statusCode, 204)
})

t.test('a body that is no event is rejected, and nothing is invalidated', async (t) => {
  const { send, done, counted } = await setting()
  const nested = `<event>${'<a>'.repeat(10_000)}`
  const bombs = `<!DOCTYPE x [<!ENTITY a "aaaa">]>${application('updated').slice(XML.length)}`
  const cases: [string, string, number][] = [
    ['', 'application/xml', 422],
    ['hello', 'application/xml', 422],
    ['<event><action>updated</action>', 'application/xml', 422],
    ['<event><action>updated</action><type>application</type><object/></event>', 'application/xml', 422],
    [application('updated', 'abc'), 'application/xml', 422],
    [application('updated', '501</user_account_id><user_account_id>502'), 'application/xml', 422],
    [application('updated', '-1'), 'application/xml', 422],
    [application('updated', '9'.repeat(30)), 'application/xml', 422],
    ['<event><__proto__><type>account</type></__proto__></event>', 'application/xml', 422],
    [nested, 'application/xml', 422],
    [bombs, 'application/xml', 422],
    ['xml=1', 'application/x-www-form-urlencoded', 422],
    ['{"event":{}}', 'application/json', 415],
    ['\u0000\uFFFD', 'application/xml', 422],
    [' '.repeat(17 * 1024 * 1024), 'application/xml', 413],
  ]
  for (const [body, type, status] of cases) {
    const answer = await send(body, { type })
    t.equal(answer.statusCode, status, body.slice(0, 60))
    t.match(answer.headers['content-type'], /^application\/problem\+json/)
    t.match(answer.json(), { type: /^urn:maas-portal:problem:/, status })
    t.notMatch(answer.body, /aaaa|abc/, 'the response does not repeat the body')
  }
  t.same(done, [])
  t.same([...new Set(counted)], ['none invalid'])
})

t.test('a request without the secret is 401 before its body is read, and says nothing else', async (t) => {
  const { send, done, counted } = await setting()
  const input: Record<string, string>[] = [
    { password: 'wrong' },
    { password: '' },
    { password: `${SECRET}x` },
    { password: SECRET.slice(1) },
    { authorization: '' },
    { authorization: `Bearer ${SECRET}` },
    { authorization: SECRET },
    { authorization: `Basic ${Buffer.from(SECRET).toString('base64')}` },
    { authorization: 'Basic !!!' },
  ]
  for (const each of input) {
    const answer = await send(application('updated'), each)
    t.equal(answer.statusCode, 401, JSON.stringify(each))
    t.equal(answer.body, '')
    t.equal(answer.headers['www-authenticate'], 'Basic realm="3scale webhooks"')
  }
  t.same(done, [])
  t.same([...new Set(counted)], ['none unauthorized'])
  t.equal((await send(application('updated'), { password: NEXT_SECRET })).statusCode, 204, 'each secret of the list')
})

t.test('requests without the secret are limited, and do not use up the limit of 3scale', async (t) => {
  const { send, done, counted } = await setting({ rejectedPerMinute: 3 })
  const statuses: number[] = []
  for (let count = 0; count < 8; count++)
    statuses.push((await send(application('updated'), { password: 'wrong' })).statusCode)
  t.same(statuses, [401, 401, 401, 429, 429, 429, 429, 429])
  t.equal((await send(application('updated'))).statusCode, 204)
  t.same(done, ['product 11', 'account 501'])
  t.ok(counted.includes('none limited'))
})

t.test('the test of the address in 3scale has no password and gets 204; a wrong one is rejected', async (t) => {
  const { app, done } = await setting()
  const ping = { method: 'GET' as const, url: '/webhooks/3scale?ping=3scale' }
  t.equal((await app.inject(ping)).statusCode, 204)
  t.equal((await app.inject({ ...ping, headers: { authorization: 'Basic eDp5' } })).statusCode, 401)
  t.same(done, [])
})

t.test('a pipeline reports a changed product, or that anything has changed, with the same secret', async (t) => {
  const { app, done, counted } = await setting()
  const report = (payload?: string, type = 'application/x-www-form-urlencoded', password = SECRET) =>
    app.inject({
      method: 'POST',
      url: '/webhooks/catalogue',
      headers: {
        authorization: `Basic ${Buffer.from(`pipeline:${password}`).toString('base64')}`,
        ...(payload === undefined ? {} : { 'content-type': type }),
      },
      ...(payload === undefined ? {} : { payload }),
    })
  t.equal((await report()).statusCode, 204)
  t.equal((await report('product_id=11')).statusCode, 204)
  t.same(done, ['catalogue undefined', 'catalogue 11'])
  t.same(counted, ['catalogue accepted', 'catalogue accepted'])
  for (const body of ['product_id=', 'product_id=x', 'product_id=0', 'name=a']) {
    const answer = await report(body)
    t.equal(answer.statusCode, 422, body)
    t.match(answer.json().detail, /product_id/)
  }
  t.equal((await report('<a/>', 'application/xml')).statusCode, 422)
  t.equal((await report('{}', 'application/json')).statusCode, 415)
  t.equal((await report('product_id=11', undefined, 'wrong')).statusCode, 401)
  t.equal(done.length, 2)
})
