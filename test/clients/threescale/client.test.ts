import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import { createThreescale } from '../../../src/clients/threescale/client.js'
import { isProblem, type PortalError } from '../../../src/errors.js'
import { runWithDeadline } from '../../../src/infra/call-context.js'
import { createHttp } from '../../../src/infra/http/http.js'
import { HttpError } from '../../../src/infra/http/http-error.js'
import { connectProxy } from '../../helper/connect-proxy.js'
import { until } from '../../helper/faults.js'
import { privateCa } from '../../helper/private-ca.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor, formsOf } from '../../helper/visitor.js'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const TOKEN = 'canary-access-token-0123456789abcdef'
const SECRETS = [TOKEN, Buffer.from(`${TOKEN}:`).toString('base64'), Buffer.from(TOKEN).toString('base64').slice(0, 20)]
const http = createHttp()
const server = await scripted()
const stack = await startStack(['threescale', 'identity'])
t.teardown(async () => {
  await stack.close()
  server.close()
  await http.close()
})

/** Everything that the client outputs, to be searched for the token at the end. */
const left: string[] = []
const client = (adminUrl = server.url, accessToken = TOKEN, way = http) =>
  createThreescale({
    http: way,
    adminUrl,
    accessToken,
    onCall: (call, outcome) => left.push(`${call} ${outcome}`),
  })
const real = client(stack.threescale, 'demo-token')
const application = { planId: 1, name: 'a', description: '', applicationId: 'abcdefgh', fields: {} }

async function failure(work: Promise<unknown>): Promise<PortalError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  left.push(inspect(error, { depth: 10 }), JSON.stringify(error), String((error as Error | undefined)?.stack))
  if (!isProblem(error)) throw error ?? new Error('it did not fail')
  return error
}

function causeOf(error: PortalError): string {
  return error.cause instanceof Error ? error.cause.message : ''
}

function says(status: number, body: string | object, headers: Record<string, string> = {}): Answer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const type = typeof body === 'string' ? 'text/plain' : 'application/json; charset=utf-8'
  return (_request, response) => void response.writeHead(status, { 'content-type': type, ...headers }).end(text)
}

const page = { 'content-type': 'text/html' }

