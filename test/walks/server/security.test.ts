import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { generateKeyPair, SignJWT } from 'jose'
import t from 'tap'
import { DEMO_USERNAME_SECRET } from '../../../src/cli/demo-settings.js'
import { createSeal } from '../../../src/infra/crypto/seal.js'
import { createApi } from '../../helper/api.js'
import { raw } from '../../helper/raw.js'
import { portBeside, startRedis, startStack } from '../../helper/stack.js'
import { createVisitor, formsOf, type Visitor } from '../../helper/visitor.js'

const SECRET = 'canary-session-secret-0123456789abcdef'
const folder = t.testdir()
const output = join(folder, 'output')
const auditLog = join(folder, 'audit')
const redis = await startRedis()
const stack = await startStack()
const portal = await stack.portal(
  { REDIS_URL: redis.url, SESSION_SECRET: SECRET, LOG_LEVEL: 'trace', AUDIT_LOG: auditLog, TRUST_PROXY: 'off' },
  { output },
)
/** As behind a reverse proxy with HTTPS. */
await stack.portal({
  PORT: portBeside(stack),
  PUBLIC_URL: 'https://models.example.com',
  TRUST_PROXY: 'loopback',
  AUDIT_LOG: join(folder, 'audit-secure'),
})
t.setTimeout(600_000)
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})
const api = createApi(stack)
const PORT = stack.port
const SECURE = Number(portBeside(stack))
/** Starts now, because it takes a minute. */
const slow = Promise.all(Array.from({ length: 40 }, (_, index) => dawdle(index % 2 === 0)))

const visitor = createVisitor(stack)
await visitor.signIn('admin')
const session = visitor.jar.get('maas_session') ?? ''
const signedIn = async (cookie: string) => (await raw(PORT, 'GET /account', [`Cookie: ${cookie}`])).status === 200

t.test('every response has the strict Content-Security-Policy, whichever layer sends it', async (t) => {
  const style = /href="(\/static\/[^"]+\.css)"/.exec((await visitor.get('/models')).text)?.[1]
  const folderOf = style?.replace(/css\/.*/, '')
  for (const path of [
    '/models',
    '/nowhere',
    '/login',
    '/account',
    '/%',
    `${style}`,
    `${folderOf}nothing.css`,
    '/api/v1/me',
    '/api/v1/models',
    '/docs/api',
    '/.well-known/oauth-protected-resource',
  ]) {
    const { header } = await raw(PORT, `GET ${path}`)
    const policy = Object.fromEntries(
      (header('content-security-policy') ?? '').split('; ').map((part) => part.split(/ (.*)/s)),
    )
    t.match(
      policy,
      {
        'default-src': "'none'",
        'script-src': "'self'",
        'style-src': "'self'",
        'base-uri': "'none'",
        'form-action': "'self'",
        'frame-ancestors': "'none'",
      },
      path,
    )
    t.notMatch(header('content-security-policy'), /unsafe|\*|https?:/, path)
    t.equal(header('x-content-type-options'), 'nosniff', path)
    t.equal(header('referrer-policy'), 'same-origin', path)
    t.equal(header('cross-origin-opener-policy'), 'same-origin', path)
    // Visitors can read the catalogue of this portal, so pages of other origins can too.
    const isPublic = path === '/.well-known/oauth-protected-resource' || path === '/api/v1/models'
    t.equal(header('cross-origin-resource-policy'), isPublic ? 'cross-origin' : 'same-origin', path)
    t.equal(header('access-control-allow-origin'), isPublic ? '*' : undefined, path)
    for (const name of ['server', 'x-powered-by']) t.equal(header(name), undefined, path)
    t.match(header('content-type') ?? 'none', /charset=utf-8|json|none/, path)
  }
})

