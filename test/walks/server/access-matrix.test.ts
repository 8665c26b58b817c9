import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import t from 'tap'
import { buildPortal } from '../../../src/app.js'
import { demoEnvironment } from '../../../src/cli/demo-settings.js'
import { loadConfig } from '../../../src/config/environment.js'
import { createApi } from '../../helper/api.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/** Most of the time is waiting for 3scale. */
const atOnce = pLimit(4)
const stack = await startStack()
// With this setting, a plan is changed immediately instead of requested.
const { services } = (await stack.state()) as unknown as {
  services: { id: number; system_name: string; flags: object }[]
}
const chat = services.find(({ system_name }) => system_name === 'granite-chat')
await stack.put(`/_demo/services/${chat?.id}`, { flags: { ...chat?.flags, buyer_plan_change_permission: 'direct' } })
await stack.portal()
const api = createApi(stack)
t.teardown(() => stack.close())

const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
const tokens: Record<string, string> = {}
const visitors: Record<string, ReturnType<typeof createVisitor>> = { 'signed out': createVisitor(stack) }
for (const [caller, username] of [
  ['admin', 'mona'],
  ['member', 'milo'],
  ['other account', 'otto'],
] as const) {
  await api.person({ username })
  if (caller === 'member') await api.post('/members', tokens.admin, { email: 'milo@example.com', role: 'member' })
  const token = await api.token({ username })
  const { joining_account } = (await api.get<{ joining_account: { id: number } | null }>('/me', token)).body
  const { status, text } = await api.post('/me', token, { ...answers, join: joining_account?.id })
  if (status !== 201) throw new Error(`${username}: ${status} ${text}`)
  tokens[caller] = token
  const visitor = createVisitor(stack)
  await visitor.signIn(username)
  visitors[caller] = visitor
}
Object.assign(tokens, {
  'without scope': await api.token({ username: 'mona', scope: 'openid' }),
  'wrong audience': await api.token({ username: 'mona', aud: 'somebody-else' }),
  expired: await api.token({ username: 'mona', expires_in: -60 }),
  'wrong issuer': await api.token({ username: 'mona', iss: 'https://evil.example' }),
})

/** The subject of a row, in the account of admin and member. It is created again for each call, as some calls delete it. */
let created = 0
const make = {
  /** With one key that is the whole credential. */
  single: () => application('granite-chat'),
  /** With an app_id and a separate key. */
  pair: () => application('llama-chat'),
  invitation: async () => {
    const body = { email: `matrix-${created++}@example.com`, role: 'member' }
    return { id: (await api.post<{ id: number }>('/members', tokens.admin, body)).body.id, key: '' }
  },
  /** Started by the admin: no other user can read it. */
  operation: async () => {
    const body = {
      model: 'granite-chat',
      plan: 'basic',
      name: `matrix ${created++}`,
      fields: { purpose: 'Experiment' },
    }
    const headers = { prefer: 'respond-async' }
    return { id: (await api.post<{ id: string }>('/applications', tokens.admin, body, headers)).body.id, key: '' }
  },
  nothing: async () => ({ id: 0, key: '' }),
}

async function application(model: string): Promise<{ id: number; key: string }> {
  const body = { model, name: `matrix ${created++}`, fields: { purpose: 'Experiment' } }
  const submission = { ...body, ...(model === 'granite-chat' ? { plan: 'basic' } : {}) }
  const { id } = (await api.post<{ id: number }>('/applications', tokens.admin, submission)).body
  const path = `/applications/${id}/keys`
  if (model === 'llama-chat') await api.post(path, tokens.admin, {})
  const keys = await api.get<{ items: { key_id: string }[] }>(path, tokens.admin)
  return { id, key: keys.body.items[0]?.key_id ?? '' }
}

interface Row {
  of?: keyof typeof make
  /** For a path that is more than the route with its IDs filled in. */
  path?: string
  body?: Record<string, unknown>
  statuses: number[]
}

const portal = await buildPortal(loadConfig({ ...demoEnvironment(stack.port, {}), LOG_LEVEL: 'silent' }))
await portal.app.ready()
/** The routes of the router. HEAD is GET without a body. */
const routes = portal.routes
  .filter(({ method }) => method !== 'HEAD')
  .map(({ method, url }) => `${method} ${url.replace(/^\/static\/\w+/, '/static/:hash')}`)
const hash = portal.routes.find(({ url }) => url.startsWith('/static/'))?.url.split('/')[2]
await portal.stop()