t.test('each 3scale error is mapped to one typed error, whose cause names the setting to fix', async (t) => {
  const cases: [title: string, answer: Answer, code: string, cause: RegExp][] = [
    [
      'a token that is not taken',
      says(403, { error: 'Access denied' }),
      'threescale_denied',
      /THREESCALE_ACCESS_TOKEN is not valid/,
    ],
    [
      'a scope that is missing',
      says(403, { error: 'Your access token does not have the correct permissions' }),
      'threescale_scope',
      /account_management \(rw\) and stats/,
    ],
    [
      'an owner who may not',
      says(403, { status: 'Forbidden' }),
      'threescale_denied',
      /owner of THREESCALE_ACCESS_TOKEN/,
    ],
    ['a suspended tenant', says(403, ''), 'threescale_denied', /THREESCALE_ACCESS_TOKEN/],
    ['a proxy that wants a password', says(401, 'who?'), 'threescale_denied', /returned 401/],
    ['a delete that is refused', says(403, { errors: { base: ['in use'] } }), 'conflict', /403/],
    ['a record that is not there', says(404, { status: 'Not found' }), 'not_found', /404/],
    ['a clash in the database', says(409, ''), 'conflict', /409/],
    ['a wrong field', says(422, { errors: { name: ["can't be blank"] } }), 'invalid_fields', /422/],
    ['a missing parameter', says(400, 'Required parameter missing: x'), 'internal', /400/],
    ['too many calls', says(429, 'slow down'), 'threescale_unavailable', /429/],
    ['a failure', says(500, { error: 'x' }), 'threescale_unavailable', /500/],
    ['a page of an ingress', says(502, '<h1>502</h1>', page), 'threescale_unavailable', /THREESCALE_ADMIN_URL/],
    ['a page that is not found', says(404, '<h1>404</h1>', page), 'threescale_unavailable', /web page/],
    [
      'a page that says yes',
      says(200, '<h1>Sign in</h1>', page),
      'threescale_unavailable',
      /text\/html instead of JSON/,
    ],
    [
      'a redirect',
      says(302, '', { location: 'https://sso.example.com' }),
      'threescale_unavailable',
      /a redirect; THREESCALE_ADMIN_URL/,
    ],
    ['JSON of somebody else', says(200, { hello: 'you' }), 'threescale_unavailable', /no application/],
    [
      'no object at all',
      says(200, 'null', { 'content-type': 'application/json' }),
      'threescale_unavailable',
      /returned no/,
    ],
  ]
  for (const [title, answer, code, cause] of cases) {
    server.answer = answer
    const error = await failure(client().readApplication(501, 3001))
    t.equal(error.code, code, title)
    t.match(causeOf(error), cause, title)
    t.notMatch(error.message, /THREESCALE|TOKEN|lacks a |account_management/, `${title}: users see no settings`)
  }
  server.answer = says(422, { errors: { name: ["can't be blank"], plan: ['is odd', 'is old'] } })
  t.same((await failure(client().createApplication(501, application))).fields, {
    name: 'This is required.',
    plan: 'Is odd. Is old.',
  })
  server.answer = says(422, { error: 'You cannot subscribe to that service.' })
  t.same((await failure(client().createApplication(501, application))).fields, {
    base: 'You cannot subscribe to that service.',
  })
  server.answer = says(422, { error: { from: 'suspended', error: 'State cannot transition', object: { user: {} } } })
  t.same((await failure(client().activateUser(501, 901))).fields, { state: 'State cannot transition.' })
  server.answer = says(403, { errors: { base: ['This plan is in use'] } })
  t.equal((await failure(client().deleteApplication(501, 3001))).message, 'This plan is in use.')
  server.answer = says(503, 'later', { 'retry-after': '7' })
  t.equal((await failure(client().readSettings())).retryAfter, 7)
  server.answer = says(403, { error: 'Access denied' })
  await t.rejects(
    client().ping(),
    { message: /THREESCALE_ACCESS_TOKEN/ },
    'the health check reports it to the operator',
  )
})

t.test('usage for all time is absent if the release lacks the period; other errors are returned', async (t) => {
  const usage = () => client().readUsage(501, 3001, { metric: 'hits', granularity: 'eternity' })
  // As recorded from 3scale 2.16.4.
  const error = 'Period must be one of ["year", "month", "week", "day"] not "eternity"'
  server.answer = says(400, { error })
  t.same(await usage(), { since: '', values: [] })
  for (const other of [
    { error: 'metric hits not found' },
    { error: 'Date parameters should have valid date format' },
  ]) {
    server.answer = says(400, other)
    t.ok((await failure(usage())).code, other.error)
  }
  server.answer = says(400, { error })
  const day = { since: '2026-11-28T00:00:00Z', until: '2026-11-28T23:59:59Z' }
  const windowed = client().readUsage(501, 3001, { metric: 'hits', granularity: 'hour', ...day })
  t.equal((await failure(windowed)).code, 'not_acceptable', 'only the period without an end is known to be missing')
})

t.test('a response without its list is an error and not an empty tenant', async (t) => {
  server.answer = says(200, {})
  for (const call of [
    client().listProducts(),
    client().listPlans(),
    client().listGatewayConfigs(),
    client().listApplications(501),
    client().listKeys(501, 3001),
  ])
    t.equal((await failure(call)).code, 'threescale_unavailable')
  server.answer = says(200, { services: [] })
  t.same(await client().listProducts(), [])
})

