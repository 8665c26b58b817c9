import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pLimit from 'p-limit'
import t from 'tap'
import { buildPortal } from '../../../src/app.js'
import { demoEnvironment } from '../../../src/cli/demo-settings.js'
import { loadConfig } from '../../../src/config/environment.js'
import { projectRoot } from '../../../src/project-root.js'
import { createApi } from '../../helper/api.js'
import { raw } from '../../helper/raw.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/** Most of the time is waiting for 3scale. */
const atOnce = pLimit(6)
const stack = await startStack()
const limitless = JSON.stringify({ api: 1_000_000, reports: 1_000_000 })
const settings = readFileSync(join(projectRoot, 'deploy', 'demo-portal.yaml'), 'utf8')
const config = t.testdir({ 'portal.yaml': `${settings}\nrate_limits: ${limitless}\n` })
await stack.portal({ PORTAL_CONFIG: join(config, 'portal.yaml') })
await createVisitor(stack).signIn('mary')
const api = createApi(stack)
const token = await api.token({ username: 'mary' })
t.teardown(() => stack.close())

const portal = await buildPortal(loadConfig({ ...demoEnvironment(stack.port, {}), LOG_LEVEL: 'silent' }))
await portal.app.ready()
/** The routes of the router below /api/v1. HEAD is GET without a body. */
const routes = portal.routes
  .filter(({ method, url }) => method !== 'HEAD' && url.startsWith('/api/v1/'))
  .map(({ method, url }) => `${method} ${url.replace('/api/v1', '')}`)
await portal.stop()

let created = 0
async function application(): Promise<{ id: number; key: string }> {
  const body = { model: 'llama-chat', name: `bodies ${created++}`, fields: { purpose: 'Experiment' } }
  const { id } = (await api.post<{ id: number }>('/applications', token, body)).body
  const path = `/applications/${id}/keys`
  await api.post(path, token, {})
  const keys = await api.get<{ items: { key_id: string }[] }>(path, token)
  return { id, key: keys.body.items[0]?.key_id ?? '' }
}

async function invitation(): Promise<{ id: number; key: string }> {
  const body = { email: `bodies-${created++}@example.com`, role: 'member' }
  return { id: (await api.post<{ id: number }>('/members', token, body)).body.id, key: '' }
}

const target = (path: string) => (path.startsWith('/members') ? invitation() : application())
/** Targets of reads do not change, so they are shared. */
const forReading: Record<string, ReturnType<typeof target>> = {}
function targetOf(method: string, path: string): ReturnType<typeof target> {
  if (method !== 'GET') return target(path)
  const noun = path.split('/')[1] ?? ''
  forReading[noun] ??= target(path)
  return forReading[noun]
}

/** The expected status of each call without a body, and for 422 the missing fields. */
const expected: Record<string, [status: number, fields?: string[]]> = {
  'POST /me': [200],
  'POST /members': [422, ['role']],
  'PATCH /members/:id': [422, ['body']],
  'PUT /members/:id': [422, ['role']],
  'DELETE /members/:id': [204],
  'POST /applications': [422, ['model', 'name']],
  'PATCH /applications/:id': [422, ['body']],
  'PUT /applications/:id': [422, ['name', 'plan']],
  'DELETE /applications/:id': [204],
  'POST /applications/:id/keys': [201],
  'DELETE /applications/:id/keys/:key_id': [200],
  'POST /applications/:id/rotate': [200],
  'POST /applications/:id/repair': [200],
}
/** Reads of resources that exist only after another operation. */
const absent = ['GET /operations/:id', 'GET /applications/:id/keys/:key_id/revocation-check']

const empty: [title: string, lines: string[]][] = [
  ['no Content-Type', []],
  ['no Content-Type, Content-Length: 0', ['Content-Length: 0']],
  ...[
    'application/json',
    'application/json; charset=utf-8',
    'application/problem+json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
    'nonsense',
  ].flatMap((type): [string, string[]][] => [
    [type, [`Content-Type: ${type}`]],
    [`${type}, Content-Length: 0`, [`Content-Type: ${type}`, 'Content-Length: 0']],
  ]),
]
/** A chunked body that is empty. */
const chunked: [title: string, lines: string[]][] = [
  ['application/json, no chunk', ['Content-Type: application/json', 'Transfer-Encoding: chunked']],
  ['text/plain, no chunk', ['Content-Type: text/plain', 'Transfer-Encoding: chunked']],
]

t.test('every route without a body returns the documented status, regardless of Content-Type', async (t) => {
  const writes = routes.filter((route) => !route.startsWith('GET '))
  t.same(writes.sort(), Object.keys(expected).sort(), 'the table has every write of the router')
  for (const route of routes) {
    const [method = '', path = ''] = route.split(' ')
    await atOnce.map([...empty, ...chunked], async ([title, lines]) => {
      const { id, key } = await (path.includes(':id') ? targetOf(method, path) : { id: 0, key: '' })
      const filled = path.replace(':system_name', 'llama-chat').replace(':id', String(id)).replace(':key_id', key)
      const sent = [...lines, `Authorization: Bearer ${token}`]
      const body = lines.includes('Transfer-Encoding: chunked') ? '0\r\n\r\n' : ''
      const answer = await raw(stack.port, `${method} /api/v1${filled}`, sent, '', body)
      const [status, fields] = expected[route] ?? [absent.includes(route) ? 404 : 200]
      t.equal(answer.status, status, `${route}, ${title}: ${answer.text.slice(0, 200)}`)
      if (fields) t.same(Object.keys((JSON.parse(answer.text) as { errors: object }).errors).sort(), fields, title)
    })
  }
})

t.test('a body of another media type is 415, and truncated JSON is 400', async (t) => {
  const authorization = `Authorization: Bearer ${token}`
  for (const route of Object.keys(expected)) {
    const [method = '', path = ''] = route.split(' ')
    const filled = path.replace(':id', '1').replace(':key_id', '0123456789abcdef')
    const send = (type: string, body: string) =>
      raw(stack.port, `${method} /api/v1${filled}`, [authorization, ...(type ? [`Content-Type: ${type}`] : [])], body)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])
      t.equal((await send(type, 'a=b')).status, 415, `${route} as ${type || 'no type'}`)
    t.equal((await send('application/json', '{"a":')).status, 400, `${route} with truncated JSON`)
    const large = Array.from({ length: 20_001 }, (_, index) => `"f${index}":1`).join()
    for (const body of [
      '['.repeat(50_000) + ']'.repeat(50_000),
      `${'{"a":'.repeat(30_000)}1${'}'.repeat(30_000)}`,
      `{${large}}`,
    ]) {
      const key = `deep-${body.length}-${created++}`
      const answer = await api.call(method, filled, { token, headers: { 'idempotency-key': key }, body })
      t.equal(answer.status, 422, `${route} with deep or large JSON: ${answer.text}`)
    }
    const pieces = [authorization, 'Content-Type: text/plain', 'Transfer-Encoding: chunked']
    const inPieces = await raw(stack.port, `${method} /api/v1${filled}`, pieces, '', '3\r\na=b\r\n0\r\n\r\n')
    t.equal(inPieces.status, 415, `${route} chunked`)
  }
})
