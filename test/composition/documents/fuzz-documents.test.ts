import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import t from 'tap'
import { stringify } from 'yaml'
import type { MappingRule } from '../../../src/clients/threescale/types.js'
import { createDocuments } from '../../../src/composition/documents/document-reader.js'
import type { Model } from '../../../src/features/models/schemas.js'
import { resolveOperations } from '../../../src/features/reference/gateway-operations.js'
import { referenceView } from '../../../src/features/reference/view.js'
import { character } from '../../helper/character.js'
import { LONGEST_BLOCK_MS, MOST_GROWTH_MB, type Strain, strainHere } from '../../helper/event-loop.js'
import { rounds } from '../../helper/rounds.js'

const RUNS = rounds(500)
const BATCHES = rounds(5)
const seed = Date.now() % 1e9
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const model = {
  system_name: 'm',
  name: 'M',
  type: 'chat',
  model_id: 'org/m',
  endpoint: 'https://m.example.com',
  base_url: 'https://m.example.com/v1',
  paths: [],
  credentials: { mode: 'user_key', location: 'authorization', names: { user_key: 'k', app_id: 'i', app_key: 's' } },
} as unknown as Model
const rules = [
  { method: 'POST', pattern: '/v1/{a}-{b}' },
  { method: 'ANY', pattern: '/' },
] as MappingRule[]

const lists = (depth: number) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`) as unknown
const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, n]))

const unusual = fc.constantFrom(
  ...['', ' ', '__proto__', 'constructor', 'toString', '<script>alert(1)</script>', '\u202e', '\u0000', '\ud800', '%'],
  ...['{a}', '{'.repeat(50), '/'.repeat(400), '~0~1', '~1'.repeat(200), '#', '#/', '[x](javascript:1)', '| a |\n|-|'],
)
const text = fc.oneof(unusual, fc.string(), fc.string({ unit: character, maxLength: 20 }))
const pointer = fc.oneof(
  fc.constantFrom('#/components/schemas/A', '#/components/schemas/B', '#/paths/~1a', '#', '#/', 'other.json#/x'),
  fc.array(unusual, { maxLength: 30 }).map((pieces) => `#/${pieces.join('/')}`),
  fc.nat({ max: 2000 }).map((length) => `#${'/'.repeat(length)}`),
)
const value = fc.oneof(
  { weight: 30, arbitrary: text },
  { weight: 10, arbitrary: fc.integer() },
  { weight: 10, arbitrary: fc.constantFrom(null, true, [], {}, 1e308, -0) },
  { weight: 10, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 100 }).map(lists) },
  { weight: 1, arbitrary: fc.nat({ max: 300 }).map(members) },
)
const { schema } = fc.letrec((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    value,
    fc.record({ $ref: pointer }),
    fc.record(
      {
        type: fc.oneof(fc.constantFrom('object', 'string', 'array', 'file'), value),
        description: text,
        enum: fc.array(value, { maxLength: 2 }),
        required: fc.oneof(value, fc.array(text, { maxLength: 2 })),
        default: value,
        example: value,
        properties: fc.dictionary(text, tie('schema'), { maxKeys: 2 }),
        items: tie('schema'),
        allOf: fc.array(tie('schema'), { maxLength: 2 }),
        anyOf: fc.array(tie('schema'), { maxLength: 2 }),
        additionalProperties: tie('schema'),
      },
      { requiredKeys: [] },
    ),
  ),
}))
const content = fc.dictionary(
  fc.constantFrom('application/json', 'application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data', '*/*'),
  fc.record({ schema, example: value, examples: fc.oneof(value, fc.record({ a: fc.record({ $ref: pointer }) })) }),
)
const parameter = fc.oneof(
  value,
  fc.record({ $ref: pointer }),
  fc.record({ in: fc.constantFrom('query', 'path', 'header', 'body', 'formData', 'cookie'), name: text, schema }),
)
const operation = fc.oneof(
  { weight: 1, arbitrary: value },
  {
    weight: 6,
    arbitrary: fc.record(
      {
        summary: value,
        description: text,
        tags: fc.oneof(value, fc.array(value)),
        parameters: fc.oneof(value, fc.array(parameter, { maxLength: 3 })),
        requestBody: fc.oneof(fc.record({ content }), fc.record({ $ref: pointer })),
        responses: fc.dictionary(
          fc.constantFrom('200', '4XX', 'default', 'x'),
          fc.oneof(value, fc.record({ content })),
        ),
        consumes: fc.oneof(value, fc.array(text)),
        servers: fc.oneof(value, fc.array(fc.record({ url: text, variables: value }))),
      },
      { requiredKeys: [] },
    ),
  },
)
const spec = fc.record(
  {
    openapi: fc.oneof(fc.constantFrom('3.0.0', '3.1.0'), value),
    swagger: value,
    info: fc.oneof(value, fc.record({ title: value, description: text, 'x-maas': value, contact: value })),
    host: value,
    basePath: value,
    servers: fc.oneof(value, fc.array(fc.record({ url: text, variables: value }))),
    paths: fc.dictionary(
      fc.oneof({ weight: 4, arbitrary: fc.constantFrom('/v1/chat/completions', '/a', '/a/{b}') }, text),
      fc.oneof(
        { weight: 4, arbitrary: fc.record({ post: operation, get: operation, parameters: value }) },
        fc.oneof(value, fc.record({ $ref: pointer })),
      ),
      { maxKeys: 3 },
    ),
    components: fc.oneof(
      value,
      fc.record({ schemas: fc.record({ A: schema, B: schema }), securitySchemes: fc.dictionary(text, value) }),
    ),
  },
  { requiredKeys: [] },
)

