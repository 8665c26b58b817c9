import { readFileSync } from 'node:fs'
import { METHODS } from 'node:http'
import t from 'tap'
import { buildPortal } from '../../../src/app.js'
import { demoEnvironment } from '../../../src/cli/demo-settings.js'
import { loadConfig } from '../../../src/config/environment.js'
import { createApi } from '../../helper/api.js'
import { raw } from '../../helper/raw.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/** Methods, paths, and parameters that no route has, derived from the routes of the router and not from a list. */
const stack = await startStack(['threescale', 'identity'])
const config = t.testdir({ 'portal.yaml': 'rate_limits: { api: 1000000, reports: 1000000 }\n' })
const auditLog = `${config}/audit.jsonl`
await stack.portal({ PORTAL_CONFIG: `${config}/portal.yaml`, CATALOG_ACCESS: 'signed-in', AUDIT_LOG: auditLog })
await createVisitor(stack).signIn('mary')
const api = createApi(stack)
const token = await api.token({ username: 'mary' })
const stranger = await api.token({ client_id: 'demo-service' })
t.teardown(() => stack.close())

const portal = await buildPortal(loadConfig({ ...demoEnvironment(stack.port, {}), LOG_LEVEL: 'silent' }))
await portal.app.ready()
const paths = new Map<string, string[]>()
for (const { method, url } of portal.routes)
  if (url.startsWith('/api/v1/')) paths.set(url, [...(paths.get(url) ?? []), method].sort())
await portal.stop()

interface Operation {
  parameters?: { in?: string; name?: string }[]
  requestBody?: { content: Record<string, { example?: unknown }> }
}

const bearer = (value: string | undefined) => (value === undefined ? [] : [`Authorization: Bearer ${value}`])
const filled = (url: string) =>
  url
    .replace('operations/:id', `operations/${'a'.repeat(22)}`)
    .replace(':system_name', 'granite-chat')
    .replace(':key_id', '0123456789abcdef')
    .replace(':id', '7')
/** With a token, with one of a user who has not signed up, without one, with an invalid one. */
const callers = [token, stranger, undefined, 'nonsense']

t.test('an unsupported method of any path is 405 with Allow, for every caller', async (t) => {
  t.ok(paths.size > 15, `${paths.size} paths`)
  // CONNECT and upgrades are not requests for a resource.
  const methods = METHODS.filter((method) => method !== 'CONNECT')
  for (const [url, own] of paths)
    for (const [at, method] of methods.entries()) {
      if (own.includes(method)) continue
      const lines = [...bearer(callers[at % callers.length]), 'Content-Type: text/plain']
      const answer = await raw(stack.port, `${method} ${filled(url)}`, lines, method === 'OPTIONS' ? '' : 'a body')
      const about = `${method} ${url}`
      t.equal(answer.header('allow'), [...own, 'OPTIONS'].sort().join(', '), about)
      t.equal(answer.header('cache-control'), 'no-store', about)
      t.match(answer.header('x-request-id'), /^[0-9a-f-]{36}$/, about)
      t.match(answer.header('ratelimit'), /^"api";r=\d+;t=\d+$/, about)
      if (method === 'OPTIONS') {
        t.same([answer.status, answer.text], [204, ''], about)
        continue
      }
      t.equal(answer.status, 405, about)
      if (method === 'HEAD') continue
      t.match(JSON.parse(answer.text), {
        type: 'urn:maas-portal:problem:method_not_allowed',
        title: 'Method not allowed',
        status: 405,
        detail: /^This address does not support the request method\. It supports: .*GET|POST|DELETE/,
        request_id: answer.header('x-request-id'),
      })
    }
})

t.test('OPTIONS requires neither token nor sign-up, and an unknown path has no methods', async (t) => {
  for (const value of callers)
    for (const [url, own] of paths) {
      const answer = await raw(stack.port, `OPTIONS ${filled(url)}`, bearer(value))
      t.same([answer.status, answer.header('allow')], [204, [...own, 'OPTIONS'].sort().join(', ')], url)
      t.equal(answer.header('www-authenticate'), undefined)
    }
  for (const path of ['/api/v1/nowhere', '/api/v1', '/api', '/api/v2/models'])
    t.same([(await raw(stack.port, `OPTIONS ${path}`)).status], [404], path)
})

