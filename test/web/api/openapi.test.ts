import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import t from 'tap'
import { apiDocument } from '../../../src/cli/openapi.js'
import { Problem } from '../../../src/features/operations/schemas.js'
import { clients } from '../../../src/features/snippets/clients.js'
import { clientNames } from '../../../src/features/snippets/schemas.js'
import { formatNames } from '../../../src/model-calls/body-formats.js'
import { modelTypes } from '../../../src/model-calls/openai-endpoints.js'
import { type OpenApiOperation, type OpenApiSchema, resolve } from '../../../src/web/api/openapi/types.js'

// Requirements of client generators, as rules for the whole document: a field that is added later must meet them too.

const document = await apiDocument()
const { components } = document
const operations: [string, OpenApiOperation][] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]): [string, OpenApiOperation] => [`${method} ${path}`, operation]),
)
const literals = new Set(['example', 'examples', 'enum', 'default', 'x-extensible-enum'])

/** Every object of the document that can be a schema, with its location. */
function visit(value: unknown, see: (node: OpenApiSchema, at: string) => void, at = ''): void {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) see(value as OpenApiSchema, at)
  for (const [name, inner] of Object.entries(value)) if (!literals.has(name)) visit(inner, see, `${at}/${name}`)
}

const isType = (schema: OpenApiSchema, type: string) => [schema.type ?? []].flat().includes(type)
const namesOf = (part: unknown, found = new Set<string>()): Set<string> => {
  visit(part, ({ $ref }) => {
    const name = /^#\/components\/schemas\/(.+)$/.exec($ref ?? '')?.[1]
    if (name === undefined || found.has(name)) return
    found.add(name)
    namesOf(components.schemas[name], found)
  })
  return found
}
const answered = namesOf([operations.map(([, { responses }]) => responses), components.responses])
const answers = [
  ...operations.map(([name, { responses }]) => [name, responses] as const),
  ...[...answered].map((name) => [name, components.schemas[name]] as const),
]