const pieces = fc.constantFrom(
  ...['? ', '- ', ': ', '[', ']', '{', '}', ',', '*a', '&a ', '!t ', '!!str ', '|\n', '>\n', '"', "'", '#', '\n', '\t'],
  ...[
    '---\n',
    '...\n',
    '  ',
    '<<: ',
    'paths:\n',
    ' /a:\n',
    '  post:\n',
    'x: ',
    '%YAML 1.2\n',
    '\\',
    '\u0085',
    '0x1',
    '.inf',
  ],
)
/** Random tokens, some of them repeated very often. */
const yaml = fc
  .array(
    fc.tuple(
      pieces,
      fc.oneof({ weight: 20, arbitrary: fc.nat({ max: 3 }) }, { weight: 1, arbitrary: fc.nat({ max: 500 }) }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => `openapi: 3.0.0\n${parts.map(([piece, times]) => piece.repeat(times)).join('')}`)

const json = spec.map((members) => JSON.stringify(members))
const document = fc.oneof(
  { weight: 5, arbitrary: json },
  { weight: 1, arbitrary: spec.map((complete) => stringify(complete, { lineWidth: 0 })) },
  { weight: 4, arbitrary: yaml },
  { weight: 1, arbitrary: fc.oneof(yaml, json).map((inner) => JSON.stringify(inner)) },
  {
    weight: 1,
    arbitrary: json.chain((complete) => fc.nat({ max: complete.length }).map((end) => complete.slice(0, end))),
  },
  { weight: 1, arbitrary: text },
)

t.test(
  `${RUNS} random documents: facts, reference and page are rendered, bounded, and do not block the event loop`,
  async (t) => {
    const failed: object[] = []
    const documents = createDocuments({ log: { warn: (details) => void failed.push(details), info: () => {} } })
    t.teardown(documents.close)
    const seen = { reference: 0, unreadable: 0, nothing: 0 }
    const strains: Strain<void>[] = []
    for (let batch = 0; batch < BATCHES; batch++) {
      const bodies = fc.sample(document, { numRuns: RUNS / BATCHES, seed: seed + batch })
      collect()
      const strain = await strainHere(async () => {
        for (const body of bodies) await read(body)
        // Count memory that is in use, not garbage.
        collect()
      })
      strains.push(strain)
    }
    const blockedMs = Math.max(...strains.map((strain) => strain.blockedMs))
    const grownMb = strains.reduce((sum, strain) => sum + strain.grownMb, 0)
    t.ok(blockedMs < LONGEST_BLOCK_MS, `blocked for ${blockedMs} ms, seed ${seed}`)
    t.ok(grownMb < MOST_GROWTH_MB, `${grownMb} MB more`)
    t.same(
      failed.filter((details) => !('reason' in details) || details.reason !== 'time'),
      [],
      `no unexpected error, seed ${seed}`,
    )
    for (const [kind, count] of Object.entries(seen)) t.ok(count > RUNS / 20, `${count} of ${kind}`)

    async function read(body: string): Promise<void> {
      const facts = await documents.facts(body)
      const read = await documents.reference(body)
      if (JSON.stringify([facts, read]).length > 3_000_000) t.fail('a result that is too long', { body })
      if ('failure' in read) seen.unreadable++
      else if (read.reference) seen.reference++
      else seen.nothing++
      if ('failure' in read || !read.reference) return
      const view = referenceView({
        model,
        reference: read.reference,
        operations: resolveOperations(model, rules, read.reference),
        staleSeconds: undefined,
        tryItCaller: undefined,
        submission: undefined,
        signInHref: '/login',
      })
      const html: string[] = []
      JSON.stringify(view, (name, part) => {
        if (name.endsWith('Html')) html.push(String(part))
        return part
      })
      if (/<(script|img|iframe|style)/i.test(html.join())) t.fail('HTML of a document that lives', { body })
    }
  },
)
