// A product with addresses on the portal's own machine, and a portal that is not served from this machine.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { demoEnvironment } from '../../../src/cli/demo-settings.js'
import type { Report } from '../../../src/features/doctor/findings/findings.js'
import { createSeal } from '../../../src/infra/crypto/seal.js'
import { createApi } from '../../helper/api.js'
import { raw } from '../../helper/raw.js'
import { cli, portBeside, startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

const SECRET = 'a-session-secret-of-both-portals-0123456789'
const folder = t.testdir({})
const output = join(folder, 'output')
const portalConfig = join(folder, 'portal.yaml')
writeFileSync(portalConfig, 'model_servers: { private_addresses: true }\n')
const stack = await startStack()
// Without this setting, a portal that is served from this machine may call its addresses.
const localConfig = join(folder, 'local.yaml')
writeFileSync(localConfig, 'gateway_domains: [apps.example.com]\n')
await stack.portal({ SESSION_SECRET: SECRET, PORTAL_CONFIG: localConfig })
const remotePort = Number(portBeside(stack))
/** Stands for any service on this machine: metrics, a sidecar, Redis. */
const reached: string[] = []
const inside = createServer((request, response) => {
  reached.push(`${request.method} ${request.url}`)
  response.end('{"data":[{"id":"what only this machine may know"}]}')
}).listen(0, '127.0.0.1')
await once(inside, 'listening')
const address = `http://127.0.0.1:${(inside.address() as AddressInfo).port}`
t.teardown(async () => {
  await stack.close()
  inside.close()
})

const ada = createVisitor(stack)
await ada.signIn('ada')
const api = createApi(stack)
const token = await api.token({ username: 'ada' })
const created = await api.post<{ id: number }>('/applications', token, {
  model: 'mistral-chat',
  name: 'Guarded',
  fields: { purpose: 'Experiment' },
})
const id = created.body.id
const serviceOf = async (name: string) =>
  (await stack.state()).services.find(({ system_name }) => system_name === name)?.id ?? 0
const rules = [
  { http_method: 'GET', pattern: '/metrics' },
  { http_method: 'GET', pattern: '/v1/models' },
  { http_method: 'POST', pattern: '/v1/chat/completions' },
]
await stack.put(`/_demo/services/${await serviceOf('mistral-chat')}`, {
  endpoint: address,
  rules,
  api_backend: address,
})
await stack.put(`/_demo/services/${await serviceOf('oidc-chat')}`, { proxy: { oidc_issuer_endpoint: address } })
await stack.portal(
  {
    PORT: String(remotePort),
    PUBLIC_URL: 'https://models.example.com',
    SESSION_SECRET: SECRET,
    PORTAL_CONFIG: portalConfig,
    LOG_LEVEL: 'info',
  },
  { output },
)
/** The session of the other portal, sealed as a portal behind HTTPS seals it. */
const sealOf = (name: string) => createSeal([SECRET], `${name} ${stack.identity}`)
const text = sealOf('maas_session').open(ada.jar.get('maas_session') ?? '') ?? ''
const cookie = sealOf('__Host-maas_session').seal(text)
const session = [`Cookie: __Host-maas_session=${cookie}`, 'Origin: https://models.example.com']
const post = (path: string, form: Record<string, string>) =>
  raw(
    remotePort,
    `POST ${path}`,
    [...session, 'Content-Type: application/x-www-form-urlencoded'],
    new URLSearchParams(form).toString(),
  )
const WORDS = 'does not send requests to the address of this endpoint'

t.test('Test it, the playground, and Try it refuse a forbidden address and state the remediation', async (t) => {
  const test = await post(`/applications/${id}/test`, {})
  t.equal(test.status, 200)
  t.match(test.text, WORDS)
  const stream = await post('/playground/stream', { application: String(id), prompt: 'hello', kind: 'chat' })
  t.equal(stream.status, 502)
  t.match(stream.text, WORDS)
  const page = await raw(remotePort, 'GET /models/mistral-chat/reference', session)
  const operation = /name="operation" value="(get-[^"]*)"/.exec(page.text)?.[1] ?? ''
  const tried = await post('/models/mistral-chat/reference', { operation, application: String(id) })
  t.match(tried.text, WORDS)
  t.notMatch(test.text + stream.text + tried.text, 'only this machine may know')
  t.same(reached, [])
})

t.test('the issuer and private addresses of a product are not called, and the log names host and reason', async (t) => {
  const model = await createApi(stack, `http://localhost:${remotePort}`).get('/models/oidc-chat', token)
  t.equal(model.body.token_url, null)
  const reported = () => readFileSync(output, 'utf8').includes('could not be queried for its model')
  for (let n = 0; n < 100 && !reported(); n++) await sleep(100)
  const lines = readFileSync(output, 'utf8').split('\n')
  const line = lines.find((each) => each.includes('blocked a call to an address from a product')) ?? '{}'
  t.match(JSON.parse(line), { level: 'warn', reason: 'it is an address of this machine' })
  t.same(reached, [])
})

t.test('the doctor lists products with forbidden addresses', async (t) => {
  const run = spawnSync(process.execPath, [cli, 'doctor', '--json'], {
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH ?? '',
      ...demoEnvironment(stack.port, { PORTAL_CONFIG: portalConfig }),
      PUBLIC_URL: 'https://models.example.com',
    },
  })
  const { findings } = JSON.parse(run.stdout) as Report
  const forbidden = findings.filter(({ code }) => code === 'endpoint_forbidden')
  for (const product of ['mistral-chat', 'oidc-chat'])
    t.ok(
      forbidden.some((each) => each.product === product),
      product,
    )
  t.same(reached, [])
})

t.test('with gateway_domains, a gateway in another domain is refused', async (t) => {
  writeFileSync(portalConfig, 'gateway_domains: [apps.example.com]\n')
  const port = String(stack.port + 51)
  await stack.portal({ PORT: port, PORTAL_CONFIG: portalConfig, SESSION_SECRET: SECRET })
  const there = createVisitor(stack)
  await there.signIn('ada')
  const page = await there.at(`http://localhost:${port}`)(`/applications/${id}/test`, { method: 'POST' })
  t.match(page.text, WORDS)
  t.same(reached, [], 'without the domains, this portal could call this machine')
})

t.test('a portal on this machine does not expose its own metrics', async (t) => {
  const settings = { PORT: String(stack.port + 52), SESSION_SECRET: SECRET }
  const { metrics, stop } = await stack.portal(settings)
  t.match(await (await fetch(`${metrics}/metrics`)).text(), 'maas_')
  await stop()
  await stack.put(`/_demo/services/${await serviceOf('mistral-chat')}`, { endpoint: metrics, rules })
  const portal = await stack.portal(settings)
  const there = createVisitor(stack)
  await there.signIn('ada')
  const page = await there.at(portal.url)('/models/mistral-chat/reference')
  const operation = /name="operation" value="(get-[^"]*)"/.exec(page.text)?.[1] ?? ''
  t.not(operation, '')
  const body = new URLSearchParams({ operation, application: String(id) })
  const tried = await there.at(portal.url)('/models/mistral-chat/reference', { method: 'POST', body })
  t.match(tried.text, WORDS)
  t.notMatch(tried.text, 'maas_http')
})
