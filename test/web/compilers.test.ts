import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import serializerOf from 'fast-json-stringify'
import t from 'tap'
import { buildPortal } from '../../src/app.js'
import { demoEnvironment } from '../../src/cli/demo-settings.js'
import { loadConfig } from '../../src/config.js'
import { once, serializers, validators } from '../../src/web/compilers.js'

t.test('every schema of the API compiles, though the portal compiles each when it is first needed', async (t) => {
  const portal = await buildPortal(loadConfig({ ...demoEnvironment(39_000, {}), LOG_LEVEL: 'silent' }))
  await portal.app.ready()
  const routes = portal.routes.filter(({ url, schema }) => url.startsWith('/api/v1/') && schema)
  t.ok(routes.length > 30, `${routes.length} routes`)
  for (const { method, url, schema } of routes) {
    for (const part of ['body', 'querystring', 'params', 'headers'] as const) {
      const ajv = formats.default(new Ajv({ strict: false }))
      if (schema?.[part]) t.equal(typeof ajv.compile(schema[part] as object), 'function', `${method} ${url}: ${part}`)
    }
    for (const [status, answer] of Object.entries((schema?.response ?? {}) as Record<string, object>))
      t.equal(typeof serializerOf(answer), 'function', `${method} ${url}: ${status}`)
  }
  await portal.stop()
})

t.test('text of an address becomes what the schema wants, JSON stays as it is', async (t) => {
  const schema = { type: 'object', properties: { limit: { type: 'integer', default: 5 } } }
  const route = { method: 'GET', url: '/' }
  const ofAddress = validators({ ...route, schema, httpPart: 'querystring' } as never)
  const ofBody = validators({ ...route, schema, httpPart: 'body' } as never)
  const value: { limit?: unknown } = { limit: '7' }
  t.equal(ofAddress(value), true)
  t.same(value, { limit: 7 })
  t.match(ofBody({ limit: '7' }), { error: [{ instancePath: '/limit', keyword: 'type' }] })
  t.match(ofAddress({ limit: 'x' }), { error: [{ instancePath: '/limit', keyword: 'type' }] })
  const empty = {}
  t.equal(ofBody(empty), true)
  t.same(empty, { limit: 5 })
})

t.test('an answer holds what its schema names, nothing else', async (t) => {
  const schema = { type: 'object', properties: { name: { type: 'string' } } }
  const write = serializers({ schema, method: 'GET', url: '/', httpStatus: '200' } as never)
  t.equal(write({ name: 'a', secret: 'b' }), '{"name":"a"}')
  t.equal(write({ name: 'c' }), '{"name":"c"}')
})

t.test('what is made once is made once, nothing too', async (t) => {
  let made = 0
  const nothing = once(() => {
    made++
  })
  nothing()
  nothing()
  t.equal(made, 1)
})
