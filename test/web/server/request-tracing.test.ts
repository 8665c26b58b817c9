import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { demoEnvironment } from '../../../src/cli/demo-settings.js'
import { loadConfig } from '../../../src/config/environment.js'
import { type ReceivedSpan, startCollector } from '../../helper/collector.js'
import { freePort, startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

const stack = await startStack()
t.teardown(() => stack.close())

/** 3scale as the portal sees it, with the headers that it received. */
const seen: IncomingHttpHeaders[] = []
const tap = createServer((incoming, outgoing) => {
  seen.push(incoming.headers)
  const { method, url, headers } = incoming
  const onward = send({ host: '127.0.0.1', port: stack.port + 1, method, path: url, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(outgoing)
  })
  onward.once('error', () => outgoing.destroy())
  incoming.pipe(onward)
})
tap.listen(0, '127.0.0.1')
await once(tap, 'listening')
t.teardown(() => void tap.close())
const THREESCALE_ADMIN_URL = `http://127.0.0.1:${(tap.address() as AddressInfo).port}`

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const traced = { traceparent: `00-${TRACE}-${PARENT}-01` }

/** A portal that records, when it ends, which modules of OpenTelemetry it had loaded. */
function listingModules(folder: string): { env: Record<string, string>; modules(): string[] } {
  const hook = join(folder, 'hook.cjs')
  const list = join(folder, 'modules.json')
  writeFileSync(
    hook,
    `process.once('exit', () => require('node:fs').writeFileSync(${JSON.stringify(list)},
      JSON.stringify(Object.keys(require('node:module')._cache).filter((name) => name.includes('@opentelemetry')))))`,
  )
  return {
    env: { NODE_OPTIONS: `--require ${hook}` },
    modules: () => (existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as string[]) : ['nothing was written']),
  }
}

async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const found = look()
    if (found) return found
    await sleep(50)
  }
  throw new Error('it did not come')
}

t.test('without its variables, only the OpenTelemetry API package that prom-client requires is loaded', async (t) => {
  const { env, modules } = listingModules(t.testdir())
  const portal = await stack.portal(env)
  t.equal((await fetch(`${portal.url}/models`)).status, 200)
  await portal.stop()
  t.same(
    modules().filter((name) => !name.includes('/@opentelemetry/api/')),
    [],
  )
})

t.test(
  'a request from the edge and its calls to 3scale are spans of one trace, without queries or secrets',
  async (t) => {
    const collector = await startCollector()
    t.teardown(collector.close)
    const { env, modules } = listingModules(t.testdir())
    const portal = await stack.portal({
      ...env,
      THREESCALE_ADMIN_URL,
      TRUST_PROXY: 'loopback',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=maas',
      OTEL_SERVICE_NAME: 'models-of-ours',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    })
    t.teardown(portal.stop)
    const visitor = createVisitor(stack)
    await visitor.signIn('admin')
    const canary = 'canary-0123456789'
    const edge = { ...traced, 'x-forwarded-for': '203.0.113.7', authorization: `Bearer ${canary}` }
    const answer = await visitor.get(`/applications?q=${canary}`, { headers: edge })
    t.equal(answer.status, 200)
    await visitor.post(
      '/applications',
      { model: 'granite-chat', plan: 'basic', name: canary, attempt: 'a'.repeat(22) },
      { headers: edge },
    )
    await fetch(`${portal.url}/nowhere/${canary}`, { headers: traced })

    const of = (name: string) => (span: ReceivedSpan) => span.name === name
    const page = await until(() =>
      collector.spans.find((span) => of('GET /applications')(span) && span.traceId === TRACE),
    )
    t.match(page, {
      kind: 2,
      parentSpanId: PARENT,
      attributes: { 'http.route': '/applications', 'http.request.method': 'GET', 'http.response.status_code': 200 },
    })
    const call = await until(() => collector.spans.find((span) => span.parentSpanId === page.spanId))
    t.match(call, { traceId: TRACE, kind: 3, name: /^3scale GET \/admin\/api\/accounts\/\{id\}\/applications\.json$/ })
    t.match(call.attributes, {
      'server.address': '127.0.0.1',
      'maas.upstream': '3scale',
      'http.response.status_code': 200,
    })

    const form = await until(() => collector.spans.find(of('POST /sign-up')))
    const signUp = await until(() =>
      collector.spans.find(
        (span) => span.parentSpanId === form.spanId && of('3scale POST /admin/api/signup.json')(span),
      ),
    )
    t.equal(signUp.traceId, form.traceId, 'calls after a body was read are in the trace')

    const nowhere = await until(() => collector.spans.find(of('GET')))
    t.not(nowhere.traceId, TRACE, 'only a trusted proxy can set the trace')
    t.match(collector.resources[0], { 'service.name': 'models-of-ours', 'deployment.environment.name': 'test' })
    t.match(collector.bodies[0], { path: '/v1/traces', headers: { 'x-tenant': 'maas' } })

    await portal.stop()
    const everything = collector.bodies.map(({ body }) => body.toString('utf8')).join()
    for (const secret of [canary, 'demo-token', ...visitor.jar.values()]) t.notOk(everything.includes(secret), secret)
    t.ok(seen.length > 5)
    for (const headers of seen) t.notOk(headers.traceparent ?? headers.tracestate, '3scale receives no trace header')
    t.ok(modules().some((name) => name.includes('sdk-trace-node')))
  },
)