// Signed out, other account, member, admin.
const everybody = [200, 200, 200, 200]
const own = [303, 404, 200, 200]
const closed = [303, 200, 200, 200]
const does = [303, 404, 303, 303]
const app = { of: 'single', statuses: own } satisfies Row
const pair = { of: 'pair', statuses: own } satisfies Row

const pages: Record<string, Row> = {
  'GET /static/:hash/*': { path: `/static/${hash}/js/app.js`, statuses: everybody },
  'GET /.well-known/oauth-protected-resource': { statuses: everybody },
  'GET /': { statuses: everybody },
  'GET /models': { statuses: everybody },
  'GET /models/compare': { statuses: everybody },
  'GET /models/:system_name': { statuses: everybody },
  'GET /models/:system_name/reference': { statuses: everybody },
  'POST /models/:system_name/reference': {
    of: 'single',
    body: { operation: 'get-v1-models' },
    statuses: [303, 404, 200, 200],
  },
  'GET /usage': { statuses: closed },
  'GET /usage.csv': { statuses: closed },
  'GET /usage.json': { statuses: closed },
  'GET /applications': { statuses: closed },
  'GET /applications/new': { statuses: closed },
  'POST /applications': {
    body: { model: 'granite-chat', plan: 'basic', name: 'by form', 'fields.purpose': 'Experiment' },
    statuses: [303, 303, 303, 303],
  },
  // Without a pending form, these redirect to the form.
  'GET /applications/pending/:attempt': {
    path: `/applications/pending/${'0'.repeat(32)}`,
    statuses: [303, 303, 303, 303],
  },
  'GET /applications/:id/delete/pending': { of: 'single', statuses: [303, 303, 303, 303] },
  'GET /applications/:id': app,
  'POST /applications/:id': { of: 'single', body: { name: 'renamed', description: '' }, statuses: does },
  'POST /applications/:id/reveal': { of: 'single', statuses: own },
  'POST /applications/:id/test': { of: 'single', statuses: own },
  'GET /applications/:id/notebook.ipynb': app,
  'GET /applications/:id/delete': app,
  'POST /applications/:id/delete': { of: 'single', body: { confirm: 'another name' }, statuses: [303, 404, 422, 422] },
  'POST /applications/:id/repair': { of: 'single', statuses: does },
  'GET /applications/:id/usage': app,
  'GET /applications/:id/usage.csv': app,
  'GET /applications/:id/usage.json': app,
  'GET /applications/:id/rotate': app,
  'POST /applications/:id/rotate': { of: 'single', statuses: does },
  'GET /applications/:id/keys/new': pair,
  'POST /applications/:id/keys': { of: 'pair', statuses: does },
  'GET /applications/:id/keys/:key_id/revoke': pair,
  'POST /applications/:id/keys/:key_id/revoke': { of: 'pair', statuses: does },
  // A key that was not removed has no revocation check.
  'GET /applications/:id/keys/:key_id/revocation-check': { of: 'pair', statuses: [303, 404, 404, 404] },
  'GET /applications/:id/plan': app,
  'POST /applications/:id/plan': { of: 'single', body: { plan: 'unlimited' }, statuses: does },
  'GET /playground': { statuses: closed },
  'POST /playground': { of: 'single', body: { prompt: 'hello' }, statuses: [303, 404, 200, 200] },
  'POST /playground/code': { of: 'single', body: { prompt: 'hello' }, statuses: [303, 404, 200, 200] },
  'POST /playground/stream': { of: 'single', body: { prompt: 'hello' }, statuses: [303, 404, 200, 200] },
  'GET /login': { statuses: [303, 303, 303, 303] },
  'GET /login/callback': { statuses: [400, 303, 303, 303] },
  'GET /sign-up': { statuses: [303, 303, 303, 303] },
  'GET /sign-up/pending': { statuses: [303, 303, 303, 303] },
  'POST /sign-up': { statuses: [303, 303, 303, 303] },
  'GET /signed-out': { statuses: everybody },
  'POST /logout/backchannel': { statuses: [400, 400, 400, 400] },
  'GET /terms': { statuses: everybody },
  'GET /account': { statuses: closed },
  'POST /account/members': { body: { role: 'member' }, statuses: [303, 303, 403, 303] },
  'GET /account/members/:id': { of: 'invitation', statuses: own },
  'POST /account/members/:id': { of: 'invitation', body: { role: 'admin' }, statuses: [303, 404, 403, 303] },
  'POST /account/members/:id/remove': { of: 'invitation', statuses: [303, 404, 403, 303] },
  'GET /docs/api': { statuses: everybody },
  'GET /webhooks/3scale': { statuses: [204, 204, 204, 204] },
  'POST /webhooks/3scale': { statuses: [401, 401, 401, 401] },
  'POST /webhooks/catalogue': { statuses: [401, 401, 401, 401] },
  // For operators only, and this portal has none.
  'GET /doctor': { statuses: [303, 404, 404, 404] },
  'POST /doctor': { statuses: [303, 404, 404, 404] },
  'GET /missing-model': { path: '/missing-model?model=granite-chat', statuses: closed },
  // The last row, because it ends the sessions.
  'POST /logout': { statuses: [303, 200, 200, 200] },
}

