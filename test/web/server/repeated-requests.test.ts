import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { projectRoot } from '../../../src/project-root.js'
import { createApi } from '../../helper/api.js'
import { portBeside, startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

const stack = await startStack(['threescale', 'identity'])
t.teardown(() => stack.close())
const demo = readFileSync(join(projectRoot, 'deploy', 'demo-portal.yaml'), 'utf8')
const few = join(t.testdir({ 'portal.yaml': `${demo}\nrate_limits: { api: 8 }\n` }), 'portal.yaml')
const portal = await stack.portal({ PORTAL_CONFIG: few, CATALOG_TTL: '3600' })
const api = createApi(stack)

/** The same request as often as given, concurrent and sequential. */
async function often<T>(times: number, ask: () => Promise<T>): Promise<T[]> {
  const answers = [await ask()]
  answers.push(...(await Promise.all(Array.from({ length: times - 2 }, ask))))
  return [...answers, await ask()]
}

t.test('repeated requests for a list return the same list, and each counts until the limit is reached', async (t) => {
  await createVisitor(stack).signIn('mary')
  const token = await api.token({ username: 'mary' })
  const answers = await often(12, () => api.get('/models', token))
  const good = answers.filter(({ status }) => status === 200)
  t.ok(good.length >= 8 && good.length <= 10, `${good.length} of 12 are answered with a limit of 8 per minute`)
  t.equal(answers.at(-1)?.status, 429)
  t.equal(new Set(good.map(({ text }) => text)).size, 1)
  const left = good.map(({ headers }) => Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]))
  t.ok(new Set(left).size >= 4, `the remaining number is updated each time: ${left}`)
  t.equal(answers.at(-1)?.headers.get('content-type'), 'application/problem+json')
  for (const { headers } of good) {
    t.match(headers.get('age'), /^\d{1,4}$/)
    t.equal(headers.get('ratelimit-policy'), '"api";q=8;w=60')
    t.match(headers.get('ratelimit'), /^"api";r=[0-7];t=([1-9]|[1-5]\d|60)$/)
  }
})

t.test('a token that has just expired is rejected', async (t) => {
  await createVisitor(stack).signIn('linus')
  // The clocks of two machines may differ by 30 s: this token expires in two seconds.
  const token = await api.token({ username: 'linus', expires_in: -28 })
  t.equal((await api.get('/models/granite-chat', token)).status, 200)
  await sleep(3000)
  t.equal((await api.get('/models/granite-chat', token)).status, 401)
})

t.test('each user gets their own name, and restricted models are shown only to their group', async (t) => {
  const [mary, linus] = [createVisitor(stack), createVisitor(stack)]
  await mary.signIn('mary')
  await linus.signIn('linus')
  for (let round = 0; round < 3; round++) {
    const hers = await mary.get('/models')
    const his = await linus.get('/models')
    t.match(hers.text, /Mary Shelley/)
    t.match(hers.text, /restricted-research/)
    t.match(his.text, /Linus/)
    t.notMatch(his.text, /Mary Shelley|restricted-research/)
    t.not(hers.headers.get('etag'), his.headers.get('etag'))
    t.equal((await mary.get('/models/restricted-research')).status, 200)
    t.equal((await linus.get('/models/restricted-research')).status, 404)
    t.match((await createVisitor(stack).get('/models')).text, /Sign in/)
  }
})

t.test('repeated responses have the same headers except date and request ID', async (t) => {
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const named = (headers: Headers) =>
    [...headers].filter(([name]) => name !== 'date' && name !== 'x-request-id').map(([name, value]) => [name, value])
  const first = await mary.raw('/models')
  t.match(first.headers.get('content-security-policy'), /default-src 'none'/)
  for (let round = 0; round < 3; round++) t.same(named((await mary.raw('/models')).headers), named(first.headers))
})

