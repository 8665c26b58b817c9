import { connect } from 'node:net'
import t from 'tap'
import { createApi } from '../helper/api.js'
import { raw } from '../helper/raw.js'
import { startStack } from '../helper/stack.js'
import { createVisitor } from '../helper/visitor.js'

/** Requests that Node.js refuses, or that programs on the way may read in another way than the portal. */
const stack = await startStack(['threescale', 'identity'])
await stack.portal()
t.teardown(() => stack.close())
const host = `Host: localhost:${stack.port}`

t.test('headers over 16 KB are 431, as a page or a problem; a large cookie jar below that works', async (t) => {
  const jar = (bytes: number) => [`Cookie: a=${'x'.repeat(bytes)}`]
  const page = await raw(stack.port, 'GET /models', jar(17_000))
  t.equal(page.status, 431)
  t.match(page.header('content-type'), 'text/html')
  t.match(page.text, /Delete the cookies of this site/)
  t.match(page.header('content-security-policy'), /default-src 'none'/)
  t.equal(page.header('cache-control'), 'no-store')
  const api = await raw(stack.port, 'GET /api/v1/models', jar(40_000))
  t.equal(api.status, 431)
  t.match(api.header('content-type'), 'application/problem+json')
  t.match(JSON.parse(api.text), { type: 'urn:maas-portal:problem:headers_too_large', status: 431, request_id: String })
  t.notMatch(`${page.text}${api.text}`, 'xxxx', 'nothing is repeated')
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const own = [...mary.jar].map(([name, value]) => `${name}=${value}`).join('; ')
  const shared = await raw(stack.port, 'GET /models', [`Cookie: ${own}; other=${'x'.repeat(14_000)}`])
  t.equal(shared.status, 200)
  t.match(shared.text, /Mary Shelley/)
})

t.test('what is no HTTP is 400 with the headers of every answer', async (t) => {
  const answer = await raw(stack.port, 'GET /models', ['Bad Header: x'])
  t.equal(answer.status, 400)
  t.match(answer.text, /cannot be read/)
  t.ok(answer.header('content-security-policy'))
  // one that only hangs up is not answered
  const socket = connect(stack.port, '127.0.0.1', () => socket.resetAndDestroy())
  await new Promise((resolve) => socket.once('close', resolve))
  t.equal((await raw(stack.port, 'GET /models')).status, 200)
})

t.test('two Host or Authorization headers are refused everywhere', async (t) => {
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