t.test('a read is retried exactly once after a broken connection, a write is not', async (t) => {
  const breaks: [title: string, answer: Answer][] = [
    ['nothing', (request) => request.socket.destroy()],
    [
      'half an answer',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' })
        response.write('{"settings":', () => response.destroy())
      },
    ],
    [
      'half a chunk',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.write('{"settings":', () => response.destroy())
      },
    ],
  ]
  for (const [title, answer] of breaks) {
    server.answer = answer
    server.seen.length = 0
    t.equal((await failure(client().readSettings())).code, 'threescale_unavailable', title)
    t.equal(server.seen.length, 2, `${title}: a read is sent twice`)
    server.seen.length = 0
    t.equal((await failure(client().createApplication(501, application))).code, 'threescale_unavailable', title)
    t.equal((await failure(client().updateApplication(501, 3001, { name: 'b' }))).code, 'threescale_unavailable')
    t.equal((await failure(client().deleteApplication(501, 3001))).code, 'threescale_unavailable', title)
    t.equal(server.seen.length, 3, `${title}: each write is sent once`)
    server.seen.length = 0
    server.answer = (request, response) => {
      if (server.seen.length === 1) answer(request, response)
      else says(200, { settings: { signups_enabled: true } })(request, response)
    }
    t.equal((await client().readSettings()).signupsEnabled, true, `${title}: the retry succeeds`)
  }
  server.seen.length = 0
  server.answer = says(500, '')
  await failure(client().readSettings())
  t.equal(server.seen.length, 1, 'a 500 response is not retried')
  const refused = await failure(client('http://127.0.0.1:1').readSettings())
  t.match(causeOf(refused), /127\.0\.0\.1:1 could not be reached \(refused by 127\.0\.0\.1:1\)/)
})

t.test(
  "a write whose response was lost has been applied in the demo's 3scale, and the client does not retry it",
  async (t) => {
    t.teardown(() => stack.faults([]))
    const [plan] = await real.listPlans()
    const required = { ...application, planId: plan?.id ?? 0, applicationId: 'lost-answer-1' }
    await stack.faults([
      { match: 'POST *', drop: 'after' },
      { match: 'GET /admin/api/settings.json', drop: 'before' },
    ])
    await stack.resetCalls()
    t.equal((await failure(real.createApplication(503, required))).code, 'threescale_unavailable')
    await failure(real.readSettings())
    t.same(await stack.calls(), {
      'POST /admin/api/accounts/{id}/applications.json': 1,
      'GET /admin/api/settings.json': 2,
    })
    t.same(
      (await stack.readFaults()).map(({ hits }) => hits),
      [1, 2],
    )
    await stack.faults([])
    const again = await failure(real.createApplication(503, required))
    t.same(again.fields, { application_id: 'This is already taken.' })
  },
)

t.test('calls to an unresponsive 3scale time out, and no more calls are sent', async (t) => {
  server.answer = () => {}
  server.seen.length = 0
  const calls = [
    failure(client().readSettings()),
    failure(client().listKeys(501, 1)),
    failure(client().listApplications(501)),
    failure(client().findByUsername('x')),
  ]
  for (const error of await Promise.all(calls)) {
    t.equal(error.code, 'threescale_unavailable')
    t.match(causeOf(error), /did not respond in time/)
  }
  t.equal(server.seen.length, 4)

  await runWithDeadline(700, async () => {
    for (const call of [() => client().readSettings(), () => client().readAccount(501), () => client().readSettings()])
      t.equal((await failure(call())).code, 'threescale_unavailable')
  })
  t.equal(server.seen.length, 5, 'later calls are not sent')
})

t.test(
  'requests return 503 if 3scale hangs or takes 10 s, and succeed if it is slow; a creation may take longer while it responds',
  async (t) => {
    const portal = await stack.portal({ CATALOG_TTL: '3600' })
    t.teardown(async () => {
      await stack.faults([])
      await portal.stop()
    })
    const ada = createVisitor(stack)
    const form = await ada.signIn('ada', '/applications/new?model=granite-chat')
    const values = formsOf(form.text).find(({ action }) => action === '/applications')?.values ?? {}
    const created = await ada.submit(form, /^\/applications$/, { plan: 'basic' })
    const own = new URL(created.url).pathname
    let round = 0
    const requested = ['GET /applications', `GET ${own}`, 'POST /applications']
    for (const fault of [{ hang: true }, { latency_ms: 10_000 }, { latency_ms: 1500 }]) {
      await stack.faults([{ match: '*', ...fault }])
      const work = requested.map(async (call, index) => {
        const [, path = ''] = call.split(' ')
        const posted = { ...values, plan: 'basic', attempt: `${'0'.repeat(30)}${index}${round++}` }
        const answer = call.startsWith('GET') ? await ada.raw(path) : await ada.post(path, posted)
        const slow = 'latency_ms' in fault && fault.latency_ms === 1500
        t.equal(
          answer.status,
          !slow ? 503 : call.startsWith('GET') ? 200 : 303,
          `${call} with ${JSON.stringify(fault)}`,
        )
      })
      await Promise.all(work)
    }
  },
)