t.test(
  'a malformed path is a page for browsers and a problem document for programs, and is never echoed',
  async (t) => {
    const known = await raw(PORT, 'GET /nowhere')
    const strict = known.headers.filter(([name]) =>
      /^(content-security|x-content|referrer|cross-origin|permissions)/i.test(name),
    )
    t.equal(strict.length, 6)
    for (const path of ['/%ff', '/models/%c0%ae-canary', '/%', `/models/${'canary'.repeat(60)}`])
      for (const accept of ['text/html', 'application/json', '*/*']) {
        const page = await raw(PORT, `GET ${path}`, [`Accept: ${accept}`])
        t.equal(page.status, path.length > 300 ? 404 : 400, path)
        t.equal(page.header('content-type'), 'text/html; charset=utf-8')
        t.equal(page.header('cache-control'), 'no-store')
        t.match(page.text, /<h1[^>]*>(Bad request|Not found)<\/h1>[\s\S]*Request ID: <code>[0-9a-f-]{36}</)
        t.notMatch(page.text, /canary|%ff/)
        for (const [name, value] of strict) t.equal(page.header(name.toLowerCase()), value, name)
      }
    for (const path of ['/api/v1/applications/%ff', '/api/%', `/api/v1/applications/${'canary'.repeat(60)}`]) {
      const answer = await raw(PORT, `GET ${path}`, ['Accept: text/html'])
      t.equal(answer.header('content-type'), 'application/problem+json', path)
      t.match(JSON.parse(answer.text), { status: answer.status, request_id: /^[0-9a-f-]{36}$/ })
      t.notMatch(answer.text, /canary/)
      for (const [name, value] of strict) t.equal(answer.header(name.toLowerCase()), value, name)
    }
    t.match((await raw(SECURE, 'GET /%ff')).header('strict-transport-security'), /max-age=31536000/)
  },
)

t.test('without listed origins, no response has a CORS header', async (t) => {
  const token = await api.token({ username: 'admin' })
  for (const path of ['/models', '/login', '/nowhere', '/api/v1/me', '/api/v1/nothing'])
    for (const [method, ...lines] of [
      ['GET'],
      ['GET', `Authorization: Bearer ${token}`],
      ['OPTIONS', 'Access-Control-Request-Method: GET', 'Access-Control-Request-Headers: authorization'],
    ]) {
      const { headers } = await raw(PORT, `${method} ${path}`, ['Origin: https://evil.example', ...lines])
      t.same(
        headers.filter(([name]) => /^access-control-/i.test(name)),
        [],
        `${method} ${path}`,
      )
    }
})

t.test('on HTTPS, responses have HSTS, and cookies are __Host-, Secure, HttpOnly, and SameSite', async (t) => {
  const { all, header } = await raw(SECURE, 'GET /login')
  t.match(header('strict-transport-security'), /max-age=31536000; includeSubDomains/)
  const cookies = all('set-cookie')
  t.ok(cookies.length > 0)
  for (const cookie of cookies) {
    t.match(cookie, /^__Host-maas_/)
    for (const part of ['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax']) t.ok(cookie.split('; ').includes(part), part)
    t.notMatch(cookie, /domain=/i)
  }
  t.equal(header('cache-control'), 'no-store')
})

t.test('pages with names and addresses of users are not stored by caches', async (t) => {
  const member = /\/account\/members\/\d+/.exec((await visitor.get('/account')).text)?.[0]
  for (const path of ['/account', member ?? ''])
    t.equal((await visitor.raw(path)).headers.get('cache-control'), 'no-store', path)
})

