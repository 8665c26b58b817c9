import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { ACCOUNT, bearer, check, expected, type GatewayProduct, startGateway } from '../helper/gateway.js'
import { raw } from '../helper/raw.js'

/** Behaviour measured on APIcast 2.16 for its caches: authorized keys, the configuration, an unavailable backend, row by row. */
const folder = mkdtempSync(join(tmpdir(), 'maas-gateway-'))
const gateway = await startGateway({ state: join(folder, 'state.json') })
t.teardown(async () => {
  await gateway.close()
  rmSync(folder, { recursive: true, force: true })
})
const { stack, application, api, counted, settings } = gateway

const GET = 'GET /v1/models'
const { ok, missing, failed, limited } = expected
const seed = {
  location: 'authorization',
  rules: [
    ['GET', '/v1', 'hits'],
    ['GET', '/health', 'health'],
  ],
  policies: [{ name: 'apicast', version: 'builtin', configuration: {} }],
  proxy: { api_backend: gateway.upstream },
}
const product = await gateway.product(seed)
const pairs = await gateway.product({ ...seed, version: '2', location: 'query' })

const call = (key: string, first = GET, { port }: GatewayProduct = product) => raw(port, first, [bearer(key)])
const status = async (key: string, first = GET) => (await call(key, first)).status
const change = (id: number, path: string, fields = {}) =>
  api('PUT', `/admin/api/accounts/${ACCOUNT}/applications/${id}${path}.json`, fields)

/** Statuses of a number of sequential requests. */
async function inARow(key: string, count: number, pauseMs = 0): Promise<number[]> {
  const statuses: number[] = []
  for (let each = 0; each < count; each++) {
    statuses.push(await status(key))
    if (pauseMs) await sleep(pauseMs)
  }
  return statuses
}

const allowed = (statuses: number[]) => statuses.filter((one) => one === 200).length

t.test('at startup the caches are those of production, and all are listed', async (t) => {
  const shown = await (await fetch(gateway.control)).json()
  t.same(shown, { auth_cache: true, configuration_seconds: 300, pods: 1, backend_timeout_seconds: 60 })
})

t.test('limits are not exact, because a cached key is answered first and reported afterwards', async (t) => {
  const limit = async (value: number) => {
    const user_key = `limit-${Math.random().toString(36).slice(2)}`
    const id = await application(product, { user_key }, {}, [['hits', 'day', value]])
    return { user_key, id }
  }
  const slow = await limit(3)
  const statuses = await inARow(slow.user_key, 8, 150)
  t.same(
    statuses,
    [200, 200, 200, 200, 429, 429, 429, 429],
    '3 allowed, one request each 150 ms: 4 answered 200, then 429',
  )

  const parallel = await limit(3)
  const together = await Promise.all(Array.from({ length: 20 }, () => status(parallel.user_key)))
  t.ok(allowed(together) >= 3, '3 allowed, 20 in parallel without a cache: more than 3 pass')
  t.equal(together.filter((one) => one === 429).length, 20 - allowed(together), 'the others got 429')

  for (const [value, most] of [
    [3, 20],
    [20, 40],
  ] as const) {
    const quick = await limit(value)
    const all = await inARow(quick.user_key, 60)
    const passed = allowed(all)
    t.ok(
      passed > value && passed <= most,
      `${value} allowed, 60 consecutive requests without a pause: ${passed} answered 200`,
    )
    t.same([...new Set(all.slice(passed))], [429], 'then only 429')
  }

  const counting = await application(product, { user_key: 'counted' })
  for (const many of [30, 20, 30]) await inARow('counted', many)
  await counted('hits', counting, 80)
  t.pass('30 + 20 + 30 requests sent: all 80 counted')
})