t.test('the deadline of a write starts when it is sent: one that takes 4 s succeeds', async (t) => {
  server.answer = (request, response) =>
    void setTimeout(
      () => says(201, { application: { id: 7, state: 'live', account_id: 501 } })(request, response),
      4000,
    )
  const { id } = await runWithDeadline(1000, () => client().createApplication(501, application))
  t.equal(id, 7)
})

t.test('the deadline includes the response body', async (t) => {
  server.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const timer = setInterval(() => response.write(' '), 100)
    response.once('close', () => clearInterval(timer))
  }
  const error = await failure(runWithDeadline(600, () => client().readSettings()))
  t.match(causeOf(error), /did not respond in time/)
})

t.test('responses are limited to 1 MB for a record and 64 MB for a list', async (t) => {
  const filler = (megabytes: number) => 'x'.repeat(megabytes * 1024 * 1024)
  server.answer = says(200, { settings: {}, filler: filler(2) })
  const record = await failure(client().readSettings())
  t.match(causeOf(record), /is too large/)
  server.answer = says(200, { services: [], filler: filler(2) })
  t.same(await client().listProducts(), [], 'a list may be larger')
  let sent = 0
  const block = Buffer.alloc(1024 * 1024, 32)
  server.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const more = () => {
      while (sent < 200 && !response.destroyed) {
        sent++
        if (!response.write(block)) return void response.once('drain', more)
      }
      response.end()
    }
    more()
  }
  const endless = await failure(client().listProducts())
  t.match(causeOf(endless), /is too large/)
  t.ok(sent >= 64 && sent < 100, `stopped at ${sent} MB`)
})

t.test('a list is read to its last page, with 500 items per page', async (t) => {
  const before = (await real.listProducts()).length
  await fetch(`${stack.threescale}/_demo/products?count=1200`, { method: 'POST' })
  await stack.resetCalls()
  const products = await real.listProducts()
  t.equal(products.length, before + 1200)
  t.equal(new Set(products.map(({ id }) => id)).size, products.length, 'each item once')
  const pages = Math.ceil((before + 1200) / 500)
  const configs = await real.listGatewayConfigs()
  t.equal(configs.length, before + 1200 - 1, 'all except the one that was never promoted')
  const plans = await real.listPlans()
  t.ok(plans.length > 2400 && plans.every(({ productId }) => productId > 0), 'plans have no pages')
  t.same(await stack.calls(), {
    'GET /admin/api/services.json': pages,
    'GET /admin/api/account/proxy_configs/production.json': Math.ceil(configs.length / 500),
    'GET /admin/api/application_plans.json': 1,
  })
  server.seen.length = 0
  server.answer = says(200, { services: [], metadata: { total_pages: 1_000_000 } })
  await client().listProducts()
  t.equal(server.seen.length, 1, 'an empty page is the last')
})

