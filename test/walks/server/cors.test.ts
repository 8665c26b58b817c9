import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { projectRoot } from '../../../src/project-root.js'
import { createApi } from '../../helper/api.js'
import { launchBrowser } from '../../helper/browser.js'
import { raw } from '../../helper/raw.js'
import { portBeside, startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/** An empty page of another origin, such as that of a web application. */
async function application(t: Pick<Test, 'teardown'>): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><title>application</title>')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const folder = t.testdir()
const auditLog = join(folder, 'audit')
const config = join(folder, 'portal.yaml')
const [listed, other] = [await application(t), await application(t)]
const demo = readFileSync(join(projectRoot, 'deploy/demo-portal.yaml'), 'utf8')
writeFileSync(config, `${demo}\napi_origins: [https://app.example.com, "${listed}"]\nrate_limits: { api: 60 }\n`)
const stack = await startStack()
await stack.portal({ PORTAL_CONFIG: config, AUDIT_LOG: auditLog, CATALOG_ACCESS: 'signed-in', TRUST_PROXY: 'loopback' })
/** A second portal, without listed origins and with a public catalogue. */
await stack.portal({ PORT: portBeside(stack) })
const UNLISTED = Number(portBeside(stack))
/** A third portal, with a public catalogue and listed origins. */
const BOTH = UNLISTED + 1
await stack.portal({ PORT: String(BOTH), PORTAL_CONFIG: config, TRUST_PROXY: 'loopback' })
t.teardown(() => stack.close())

const api = createApi(stack)
await createVisitor(stack).signIn('ada')
const token = await api.token({ username: 'ada' })
const PORT = stack.port
const ORIGIN = 'https://app.example.com'
const documents = ['/api/v1/openapi.json', '/.well-known/oauth-protected-resource']

let addresses = 0
/** Each test uses an address of its own, so that none uses up the limit of another. */
const ask = (first: string, lines: string[] = [], body = '', port = PORT) =>
  raw(port, first, [`X-Forwarded-For: 192.0.2.${++addresses % 250}`, ...lines], body)
const preflight = (path: string, origin = ORIGIN, method = 'GET', port = PORT) =>
  ask(
    `OPTIONS ${path}`,
    [`Origin: ${origin}`, `Access-Control-Request-Method: ${method}`, 'Access-Control-Request-Headers: authorization'],
    '',
    port,
  )
const listOf = (text: string | undefined) => (text ?? '').split(', ')
const corsOf = (headers: [string, string][]) => headers.filter(([name]) => /^access-control-/i.test(name))

t.test('a preflight request of a listed origin is answered without a token, by route', async (t) => {
  for (const [path, methods] of [
    ['/api/v1/models', ['GET', 'HEAD']],
    ['/api/v1/models?type=chat', ['GET', 'HEAD']],
    ['/api/v1/models/granite-chat/snippets', ['GET', 'HEAD']],
    ['/api/v1/applications', ['GET', 'HEAD', 'POST']],
    ['/api/v1/applications/17', ['DELETE', 'GET', 'HEAD', 'PATCH', 'PUT']],
    ['/api/v1/applications/17/keys', ['GET', 'HEAD', 'POST']],
    ['/api/v1/me/usage', ['GET', 'HEAD']],
  ] as const) {
    const { status, header, text } = await preflight(path)
    t.equal(status, 204, path)
    t.equal(text, '')
    t.equal(header('access-control-allow-origin'), ORIGIN)
    t.equal(header('vary'), 'origin')
    t.same(listOf(header('access-control-allow-methods')), methods, path)
    t.ok(
      ['authorization', 'content-type', 'idempotency-key', 'if-match', 'if-none-match', 'prefer', 'accept'].every(
        (name) => listOf(header('access-control-allow-headers')).includes(name),
      ),
    )
    t.equal(header('access-control-max-age'), '7200')
    t.equal(header('access-control-allow-credentials'), undefined)
    t.equal(header('www-authenticate'), undefined)
  }
})

t.test('a listed origin can read every response, errors and 304 included', async (t) => {
  const bearer = `Authorization: Bearer ${token}`
  const json = 'Content-Type: application/json'
  const good = await ask('GET /api/v1/models', [`Origin: ${ORIGIN}`, bearer])
  const cases: [status: number, first: string, lines?: string[], body?: string][] = [
    [200, 'GET /api/v1/models', [bearer]],
    [304, 'GET /api/v1/models', [bearer, `If-None-Match: ${good.header('etag')}`]],
    [401, 'GET /api/v1/models'],
    [401, 'GET /api/v1/models', ['Authorization: Bearer nonsense']],
    [400, 'GET /api/v1/models', ['Authorization: Bearer a b']],
    [400, 'GET /api/v1/models', [bearer, 'Authorization: Bearer other']],
    [400, 'GET /api/v1/models/%ff', [bearer]],
    [
      403,
      'POST /api/v1/applications',
      [`Authorization: Bearer ${await api.token({ username: 'ada', scope: 'maas:read' })}`, json],
      '{}',
    ],
    [404, 'GET /api/v1/nothing', [bearer]],
    [404, `GET /api/v1/models/${'x'.repeat(400)}`, [bearer]],
    [404, 'GET /api/v1/models/nothing', [bearer]],
    [413, 'POST /api/v1/applications', [bearer, json], JSON.stringify({ name: 'x'.repeat(300_000) })],
    [415, 'POST /api/v1/applications', [bearer, 'Content-Type: text/plain'], 'x'],
    [422, 'POST /api/v1/applications', [bearer, json], '{}'],
    [405, 'PUT /api/v1/models', [bearer, json], '{}'],
    [422, 'GET /api/v1/models?nothing=1', [bearer]],
    [431, 'GET /api/v1/models', [`Authorization: Bearer ${'x'.repeat(80_000)}`]],
  ]
  for (const [required, first, lines = [], body = ''] of cases) {
    const { status, header } = await ask(first, [`Origin: ${ORIGIN}`, 'Sec-Fetch-Site: cross-site', ...lines], body)
    t.equal(status, required, first.slice(0, 60))
    t.equal(header('access-control-allow-origin'), ORIGIN, `${required}`)
    t.match(header('vary'), /\borigin$/)
    const exposed = listOf(header('access-control-expose-headers'))
    for (const name of ['etag', 'location', 'retry-after', 'ratelimit', 'www-authenticate'])
      t.ok(exposed.includes(name))
    t.equal(header('access-control-allow-credentials'), undefined)
  }
})

t.test(
  'an unlisted origin gets no CORS header and cannot write, and without a list this applies to every origin',
  async (t) => {
    const origins = [
      'https://app.example.com.evil.example',
      'http://app.example.com',
      'https://app.example.com:8443',
      'https://app.example.com:443',
      'https://app.example.com.',
      'https://app.example.com/',
      'HTTPS://APP.EXAMPLE.COM',
      'https://user@app.example.com',
      'https://app.example.com https://evil.example',
      'http://[::1]:3000',
      'null',
    ]
    for (const [port, list] of [
      [PORT, origins],
      [UNLISTED, [ORIGIN, listed]],
    ] as const)
      for (const origin of list) {
        for (const path of ['/api/v1/models', '/api/v1/me', '/api/v1/nothing', '/models', '/login', '/account']) {
          const before = await preflight(path, origin, 'POST', port)
          t.same(corsOf(before.headers), [], `${origin} ${path}`)
          const answer = await ask(`GET ${path}`, [`Origin: ${origin}`, `Authorization: Bearer ${token}`], '', port)
          t.same(corsOf(answer.headers), [], `${origin} ${path}`)
          t.equal(answer.header('cross-origin-resource-policy'), 'same-origin')
        }
        const lines = [`Origin: ${origin}`, 'Sec-Fetch-Site: cross-site', `Authorization: Bearer ${token}`]
        t.equal((await ask('POST /api/v1/applications', lines, '{}', port)).status, 403, origin)
      }
  },
)

t.test('for pages and forms, a listed origin has no more rights than other origins', async (t) => {
  for (const path of ['/models', '/login', '/account', '/nowhere', '/%', '/api', '/apis/v1/me', '/api%2Fv1/models']) {
    t.same(corsOf((await preflight(path)).headers), [], path)
    t.same(corsOf((await ask(`GET ${path}`, [`Origin: ${ORIGIN}`])).headers), [], path)
  }
  for (const path of ['/applications', '/logout', '/%61pi/v1/applications'])
    t.equal((await ask(`POST ${path}`, [`Origin: ${ORIGIN}`, 'Sec-Fetch-Site: cross-site'])).status, 403, path)
})

t.test('the API does not accept the browser session as a credential, not even from listed origins', async (t) => {
  const ada = createVisitor(stack)
  await ada.signIn('ada')
  const cookie = [...ada.jar].map((pair) => pair.join('=')).join('; ')
  t.equal((await raw(PORT, 'GET /account', [`Cookie: ${cookie}`])).status, 200)
  for (const [method, body] of [
    ['GET', ''],
    ['POST', '{}'],
  ] as const) {
    const lines = [`Origin: ${ORIGIN}`, `Cookie: ${cookie}`, 'Content-Type: application/json']
    t.equal((await ask(`${method} /api/v1/applications`, lines, body)).status, 401, method)
  }
})

t.test('public documents are readable from every origin without configuration', async (t) => {
  for (const port of [PORT, UNLISTED])
    for (const path of documents) {
      const answer = await ask(`GET ${path}`, ['Origin: https://anything.example'], '', port)
      t.equal(answer.status, 200)
      t.same(corsOf(answer.headers), [['access-control-allow-origin', '*']], path)
      t.equal(answer.header('cross-origin-resource-policy'), 'cross-origin')
      const before = await preflight(path, 'https://anything.example', 'GET', port)
      t.equal(before.status, 204)
      t.match(Object.fromEntries(corsOf(before.headers)), {
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'GET, HEAD',
        'access-control-allow-headers': '*, authorization',
      })
    }
})

t.test('a public catalogue is readable from every origin, but only without a token', async (t) => {
  const foreign = 'https://anything.example'
  const tag = (await ask('GET /api/v1/models', [], '', UNLISTED)).header('etag')
  const cases: [status: number, path: string, lines?: string[]][] = [
    [200, '/api/v1/models'],
    [200, '/api/v1/models?type=chat&limit=2'],
    [304, '/api/v1/models', [`If-None-Match: ${tag}`]],
    [422, '/api/v1/models?limit=0'],
    [200, '/api/v1/models/granite-chat'],
    [404, '/api/v1/models/nothing'],
    [200, '/api/v1/models/granite-chat/snippets'],
  ]
  for (const port of [UNLISTED, BOTH])
    for (const [status, path, lines = []] of cases)
      for (const method of ['GET', 'HEAD']) {
        const answer = await ask(
          `${method} ${path}`,
          [`Origin: ${foreign}`, 'Sec-Fetch-Site: cross-site', ...lines],
          '',
          port,
        )
        t.equal(answer.status, status, path)
        t.equal(answer.header('access-control-allow-origin'), '*', path)
        if (status !== 304) t.equal(answer.header('cross-origin-resource-policy'), 'cross-origin')
        t.ok(listOf(answer.header('access-control-expose-headers')).includes('etag'))
        t.equal(answer.header('access-control-allow-credentials'), undefined)
        const withToken = await ask(
          `${method} ${path}`,
          [`Origin: ${foreign}`, `Authorization: Bearer ${token}`],
          '',
          port,
        )
        t.same(corsOf(withToken.headers), [], `${path} with a token`)
        t.equal(withToken.header('cross-origin-resource-policy'), 'same-origin')
        for (const { header } of [answer, withToken]) t.match(header('vary'), 'authorization', path)
      }
  for (const [method, headers, allowed] of [
    ['GET', 'if-none-match', true],
    ['HEAD', 'x-requested-with, traceparent', true],
    ['GET', 'authorization', false],
    ['GET', 'if-none-match,Authorization', false],
    ['POST', 'content-type', false],
    ['DELETE', '', false],
  ] as const) {
    const lines = [`Origin: ${foreign}`, `Access-Control-Request-Method: ${method}`]
    const requested = headers ? [...lines, `Access-Control-Request-Headers: ${headers}`] : lines
    const answer = await ask('OPTIONS /api/v1/models', requested, '', UNLISTED)
    t.equal(answer.status, 204, `${method} ${headers}`)
    if (!allowed) {
      t.same(corsOf(answer.headers), [], `${method} ${headers}`)
      continue
    }
    t.equal(answer.header('access-control-allow-origin'), '*')
    t.same(listOf(answer.header('access-control-allow-methods')), ['GET', 'HEAD'])
    t.notMatch(answer.header('access-control-allow-headers'), 'authorization')
  }
  const own = await ask('GET /api/v1/models', [`Origin: ${ORIGIN}`, `Authorization: Bearer ${token}`], '', BOTH)
  t.equal(own.header('access-control-allow-origin'), ORIGIN, 'a listed origin gets its own response, with a token too')
  for (const path of [
    '/api/v1/me',
    '/api/v1/applications',
    '/api/v1/nothing',
    '/api/v1/models/a/b/c',
    '/api/v2/models',
  ])
    t.same(corsOf((await ask(`GET ${path}`, [`Origin: ${foreign}`], '', UNLISTED)).headers), [], path)
  for (const path of ['/api/v1/models', '/api/v1/models/granite-chat'])
    t.same(
      corsOf((await ask(`GET ${path}`, [`Origin: ${foreign}`])).headers),
      [],
      `${path}, where the catalogue is not public`,
    )
})

t.test('preflight requests count by address and cause neither a call to 3scale nor an audit event', async (t) => {
  const audited = () => readFileSync(auditLog, 'utf8').split('\n').length
  await stack.settled()
  const events = audited()
  await stack.resetCalls()
  const lines = [`Origin: ${ORIGIN}`, 'Access-Control-Request-Method: POST', 'X-Forwarded-For: 198.51.100.7']
  const answers = []
  for (let sent = 0; sent < 140; sent++) answers.push(await raw(PORT, 'OPTIONS /api/v1/applications', lines))
  const refused = answers.filter(({ status }) => status === 429)
  t.ok(refused.length >= 20, `${refused.length} of 140 were refused, whenever the minute ends`)
  for (const { header } of refused) {
    t.equal(header('access-control-allow-origin'), ORIGIN)
    t.match(header('retry-after'), /^\d+$/)
  }
  t.same(
    Object.keys(await stack.calls()).filter((call) => !/^GET \/admin\/api\/services/.test(call)),
    [],
  )
  t.equal(audited(), events)
})

t.test('in Chromium, a page of a listed origin can call the API and a page of another origin cannot', async (t) => {
  const browser = await launchBrowser()
  t.teardown(() => browser.close())
  const open = async (origin: string) => {
    const page = await browser.newPage()
    await page.goto(origin)
    return page
  }
  const page = await open(listed)
  const result = await page.evaluate(
    async ({ url, token }) => {
      const authorization = `Bearer ${token}`
      const models = await fetch(`${url}/api/v1/models`, { headers: { authorization } })
      const etag = models.headers.get('etag') ?? ''
      const again = await fetch(`${url}/api/v1/models`, { headers: { authorization, 'if-none-match': etag } })
      const visitor = await fetch(`${url}/api/v1/me`)
      const problem = (await visitor.json()) as { status: number }
      const headers = { authorization, 'content-type': 'application/json', 'idempotency-key': 'from-a-page' }
      const submission = { model: 'llama-chat', name: 'from a page', fields: { purpose: 'Experiment' } }
      const created = await fetch(`${url}/api/v1/applications`, {
        method: 'POST',
        headers,
        body: JSON.stringify(submission),
      })
      const application = (await created.json()) as { id: number }
      const own = `${url}/api/v1/applications/${application.id}`
      const removed = await fetch(own, { method: 'DELETE', headers: { authorization } })
      const wrong = await fetch(`${url}/api/v1/applications`, { method: 'POST', headers, body: '{}' })
      return {
        listed: ((await models.json()) as { items: unknown[] }).items.length > 0,
        etag: /^"/.test(etag),
        again: again.status,
        problem: problem.status,
        challenge: visitor.headers.get('www-authenticate')?.startsWith('Bearer'),
        limit: Boolean(created.headers.get('ratelimit')),
        created: created.status,
        location: created.headers.get('location'),
        removed: removed.status,
        wrong: wrong.status,
      }
    },
    { url: stack.url, token },
  )
  t.match(result, {
    listed: true,
    etag: true,
    again: 304,
    problem: 401,
    challenge: true,
    limit: true,
    created: 201,
    removed: 204,
    wrong: 422,
  })
  const foreign = await open(other)
  const failed = await foreign.evaluate(
    async ({ url, token, documents }) => {
      const read = (path: string, options: RequestInit) =>
        fetch(url + path, options).then(
          ({ status }) => String(status),
          () => 'blocked',
        )
      const authorization = `Bearer ${token}`
      return [
        await read('/api/v1/models', { headers: { authorization } }),
        await read('/api/v1/me', {}),
        await read('/api/v1/me', { credentials: 'include' }),
        await read('/api/v1/applications', { method: 'POST', headers: { authorization }, body: '{}' }),
        ...(await Promise.all(documents.map((path) => read(path, {})))),
        ...(await Promise.all(documents.map((path) => read(path, { headers: { 'mcp-protocol-version': '1' } })))),
      ]
    },
    { url: stack.url, token, documents },
  )
  t.same(failed, ['blocked', 'blocked', 'blocked', 'blocked', '200', '200', '200', '200'])
  const read = await foreign.evaluate(
    async ({ url, token }) => {
      const status = (path: string, options: RequestInit = {}) =>
        fetch(url + path, options).then(
          (answer) => String(answer.status),
          () => 'blocked',
        )
      const models = await fetch(`${url}/api/v1/models`)
      const etag = models.headers.get('etag') ?? ''
      return {
        named: ((await models.json()) as { items: unknown[] }).items.length > 0,
        id: /^[0-9a-f-]{36}$/.test(models.headers.get('x-request-id') ?? ''),
        others: [
          await status('/api/v1/models', { headers: { 'if-none-match': etag } }),
          await status('/api/v1/models?nothing=1'),
          await status('/api/v1/models/granite-chat/snippets'),
          await status('/api/v1/models', { headers: { authorization: `Bearer ${token}` } }),
          await status('/api/v1/me'),
          await status('/models'),
        ],
      }
    },
    { url: `http://localhost:${UNLISTED}`, token },
  )
  t.same(read, { named: true, id: true, others: ['304', '422', '200', 'blocked', 'blocked', 'blocked'] })
})