t.test('over the limit, Retry-After is the number of whole seconds to the end of the period', async (t) => {
  // Not just before the minute ends, or the count restarts in between.
  while (Date.now() % 60_000 > 57_000) await sleep(100)
  for (const [period, seconds] of [
    ['minute', 60],
    ['hour', 3600],
    ['day', 86_400],
  ] as const) {
    const user_key = `over-a-${period}`
    await application(product, { user_key }, {}, [['hits', period, 1]])
    // Sequential calls are counted, so that the second one, which is over the limit, is detected.
    await inARow(user_key, 2, 100)
    const before = Date.now() / 1000
    const answer = await call(user_key)
    const after = Date.now() / 1000
    check(t, `${period}: 429`, answer, limited)
    const left = Number(answer.header('retry-after'))
    t.ok(Number.isInteger(left), `${period}: whole seconds`)
    const latest = Math.ceil(seconds - (before % seconds))
    const earliest = Math.floor(seconds - (after % seconds))
    t.ok(left >= earliest && left <= latest, `${period}: ${left} to its end`)
  }
})

t.test('a cache entry is for one key and its usage', async (t) => {
  const id = await application(product, { user_key: 'two-paths' })
  t.equal(await status('two-paths'), 200)
  await change(id, '/suspend')
  check(t, 'another usage of the same key is not cached', await call('two-paths', 'GET /health'), failed)
  t.equal(await status('two-paths', 'GET /v1/other'), 200, 'another path with the same usage is cached')
  check(t, 'once', await call('two-paths'), failed)
})

t.test(
  'after a change by the Account API, a new key is accepted immediately and a cached one for one more request',
  async (t) => {
    const rotated = await application(product, { user_key: 'old-key' })
    t.equal(await status('old-key'), 200)
    await change(rotated, '', { user_key: 'new-key' })
    t.equal(await status('new-key'), 200, 'user_key changed: new key accepted immediately')
    t.equal(await status('old-key'), 200, 'previous key: answered from the cache')
    check(t, 'then 403', await call('old-key'), failed)

    const suspended = await application(product, { user_key: 'suspended' })
    t.equal(await status('suspended'), 200)
    await change(suspended, '/suspend')
    t.equal(await status('suspended'), 200, 'application suspended: first request 200')
    check(t, 'then 403 Authentication failed', await call('suspended'), failed)
    await change(suspended, '/resume')
    t.equal(await status('suspended'), 200, 'resumed: 200 at the first call')

    // The cache of application keys in the backend has its own test.
    await stack.behave({ app_key_memory_seconds: 0 })
    const keys = await application(pairs, {
      application_id: 'PAIR',
      application_key: ['used-once', 'never-used', 'stays1'],
    })
    const pair = (key: string) => raw(pairs.port, `${GET}?app_id=PAIR&app_key=${key}`)
    t.equal((await pair('used-once')).status, 200)
    for (const key of ['used-once', 'never-used'])
      await api('DELETE', `/admin/api/accounts/${ACCOUNT}/applications/${keys}/keys/${key}.json`)
    check(t, 'app_key deleted before its first use: 403 immediately', await pair('never-used'), failed)
    t.equal((await pair('used-once')).status, 200, 'app_key deleted after one call: next request 200')
    check(t, 'then 403 permanently', await pair('used-once'), failed)
  },
)

t.test('two pods have separate caches', async (t) => {
  t.teardown(() => settings({ pods: 1 }))
  await settings({ pods: 2 })
  const id = await application(product, { user_key: 'two-pods' })
  t.same(await inARow('two-pods', 2), [200, 200], 'each received one request')
  await change(id, '/suspend')
  t.same(await inARow('two-pods', 6), [200, 200, 403, 403, 403, 403], 'each lets one more request pass')
})

t.test('without the cache a revoked key is rejected immediately', async (t) => {
  t.teardown(() => settings({ auth_cache: true }))
  await settings({ auth_cache: false })
  const id = await application(product, { user_key: 'uncached' })
  t.equal(await status('uncached'), 200)
  await change(id, '/suspend')
  check(t, 'suspended', await call('uncached'), failed)
})