t.test('XML may use the five predefined entities, no others, and no document type', async (t) => {
  const xml = (text: string) => says(200, text, { 'content-type': 'application/xml; charset=utf-8' })
  const user = '<users><user><id>7</id><username>sso-x</username><state>active</state><role>admin</role></user></users>'
  server.answer = xml(
    `<?xml version="1.0"?><account><id>5</id><state>approved</state><org_name>A &amp; B &lt;c&gt; &#8364;&#x41; &nope; &amp;lt;</org_name>${user}</account>`,
  )
  const found = await client().findByUsername('sso-x')
  t.equal(found?.account.orgName, 'A & B <c> €A &nope; &lt;')
  t.same([found?.user.id, found?.user.role], [7, 'admin'])
  const bombs = [
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><account><id>1</id><org_name>&x;</org_name></account>',
    `<!DOCTYPE lolz [<!ENTITY a "${'ha'.repeat(100)}"><!ENTITY b "&a;&a;&a;">]><account><id>1</id><org_name>&b;</org_name></account>`,
    '<?xml version="1.0"?><!doctype account><account><id>1</id></account>',
    '<account><id>1</id>',
    'not XML',
    '',
  ]
  for (const bomb of bombs) {
    server.answer = xml(bomb)
    t.equal((await failure(client().findByUsername('x'))).code, 'threescale_unavailable', bomb.slice(0, 40))
  }
  server.answer = xml(`<account><id>5</id><org_name>A</org_name>${user}</account>`)
  t.equal(await client().findByUsername('someone-else'), undefined, 'an account without that user does not match')
  server.answer = says(404, '', { 'content-type': 'application/xml' })
  t.equal(await client().findByUsername('x'), undefined)
})

t.test("calls to the demo's 3scale return the existing objects of the account and 404 for others", async (t) => {
  const linus = await real.findByUsername('linus-stock')
  t.match(linus, {
    account: { id: 501, orgName: 'Linus Labs', fields: { department: 'Research' } },
    user: { role: 'admin' },
  })
  t.notOk(
    Object.keys(linus?.account.fields ?? {}).some((name) => /credit|billing|charging/.test(name)),
    'columns are not extra fields',
  )
  t.equal(await real.findByUsername('LINUS-stock'), undefined)
  t.equal((await real.findByEmail('linus@example.com'))?.users.length, 1)
  t.equal((await failure(real.readApplication(503, 3001))).code, 'not_found', 'another account’s')
  t.equal(await real.findApplicationByAppId(503, '9f86d081'), undefined)
  t.equal((await real.findApplicationByAppId(501, '9f86d081'))?.id, 3003)
  t.equal((await failure(client(stack.threescale, 'demo-stats-token').readSettings())).code, 'threescale_scope')
  t.equal((await failure(client(stack.threescale, 'nobody').readSettings())).code, 'threescale_denied')
  t.equal((await failure(client(stack.threescale, 'demo-member-token').approveAccount(502))).code, 'threescale_denied')
  t.equal(
    (await failure(client(stack.threescale, 'demo-readonly-token').addKey(501, 3003, 'new-key'))).code,
    'threescale_scope',
  )
  await real.deleteKey(501, 3003, 'never/there')
  await real.addKey(501, 3003, 'a/b?c=d&e.json')
  t.ok((await real.listKeys(501, 3003)).some(({ value }) => value === 'a/b?c=d&e.json'))
  await real.deleteKey(501, 3003, 'a/b?c=d&e.json')
  t.equal((await real.listKeys(501, 3003)).length, 2, 'a key with any characters can be deleted')
  await real.approveAccount(503)
  t.equal((await real.readAccount(503)).state, 'approved', 'approving an approved account succeeds')
  t.equal((await failure(real.approveAccount(502))).code, 'invalid_fields', 'approving a suspended account does not')
})