t.test("If-None-Match returns 304 only for the user's own page", async (t) => {
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const etag = (await mary.get('/models')).headers.get('etag') ?? ''
  for (let round = 0; round < 3; round++) {
    const answer = await mary.raw('/models', { headers: { 'if-none-match': etag } })
    t.equal(answer.status, 304)
    t.equal(answer.text, '')
    t.equal(answer.headers.get('etag'), etag)
    t.equal(answer.headers.get('vary'), 'accept-encoding, cookie')
    t.equal(answer.headers.get('cache-control'), 'private, no-cache')
    for (const name of ['content-type', 'content-security-policy']) t.notOk(answer.headers.has(name), name)
  }
  t.equal((await createVisitor(stack).raw('/models', { headers: { 'if-none-match': etag } })).status, 200)
})

t.test('the cookie of a signed-out user is invalid immediately', async (t) => {
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const headers = { cookie: [...mary.jar].map(([name, value]) => `${name}=${value}`).join('; ') }
  const before = await often(4, () => fetch(`${stack.url}/models`, { headers }).then((answer) => answer.text()))
  for (const text of before) t.match(text, /Mary Shelley/)
  await mary.post('/logout', {})
  const after = await often(4, () => fetch(`${stack.url}/models`, { headers }).then((answer) => answer.text()))
  for (const text of after) t.notMatch(text, /Mary Shelley/)
})

t.test('a notice is shown once, with concurrent requests', async (t) => {
  const visitor = createVisitor(stack)
  const notice = Buffer.from(JSON.stringify({ kind: 'success', text: 'Only once.' })).toString('base64url')
  await visitor.get('/models')
  visitor.jar.set('maas_flash', notice)
  t.match((await visitor.get('/models')).text, /Only once\./)
  t.notOk(visitor.jar.has('maas_flash'))
  t.notMatch((await visitor.get('/models')).text, /Only once\./)
})

t.test('all encodings of a page have the same text, and each request is measured', async (t) => {
  const counted = async () => {
    const text = await (await fetch(`${portal.metrics}/metrics`)).text()
    const lines = text.match(/maas_http_request_seconds_count\{[^}]*route="\/models"[^}]*\} \d+/g) ?? []
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }
  const before = await counted()
  const texts = new Set<string>()
  for (const encoding of ['identity', 'gzip', 'br', 'gzip', 'br', 'identity']) {
    const answer = await fetch(`${stack.url}/models`, { headers: { 'accept-encoding': encoding } })
    // a page has no brotli form
    t.equal(answer.headers.get('content-encoding') ?? 'identity', encoding === 'br' ? 'identity' : encoding)
    texts.add(await answer.text())
  }
  t.equal(texts.size, 1)
  t.equal((await counted()) - before, 6)
})

t.test("a host name of the stock portal redirects, after responses under the portal's host name", async (t) => {
  const file = join(t.testdir({ 'portal.yaml': `${demo}\nstock_hosts: [old.example.com]\n` }), 'portal.yaml')
  const behind = await stack.portal({ PORTAL_CONFIG: file, TRUST_PROXY: 'loopback', PORT: portBeside(stack) })
  const ask = (host: string) =>
    fetch(`${behind.url}/models`, { redirect: 'manual', headers: { 'x-forwarded-host': host } })
  for (let round = 0; round < 2; round++) {
    t.equal((await ask('models.example.com')).status, 200)
    t.equal((await ask('old.example.com')).status, 303)
  }
  await behind.stop()
})

t.test('pipelined requests, also with a body, are answered in order', async (t) => {
  const text = `GET /models HTTP/1.1\r\nHost: localhost\r\n`
  const body = 'GET /secret HTTP/1.1'
  const socket = connect(Number(new URL(stack.url).port), '127.0.0.1')
  socket.write(`${text}\r\n`)
  await once(socket, 'data')
  socket.write(`${text}Content-Length: ${body.length}\r\n\r\n${body}${text}\r\n${text}Connection: close\r\n\r\n`)
  const rest: string[] = []
  for await (const chunk of socket) rest.push(String(chunk))
  const answers = rest.join('').match(/HTTP\/1\.1 \d+(?= OK)/g) ?? []
  t.same(new Set(answers), new Set(['HTTP/1.1 200']))
  t.ok(answers.length >= 3)
})

t.test('anonymous callers of the API are counted by address and do not share responses', async (t) => {
  const answers = await often(12, () => api.get('/models'))
  t.equal(answers.at(-1)?.status, 429)
})