t.test('a form of another site is refused on every path that accepts forms', async (t) => {
  const forms = [
    '/applications',
    '/applications/1',
    '/applications/1/reveal',
    '/applications/1/test',
    '/applications/1/delete',
    '/applications/1/rotate',
    '/applications/1/keys',
    '/applications/1/plan',
    '/playground',
    '/playground/stream',
    '/playground/code',
    '/sign-up',
    '/logout',
  ]
  const strangers = [
    ['Sec-Fetch-Site: cross-site'],
    ['Sec-Fetch-Site: same-site'],
    ['Origin: https://evil.example'],
    ['Origin: null'],
    [`Origin: http://localhost:${PORT}.evil.example`],
    ['Sec-Fetch-Site: cross-site', `Origin: http://localhost:${PORT}`],
  ]
  for (const path of forms)
    for (const lines of strangers) {
      const { status } = await raw(
        PORT,
        `POST ${path}`,
        [...lines, `Cookie: maas_session=${session}`, 'Content-Type: application/x-www-form-urlencoded'],
        'a=b',
      )
      t.equal(status, 403, `${path} ${lines}`)
    }
  t.ok(await signedIn(`maas_session=${session}`), 'no user was signed out by it')
  for (const [type, body] of [
    ['application/x-www-form-urlencoded', 'model=granite-chat'],
    ['text/plain', '{"model":"granite-chat"}'],
  ] as const) {
    const answer = await raw(
      PORT,
      'POST /api/v1/applications',
      [`Cookie: maas_session=${session}`, `Content-Type: ${type}`],
      body,
    )
    t.equal(answer.status, 401, 'the API ignores cookies')
  }
})

t.test('a planted session cookie is replaced at sign-in', async (t) => {
  await api.person({ username: 'planted', name: 'Planted', org_name: 'Planted' })
  const victim = createVisitor(stack)
  const form = await victim.get('/login?return_to=/account')
  victim.jar.set('maas_session', session)
  const arrived = await victim.submit(form, /interaction/, { username: 'planted', password: 'demo' })
  await victim.submit(arrived, /sign-up/, {
    'account.department': 'Research',
    'user.job_title': 'Scientist',
    accept_terms: '2026-01',
  })
  t.not(victim.jar.get('maas_session'), session, 'a new one at each sign-in')
  t.notOk(await signedIn(`maas_session=${session}`), 'the planted session has ended')
  visitor.jar.delete('maas_session')
  await visitor.signIn('admin')
  t.ok(await signedIn(`maas_session=${visitor.jar.get('maas_session')}`))
})

t.test(
  'a sealed cookie is valid only unmodified, for its own purpose, and with the secret of this portal',
  async (t) => {
    const good = visitor.jar.get('maas_session') ?? ''
    t.ok(await signedIn(`maas_session=${good}`))
    const fresh = createVisitor(stack)
    await fresh.raw('/login')
    const [attemptName = '', attempt = ''] = [...fresh.jar].find(([name]) => name.startsWith('maas_login_')) ?? []
    const purpose = `maas_session ${stack.identity}`
    const text = createSeal([SECRET], purpose).open(good) ?? ''
    t.ok(text, 'the test can open the seal')
    t.ok(
      await signedIn(`maas_session=${createSeal([SECRET], purpose).seal(text)}`),
      'the test can create a valid cookie',
    )
    const bad = {
      'a sign-in on its way': attempt,
      'another secret': createSeal([SECRET.replace('0', '1')], purpose).seal(text),
      'another purpose': createSeal([SECRET], 'revocation-check').seal(text),
      'another issuer': createSeal([SECRET], 'maas_session https://evil.example').seal(text),
      'nothing in it': createSeal([SECRET], purpose).seal(''),
      'half of it': good.slice(0, good.length / 2),
      'more of it': `${good}AAAA`,
      'no seal': Buffer.from(text).toString('base64url'),
    }
    for (const [name, value] of Object.entries(bad)) t.notOk(await signedIn(`maas_session=${value}`), name)
    for (let at = 0; at < good.length; at += Math.ceil(good.length / 40)) {
      const turned = `${good.slice(0, at)}${good[at] === 'A' ? 'Q' : 'A'}${good.slice(at + 1)}`
      t.notOk(await signedIn(`maas_session=${turned}`), `modified at ${at}`)
    }
    t.equal(
      (await raw(PORT, 'GET /sign-up', [`Cookie: maas_sign_up=${good}`])).status,
      303,
      'a session is not a pending sign-up',
    )
    const mary = createVisitor(stack)
    await mary.signIn('mary')
    const hers = createSeal([SECRET], purpose).open(mary.jar.get('maas_session') ?? '') ?? ''
    const hour = 3_600_000
    const aged = (began: number, seen: number) => {
      const packed = JSON.parse(hers) as unknown[]
      packed.splice(-4, 3, Date.now() - began * hour, Date.now() - seen * hour, Date.now() - began * hour)
      return signedIn(`maas_session=${createSeal([SECRET], purpose).seal(JSON.stringify(packed))}`)
    }
    t.ok(await aged(9.9, 1.9), 'valid up to SESSION_MAX if it was used within SESSION_IDLE')
    t.notOk(await aged(2.2, 2.1), 'unused for longer than SESSION_IDLE')
    t.notOk(await aged(10.1, 0), 'older than SESSION_MAX, regardless of use')
    const callback = await raw(PORT, `GET /login/callback?code=x&state=${attemptName.slice(11)}`, [
      `Cookie: ${attemptName}=${good}`,
    ])
    t.equal(callback.status, 400, 'a session is not a pending sign-in')
  },
)

