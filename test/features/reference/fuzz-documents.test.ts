import fc from 'fast-check'
import t from 'tap'
import type { MappingRule } from '../../../src/clients/threescale/types.js'
import { resolveOperations } from '../../../src/features/reference/gateway-operations.js'
import { readOpenApi } from '../../../src/features/reference/openapi/read-openapi.js'
import { referenceView } from '../../../src/features/reference/view.js'
import { modelOf } from '../../helper/models.js'
import { rounds } from '../../helper/rounds.js'

/** FUZZ_SEED repeats a run. */
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
t.comment(`fuzz seed ${seed}`)

const model = modelOf({})
const rules: MappingRule[] = [
  { method: 'POST', pattern: '/v1/chat/completions', metricId: 1, metric: 'hits', delta: 1, last: false },
  { method: 'GET', pattern: '/v1/models', metricId: 1, metric: 'hits', delta: 1, last: false },
]

t.test('every uploaded document is rendered, and its content is shown as text', async () => {
  const nasty = fc.constantFrom(
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    '__proto__',
    '\u202e',
    '{}',
  )
  const words = fc.oneof(nasty, fc.string())
  const dictionary = <T>(value: fc.Arbitrary<T>, key = words) => fc.dictionary(key, value, { noNullPrototype: true })
  const schema = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      fc.jsonValue(),
      fc.record({
        type: words,
        description: words,
        properties: dictionary(tie('node')),
        items: tie('node'),
        oneOf: fc.array(tie('node')),
        $ref: fc.oneof(words, fc.constant('#/components/schemas/a')),
      }),
    ),
  })).node
  const operation = fc.record({
    summary: words,
    description: words,
    tags: fc.array(words),
    parameters: fc.array(
      fc.oneof(fc.jsonValue(), fc.record({ in: fc.constantFrom('query', 'path', 'header'), name: words, schema })),
    ),
    requestBody: fc.record({
      content: fc.dictionary(
        fc.constantFrom('application/json', 'text/plain', 'x'),
        fc.record({ schema, example: fc.jsonValue() }),
      ),
    }),
    responses: fc.dictionary(fc.constantFrom('200', '4XX', 'default', 'x'), fc.record({ description: words })),
  })
  const spec = fc.record({
    info: fc.record({ title: words, description: words }),
    servers: fc.array(fc.record({ url: words })),
    paths: fc.dictionary(
      fc.oneof(fc.constantFrom('/v1/chat/completions', '/a/{b}'), words),
      fc.record({ post: operation }),
    ),
    components: fc.record({ schemas: fc.record({ a: schema }), securitySchemes: dictionary(fc.jsonValue()) }),
  })
  fc.assert(
    fc.property(spec, (document) => {
      const reference = readOpenApi(document)
      if (!reference) return
      const view = referenceView({
        model,
        reference,
        operations: resolveOperations(model, rules, reference),
        staleSeconds: undefined,
        tryItCaller: { applications: [{ id: 1, name: 'mine', state: 'live' }], unavailable: false, selected: '' },
        submission: undefined,
        signInHref: '/login',
      })
      for (const { operations } of view.groups) {
        for (const { id, descriptionHtml } of operations) {
          if (!/^[a-z0-9-]+$/.test(id)) throw new Error(`id ${id}`)
          if (/<(script|img|iframe|style|h\d)/i.test(descriptionHtml)) throw new Error(descriptionHtml)
        }
      }
    }),
    { seed, numRuns: rounds(40) },
  )
})
