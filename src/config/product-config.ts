import { Type } from 'typebox'

const strict = { additionalProperties: false } as const
const Text = Type.String({ minLength: 1 })
const TextList = Type.Array(Text)
const WebAddress = Type.String({ pattern: '^https?://' })
/** BCP 47 */
export const LANGUAGE_TAG = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/
const Day = Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' })
const oneOf = <T extends string>(...names: T[]) => Type.Unsafe<T>({ type: 'string', enum: names })

const MetricName = Type.Optional(Type.String({ minLength: 1, description: 'system name' }))
const MetricNames = Type.Object(
  { calls: MetricName, prompt_tokens: MetricName, completion_tokens: MetricName, total_tokens: MetricName },
  { ...strict, description: 'roles of the product’s metrics, if names and units do not determine them' },
)
const UnitPrice = Type.Optional(Type.Number({ minimum: 0 }))
const Prices = Type.Object(
  {
    per_million_prompt_tokens: UnitPrice,
    per_million_completion_tokens: UnitPrice,
    per_million_tokens: UnitPrice,
    per_call: UnitPrice,
  },
  { ...strict, description: 'of plans that have no pricing rules in 3scale; for the catalogue and cost estimates' },
)

const Price = Type.Object(
  {
    metric: Type.String({ minLength: 1, description: 'system name, for example total_tokens' }),
    cost_per_unit: Type.Number({ minimum: 0 }),
    from: Type.Optional(Type.Integer({ minimum: 1 })),
    to: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  strict,
)

const Plan = Type.Object(
  { prices: Type.Optional(Type.Array(Price, { description: "instead of 3scale's pricing rules" })) },
  strict,
)

const ModelServer = Type.Object(
  {
    application: Type.Optional(
      Type.Object(
        { account: Type.Integer({ minimum: 1 }), id: Type.Integer({ minimum: 1 }) },
        {
          ...strict,
          description:
            '3scale IDs of an application whose key the portal may use for /v1/models, and whose keys the doctor checks at the gateway',
        },
      ),
    ),
    private_address: Type.Optional(
      Type.Boolean({ description: "true: the portal may request /v1/models at the backend's private address" }),
    ),
  },
  strict,
)

/** Visibility and facts of one product. Facts take precedence over all other sources. */
export const Product = Type.Object(
  {
    visible_to: Type.Optional(TextList),
    hidden: Type.Optional(Type.Boolean()),
    model_id: Type.Optional(Text),
    type: Type.Optional(
      oneOf('chat', 'completion', 'embedding', 'rerank', 'image', 'speech_to_text', 'text_to_speech', 'custom'),
    ),
    request_format: Type.Optional(
      Type.Unsafe<'openai' | 'cohere' | 'tei' | 'tgi' | 'ollama' | 'llama_cpp' | 'sglang' | 'vllm' | 'nvidia'>({
        type: 'string',
        enum: ['openai', 'cohere', 'tei', 'tgi', 'ollama', 'llama_cpp', 'sglang', 'vllm', 'nvidia'],
        description:
          'format of the request body, if servers of this type expect different ones: for /rerank, tei expects texts and cohere documents',
      }),
    ),
    context_length: Type.Optional(Type.Integer({ minimum: 1 })),
    summary: Type.Optional(Type.String()),
    metrics: Type.Optional(MetricNames),
    prices: Type.Optional(Prices),
    capabilities: Type.Optional(
      Type.Array(oneOf('tools', 'vision', 'json_mode', 'streaming', 'reasoning'), {
        description: 'capabilities of the model',
      }),
    ),
    languages: Type.Optional(
      Type.Array(Type.String({ pattern: LANGUAGE_TAG.source }), {
        description: 'languages of the model as BCP 47 tags, for example de or pt-BR',
      }),
    ),
    license: Type.Optional(Type.Object({ name: Text, url: Type.Optional(WebAddress) }, strict)),
    owner: Type.Optional(
      Type.Object(
        {
          name: Text,
          url: Type.Optional(WebAddress),
          email: Type.Optional(Type.String({ pattern: '^[^@\\s]+@[^@\\s]+$' })),
        },
        strict,
      ),
    ),
    links: Type.Optional(Type.Array(Type.Object({ label: Text, url: WebAddress }, strict))),
    state: Type.Optional(oneOf('available', 'deprecated', 'retired')),
    retires_on: Type.Optional(Day),
    successor: Type.Optional(Type.String({ minLength: 1, description: 'system name of the product to use instead' })),
    plans: Type.Optional(Type.Record(Type.String(), Plan, { description: 'by system name of the plan' })),
    model_server: Type.Optional(ModelServer),
  },
  strict,
)