t.test('input cannot inject a header or a log line', async (t) => {
  const marks = [
    '%0d%0ax-injected:%201',
    '%0ax-injected:1',
    '%E5%98%8A%E5%98%8Dx-injected:1',
    '%00',
    '%2F%2Fevil.example',
  ]
  for (const mark of marks)
    for (const path of [
      `/login?return_to=/${mark}`,
      `/models?q=${mark}`,
      `/models/${mark}`,
      `/${mark}`,
      `/signed-out?${mark}`,
      `/login/callback?error=${mark}&state=${mark}`,
    ]) {
      const { headers, status, header } = await raw(PORT, `GET ${path}`, [
        `User-Agent: ${mark}`,
        `X-Request-Id: ${mark}`,
      ])
      t.ok(status < 500, path)
      t.notOk(
        headers.some(([name, value]) => /injected/i.test(name) || /[\r\n]/.test(value)),
        path,
      )
      t.notMatch(header('location') ?? '', /^(\/\/|https?:\/\/evil)/, path)
    }
  for (const line of readFileSync(output, 'utf8').trim().split('\n')) t.equal(typeof JSON.parse(line), 'object')
  for (const line of readFileSync(auditLog, 'utf8').trim().split('\n')) t.equal(typeof JSON.parse(line), 'object')
})

t.test('requests that two servers could read differently are refused', async (t) => {
  const smuggled = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
  const both = [
    ['Transfer-Encoding: chunked', 'Content-Length: 6'],
    ['Content-Length: 0', 'Content-Length: 5'],
    ['Content-Length: 5, 5'],
    ['Content-Length: +5'],
    ['Transfer-Encoding: xchunked'],
    ['Transfer-Encoding: chunked, identity'],
    ['Transfer-Encoding : chunked'],
    ['X: a\r\n Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked\nX: y'],
  ]
  for (const lines of both) {
    const answers = await talk(
      `POST /login HTTP/1.1\r\nHost: localhost:${PORT}\r\n${lines.join('\r\n')}\r\n\r\n0\r\n\r\n${smuggled}`,
    )
    const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
    t.ok(statuses.length >= 1 && statuses.every((status) => status >= 400), `${lines}: ${statuses}`)
    t.notMatch(answers, '"status":"ok"')
  }
})

t.test('bodies, headers, paths, and nesting have limits', async (t) => {
  const token = await api.token({ username: 'admin', scope: 'maas:read maas:write' })
  const large = 'x'.repeat(300_000)
  const form = [
    'Content-Type: application/x-www-form-urlencoded',
    `Cookie: maas_session=${visitor.jar.get('maas_session')}`,
  ]
  const json = ['Content-Type: application/json', `Authorization: Bearer ${token}`]
  t.equal((await raw(PORT, 'POST /applications', form, `name=${large}`)).status, 413)
  t.equal((await raw(PORT, 'POST /api/v1/applications', json, `{"name":"${large}"}`)).status, 413)
  t.equal((await raw(PORT, 'GET /models', [`X: ${large.slice(0, 70_000)}`])).status, 431)
  t.equal((await raw(PORT, `GET /models/${'y'.repeat(400)}`)).status, 404)
  t.equal(
    (await raw(PORT, 'POST /api/v1/applications', json, `${'['.repeat(50_000)}${']'.repeat(50_000)}`)).status,
    422,
  )
  t.equal(
    (
      await raw(
        PORT,
        'POST /api/v1/applications',
        json,
        '{"__proto__":{"admin":true},"model":"granite-chat","name":"x"}',
      )
    ).status,
    400,
  )
  t.equal(
    (await raw(PORT, 'POST /api/v1/applications', json, '{"model":"granite-chat","name":"x","state":"live"}')).status,
    422,
  )
})