t.test('the configuration of a product is loaded at its first request and cached', async (t) => {
  const own = await gateway.product(seed)
  const promote = (text: string) =>
    stack.put(`/_demo/services/${own.id}`, { proxy: { ...seed.proxy, error_auth_missing: text } })
  const text = async () => (await raw(own.port, GET)).text
  await promote('changed before the first request')
  t.equal(await text(), 'changed before the first request', 'a new product: at the first request')
  await promote('changed after it')
  t.equal(await text(), 'changed before the first request', 'a promoted change takes effect after 300 s')
  await settings({ configuration_seconds: 300 })
  t.equal(await text(), 'changed after it', 'it is loaded again after a restart')
  await settings({ configuration_seconds: 0.2 })
  t.equal(await text(), 'changed after it')
  await promote('changed again')
  while ((await text()) !== 'changed again') await sleep(20)
  t.pass('in effect after the cached one has expired')
  await settings({ configuration_seconds: 0 })
  await promote('changed at last')
  t.equal(await text(), 'changed at last', 'immediately with 0 s')
  await settings({ configuration_seconds: 300 })
})

t.test('an invalid change of the settings is rejected with the accepted values', async (t) => {
  const put = async (body: string) => {
    const answer = await fetch(gateway.control, { method: 'PUT', body })
    return [answer.status, ((await answer.json()) as { error: string }).error] as const
  }
  for (const [body, error] of [
    ['{', 'The body is not JSON.'],
    ['[]', 'Send a JSON object.'],
    ['null', 'Send a JSON object.'],
    [
      '{"cache":true}',
      'There is no setting "cache". Send one of auth_cache, configuration_seconds, pods, backend_timeout_seconds.',
    ],
    ['{"auth_cache":1}', '"auth_cache" must be true or false.'],
    ['{"configuration_seconds":-1}', '"configuration_seconds" must be a number from 0 up.'],
    ['{"pods":1.5}', '"pods" must be a whole number from 1 up.'],
    ['{"backend_timeout_seconds":0}', '"backend_timeout_seconds" must be a number above 0.'],
  ] as const)
    t.same(await put(body), [400, error], body)
  const faults = await fetch(gateway.control.replace('gateway', 'faults'), { method: 'PUT', body: '{}' })
  t.same([faults.status, await faults.json()], [400, { error: 'Send a JSON list of faults.' }])
  const shown = await (await fetch(gateway.control)).json()
  t.same(shown, { auth_cache: true, configuration_seconds: 300, pods: 1, backend_timeout_seconds: 60 }, 'unchanged')
})

t.test('apisonator accepts connections and never responds', async (t) => {
  t.teardown(() => settings({ backend_timeout_seconds: 60 }))
  await settings({ backend_timeout_seconds: 1 })
  await application(product, { user_key: 'hung' })
  t.equal(await status('hung'), 200)
  stack.parts.threescale?.child.kill('SIGSTOP')
  t.same(
    await Promise.all([status('hung'), status('hung'), status('hung')]),
    [200, 200, 200],
    'key cached: 200 (3 of 3 before the time-out)',
  )
  check(t, 'then 403: the report timed out', await call('hung'), failed)
  check(t, 'key not cached: 403 after the time-out', await call('never-seen'), failed)
  stack.parts.threescale?.child.kill('SIGCONT')
  t.equal(await status('hung'), 200, 'after it recovers the next request is 200')
})

t.test('apisonator refuses connections', async (t) => {
  await application(product, { user_key: 'known' })
  t.equal(await status('known'), 200)
  await stack.parts.threescale?.stop()
  check(t, 'key not cached: 403 immediately', await call('unknown'), failed)
  check(t, 'key cached: the FIRST request 200', await call('known'), ok)
  check(t, 'every later one 403', await call('known'), failed)
  check(t, 'and the next', await call('known'), failed)
  check(t, 'the configuration is still cached', await raw(product.port, GET), missing)
  await stack.part('threescale', ['--state', join(folder, 'state.json')])
  t.equal(await status('known'), 200, 'after apisonator recovers the next request is 200')
})