t.test('spans are sent as protobuf by default, the remaining ones at shutdown', async (t) => {
  const collector = await startCollector()
  t.teardown(collector.close)
  const portal = await stack.portal({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/own/path` })
  t.equal((await fetch(`${portal.url}/models`)).status, 200)
  await portal.stop()
  t.match(collector.bodies[0], { path: '/own/path', type: 'application/x-protobuf' })
  t.ok(collector.bodies.some(({ body }) => body.includes('GET /models')))
})

t.test('a repeated response has a span with its status', async (t) => {
  const collector = await startCollector()
  t.teardown(collector.close)
  const portal = await stack.portal({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  })
  for (let count = 0; count < 20; count++) t.equal((await fetch(`${portal.url}/models`)).status, 200)
  await portal.stop()
  const pages = collector.spans.filter(({ name }) => name === 'GET /models')
  t.equal(pages.length, 20)
  for (const { attributes } of pages) t.equal(attributes['http.response.status_code'], 200)
  t.equal(new Set(pages.map(({ attributes }) => attributes['maas.request_id'])).size, 20)
})

t.test('a sampler that drops everything sends nothing', async (t) => {
  const collector = await startCollector()
  t.teardown(collector.close)
  const portal = await stack.portal({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_SAMPLER: 'always_off',
  })
  t.equal((await fetch(`${portal.url}/models`)).status, 200)
  await portal.stop()
  t.same(collector.bodies, [])
})

t.test('an unavailable collector affects no response and delays no shutdown', async (t) => {
  const portal = await stack.portal({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
    OTEL_BSP_SCHEDULE_DELAY: '20',
    LOG_LEVEL: 'silent',
  })
  for (let count = 0; count < 20; count++) t.equal((await fetch(`${portal.url}/models`)).status, 200)
  await portal.stop()
  t.equal(portal.child.exitCode, 0)
})

t.test('tracing can be turned off, and grpc is rejected with a message', async (t) => {
  const config = (env: Record<string, string>) => loadConfig({ ...demoEnvironment(39_000, {}), ...env }).traces
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }
  t.equal(config({}), undefined)
  t.same(config(endpoint), { protocol: 'http/protobuf' })
  t.equal(config({ ...endpoint, OTEL_SDK_DISABLED: 'true' }), undefined)
  t.equal(config({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }), undefined)
  t.throws(
    () => config({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }),
    /OTEL_EXPORTER_OTLP_PROTOCOL: is not one of/,
  )
})