t.test('directories are not listed, TRACE is refused, and health and metrics are not on the public port', async (t) => {
  const style = /href="(\/static\/[^"]+)css\//.exec((await visitor.get('/models')).text)?.[1]
  t.ok(style)
  for (const path of [
    '/metrics',
    '/healthz',
    '/readyz',
    '/static/',
    `${style}`,
    `${style}css/`,
    '/.git/config',
    '/.env',
  ])
    t.equal((await raw(PORT, `GET ${path}`)).status, 404, path)
  for (const path of [
    `${style}../package.json`,
    `${style}..%2f..%2fpackage.json`,
    `${style}%2e%2e/%2e%2e/package.json`,
  ]) {
    const { status, text } = await raw(PORT, `GET ${path}`)
    t.ok(status >= 400 && status < 500, path)
    t.notMatch(text, '"dependencies"', path)
  }
  for (const method of ['TRACE', 'TRACK', 'CONNECT', 'DEBUG']) {
    const { status, text } = await raw(PORT, `${method} /models`, ['X-Echo: canary-of-a-header'])
    t.notOk(status >= 200 && status < 300, `${method}: ${status}`)
    t.notMatch(text, 'canary-of-a-header')
  }
})

t.test('the Host header and untrusted proxy headers do not change any URL', async (t) => {
  const evil = [
    'Host: evil.example',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Proto: gopher',
    'Forwarded: host=evil.example',
    'X-Forwarded-For: 203.0.113.9',
  ]
  for (const path of [
    '/',
    '/models',
    '/login',
    '/nowhere',
    '/account',
    '/api/v1/openapi.json',
    '/.well-known/oauth-protected-resource',
    '/docs/api',
  ]) {
    const answer = await raw(PORT, `GET ${path}`, evil)
    t.notMatch(`${answer.headers}${answer.text}`, /evil\.example|gopher/, path)
  }
  const login = await raw(PORT, 'GET /login', evil)
  t.equal(new URL(login.header('location') ?? '').searchParams.get('redirect_uri'), `${stack.url}/login/callback`)
})

t.test('the address of a caller is taken only from a trusted proxy', async (t) => {
  const last = (file: string) =>
    (JSON.parse(readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '{}') as { address?: string }).address
  await raw(PORT, 'GET /login/callback?state=none', ['X-Forwarded-For: 203.0.113.9'])
  t.match(last(auditLog), /127\.0\.0\.1$/)
  await raw(SECURE, 'GET /login/callback?state=none', ['X-Forwarded-For: 203.0.113.9'])
  t.equal(last(join(folder, 'audit-secure')), '203.0.113.9')
})