t.test('EXTRA_CA_FILE, HTTPS_PROXY and NO_PROXY apply to every call', async (t) => {
  const ca = privateCa('threescale.test', 'localhost')
  const upstream = createTlsServer({ key: ca.key, cert: ca.cert }, (request, response) => {
    const { method, url = '', headers } = request
    const passed = httpRequest(stack.threescale + url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    request.pipe(passed)
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const { port } = upstream.address() as AddressInfo
  const proxy = await connectProxy((target) => (target.startsWith('threescale.test:') ? { port } : undefined))
  const ways: ReturnType<typeof createHttp>[] = []
  const way = (options: Parameters<typeof createHttp>[0]) => {
    const created = createHttp(options)
    ways.push(created)
    return created
  }
  t.teardown(async () => {
    await Promise.all(ways.map((each) => each.close()))
    proxy.close()
    upstream.closeAllConnections()
    upstream.close()
    ca.close()
  })
  const direct = `https://localhost:${port}`
  const named = 'https://threescale.test'
  const at = (url: string, options: Parameters<typeof createHttp>[0]) => client(url, 'demo-token', way(options))

  t.match(causeOf(await failure(at(direct, {}).readSettings())), /certificate is not trusted; set EXTRA_CA_FILE/)
  t.equal((await at(direct, { extraCa: ca.ca }).readSettings()).signupsEnabled, true)
  t.match(causeOf(await failure(at(named, { extraCa: ca.ca }).readSettings())), /HTTPS_PROXY/, 'an unknown host name')

  const through = { extraCa: ca.ca, httpsProxy: proxy.url }
  t.equal((await at(named, through).readSettings()).signupsEnabled, true, 'through the proxy, which resolves the name')
  t.same(proxy.asked, ['threescale.test:443'])
  const answer = await way(through).fetch(`${named}/admin/api/settings.json?access_token=demo-token`)
  t.equal(answer.status, 200, 'also for libraries with their own HTTP client')
  t.equal(proxy.asked.length, 2)
  t.match(
    causeOf(await failure(at(named, { httpsProxy: proxy.url }).readSettings())),
    /EXTRA_CA_FILE/,
    'the certificate is verified inside the tunnel',
  )
  proxy.asked.length = 0
  await failure(at(named, { ...through, noProxy: 'example.com, threescale.test' }).readSettings())
  t.same(proxy.asked, [], 'NO_PROXY bypasses the proxy')
  t.equal((await at(direct, through).readSettings()).signupsEnabled, true, 'and so do addresses of this machine')
  t.same(proxy.asked, [])
  const refused = await failure(at('https://elsewhere.test', through).readSettings())
  t.match(causeOf(refused), /HTTPS_PROXY/)
  t.same([...new Set(proxy.asked)], ['elsewhere.test:443'])
  const visitor = await failure(at(named, { ...through, httpsProxy: 'http://127.0.0.1:1' }).readSettings())
  t.match(causeOf(visitor), /refused by 127\.0\.0\.1:1/, 'an unavailable proxy')

  proxy.asked.length = 0
  const portal = await stack.portal({
    THREESCALE_ADMIN_URL: named,
    EXTRA_CA_FILE: ca.caFile,
    HTTPS_PROXY: proxy.url,
  })
  // The catalogue of this test has hundreds of products, whose first read can take longer than the deadline of a page.
  const page = async () => (await fetch(`${portal.url}/models?q=granite`)).text()
  await until('the catalogue is read', async () => !(await page()).includes('Temporarily unavailable'))
  t.match(await page(), 'Granite 3.3 8B Instruct', 'the whole portal')
  t.ok(proxy.asked.length > 0 && proxy.asked.every((target) => target === 'threescale.test:443'))
  await portal.stop()
})

t.test('the token is in no error, log line or address', async (t) => {
  t.ok(left.length > 50)
  for (const secret of SECRETS) {
    t.notOk(left.some((text) => text.includes(secret)))
    t.notOk(server.seenEver.some((url) => url.includes(secret)))
  }
  t.ok(
    left.every((text) => !/[?&](key|email|username|app_id)=/.test(text)),
    'and in no query',
  )
  server.answer = says(200, `{"settings":{"x":"${TOKEN}"} oops`, { 'content-type': 'application/json' })
  const error = await failure(client().readSettings())
  t.notMatch(inspect(error, { depth: 10 }), TOKEN.slice(0, 8), 'an invalid response is not quoted')
  await noSecretIn(t, new HttpError('network', 'host', new Error('x')))
})

async function noSecretIn(t: Test, error: Error): Promise<void> {
  for (const secret of SECRETS) t.notMatch(inspect(error, { depth: 10 }), secret)
}

/** A server that responds as the test says and records its requests. */
async function scripted() {
  const state = {
    answer: says(200, {}),
    seen: [] as string[],
    seenEver: [] as string[],
    url: '',
    close() {
      listening.closeAllConnections()
      listening.close()
    },
  }
  const listening = createServer((request, response) => {
    state.seen.push(`${request.method} ${request.url}`)
    state.seenEver.push(request.url ?? '')
    request.resume()
    state.answer(request, response)
  })
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  state.url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
  return state
}
