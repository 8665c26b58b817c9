import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import fc from 'fast-check'
import serializerOf from 'fast-json-stringify'
import t from 'tap'
import { buildPortal } from '../../../../src/app.js'
import { demoEnvironment } from '../../../../src/cli/demo-settings.js'
import { loadConfig } from '../../../../src/config/environment.js'
import { errorsFor } from './errors-for.js'

const portal = await buildPortal(loadConfig({ ...demoEnvironment(39_000, {}), LOG_LEVEL: 'silent' }))
await portal.app.ready()
const routes = portal.routes.filter(({ url, schema }) => url.startsWith('/api/v1/') && schema)
await portal.stop()

t.test('every schema of the API compiles, although the portal compiles them at the first request', async (t) => {
  t.ok(routes.length > 30, `${routes.length} routes`)
  // Most errors have the same schema at every route.
  const compiled = new Set<string>()
  for (const { method, url, schema } of routes) {
    for (const part of ['body', 'querystring', 'params', 'headers'] as const) {
      if (!schema?.[part]) continue
      const ajv = formats.default(new Ajv({ strict: false }))
      t.equal(typeof ajv.compile(schema[part] as object), 'function', `${method} ${url}: ${part}`)
    }
    for (const [status, answer] of Object.entries((schema?.response ?? {}) as Record<string, object>)) {
      const text = JSON.stringify(answer)
      if (compiled.has(text)) continue
      compiled.add(text)
      t.equal(typeof serializerOf(answer), 'function', `${method} ${url}: ${status}`)
    }
  }
})

t.test('no route returns a message of the validator or repeats a submitted value', async (t) => {
  const parts = routes.flatMap(({ method, url, schema }) =>
    (['body', 'querystring', 'headers'] as const).flatMap((part) =>
      schema?.[part] ? [{ name: `${method} ${url} ${part}`, schema: schema[part] as object, part }] : [],
    ),
  )
  t.ok(parts.length > 25, `${parts.length} schemas`)
  const plain = formats.default(new Ajv({ strict: false, allErrors: true }))
  let encountered = 0
  for (const { name, schema, part } of parts) {
    const fields = namesIn(schema)
    const value = fc.oneof(
      fc.constantFrom<unknown>('SECRET-value', '', 0, -1, 1.5, 1e9, true, null, [], {}, ['SECRET-value'], {
        role: 'SECRET-value',
      }),
      fc.jsonValue({ maxDepth: 2 }),
    )
    const body = fc.oneof(
      { weight: 5, arbitrary: fc.dictionary(fc.constantFrom(...fields, 'other'), value, { maxKeys: 4 }) },
      { weight: 1, arbitrary: value },
    )
    const raw = plain.compile(schema)
    for (const sent of fc.sample(body, { numRuns: 60, seed: 21 })) {
      const isText = typeof sent === 'object' && sent !== null
      if (part !== 'body' && !isText) continue
      const fieldSentences = Object.values(errorsFor(schema, structuredClone(sent), part))
      encountered += fieldSentences.length
      raw(sent)
      const own = new Set((raw.errors ?? []).map(({ message }) => message))
      for (const sentence of fieldSentences) {
        const isPlain =
          /^[A-Z].*\.$/.test(sentence) && !/\bmust (NOT|be equal|match|have|pass)\b|schema|undefined|NaN/.test(sentence)
        if (!isPlain || own.has(sentence) || sentence.includes('SECRET')) t.fail(`${name}: ${sentence}`)
      }
    }
  }
  t.ok(encountered > 1000, `${encountered} messages`)
})

/** All properties, at any depth. */
function namesIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const { properties = {} } = schema as { properties?: object }
  return [...Object.keys(properties), ...Object.values(schema).flatMap(namesIn)]
}
