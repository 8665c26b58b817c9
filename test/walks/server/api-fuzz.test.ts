import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import fc from 'fast-check'
import t from 'tap'
import { projectRoot } from '../../../src/project-root.js'
import { createApi } from '../../helper/api.js'
import { hostile } from '../../helper/hostile.js'
import { rounds } from '../../helper/rounds.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

interface Schema {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  properties?: Record<string, Schema>
  patternProperties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  maxItems?: number
  format?: string
  pattern?: string
}

interface Parameter {
  $ref?: string
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  schema: Schema
}

interface Operation {
  operationId: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: Schema; example?: unknown }> }
  responses: Record<string, { $ref?: string; content?: Record<string, { schema: Schema }> }>
}

const document = JSON.parse(readFileSync(join(projectRoot, 'openapi', 'maas-portal.json'), 'utf8')) as {
  paths: Record<string, Record<string, Operation>>
}
/** FUZZ_SEED repeats a run. */
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
/** Calls of each operation. */
const calls = rounds(60)
t.comment(`fuzz seed ${seed}, ${calls} calls of each operation`)
t.setTimeout(900_000)

const config = join(t.testdir({ 'portal.yaml': '' }), 'portal.yaml')
const limitless = `\nrate_limits: ${JSON.stringify({ api: 1_000_000, sign_in: 1_000_000, reports: 1_000_000 })}\n`
writeFileSync(config, readFileSync(join(projectRoot, 'deploy', 'demo-portal.yaml'), 'utf8') + limitless)
const stack = await startStack()
t.teardown(() => stack.close())
const portal = await stack.portal({ PORTAL_CONFIG: config })
const api = createApi(stack)
await createVisitor(stack).signIn('admin')
const token = await api.token({ username: 'admin', scope: 'maas:read maas:write', expires_in: 7200 })
const created = await api.post<{ id: number }>('/applications', token, {
  model: 'mistral-chat',
  name: 'first',
  fields: { purpose: 'Experiment' },
})
t.equal(created.status, 201, created.text)

const ajv = formats.default(new Ajv2020({ strict: false, allErrors: true }))
ajv.addSchema(document, 'document')
const resolve = <T extends { $ref?: string }>(value: T): T => (value.$ref ? resolve(follow(value.$ref) as T) : value)

function follow(ref: string): unknown {
  return ref
    .split('/')
    .slice(1)
    .reduce(
      (at, part) => (at as Record<string, unknown>)[part.replaceAll('~1', '/').replaceAll('~0', '~')],
      document as unknown,
    )
}

/** Values that exist in the running portal, by the name of their parameter. */
const known: Record<string, unknown[]> = {
  id: [created.body.id, 1, 3001, 0, -1, 2 ** 53],
  application_id: [created.body.id],
  system_name: ['mistral-chat', 'granite-chat', 'restricted-research', 'nothing'],
  model: ['mistral-chat', 'granite-chat', 'nothing'],
  key_id: ['0123456789abcdef', 'x'],
  plan: ['basic', 'unlimited'],
  client: ['curl', 'python-openai', 'nothing'],
  since: ['2026-01-01T00:00:00Z', '2026-11-25', 'yesterday'],
  until: ['2026-01-02T00:00:00Z'],
  tz: ['Europe/Berlin', 'Mars/Base'],
  metric: ['hits'],
  cursor: ['', 'AAAA', 'eyJhIjoxfQ'],
  email: ['somebody@example.com'],
  client_id: ['demo-service'],
}

/** Generates what a schema allows. Names lead to values that exist. */
function valid(input: Schema, name = '', depth = 0): fc.Arbitrary<unknown> {
  const schema = resolve(input)
  const choices = schema.anyOf ?? schema.oneOf
  const own = known[name]
  if (own) return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...own) }, { weight: 1, arbitrary: bare() })
  return bare()

  function bare(): fc.Arbitrary<unknown> {
    if (schema.const !== undefined) return fc.constant(schema.const)
    if (schema.enum) return fc.constantFrom(...schema.enum)
    if (choices) return fc.oneof(...choices.map((each) => valid(each, '', depth + 1)))
    if (schema.allOf) return valid(schema.allOf[0] ?? {}, name, depth + 1)
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
    switch (type) {
      case 'integer':
        return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 10_000, 2 ** 31) })
      case 'number':
        return fc.double({ noNaN: true, min: schema.minimum ?? 0, max: schema.maximum ?? 1e6 })
      case 'boolean':
        return fc.boolean()
      case 'null':
        return fc.constant(null)
      case 'array':
        return fc.array(valid(schema.items ?? {}, '', depth + 1), { maxLength: Math.min(schema.maxItems ?? 3, 3) })
      case 'object':
        return fc.record(
          Object.fromEntries(
            Object.entries(schema.properties ?? {}).map(([key, each]) => [key, valid(each, key, depth + 1)]),
          ),
          { requiredKeys: schema.required ?? [] },
        )
      default:
        return text()
    }
  }

  function text(): fc.Arbitrary<unknown> {
    if (schema.format === 'date-time') return fc.constantFrom('2026-01-01T00:00:00Z', '2026-06-01T12:00:00+02:00')
    if (schema.pattern) return fc.stringMatching(new RegExp(schema.pattern))
    const bounds = { minLength: schema.minLength ?? 0, maxLength: Math.min(schema.maxLength ?? 60, 300) }
    return fc.string({ unit: 'grapheme', ...bounds })
  }
}