// The same four, then a token without scope, of a wrong audience, expired, of a wrong issuer.
const bad = [403, 401, 401, 401]
const open = [...everybody, ...bad]
const list = [401, 200, 200, 200, ...bad]
const ownOne = [401, 404, 200, 200, ...bad]
const ends = [401, 404, 204, 204, ...bad]
const byAdmin = (other: number, done: number) => [401, other, 403, done, ...bad]

const calls: Record<string, Row> = {
  'GET /openapi.json': { statuses: [...everybody, 200, 401, 401, 401] },
  'GET /operations/:id': { of: 'operation', statuses: [401, 404, 404, 200, ...bad] },
  'GET /me': { statuses: list },
  'POST /me': { body: {}, statuses: [401, 200, 200, 200, ...bad] },
  'GET /me/usage': { statuses: list },
  'GET /me/usage.csv': { statuses: list },
  'GET /me/limits': { statuses: list },
  'GET /me/costs': { statuses: list },
  'GET /members': { statuses: list },
  'POST /members': { body: { role: 'member' }, statuses: byAdmin(201, 201) },
  'GET /members/:id': { of: 'invitation', statuses: ownOne },
  'PUT /members/:id': { of: 'invitation', body: { role: 'admin' }, statuses: byAdmin(404, 200) },
  'PATCH /members/:id': { of: 'invitation', body: { role: 'admin' }, statuses: byAdmin(404, 200) },
  'DELETE /members/:id': { of: 'invitation', statuses: byAdmin(404, 204) },
  'GET /models': { statuses: open },
  'GET /models/:system_name': { statuses: open },
  'GET /models/:system_name/snippets': { statuses: open },
  'GET /applications': { statuses: list },
  'POST /applications': {
    body: { model: 'granite-chat', plan: 'basic', name: 'by API', fields: { purpose: 'Experiment' } },
    statuses: [401, 201, 201, 201, ...bad],
  },
  'GET /applications/:id': { of: 'single', statuses: ownOne },
  'PATCH /applications/:id': { of: 'single', body: { name: 'renamed' }, statuses: ownOne },
  'PUT /applications/:id': {
    of: 'single',
    body: { name: 'replaced', plan: 'basic', fields: { purpose: 'Experiment' } },
    statuses: ownOne,
  },
  'DELETE /applications/:id': { of: 'single', statuses: ends },
  'POST /applications/:id/repair': { of: 'pair', statuses: ownOne },
  'GET /applications/:id/keys': { of: 'pair', statuses: ownOne },
  'POST /applications/:id/keys': { of: 'pair', body: {}, statuses: [401, 404, 201, 201, ...bad] },
  'GET /applications/:id/keys/:key_id': { of: 'pair', statuses: ownOne },
  'DELETE /applications/:id/keys/:key_id': { of: 'pair', statuses: ownOne },
  'GET /applications/:id/keys/:key_id/revocation-check': { of: 'pair', statuses: [401, 404, 404, 404, ...bad] },
  'POST /applications/:id/rotate': { of: 'pair', statuses: ownOne },
  'GET /applications/:id/usage': { of: 'single', statuses: ownOne },
  'GET /applications/:id/usage.csv': { of: 'single', statuses: ownOne },
  'GET /applications/:id/limits': { of: 'single', statuses: ownOne },
  'GET /applications/:id/costs': { of: 'single', statuses: ownOne },
}

t.test('every route of the router has a row, and every row has a route', async (t) => {
  const rows = [...Object.keys(pages), ...Object.keys(calls).map((name) => name.replace(' ', ' /api/v1'))]
  t.same(rows.sort(), [...new Set(routes)].sort())
})