t.test('HEAD returns the headers of GET without a body', async (t) => {
  for (const [url, own] of paths) {
    if (!own.includes('GET')) continue
    const [head, get] = [
      await raw(stack.port, `HEAD ${filled(url)}`, bearer(token)),
      await raw(stack.port, `GET ${filled(url)}`, bearer(token)),
    ]
    t.same([head.status, head.text], [get.status, ''], url)
    for (const name of ['content-type', 'cache-control', 'vary', 'etag'])
      t.equal(head.header(name), get.header(name), `${url}: ${name}`)
  }
})

t.test('a path with an extra slash is 404 and names the path without it', async (t) => {
  for (const url of paths.keys()) {
    const required = url.replace(/:(\w+)/g, '{$1}')
    for (const path of [
      `${filled(url)}/`,
      `${filled(url)}//`,
      filled(url).replace('/v1/', '/v1//'),
      `${filled(url)}/?limit=5`,
    ])
      for (const value of [token, undefined]) {
        const { status, text } = await raw(stack.port, `GET ${path}`, bearer(value))
        t.equal(status, 404, path)
        t.match((JSON.parse(text) as { detail: string }).detail, `Remove the extra slash: ${required}`, path)
      }
  }
  const { status, text } = await raw(stack.port, 'GET /api/v1/models/secret-in-the-path/')
  t.equal(status, 404)
  t.notMatch(text, 'secret-in-the-path', 'the input is not echoed')
})

t.test('every error below /api is a problem document, not a page, for every caller', async (t) => {
  for (const path of [
    '/api',
    '/api/',
    '/api?x=1',
    '/api/v2/models',
    '/api/v1',
    '/api/v1/',
    '/api/v1/nowhere',
    '/api/x/%41',
    '/api/docs',
    '/api/v1/models/a/b/c',
    '/api/v1/%ff',
    '/api/%',
  ])
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'])
      for (const value of [token, undefined]) {
        const answer = await raw(stack.port, `${method} ${path}`, bearer(value), method === 'POST' ? 'a=b' : '')
        t.equal(answer.status, /%(ff)?$/.test(path) ? 400 : 404, `${method} ${path}`)
        t.match(answer.header('content-type'), 'application/problem+json', `${method} ${path}`)
        t.equal(answer.header('cache-control'), 'no-store')
        t.match(answer.header('x-request-id'), /^[0-9a-f-]{36}$/)
        if (method !== 'HEAD') t.equal((JSON.parse(answer.text) as { status: number }).status, answer.status)
      }
  for (const path of ['/apis', '/api-docs', '/API/v1/models']) {
    const page = await raw(stack.port, `GET ${path}`)
    t.match(page.header('content-type'), 'text/html', `${path} is a path of pages`)
  }
  const elsewhere = await raw(stack.port, 'POST /api/v2/models', ['Origin: https://evil.example'], '{}')
  t.same([elsewhere.status, elsewhere.header('content-type')], [403, 'application/problem+json'])
})

t.test('every route rejects an unknown parameter and a repeated one', async (t) => {
  const document = (await api.get<{ paths: Record<string, Record<string, Operation>> }>('/openapi.json')).body
  let repeated = 0
  await stack.resetCalls()
  for (const [url, own] of paths)
    for (const method of own) {
      const operation = document.paths[url.replace('/api/v1', '').replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]
      const example = operation?.requestBody?.content['application/json']?.example
      const sent = (query: string) =>
        raw(
          stack.port,
          `${method} ${filled(url)}?${query}`,
          [...bearer(token), 'Content-Type: application/json'],
          example === undefined ? '' : JSON.stringify(example),
        )
      const answer = await sent('unknown=prod&unlisted')
      t.equal(answer.status, 422, `${method} ${url}`)
      if (method === 'HEAD') continue
      const { errors } = JSON.parse(answer.text) as { errors: Record<string, string> }
      const names = (operation?.parameters ?? []).filter((each) => each.in === 'query').map(({ name = '' }) => name)
      const sentence =
        names.length > 0 ? `Available parameters: ${names.sort().join(', ')}.` : 'This request has no parameters.'
      t.match(
        errors,
        { unknown: `This query parameter does not exist. ${sentence}`, unlisted: String },
        `${method} ${url}`,
      )
      for (const name of names) {
        const twice = await sent(`${name}=1&${name}=1`)
        t.equal(twice.status, 422, `${method} ${url} with ${name} twice`)
        t.match(JSON.parse(twice.text), { errors: { [name]: 'Send this query parameter only once.' } })
        repeated++
      }
    }
  t.ok(repeated > 20, `${repeated} parameters`)
  const writes = Object.keys(await stack.calls()).filter((call) => !call.startsWith('GET '))
  t.same(writes, [], 'nothing was written')
})