/** Nearly valid input: one value is replaced, missing, repeated, or hostile. */
function nearly(schema: Schema, name = ''): fc.Arbitrary<unknown> {
  const unusual = fc.oneof(hostile, fc.constantFrom<unknown>(null, true, 1.5, -1, [], {}, [[]], '', 1e21))
  const complete = valid(schema, name)
  return fc.tuple(complete, fc.nat(), unusual, hostile).map(([value, index, other, extra]) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return other
    const entries = Object.entries(value)
    const [key] = entries[index % Math.max(1, entries.length)] ?? [extra]
    const changed = [{ ...value, [key]: other }, { ...value, [extra]: other }, without(value, key), other]
    return changed[index % changed.length]
  })
}

function without(value: object, key: string): object {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key))
}

function either(schema: Schema, name = ''): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 3, arbitrary: valid(schema, name) }, { weight: 2, arbitrary: nearly(schema, name) })
}

function requestOf({ parameters = [], requestBody }: Operation) {
  const list = parameters.map(resolve)
  const body = requestBody?.content['application/json']?.schema
  return fc.record({
    values: fc.tuple(
      ...list.map((each) =>
        fc.option(either(each.schema, each.name), { nil: undefined, freq: each.in === 'path' ? 1e9 : 2 }),
      ),
    ),
    body: body ? fc.option(either(body), { nil: undefined, freq: 12 }) : fc.constant(undefined),
    key: fc.option(fc.constantFrom('a', 'b', 'c', ''), { nil: undefined, freq: 2 }),
    stranger: fc.nat(20).map((one) => one === 0),
  })
}

const validators = new Map<string, ValidateFunction>()
function validatorOf(pointer: string[]): ValidateFunction | undefined {
  const path = pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')
  const stored = validators.get(path) ?? ajv.getSchema(`document#/${path}`)
  if (stored) validators.set(path, stored)
  return stored
}

const encountered = new Map<string, number>()

/** Returns how a response violates the document, or undefined. */
function fault(
  path: string,
  method: string,
  answer: { status: number; headers: Headers; text: string },
): string | undefined {
  const { status, headers, text } = answer
  encountered.set(String(status), (encountered.get(String(status)) ?? 0) + 1)
  if (status >= 500) return `${status}`
  const documented = document.paths[path]?.[method]?.responses[status]
  if (!documented) return `${status} is not in the document`
  const type = headers.get('content-type')?.split(';')[0]
  const { content } = resolve(documented)
  if (!content) return text === '' ? undefined : `${status} has no body in the document`
  if (!type || !content[type]) return `${status} as ${type} is not in the document`
  if (!type.includes('json')) return undefined
  const at = documented.$ref
    ? documented.$ref.split('/').slice(1)
    : ['paths', path, method, 'responses', String(status)]
  const validate = validatorOf([...at, 'content', type, 'schema'])
  if (!validate) return 'no schema'
  return validate(JSON.parse(text))
    ? undefined
    : `${status}: ${ajv.errorsText(validate.errors)} in ${text.slice(0, 500)}`
}

const everything = Object.entries(document.paths).flatMap(([path, operations]) =>
  Object.entries(operations).map(([method, operation]) => ({ path, method, operation })),
)
// Operations that delete run last.
for (const { path, method, operation } of everything.toSorted(
  (a, b) => Number(a.method === 'delete') - Number(b.method === 'delete'),
)) {
  t.test(`${method.toUpperCase()} ${path}: valid and nearly valid requests are answered as documented`, async (t) => {
    const list = (operation.parameters ?? []).map(resolve)
    const faults: string[] = []
    for (const submission of fc.sample(requestOf(operation), { numRuns: calls, seed })) {
      const asText = (value: unknown) =>
        (typeof value === 'object' ? JSON.stringify(value) : String(value)).toWellFormed()
      let target = path
      const query = new URLSearchParams()
      const headers: Record<string, string> = {}
      list.forEach((each, index) => {
        const value = (submission.values as unknown[])[index]
        if (each.in === 'path') target = target.replace(`{${each.name}}`, encodeURIComponent(asText(value ?? 1)) || '1')
        else if (value !== undefined && each.in === 'query') query.append(each.name, asText(value))
      })
      if (submission.key !== undefined && method === 'post') headers['idempotency-key'] = submission.key
      // A path of dots would be normalized before it is sent.
      if (target.split('/').some((part) => /^(\.|%2e)+$/i.test(part))) continue
      const address = `${target}${query.size > 0 ? `?${query}` : ''}`
      const body = submission.body === undefined ? undefined : JSON.stringify(submission.body)
      const answer = await api.call(method.toUpperCase(), address, {
        token: submission.stranger ? 'nothing' : token,
        body,
        headers,
      })
      const found = fault(path, method, answer)
      if (found) faults.push(`${found} <- ${address.slice(0, 300)} ${body?.slice(0, 300) ?? ''}`)
    }
    t.same(faults.slice(0, 5), [], `FUZZ_SEED=${seed}`)
  })
}

t.test('every documented kind of response occurred, and the portal still runs', async (t) => {
  for (const status of ['200', '401', '404', '422']) t.ok(encountered.has(status), status)
  t.comment(JSON.stringify(Object.fromEntries(encountered)))
  t.equal(portal.child.exitCode, null)
})