t.test('a token cannot make the portal request a URL that the token contains', async (t) => {
  const requested: string[] = []
  const server = createServer((request, response) => {
    requested.push(request.url ?? '')
    response.end('{"keys":[]}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  const there = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  for (const header of [
    { jku: `${there}/jku` },
    { x5u: `${there}/x5u` },
    { jwk: publicKey as never },
    { kid: `${there}/kid` },
    { kid: '../../etc/passwd' },
  ]) {
    const token = await new SignJWT({ scope: 'maas:read', azp: 'maas-cli', iss: there })
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', ...header } as never)
      .setSubject('x')
      .setIssuedAt()
      .setExpirationTime('5m')
      .setAudience('maas-portal-api')
      .setIssuer(stack.identity)
      .sign(privateKey)
    t.equal((await api.get('/me', token)).status, 401, JSON.stringify(Object.keys(header)))
    const logout = await raw(
      PORT,
      'POST /logout/backchannel',
      ['Content-Type: application/x-www-form-urlencoded'],
      `logout_token=${token}`,
    )
    t.equal(logout.status, 400)
  }
  t.same(requested, [])
})

t.test('secrets sent in every input do not appear in logs, metrics, errors, URLs, or Redis', async (t) => {
  const canary = 'CANARY5d41402abc4b2a76'
  const person = createVisitor(stack)
  await api.person({ username: 'canary', name: 'Canary', org_name: 'Canary' })
  await person.signIn('canary', '/applications')
  const locations: string[] = []
  const pages: string[] = []
  const note = <T extends { location?: string | null; text: string }>(answer: T) => {
    locations.push(answer.location ?? '')
    pages.push(answer.text)
    return answer
  }
  const id = await makeApplication(person)
  const [key] = await keysOf(id)
  t.match(key, /^maas_/)
  note(await person.get(`/applications/${id}`))
  const revealed = await person.raw(`/applications/${id}/reveal`, {
    method: 'POST',
    body: new URLSearchParams({ key: canary }),
  })
  t.equal(note(revealed).headers.get('cache-control'), 'no-store')
  note(await person.post(`/applications/${id}/test`, { key: canary, prompt: canary }))
  note(await person.post('/playground', { application: String(id), prompt: canary, key: canary }))
  note(await person.post(`/applications/${id}/keys`, { key: canary, attempt: canary }))
  note(await person.post(`/applications/${id}/rotate`, { attempt: 'a'.repeat(22) }))
  await stack.faults([{ match: 'GET /admin/api/accounts/*', status: 500 }])
  note(await person.get(`/applications/${id}?user_key=${canary}`))
  await stack.faults([])

  const cookies = [
    `Cookie: maas_session=${canary}; maas_sign_up=${canary}; maas_login_abc=${canary}; maas_flash=${canary}`,
  ]
  for (const line of [
    `Authorization: Bearer ${canary}`,
    `Authorization: Basic ${canary}`,
    `Idempotency-Key: ${canary}`,
    `X-Api-Key: ${canary}`,
    `Referer: http://localhost/${canary}`,
    `User-Agent: ${canary}`,
  ])
    for (const path of [
      '/api/v1/me',
      '/models',
      `/api/v1/models?access_token=${canary}`,
      `/login/callback?code=${canary}&state=${canary}`,
      '/nowhere',
    ])
      await raw(PORT, `GET ${path}`, [line, ...cookies])
  const token = await api.token({ username: 'canary', scope: 'maas:read maas:write' })
  for (const body of [
    { model: canary },
    { model: 'granite-chat', name: canary, key: canary },
    canary,
    { password: canary, fields: { x: canary } },
  ])
    await api.post('/applications', token, body, { 'idempotency-key': `${canary}-${JSON.stringify(body).length}` })
  await api.call('PATCH', `/applications/${id}`, { token, body: { plan: canary, name: canary } })
  await api.call('PATCH', `/applications/${id}`, { token, body: { plan: canary } })
  note(await person.post(`/applications/${id}/plan`, { plan: canary }))
  note(await person.post('/account/members', { email: `${canary}@`, role: 'member' }))
  await raw(
    PORT,
    'POST /logout/backchannel',
    ['Content-Type: application/x-www-form-urlencoded'],
    `logout_token=${canary}`,
  )
  await raw(PORT, 'POST /login', ['Content-Type: application/x-www-form-urlencoded'], `password=${canary}`)

  const everyKey = [key ?? '', ...(await keysOf(id))]
  const own = [
    ...everyKey,
    token,
    ...person.jar.values(),
    SECRET,
    DEMO_USERNAME_SECRET,
    'demo-token',
    'demo-portal-secret',
  ]
  const metrics = await (await fetch(`${portal.metrics}/metrics`)).text()
  const ready = await (await fetch(`${portal.metrics}/readyz`)).text()
  const stored = everythingIn(redis.port)
  t.ok(stored.length > 1000, 'Redis has data')
  for (const secret of [canary, ...own]) {
    t.notOk(readFileSync(output, 'utf8').includes(secret), `log: ${secret.slice(0, 12)}`)
    t.notOk(readFileSync(auditLog, 'utf8').includes(secret), `audit: ${secret.slice(0, 12)}`)
    t.notOk(metrics.includes(secret) || ready.includes(secret), `metrics: ${secret.slice(0, 12)}`)
    t.notOk(stored.includes(secret), `Redis: ${secret.slice(0, 12)}`)
    t.notOk(
      locations.some((each) => each.includes(secret)),
      `URLs: ${secret.slice(0, 12)}`,
    )
  }
  for (const secret of ['demo-token', 'demo-portal-secret', SECRET, DEMO_USERNAME_SECRET])
    t.notOk(
      pages.some((page) => page.includes(secret)),
      'no page contains a secret of the settings',
    )
  const [shown, ...others] = [pages[1] ?? '', pages[0] ?? '', ...pages.slice(2)]
  t.ok(shown.includes(key ?? ''), 'it is shown on request')
  t.notOk(
    others.some((page) => page.includes(key ?? '')),
    'only in the response to that request',
  )
  t.notOk(
    pages.some((page) => /(?:id|href|action|name)="[^"]*maas_\d/.test(page)),
    'no ID or URL contains one',
  )
})