t.test('every response has one request ID, the same as in its error and in the audit log', async (t) => {
  const ids = new Set<string>()
  const cases: [first: string, lines?: string[], status?: number][] = [
    ['GET /', [], 200],
    ['GET /nowhere', [], 404],
    ['GET /applications', [], 303],
    ['GET /%ff', [], 400],
    [`GET /models/${'x'.repeat(400)}`, [], 404],
    ['GET /static/none/x.js', [], 404],
    ['GET /.well-known/oauth-protected-resource', [], 200],
    ['GET /api/v1/openapi.json', [], 200],
    ['GET /api/v1/models', bearer(token), 200],
    ['GET /api/v1/models', [], 401],
    ['GET /api/v1/models', [...bearer(token), 'If-None-Match: *'], 304],
    ['GET /api/v1/applications/7', bearer(token), 404],
    ['GET /api/v1/models', ['Bad Header: x'], 400],
    ['GET /api/v1/models', [`Cookie: a=${'x'.repeat(70_000)}`], 431],
    ['GET /models', ['X-Request-Id: chosen-by-the-client', `Cookie: a=${'x'.repeat(140_000)}`], 431],
    ['GET /', ['X-Request-Id: chosen-by-the-client'], 200],
  ]
  for (const [first, lines = [], status] of cases) {
    const answer = await raw(stack.port, first, lines)
    t.equal(answer.status, status, first.slice(0, 60))
    const all = answer.all('x-request-id')
    t.equal(all.length, 1, first.slice(0, 60))
    t.match(all[0], /^[0-9a-f-]{36}$/)
    if (status !== undefined && status >= 400 && answer.text.startsWith('{'))
      t.equal((JSON.parse(answer.text) as { request_id: string }).request_id, all[0])
    ids.add(all[0] ?? '')
  }
  t.equal(ids.size, cases.length)
  const id = (await raw(stack.port, 'DELETE /api/v1/applications/7', bearer(token))).header('x-request-id')
  const events = readFileSync(auditLog, 'utf8').trim().split('\n')
  t.match(JSON.parse(events.at(-1) ?? ''), { event: 'application.delete', outcome: 'refused', request_id: id })
})

t.test('responses have Cache-Control and Vary according to their content', async (t) => {
  const csv = ['Accept: text/csv']
  const cases: [first: string, lines: string[], status: number, stored: string, vary: string | undefined][] = [
    ['GET /api/v1/models', [], 200, 'private, no-cache', 'accept-encoding, authorization, origin'],
    ['GET /api/v1/models/granite-chat', [], 200, 'private, no-cache', 'accept-encoding, authorization, origin'],
    ['GET /api/v1/models/nothing', [], 404, 'no-store', undefined],
    ['GET /api/v1/openapi.json', [], 200, 'public, no-cache', 'accept-encoding'],
    ['GET /api/v1/me', [], 200, 'no-store', undefined],
    ['GET /api/v1/me/usage', [], 200, 'no-store', 'accept'],
    ['GET /api/v1/me/usage', csv, 200, 'no-store', 'accept'],
    ['GET /api/v1/me/usage', ['Accept: image/png'], 406, 'no-store', 'accept'],
    ['GET /api/v1/applications', [], 200, 'no-store', undefined],
    ['GET /api/v1/applications?reveal=true', [], 422, 'no-store', undefined],
    ['GET /api/v1/members', [], 200, 'no-store', undefined],
  ]
  for (const [first, lines, status, stored, vary] of cases) {
    const answer = await raw(stack.port, first, [...bearer(token), ...lines])
    t.same([answer.status, answer.header('cache-control'), answer.header('vary')], [status, stored, vary], first)
  }
  const { header } = await raw(stack.port, 'GET /api/v1/openapi.json')
  const again = await raw(stack.port, 'GET /api/v1/openapi.json', [`If-None-Match: ${header('etag')}`])
  t.same([again.status, again.text], [304, ''], 'the document has an ETag')
  const small = await raw(stack.port, 'GET /api/v1/openapi.json', ['Accept-Encoding: gzip'])
  t.equal(small.header('content-encoding'), 'gzip')
})
