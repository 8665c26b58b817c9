import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../../src/project-root.js'
import { createApi } from '../../helper/api.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/** Existing credentials by API: the required scopes, the rate limit, and responses that caches must not store. */
const stack = await startStack()
const folder = t.testdir({})
const audit = join(folder, 'audit.log')
await stack.portal({ AUDIT_LOG: audit })
const api = createApi(stack)
t.teardown(() => stack.close())

await api.person({ username: 'rita' })
const all = await api.token({ username: 'rita' })
await api.post('/me', all, { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' })
const purpose = { fields: { purpose: 'Experiment' } }
interface Made {
  id: number
  credentials: { user_key?: string; app_key?: string }
}
const single = await api.post<Made>('/applications', all, {
  model: 'granite-chat',
  plan: 'basic',
  name: 'one',
  ...purpose,
})
const key = single.body.credentials.user_key ?? ''
const pair = await api.post<Made>('/applications', all, { model: 'llama-chat', name: 'two', ...purpose })
const { id } = single.body
const requested = [
  `/applications/${id}?reveal=true`,
  `/applications/${id}/keys?reveal=true`,
  `/models/granite-chat/snippets?application_id=${id}&reveal=true`,
]
const otherSpellings = [
  'reveal=true&reveal=true',
  'reveal=1',
  'reveal=TRUE',
  'reveal=',
  '%72eveal=true',
  'reveal=%74rue',
]

t.test('a token without maas:reveal receives no existing key from any request', async (t) => {
  t.ok(key.length > 10)
  for (const scope of ['maas:read', 'maas:read maas:write']) {
    const token = await api.token({ username: 'rita', scope })
    for (const path of requested) {
      const answer = await api.get(path, token)
      t.equal(answer.status, 403, `${scope}: ${path}`)
      t.match(answer.body.type, 'insufficient_scope')
      t.match(answer.headers.get('www-authenticate'), 'scope="maas:read maas:reveal"')
      t.notMatch(answer.text, key)
      const head = await api.call('HEAD', path, { token })
      t.equal(head.status, 403, `HEAD ${path}`)
      for (const spelling of otherSpellings) {
        const { text, status } = await api.get(path.replace('reveal=true', spelling), token)
        t.notMatch(text, key, `${spelling}: ${status}`)
      }
    }
    t.equal((await api.get(`/applications/${id}`, token)).status, 200)
  }
  const refused = readFileSync(audit, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"event":"key.reveal"') && line.includes('"outcome":"refused"'))
  t.ok(refused.length >= 12, 'each attempt is audited')
})

t.test('maas:read with maas:reveal returns the key; maas:reveal without maas:read does not', async (t) => {
  const token = await api.token({ username: 'rita', scope: 'maas:read maas:reveal' })
  for (const path of requested) t.match((await api.get(path, token)).text, key, path)
  const alone = await api.token({ username: 'rita', scope: 'maas:reveal' })
  for (const path of requested) {
    const answer = await api.get(path, alone)
    t.equal(answer.status, 403)
    t.match(answer.headers.get('www-authenticate'), 'scope="maas:read maas:reveal"')
  }
})

t.test('requests that create a key return it with maas:write only, also when they are repeated', async (t) => {
  const token = await api.token({ username: 'rita', scope: 'maas:write' })
  const twice = async (path: string, body: object, idempotency: string) => {
    const headers = { 'idempotency-key': idempotency }
    const [first, again] = [await api.post(path, token, body, headers), await api.post(path, token, body, headers)]
    for (const { headers: sent } of [first, again]) t.equal(sent.get('cache-control'), 'no-store', path)
    return [first.body, again.body]
  }
  const body = { model: 'granite-chat', plan: 'basic', name: 'three', ...purpose }
  const [created, madeAgain] = await twice('/applications', body, 'create-3')
  t.ok((created as unknown as Made).credentials.user_key)
  t.match(madeAgain, { credentials: (created as unknown as Made).credentials })
  const [added, addedAgain] = await twice(`/applications/${pair.body.id}/keys`, {}, 'add-1')
  t.ok(added?.value)
  t.equal(addedAgain?.value, added?.value)
  const [rotated, rotatedAgain] = await twice(`/applications/${pair.body.id}/rotate`, {}, 'rotate-1')
  const keyOf = (body: object | undefined) => (body as { key: { value: string } }).key.value
  t.ok(keyOf(rotated))
  t.equal(keyOf(rotatedAgain), keyOf(rotated))
})

t.test('every API response is no-store except the catalogue, which is revalidated', async (t) => {
  interface Document {
    paths: Record<string, Record<string, { operationId: string }>>
  }
  const { paths } = JSON.parse(readFileSync(join(projectRoot, 'openapi/maas-portal.json'), 'utf8')) as Document
  const catalogue = ['/models', '/models/{system_name}']
  const token = await api.token({ username: 'rita' })
  let seen = 0
  for (const [path, operations] of Object.entries(paths)) {
    for (const method of [...Object.keys(operations), 'head', 'put']) {
      const name = method.toUpperCase()
      const known = /^(GET|HEAD)$/.test(name) ? String(id) : '1'
      const filled = path
        .replace('{system_name}', 'granite-chat')
        .replace('{id}', known)
        .replace(/\{.*?\}/g, 'x')
      for (const each of [token, undefined, 'junk']) {
        const options = { token: each, ...(/^(POST|PUT|PATCH)$/.test(name) ? { body: '{"broken' } : {}) }
        const answer = await api.call(name, filled, options)
        const expected = catalogue.includes(path) && answer.status === 200 ? 'private, no-cache' : 'no-store'
        t.equal(answer.headers.get('cache-control'), expected, `${name} ${filled} ${answer.status}`)
        seen++
      }
    }
  }
  t.ok(seen > 150, `${seen} answers`)
  t.equal(
    (await api.get('/openapi.json')).headers.get('cache-control'),
    'public, no-cache',
    'the same for every caller',
  )
  for (const path of ['/nowhere', '/applications/%zz', `/applications/${'9'.repeat(400)}`])
    t.equal((await api.get(path, token)).headers.get('cache-control'), 'no-store', path)
  const prefer = { prefer: 'respond-async' }
  const early = await api.post(
    '/applications',
    token,
    { model: 'granite-chat', plan: 'basic', name: 'four', ...purpose },
    prefer,
  )
  t.equal(early.status, 202)
  t.equal(early.headers.get('cache-control'), 'no-store')
  const operation = await api.get(early.headers.get('location')?.replace('/api/v1', '') ?? '', token)
  t.equal(operation.headers.get('cache-control'), 'no-store')
})

t.test('pages and API share one limit of revealed keys per person', async (t) => {
  const file = join(folder, 'portal.yaml')
  const demo = readFileSync(join(projectRoot, 'deploy/demo-portal.yaml'), 'utf8')
  writeFileSync(file, `${demo}\nrate_limits: { reveals: 6 }\n`)
  const port = String(stack.port + 50)
  const portal = await stack.portal({ PORT: port, PORTAL_CONFIG: file })
  t.teardown(() => portal.stop())
  const rita = createVisitor(stack)
  await rita.signIn('rita')
  const here = createApi(stack, portal.url)
  const token = await here.token({ username: 'rita' })
  const statuses: number[] = []
  // A new minute may begin in between.
  for (let round = 0; round < 3 && !statuses.includes(429); round++) {
    for (let count = 0; count < 5; count++) {
      const page = await rita.at(portal.url)(`/applications/${id}/reveal`, { method: 'POST', body: '' })
      statuses.push(page.status)
      for (const path of requested.slice(0, 2)) {
        const answer = await here.get(path, token)
        statuses.push(answer.status)
        if (answer.status === 429) t.ok(Number(answer.headers.get('retry-after')) > 0)
      }
    }
  }
  t.ok(statuses.includes(429), statuses.join(' '))
  t.ok(statuses.filter((status) => status === 200).length <= 12)
  t.equal((await here.get(`/applications/${id}`, token)).status, 200, 'reads without the key are still accepted')
})