async function target(name: string, { of = 'nothing', path, body }: Row) {
  const { id, key } = await make[of]()
  const [method = '', route = ''] = name.split(' ')
  const filled = (path ?? route)
    .replace(':system_name', 'granite-chat')
    .replace(':id', String(id))
    .replace(':key_id', key)
  const invites = /\/members$/.test(route) && body ? { email: `matrix-${created++}@example.com` } : {}
  const plays = /^.playground|reference$/.test(route) && body ? { application: String(id) } : {}
  return { method, path: filled, body: body && { ...body, ...invites, ...plays } }
}

t.test('every page and form returns the expected status for each kind of caller', async (t) => {
  await eachRow(pages, async (name, row) => {
    const seen: [string, number][] = []
    for (const caller of ['signed out', 'other account', 'member', 'admin']) {
      const { method, path, body } = await target(name, row)
      const form = method === 'POST' ? { method, body: new URLSearchParams(body as Record<string, string>) } : {}
      const answer = await patiently(async () => visitors[caller]?.raw(path, form))
      seen.push([caller, answer?.status ?? 0])
      if (caller === 'signed out' && row.statuses[0] === 303 && !/log|sign/.test(path))
        t.match(answer?.location, '/login?return_to=', `${name} redirects to sign-in`)
    }
    t.same(
      seen,
      [['signed out'], ['other account'], ['member'], ['admin']].map(([who], at) => [who, row.statuses[at]]),
      name,
    )
  })
})

t.test('no response to a form redirects to another origin, at any hop', async (t) => {
  const navigates = { headers: { 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'same-origin' } }
  await eachRow(pages, async (name, row) => {
    for (const caller of ['signed out', 'member', 'admin']) {
      const visitor = visitors[caller]
      const { method, path, body } = await target(name, row)
      const form = method === 'POST' ? { method, body: new URLSearchParams(body as Record<string, string>) } : {}
      let answer = await visitor?.raw(path, { ...navigates, ...form })
      for (let hops = 0; answer?.location && hops < 5; hops++) {
        t.equal(new URL(answer.location, stack.url).origin, stack.url, `${name} by ${caller}: ${answer.location}`)
        answer = await visitor?.raw(answer.location, navigates)
      }
      t.equal(answer?.location, null, `${name} by ${caller} ends at a page`)
    }
  })
})

/** On a busy machine, 3scale can be too slow for a response. A request can be repeated after a 503. */
async function patiently<T extends { status: number } | undefined>(send: () => Promise<T>): Promise<T> {
  let answer = await send()
  for (let repeated = 0; answer?.status === 503 && repeated < 10; repeated++) {
    await sleep(1000)
    answer = await send()
  }
  return answer
}

/**
 * Rows with an application or member of their own run concurrently, after the others. The row that ends the sessions runs last.
 */
async function eachRow(table: Record<string, Row>, check: (name: string, row: Row) => Promise<void>): Promise<void> {
  const rows = Object.entries(table).filter(([name]) => name !== 'POST /logout')
  for (const [name, row] of rows.filter(([, { of }]) => !of)) await check(name, row)
  await atOnce.map(
    rows.filter(([, { of }]) => of),
    ([name, row]) => check(name, row),
  )
  if (table['POST /logout']) await check('POST /logout', table['POST /logout'])
}

t.test('every API operation returns the expected status for each kind of caller', async (t) => {
  const callers = [
    'signed out',
    'other account',
    'member',
    'admin',
    'without scope',
    'wrong audience',
    'expired',
    'wrong issuer',
  ]
  await eachRow(calls, async (name, row) => {
    const seen: [string, number][] = []
    for (const caller of callers) {
      const { method, path, body } = await target(name, row)
      const answer = await patiently(() => api.call<{ type?: string }>(method, path, { token: tokens[caller], body }))
      seen.push([caller, answer.status])
      if (answer.status >= 400) {
        t.match(answer.body.type, /^urn:maas-portal:problem:/, `${name} by ${caller}`)
        t.match(answer.headers.get('content-type'), /^application\/problem\+json/, `${name} by ${caller}`)
      }
      for (const header of ['ratelimit', 'ratelimit-policy'])
        t.match(answer.headers.get(header), /^"[a-z -]+";/, `${name} by ${caller}: ${header}`)
    }
    t.same(
      seen,
      callers.map((who, at) => [who, row.statuses[at]]),
      name,
    )
  })
})