t.test('no schema has only the type null, and a nullable object is a named schema or null', async (t) => {
  visit(document, (schema, at) => {
    if (schema.type === 'null') t.match(at, /\/anyOf\/\d+$/, `${at} has only the type null`)
    if (!Array.isArray(schema.type)) return
    t.ok(schema.type.length === 2 && schema.type[1] === 'null', `${at}: ${schema.type.join()}`)
    t.notOk(isType(schema, 'object'), `${at} is an object or null without a name`)
  })
  const both = Object.values(components.schemas).flatMap(({ properties = {} }) => Object.values(properties))
  const choices = both.filter(({ anyOf }) => anyOf)
  t.ok(choices.length > 5)
  for (const { anyOf = [] } of choices)
    t.match(anyOf, [{ $ref: /^#\/components\/schemas\// }, { type: 'null' }], JSON.stringify(anyOf))
})

t.test('every object of a body is a named schema, with a name that no generator uses', async (t) => {
  visit(document, (schema, at) => {
    if (!schema.properties || /^\/components\/schemas\/\w+$/.test(at)) return
    t.match(at, /\/properties$/, `${at} is an object without a name`)
  })
  for (const [name, schema] of Object.entries(components.schemas)) {
    t.match(name, /^[A-Z][A-Za-z]+$/)
    // Constructors and optional values of Go.
    t.notMatch(name, /^(New|Nullable|Api)[A-Z]/, name)
    t.notOk(schema.allOf ?? schema.oneOf, `${name} is composed of other names`)
  }
})

t.test('every number has a format for its width', async (t) => {
  let wide = 0
  visit(document, (schema, at) => {
    if (isType(schema, 'number')) t.equal(schema.format, 'double', at)
    if (!isType(schema, 'integer')) return
    t.match(schema.format, /^int(32|64)$/, at)
    const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema
    if (schema.format === 'int32') t.ok(minimum >= -(2 ** 31) && maximum < 2 ** 31, `${at} may be larger`)
    else wide++
  })
  t.ok(wide > 50)
  const pathIds = operations.flatMap(([name, { parameters = [] }]) =>
    parameters.filter((one) => one.in === 'path' && one.name === 'id' && !name.includes('/operations/')),
  )
  t.ok(pathIds.length > 8)
  for (const { schema, example } of pathIds) {
    t.match(schema, { type: 'integer', format: 'int64', minimum: 1 })
    t.type(example, 'number', 'of the same type as the id of a body')
  }
})

t.test('enums are closed in requests and extensible in responses', async (t) => {
  for (const [name, part] of answers)
    visit(part, (schema, at) => {
      t.equal(schema.enum, undefined, `${name}${at}: a client would reject a value that is added later`)
      t.equal(schema.const, undefined, `${name}${at}`)
    })
  for (const [name, { parameters = [], requestBody }] of operations) {
    const bodies = [...namesOf(requestBody)]
      .filter((body) => !answered.has(body))
      .map((body) => components.schemas[body])
    visit([parameters, bodies], (schema, at) => t.equal(schema['x-extensible-enum'], undefined, `${name}${at}`))
  }
  const open = (schema: string, property: string) =>
    components.schemas[schema]?.properties?.[property]?.['x-extensible-enum']
  const periods = ['minute', 'hour', 'day', 'week', 'month', 'year', 'eternity']
  t.same(open('LimitUse', 'period'), periods)
  t.same(open('PlanLimit', 'period'), periods)
  t.same(open('LimitUse', 'enforcement'), ['enforced', 'not_included', 'not_enforced'])
  t.same(open('Forecast', 'kind'), ['none', 'insufficient_data', 'within_limit', 'will_be_exhausted', 'exhausted'])
  for (const schema of ['Account', 'Member', 'OpenAccount']) t.same(open(schema, 'role'), ['admin', 'member'], schema)
  t.same(open('Model', 'type'), modelTypes)
  t.same(open('Model', 'request_format'), formatNames)
  t.same(open('Snippet', 'client'), clientNames)
  t.same(
    clients.map(({ client }) => client),
    clientNames,
    'a template for each name, in this order',
  )
  const query = (path: string, name: string) =>
    document.paths[path]?.get?.parameters?.find((one) => one.name === name)?.schema?.enum
  t.same(query('/models', 'type'), modelTypes)
  t.same(query('/models/{system_name}/snippets', 'client'), clientNames)
  for (const path of ['/me/usage', '/me/usage.csv', '/applications/{id}/usage', '/applications/{id}/usage.csv']) {
    t.same(query(path, 'range'), ['24h', '7d', '30d', '90d', '12m'], path)
    t.same(query(path, 'granularity'), ['hour', 'day', 'month'], path)
  }
  t.same(query('/me/usage.csv', 'table'), ['time', 'applications'])
})

t.test('every operation has a description, one content type per response and a unique name', async (t) => {
  const ids = operations.map(([, { operationId }]) => operationId)
  t.equal(new Set(ids).size, ids.length)
  for (const { name, description } of document.tags) t.ok((description ?? '').length > 20, name)
  for (const [name, { summary, description = '', responses, parameters = [] }] of operations) {
    t.ok(summary.length > 10, name)
    t.match(description, /^[A-Z`].{20,}\.$/s, `${name}: ${description}`)
    for (const [status, answer] of Object.entries(responses)) {
      const { description: words = '', content = {} } = resolve(document, answer)
      t.match(words, /^[A-Z3].{6,}/, `${name} ${status}`)
      t.notMatch(words, /^(Response\.$|Default Response)/, `${name} ${status}`)
      t.ok(Object.keys(content).length <= 1, `${name} ${status}`)
    }
    for (const { name: parameter, description: words = '' } of parameters.map((one) => resolve(document, one)))
      t.match(words, /\w{2}/, `${name}: ${parameter} has no description`)
    const names = parameters.map((parameter) => resolve(document, parameter).name)
    for (const [status, { headers = {} }] of Object.entries(responses)) {
      const points = status === '201' || (status === '202' && names.includes('Prefer'))
      t.equal('Location' in headers, points, `${name} ${status}: Location for a created object`)
    }
    t.equal(new Set(names).size, names.length, `${name}: each parameter once`)
  }
  t.same(Object.keys(document.paths['/me/usage.csv']?.get?.responses['200']?.content ?? {}), ['text/csv'])
  t.same(Object.keys(document.paths['/me/usage']?.get?.responses['200']?.content ?? {}), ['application/json'])
  const ofJson = document.paths['/me/usage']?.get?.parameters?.map(({ name }) => name) ?? []
  for (const name of ['table', 'separator', 'bom']) t.notOk(ofJson.includes(name), `${name} is for CSV`)
})

t.test('dates, times and URLs have formats, and every example matches its schema', async (t) => {
  const format = (schema: string, property: string) => components.schemas[schema]?.properties?.[property]?.format
  t.equal(format('Model', 'retires_on'), 'date')
  t.equal(format('Key', 'created_on'), 'date')
  t.equal(format('Member', 'email'), 'email')
  t.equal(format('Problem', 'type'), 'uri')
  visit(document, (schema, at) => {
    const name = at.split('/').at(-1) ?? ''
    if (/(_at|^since|^until|_until)$/.test(name) && isType(schema, 'string') && !at.includes('/parameters/'))
      t.equal(schema.format, 'date-time', at)
  })
  const ajv = formats.default(new Ajv2020({ strict: false, allErrors: true }))
  ajv.addSchema(document, 'document')
  for (const [name, { examples = [] }] of Object.entries(components.schemas)) {
    const validate = ajv.getSchema(`document#/components/schemas/${name}`)
    for (const example of examples) t.ok(validate?.(example), `${name}: ${JSON.stringify(validate?.errors)}`)
  }
  for (const [name, { parameters = [] }] of operations)
    for (const { name: parameter, schema = {}, example } of parameters.map((one) => resolve(document, one)))
      if (example !== undefined) t.ok(ajv.validate(schema, example), `${name} ${parameter}: ${example}`)
})

t.test('scopes are those of the routes, with OpenID Connect and with a bearer token', async (t) => {
  t.match(components.securitySchemes, {
    openIdConnect: { type: 'openIdConnect', openIdConnectUrl: /\/\.well-known\/openid-configuration$/ },
    bearer: { type: 'http', scheme: 'bearer' },
  })
  for (const [name, { security = [], parameters = [] }] of operations) {
    const scopes = security.flatMap(({ openIdConnect }) => (openIdConnect ? [openIdConnect] : []))
    const own = name.startsWith('get') ? 'maas:read' : 'maas:write'
    const reveals = parameters.some((one) => one.name === 'reveal')
    t.same(scopes, [[own], ...(reveals ? [[own, 'maas:reveal']] : [])], name)
    t.ok(
      security.some(({ bearer }) => bearer?.length === 0),
      name,
    )
  }
})

t.test('plan and model are system names, next to their display names, in every schema', async (t) => {
  for (const [name, { properties = {} }] of Object.entries(components.schemas).filter(([name]) => answered.has(name))) {
    for (const noun of ['model', 'plan']) {
      const [system, display] = [properties[noun], properties[`${noun}_name`]]
      t.equal(system === undefined, display === undefined, `${name}.${noun} and ${name}.${noun}_name`)
      if (system) t.match(system, { type: ['string', 'null'], description: /^`?system_name/ }, `${name}.${noun}`)
    }
  }
})

t.test('an operation and the document use the same schema for problems', async (t) => {
  const shown = components.schemas.Problem?.properties ?? {}
  t.same(Object.keys(Problem.properties).sort(), Object.keys(shown).sort())
})

t.test('the file has the URL of the portal as a variable with a default', async (t) => {
  const [server] = document.servers
  t.equal(server?.url, '{origin}/api/v1')
  t.match(server?.variables?.origin?.default, /^https:\/\//)
})

t.test('every parameter in a path has an example, and no two responses of a status say the same', async (t) => {
  for (const [name, { parameters = [], responses }] of operations) {
    for (const parameter of parameters.filter((one) => one.in === 'path'))
      t.ok(parameter.example !== undefined && parameter.example !== parameter.name, `${name} ${parameter.name}`)
    const rows = Object.entries(responses).map(([status, response]) => JSON.stringify([status, response]))
    t.equal(new Set(rows).size, rows.length, name)
  }
})