t.test('slow clients are disconnected, and other requests are served meanwhile', async (t) => {
  t.equal((await raw(PORT, 'GET /models')).status, 200)
  for (const answer of await slow) t.match(answer, /^(HTTP\/1\.1 408 [\s\S]*)?$/)
  t.equal((await raw(PORT, 'GET /models')).status, 200)
})

/** Sends a request with an incomplete head or body. Returns what was received until the server closed the connection. */
function dawdle(inHead: boolean): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(PORT, '127.0.0.1', () =>
      socket.write(
        inHead
          ? 'GET /models HTTP/1.1\r\nHost: x\r\n'
          : 'POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\na',
      ),
    )
    const drip = setInterval(() => socket.write(inHead ? 'x: y\r\n' : 'b'), 2000)
    socket.on('data', (chunk) => (answer += chunk))
    socket.on('error', () => {})
    socket.once('close', () => {
      clearInterval(drip)
      resolve(answer)
    })
  })
}

/** Returns the complete response to these bytes. */
function talk(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(PORT, '127.0.0.1', () => socket.write(Buffer.from(bytes, 'latin1')))
    socket.setTimeout(3000, () => socket.destroy())
    socket.on('data', (chunk) => (answer += chunk))
    socket.on('error', () => {})
    socket.once('close', () => resolve(answer))
  })
}

async function keysOf(id: number): Promise<string[]> {
  const application = (await stack.state()).applications.find((each) => each.id === id)
  return [application?.user_key ?? '', ...(application?.keys ?? []).map(({ value }) => value)].filter(Boolean)
}

async function makeApplication(person: Visitor): Promise<number> {
  const page = await person.get('/applications/new?model=mistral-chat')
  const form = formsOf(page.text).find(({ action }) => action.endsWith('/applications'))
  const created = await person.post('/applications', { ...form?.values, name: 'Canary' })
  return Number(/\/applications\/(\d+)/.exec(created.location ?? '')?.[1])
}

function everythingIn(port: number): string {
  const cli = (...words: string[]) =>
    spawnSync('redis-cli', ['-p', String(port), ...words], { encoding: 'utf8' }).stdout
  const keys = cli('--scan').trim().split('\n')
  const read: Record<string, string[]> = {
    string: ['GET'],
    hash: ['HGETALL'],
    set: ['SMEMBERS'],
    zset: ['ZRANGE', '0', '-1'],
  }
  return keys
    .map((key) => {
      const [verb = 'GET', ...rest] = read[cli('TYPE', key).trim()] ?? []
      return `${key} ${cli(verb, key, ...rest)}`
    })
    .join('\n')
}
