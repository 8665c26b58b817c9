import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import createClient from 'openapi-fetch'
import t from 'tap'
import { portableDocument } from '../../../src/web/api/openapi/document.js'
import type { OpenApiDocument } from '../../../src/web/api/openapi/types.js'
import type { paths } from '../../client/schema.js'
import { createApi } from '../../helper/api.js'
import { launchBrowser } from '../../helper/browser.js'
import { raw } from '../../helper/raw.js'
import { portBeside, startRedis, startStack } from '../../helper/stack.js'
import { codeOf, createVisitor } from '../../helper/visitor.js'

const redis = await startRedis()
const stack = await startStack()
await stack.portal({ REDIS_URL: redis.url })
const api = createApi(stack)
const redisSays = (...words: string[]) =>
  spawnSync('redis-cli', ['-p', String(redis.port), ...words], { encoding: 'utf8' }).stdout
/** Returns the expected status, or the last one: a busy machine may require several attempts. */
async function until(status: number, ask: () => Promise<{ status: number }>): Promise<number> {
  for (const end = Date.now() + 20_000; ; await sleep(200)) {
    const answer = await ask()
    if (answer.status === status || Date.now() > end) return answer.status
  }
}
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})

t.test(
  'the OpenAPI document passes the linter, and every operation has valid examples, all statuses, and its scope',
  async (t) => {
    const { body } = await api.get<OpenApiDocument>('/openapi.json')
    t.same(body.servers, [{ url: `${stack.url}/api/v1`, description: 'This portal' }], 'the URL of this portal')
    const source = JSON.stringify(portableDocument(body), null, 2)
    const config = await createConfig({ extends: ['recommended-strict'] })
    const complaints = await lintFromString({ source, absoluteRef: 'maas-portal.json', config })
    t.same(
      complaints.map(({ ruleId, message, location }) => `${ruleId} ${message} ${location[0]?.pointer}`),
      [],
    )
    const ajv = formats.default(new Ajv2020({ strict: false, allErrors: true }))
    ajv.addSchema(body, 'document')
    const fits = (pointer: string[], example: unknown) => {
      const path = pointer.map((part) => encodeURIComponent(part.replace(/~/g, '~0').replace(/\//g, '~1'))).join('/')
      const validate = ajv.getSchema(`document#/${path}/schema`)
      t.ok(validate?.(example), `${pointer.join(' ')}: ${JSON.stringify(validate?.errors)}`)
    }
    for (const [path, operations] of Object.entries(body.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const at = ['paths', path, method]
        t.match(operation.operationId, /^[a-z]+[A-Z]/, at.join(' '))
        t.match(operation.security?.[0]?.openIdConnect?.[0], /^maas:(read|write)$/, `${at.join(' ')} names its scope`)
        t.ok(
          operation.security?.some(({ bearer }) => bearer?.length === 0),
          `${at.join(' ')} accepts a token`,
        )
        for (const [type, media] of Object.entries(operation.requestBody?.content ?? {})) {
          t.not(media.example, undefined, `${at.join(' ')} has an example body`)
          fits([...at, 'requestBody', 'content', type], media.example)
        }
        for (const [status, answer] of Object.entries(operation.responses)) {
          for (const [type, media] of Object.entries(answer.content ?? {})) {
            t.not(media.example, undefined, `${at.join(' ')} has an example for ${status}`)
            fits([...at, 'responses', status, 'content', type], media.example)
          }
        }
        for (const status of ['401', '403', '429', '503'])
          t.ok(operation.responses[status], `${at.join(' ')} documents ${status}`)
      }
    }
  },
)

t.test('the protected resource metadata follows RFC 9728, and every 401 contains its URL', async (t) => {
  const answer = await fetch(`${stack.url}/.well-known/oauth-protected-resource`)
  t.equal(answer.status, 200)
  t.match(answer.headers.get('content-type'), 'application/json')
  t.equal(answer.headers.get('cache-control'), 'public, max-age=3600')
  t.match(await answer.json(), {
    resource: stack.url,
    authorization_servers: [stack.identity],
    scopes_supported: ['maas:read', 'maas:write', 'maas:reveal'],
    bearer_methods_supported: ['header'],
  })
  const pointer = `resource_metadata="${stack.url}/.well-known/oauth-protected-resource"`
  const none = await api.get('/me')
  t.equal(none.status, 401)
  t.match(none.headers.get('www-authenticate'), pointer)
  t.notMatch(none.headers.get('www-authenticate'), 'error=', 'a request without a token has no error code')
  const bad = await api.get('/me', 'junk')
  t.equal(bad.status, 401)
  t.match(bad.headers.get('www-authenticate'), pointer)
  t.match(bad.headers.get('www-authenticate'), 'error="invalid_token"')
})

t.test('invalid tokens are rejected with the documented status, and valid ones are accepted', async (t) => {
  const cases: [string, number, Parameters<typeof api.token>[0]][] = [
    ['expired', 401, { username: 'ada', expires_in: -60 }],
    ['another audience', 401, { username: 'ada', aud: 'somebody-else' }],
    ['another issuer', 401, { username: 'ada', iss: 'https://evil.example' }],
    ['an ID token', 401, { username: 'ada', typ: 'JWT', claims: { typ: 'ID' } }],
    ['without a scope', 403, { username: 'ada', scope: 'openid' }],
    ['a service that is not listed', 403, { client_id: 'stranger' }],
    [
      'bound to a key (DPoP)',
      401,
      { username: 'ada', claims: { cnf: { jkt: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs' } } },
    ],
    [
      'bound to a certificate',
      401,
      { username: 'ada', claims: { cnf: { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' } } },
    ],
    ['bound to nothing known', 401, { client_id: 'demo-service', claims: { cnf: null } }],
    ["bound to a key, Keycloak's", 401, { username: 'ada', typ: 'JWT', claims: { typ: 'DPoP' } }],
    ["bound to a key, Keycloak's of RFC 9068", 401, { username: 'ada', claims: { typ: 'DPoP' } }],
    ['a refresh token as at+jwt', 401, { username: 'ada', claims: { typ: 'Refresh' } }],
    ['a logout token', 401, { username: 'ada', typ: 'logout+jwt' }],
    ['for a delegation', 401, { username: 'ada', claims: { act: { sub: 'mary' } } }],
    ['of two clients', 401, { username: 'ada', claims: { azp: 'demo-service' } }],
    ['of two clients, a service', 401, { client_id: 'stranger', claims: { azp: 'demo-service', sub: 'demo-service' } }],
    ['of a list of clients', 401, { username: 'ada', claims: { azp: ['maas-cli'], client_id: undefined } }],
    ['with a subject that is too long', 401, { username: 'ada', claims: { sub: 's'.repeat(256) } }],
    ['with a number as subject', 401, { username: 'ada', claims: { sub: 5 } }],
    ['with a list as subject', 401, { username: 'ada', claims: { sub: ['ada'] } }],
    ['with an object as subject', 401, { username: 'ada', claims: { sub: { name: 'ada' } } }],
    ['with an empty subject', 401, { username: 'ada', claims: { sub: '' } }],
    ['without a subject', 401, { username: 'ada', claims: { sub: null } }],
    ['with an object as scope', 403, { username: 'ada', claims: { scope: { 'maas:read': true } } }],
    ['with no scope at all', 403, { username: 'ada', claims: { scope: null } }],
    ['with a session id that is too long', 401, { username: 'ada', claims: { sid: 's'.repeat(256) } }],
    ["Keycloak's of RFC 9068", 200, { username: 'ada', claims: { typ: 'Bearer' } }],
    ['that may be exchanged', 200, { username: 'ada', claims: { may_act: { sub: 'mary' } } }],
    ['without azp', 200, { username: 'ada', claims: { azp: undefined } }],
    ["Keycloak's", 200, { username: 'ada', typ: 'JWT' }],
    ['at+jwt', 200, { username: 'ada' }],
  ]
  for (const [name, status, submission] of cases) {
    const answer = await api.get('/me', await api.token(submission))
    t.equal(answer.status, status, name)
    if (status >= 400) t.match(answer.headers.get('content-type'), 'application/problem+json', name)
    if (status === 401) t.match(answer.headers.get('www-authenticate'), 'error="invalid_token"', name)
  }
  const bound = await api.get('/me', await api.token({ username: 'ada', claims: { cnf: { jkt: 'x' } } }))
  t.match(bound.body.detail, 'bound to a key (cnf)')
  const scope = await api.get('/me', await api.token({ username: 'ada', scope: 'openid' }))
  t.match(scope.headers.get('www-authenticate'), 'error="insufficient_scope"')
  t.match(scope.headers.get('www-authenticate'), 'scope="maas:read"')
  const good = await api.token({ username: 'ada' })
  const [head = '', body = '', signature = ''] = good.split('.')
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url')
  t.equal((await api.get('/me', `${none}.${body}.`)).status, 401, 'alg none')
  const forged = Buffer.from(JSON.stringify({ sub: 'x' })).toString('base64url')
  t.equal((await api.get('/me', `${head}.${forged}.${signature}`)).status, 401, 'modified payload')
  t.equal((await api.call('GET', '/me', { headers: { authorization: 'Bearer a b' } })).status, 400, 'malformed')
  t.equal(
    (await api.call('GET', '/me', { headers: { authorization: 'Basic YTpi' } })).status,
    401,
    'another authentication scheme',
  )
  t.equal((await api.get(`/me?access_token=${good}`)).status, 401, 'token in the query string')
  const ada = createVisitor(stack)
  await ada.signIn('ada')
  t.equal((await ada.raw('/api/v1/me')).status, 401, 'a session cookie is not a token')
})

t.test(
  'while the provider is down, cached keys work, an unknown key returns 503, and a forged signature returns 401',
  async (t) => {
    const token = await api.token({ username: 'ada' })
    t.equal((await api.get('/me', token)).status, 200)
    const [, body] = token.split('.')
    const otherKey = Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid: 'unseen' })).toString('base64url')
    const unseen = `${otherKey}.${body}.c2ln`
    // An unknown key triggers a refresh of the key set. On a busy machine storing it can time out, so this repeats until it is
    // stored.
    for (let stored = ''; stored === ''; stored = redisSays('keys', 'maas:jwks:*').trim())
      t.equal((await api.get('/me', unseen)).status, 401, 'a key that the provider does not have')
    await api.faults([{ match: 'GET *', status: 500, times: 1000 }])
    const port = String(Number(portBeside(stack)) + 1)
    const knows = await stack.portal({ PORT: port, REDIS_URL: redis.url })
    const restarted = () => createApi(stack, knows.url).get('/me', token)
    t.equal(await until(200, restarted), 200, 'after a restart, the keys are read from Redis, sealed')
    await knows.stop()
    const ignorant = await stack.portal({ PORT: port })
    const unknown = await createApi(stack, ignorant.url).get('/me', token)
    t.equal(unknown.status, 503, 'a portal without cached keys')
    t.ok(unknown.headers.get('retry-after'))
    t.equal(unknown.headers.get('www-authenticate'), null, 'a valid token is not reported as invalid')
    await ignorant.stop()
    t.equal((await api.get('/me', token)).status, 200)
    // The key set was requested a moment ago. It is requested again after five seconds.
    t.equal(await until(503, () => api.get('/me', unseen)), 503, 'an unknown key')
    t.equal(
      (
        await api.get(
          '/me',
          token.replace(/.$/, (end) => (end === 'A' ? 'Q' : 'A')),
        )
      ).status,
      401,
      'forged',
    )
    await api.faults([])
  },
)

t.test('the catalogue returns an ETag and 304 according to what the caller can see', async (t) => {
  const first = await api.get('/models')
  const etag = first.headers.get('etag') ?? ''
  t.match(etag, /^"[\w-]+"$/)
  t.match(first.headers.get('age'), /^\d+$/)
  for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    const again = await api.get('/models', undefined, { 'if-none-match': known })
    t.equal(again.status, 304, known)
    t.equal(again.text, '')
    t.equal(again.headers.get('etag'), etag)
  }
  t.equal((await api.get('/models', undefined, { 'if-none-match': '"other"' })).status, 200)
  t.not((await api.get('/models?q=mistral')).headers.get('etag'), etag, 'other filters have another ETag')
  await createVisitor(stack).signIn('mary')
  const mary = await api.get('/models?limit=100', await api.token({ username: 'mary' }))
  t.not(
    mary.headers.get('etag'),
    (await api.get('/models?limit=100')).headers.get('etag'),
    'this caller can see one more model',
  )
  const one = await api.get('/models/granite-chat')
  const same = await api.get('/models/granite-chat', undefined, { 'if-none-match': one.headers.get('etag') ?? '' })
  t.equal(same.status, 304)
})

t.test('lists are paged by cursor, and invalid parameters are reported by field', async (t) => {
  type List = { items: { system_name: string }[]; next_cursor: string | null; errors?: Record<string, string> }
  const all = (await api.get<List>('/models?limit=100')).body
  const seen: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: List = (await api.get<List>(`/models?limit=5${cursor ? `&cursor=${cursor}` : ''}`)).body
    t.ok(page.items.length <= 5)
    seen.push(...page.items.map(({ system_name }) => system_name))
    cursor = page.next_cursor
  }
  t.same(
    seen,
    all.items.map(({ system_name }) => system_name),
  )
  for (const query of ['limit=0', 'limit=101', 'limit=x', 'cursor=unknown']) {
    const answer = await api.get<List>(`/models?${query}`)
    t.equal(answer.status, 422, query)
    t.same(Object.keys(answer.body.errors ?? {}), [query.split('=')[0]], query)
  }
})

t.test('malformed, oversized, and mistyped requests are reported with distinct errors', async (t) => {
  const token = await api.token({ username: 'ada' })
  const post = (body: string, type: string) =>
    api.call('POST', '/applications', { token, body, headers: { 'content-type': type } })
  t.equal((await post('{', 'application/json')).status, 400, 'broken JSON')
  t.equal((await post('a=b', 'application/x-www-form-urlencoded')).status, 415, 'a form')
  t.equal((await post('x'.repeat(300_000), 'application/json')).status, 413, 'too large')
  const broken = await post('{\n  "name": "SECRET",\n  "model": oops\n}', 'application/json')
  t.equal(broken.body.detail, 'The body is not valid JSON: line 3, column 12. Correct it and send it again.')
  t.notMatch(broken.text, 'SECRET', 'the input is not echoed')
  const poisoned = await post('{"__proto__":{"name":"SECRET"}}', 'application/json')
  t.match(poisoned, { status: 400, body: { detail: /__proto__/ } })
  t.notMatch(poisoned.text, 'SECRET')
  // Text as PowerShell 5 sends it, and with a truncated character.
  for (const bytes of [
    Buffer.from('{"name":"Müller SECRET"}', 'latin1'),
    Buffer.from('{"name":"SECRET é"}').subarray(0, -3),
  ]) {
    const lines = [
      `Authorization: Bearer ${token}`,
      'Content-Type: application/json',
      `Content-Length: ${bytes.length}`,
    ]
    const other = await raw(stack.port, 'POST /api/v1/applications', lines, '', bytes)
    t.equal(other.status, 400, other.text)
    t.match(JSON.parse(other.text), { detail: 'The body is not valid UTF-8. Send it again in UTF-8.' })
    t.notMatch(other.text, 'SECRET')
  }
  const form = await post('a=b', 'application/x-www-form-urlencoded')
  t.match(form.body.detail, 'application/json')
  t.equal(form.headers.get('accept'), 'application/json', 'the accepted media types')
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
  const packed = await api.call('POST', '/applications', { token, body: '{}', headers })
  t.match(packed, { status: 415, body: { detail: /without Content-Encoding/ } })
  t.equal(packed.headers.get('accept-encoding'), 'identity')
  t.equal(packed.headers.get('accept'), null, 'the media type was valid')
  const plain = { ...headers, 'content-encoding': 'identity' }
  t.equal((await api.call('POST', '/applications', { token, body: '{}', headers: plain })).status, 422)
  const key = { 'idempotency-key': 'used-twice' }
  const invite = (role: string) => api.post('/members', token, { email: 'twice@example.com', role }, key)
  await createVisitor(stack).signIn('ada')
  t.equal((await invite('member')).status, 201)
  t.match(await invite('admin'), {
    status: 422,
    body: { type: /idempotency_key_reused$/, title: 'Idempotency-Key already used' },
  })
  const boss = await api.post<{ errors: object }>('/members', token, { email: 'boss@example.com', role: 'boss' })
  t.same(boss.body.errors, { role: 'Use one of: admin, member.' })
  const foo = await api.get<{ errors: object }>('/applications?state=foo', token)
  t.same(foo.body.errors, { state: 'Use one of: pending, live, suspended, deprecated.' })
  const wrong = await api.post<{ errors: object }>('/applications', token, { name: 5, nothing: 1 })
  t.equal(wrong.status, 422)
  t.same(Object.keys(wrong.body.errors).sort(), ['model', 'name', 'nothing'], 'JSON values are not coerced')
  t.equal((await api.get('/applications/abc', token)).status, 404, 'a malformed ID is not found')
  t.equal((await api.get('/nowhere', token)).status, 404)
  t.equal((await api.get('/nowhere')).status, 404, 'every caller gets 404: a token would not change that')
})

t.test('/docs/api shows every operation, and its curl commands run as shown', async (t) => {
  const page = await createVisitor(stack).get('/docs/api')
  t.equal(page.status, 200)
  const { body } = await api.get<OpenApiDocument>('/openapi.json')
  for (const operations of Object.values(body.paths))
    for (const { operationId } of Object.values(operations)) t.match(page.text, `id="${operationId}"`)
  t.notMatch(page.text.replace(/<pre.*?<\/pre>/gs, ''), '`', 'names in descriptions are formatted as code')
  t.match(page.text, 'With <code>reveal=true</code>, includes the credentials')
  t.notMatch(page.text.replaceAll(stack.url, ''), /(src|href)="https?:/, 'no link or resource is external')
  const run = (code: string, env: Record<string, string>) =>
    spawnSync('bash', ['-c', code], { encoding: 'utf8', env: { PATH: process.env.PATH ?? '', ...env } })
  const service = { CLIENT_ID: 'demo-service', CLIENT_SECRET: 'demo-service-secret' }
  const first = run(`${codeOf(page.text, 'token-service')}\n${codeOf(page.text, 'first-call')}`, service)
  t.match(first.stdout, '"subject":"demo-service"', first.stderr)
  const TOKEN = await api.token({ username: 'mary' })
  const created = run(codeOf(page.text, 'curl-createApplication'), { TOKEN })
  t.match(created.stdout, '"name":"Chat bot"', created.stdout + created.stderr)
})

t.test('a TypeScript client generated from the document compiles and works', async (t) => {
  const token = await api.token({ username: 'mary' })
  const client = createClient<paths>({ baseUrl: `${stack.url}/api/v1`, headers: { authorization: `Bearer ${token}` } })
  const { data: models } = await client.GET('/models', { params: { query: { type: 'chat', limit: 3 } } })
  t.equal(models?.items.length, 3)
  t.equal(models?.items[0]?.credentials.location, 'authorization')
  const { data: created, response } = await client.POST('/applications', {
    params: { header: { 'Idempotency-Key': 'typed' } },
    body: { model: 'granite-chat', plan: 'basic', name: 'typed', fields: { purpose: 'Experiment' } },
  })
  t.equal(response.status, 201)
  const id = Number(created?.id)
  const { data: renamed } = await client.PATCH('/applications/{id}', {
    params: { path: { id } },
    body: { name: 'renamed' },
  })
  t.equal(renamed?.name, 'renamed')
  const { data: invited } = await client.POST('/members', { body: { email: 'typed@example.com', role: 'member' } })
  t.equal(invited?.state, 'invited')
  const member = { params: { path: { id: Number(invited?.id) } } }
  t.equal((await client.PATCH('/members/{id}', { ...member, body: { role: 'admin' } })).data?.role, 'admin')
  const { data: people } = await client.GET('/members')
  t.match(people?.items, [
    { you: true, role: 'admin' },
    { email: 'typed@example.com', role: 'admin', client_id: null },
  ])
  t.equal((await client.DELETE('/members/{id}', member)).response.status, 204)
  const { data: me } = await client.POST('/me', { body: {} })
  t.equal(me && 'signed_up' in me && me.signed_up, true)
  const { error } = await client.GET('/applications/{id}', { params: { path: { id: 1 } } })
  t.equal(error?.status, 404)
  t.equal((await client.DELETE('/applications/{id}', { params: { path: { id } } })).response.status, 204)
})

t.test('a service without scopes gets both scopes, and one that requests a scope gets only that', async (t) => {
  const ask = async (form: Record<string, string>) => {
    const authorization = `Basic ${btoa('demo-service:demo-service-secret')}`
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...form })
    const answer = await fetch(`${stack.identity}/token`, { method: 'POST', headers: { authorization }, body })
    return ((await answer.json()) as { access_token: string }).access_token
  }
  const both = await ask({})
  t.equal((await api.get('/me', both)).status, 200)
  t.equal((await api.post('/me', both, {})).status, 422, 'write access is allowed')
  const reading = await ask({ scope: 'maas:read' })
  t.equal((await api.get('/me', reading)).status, 200)
  t.match((await api.post('/me', reading, {})).body.type, 'insufficient_scope')
})

t.test('a user signs in by device flow at a command line and calls the API with that token', async (t) => {
  type Json = Record<string, string>
  const meta = (await (await fetch(`${stack.identity}/.well-known/openid-configuration`)).json()) as Json
  const ask = async (url = '', form: Json = {}) =>
    (await (await fetch(url, { method: 'POST', body: new URLSearchParams(form) })).json()) as Json
  // No scope is requested, so both are granted.
  const device = await ask(meta.device_authorization_endpoint, { client_id: 'maas-cli' })
  const poll = {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    client_id: 'maas-cli',
    device_code: device.device_code ?? '',
  }
  t.match(await ask(meta.token_endpoint, poll), { error: 'authorization_pending' })
  await api.person({ username: 'cleo' })
  const browser = await launchBrowser()
  t.teardown(() => browser.close())
  const page = await browser.newPage()
  await page.goto(device.verification_uri ?? '')
  await page.fill('[name=user_code]', device.user_code ?? '')
  await page.click('button[type=submit]')
  await page.waitForSelector('button:has-text("Connect device")')
  t.match(await page.textContent('main'), device.user_code, 'shown again for comparison')
  await page.click('button:has-text("Connect device")')
  await page.fill('[name=username]', 'cleo')
  await page.fill('[name=password]', 'demo')
  await page.click('button[type=submit]')
  await page.waitForSelector('main:has-text("Device connected")')
  let token: string | undefined
  for (let attempt = 0; attempt < 10 && !token; attempt++) {
    await sleep(500)
    token = (await ask(meta.token_endpoint, poll)).access_token
  }
  const me = await api.get('/me', token)
  t.match([me.status, me.body.signed_up], [200, false])
  const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
  t.equal((await api.post('/me', token, answers)).status, 201)
  t.equal((await api.get('/applications', token)).status, 200)
})

t.test('rate limits apply per caller, are shared by replicas through Redis, and work without Redis', async (t) => {
  const file = join(t.testdir({}), 'portal.yaml')
  writeFileSync(file, 'rate_limits: { api: 12, sign_in: 5 }\n')
  const settings = { PORTAL_CONFIG: file, REDIS_URL: redis.url }
  const ports = [2, 3].map((offset) => String(Number(portBeside(stack)) + offset))
  const replicas = await Promise.all(ports.map((PORT) => stack.portal({ ...settings, PORT })))
  const [one, two] = replicas.map(({ url }) => createApi(stack, url))
  if (!one || !two) throw new Error('two replicas')
  const used = async (calls: (() => Promise<{ status: number; headers: Headers }>)[]) => {
    for (const call of calls) {
      const answer = await call()
      if (answer.status === 429) return answer
    }
    return undefined
  }
  const open = () => one.get('/models')
  const first = await open()
  t.equal(first.headers.get('ratelimit-policy'), '"api";q=12;w=60')
  t.match(first.headers.get('ratelimit'), /^"api";r=\d+;t=\d+$/)
  const refused = await used(Array(30).fill(open))
  t.equal(refused?.status, 429)
  const wait = Number(refused?.headers.get('retry-after'))
  t.ok(wait > 0 && wait <= 60, `wait ${wait} s`)
  t.match(refused?.headers.get('content-type'), 'application/problem+json')
  const token = await api.token({ username: 'ada' })
  t.equal((await one.get('/models', token)).status, 200, 'a caller with a token is counted separately')
  // The other replica receives the counts within a moment. A new minute resets them.
  let announced: number | undefined
  for (let attempt = 0; attempt < 60 && announced !== 429; attempt++) {
    await used(Array(13).fill(open))
    await sleep(150)
    announced = (await two.get('/models')).status
    announced = (await two.get('/models')).status
  }
  t.equal(announced, 429, 'counts of one replica apply to the other')
  const sent = await used(Array(14).fill(() => fetch(`${replicas[0]?.url}/login`, { redirect: 'manual' })))
  t.equal(sent?.status, 429, 'sign-in is limited by address')
  t.match(sent?.headers.get('content-type'), 'text/html')
  redis.freeze()
  const frozen = await used(Array(40).fill(() => two.get('/models', token)))
  redis.thaw()
  t.equal(frozen?.status, 429, 'while Redis hangs, the process counts by itself')
  await Promise.all(replicas.map((each) => each.stop()))
})

t.test('an Idempotency-Key of a rejected request can be reused, and a malformed one is rejected', async (t) => {
  const token = await api.token({ username: 'mary' })
  const body = { model: 'granite-chat', plan: 'basic', name: 'keyed', fields: { purpose: 'Experiment' } }
  const typo = { 'idempotency-key': 'two' }
  t.equal((await api.post('/applications', token, { ...body, plan: 'nothing' }, typo)).status, 422)
  t.equal(
    (await api.post('/applications', token, body, typo)).status,
    201,
    'a request that created nothing can be corrected',
  )
  t.equal((await api.post('/applications', token, body, { 'idempotency-key': 'ü'.repeat(3) })).status, 422)
})
