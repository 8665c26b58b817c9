import { connect } from 'node:net'
import t from 'tap'
import { createApi } from '../../helper/api.js'
import { printedByPython } from '../../helper/python.js'
import { raw } from '../../helper/raw.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/** Requests that Node.js refuses, or that intermediaries can read differently from the portal. */
const stack = await startStack(['threescale', 'identity'])
await stack.portal()
t.teardown(() => stack.close())
const host = `Host: localhost:${stack.port}`

t.test('headers over 64 KB are 431, as a page or a problem document, wherever the bytes are', async (t) => {
  const long = (bytes: number) => 'x'.repeat(bytes)
  for (const [first, lines] of [
    ['GET /models', [`Cookie: a=${long(66_000)}`]],
    ['GET /models', [`Cookie: a=${long(300_000)}`]],
    ['GET /models', Array.from({ length: 40 }, (_, at) => `X-Header-${at}: ${long(2000)}`)],
    [`GET /models?q=${long(66_000)}`, []],
    ['POST /logout', [`Cookie: a=${long(66_000)}`]],
  ] as const) {
    const page = await raw(stack.port, first, [...lines])
    t.equal(page.status, 431)
    t.match(page.header('content-type'), 'text/html')
    t.match(page.text, /Delete the cookies of this site/)
    t.match(page.header('content-security-policy'), /default-src 'none'/)
    t.equal(page.header('cache-control'), 'no-store')
    t.notMatch(page.text, 'xxxx', 'the input is not echoed')
  }
  for (const lines of [
    [`Authorization: Bearer ${long(66_000)}`],
    [`Cookie: a=${long(100_000)}`],
    [`Accept: text/html`, `X: ${long(120_000)}`],
  ]) {
    const api = await raw(stack.port, 'GET /api/v1/models', lines)
    t.equal(api.status, 431)
    t.match(api.header('content-type'), 'application/problem+json')
    const problem = { type: 'urn:maas-portal:problem:headers_too_large', status: 431, request_id: String }
    t.match(JSON.parse(api.text), { ...problem, detail: /access token with fewer groups/ })
    t.notMatch(api.text, 'xxxx')
  }
})

t.test('cookies of other applications on the domain and access tokens with many groups are accepted', async (t) => {
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const own = [...mary.jar].map(([name, value]) => `${name}=${value}`).join('; ')
  const others = Array.from({ length: 50 }, (_, at) => `other${at}=${'x'.repeat(1000)}`).join('; ')
  const shared = await raw(stack.port, 'GET /models', [`Cookie: ${others}; ${own}`])
  t.equal(shared.status, 200)
  t.match(shared.text, /Mary Shelley/)
  const api = createApi(stack)
  for (const count of [200, 500, 1000]) {
    const groups = Array.from({ length: count }, (_, at) => `6f0c9d1e-3a52-4e8b-b1d7-${String(at).padStart(12, '0')}`)
    const token = await api.token({ username: 'mary', claims: { groups } })
    t.ok(token.length > count * 40)
    t.equal((await api.get('/applications', token)).status, 200, `${count} groups`)
  }
  const unknown = await raw(stack.port, 'GET /api/v1/applications', [`Authorization: Bearer ${'y'.repeat(60_000)}`])
  t.equal(unknown.status, 401)
  t.match(unknown.header('content-type'), 'application/problem+json')
})

t.test('invalid HTTP is 400 with the headers of every response', async (t) => {
  const answer = await raw(stack.port, 'GET /models', ['Bad Header: x'])
  t.equal(answer.status, 400)
  t.match(answer.text, /could not be read/)
  t.ok(answer.header('content-security-policy'))
  // A client that only disconnects gets no response.
  const socket = connect(stack.port, '127.0.0.1', () => socket.resetAndDestroy())
  await new Promise((resolve) => socket.once('close', resolve))
  t.equal((await raw(stack.port, 'GET /models')).status, 200)
})

t.test('a repeated Host or Authorization header is refused on every path', async (t) => {
  const token = await createApi(stack).token({ username: 'mary' })
  const doubled = [
    [host, 'Host: evil.example'],
    ['host: evil.example', host],
    [host, host],
    [host, `Authorization: Bearer ${token}`, 'AUTHORIZATION: Bearer other'],
  ]
  for (const path of ['/models', '/api/v1/models', '/nowhere', '/.well-known/oauth-protected-resource', '/login'])
    for (const lines of doubled)
      t.equal((await raw(stack.port, `GET ${path}`, lines)).status, 400, `${path} ${lines.length}`)
  const page = await raw(stack.port, 'GET /models', [host, 'Host: evil.example'])
  t.match(page.text, /more than one Host or Authorization header/)
  t.notMatch(page.text, 'evil')
})

t.test('clients that send a whole body before they read get 413 or 415', async (t) => {
  const token = await createApi(stack).token({ username: 'mary' })
  const code = `
import http.client
json = ("application/json", "POST", "/api/v1/applications")
text = ("text/plain", "POST", "/api/v1/applications")
form = ("application/x-www-form-urlencoded", "POST", "/login")
for size in (2_000_000, 20_000_000):
  for pieces in (False, True):
    for type, method, path in (json, text, form):
      connection = http.client.HTTPConnection("127.0.0.1", ${stack.port}, timeout=60)
      body = (b"x" * 100_000 for _ in range(size // 100_000)) if pieces else b"x" * size
      headers = {"Content-Type": type, "Authorization": "Bearer ${token}"}
      connection.request(method, path, body=body, headers=headers, encode_chunked=pieces)
      response = connection.getresponse()
      response.read()
      print(path, response.status, response.getheader("accept"))
`
  const each = [
    '/api/v1/applications 413 None',
    '/api/v1/applications 415 application/json',
    // No such form exists, and no body of a page is read beyond its limit.
    '/login 413 None',
  ]
  t.same((await printedByPython(code)).split('\n'), [...each, ...each, ...each, ...each])
})
