import { type Static, Type } from 'typebox'
import { type FormatName, formatNames } from '../../model-calls/body-formats.js'
import { type ModelType, modelTypes } from '../../model-calls/openai-endpoints.js'
import { ModelPlan } from './plan-schemas.js'

export * from './plan-schemas.js'
export type { ModelType }
export { modelTypes }
/** Types with a view in the playground. */
export const playable: readonly ModelType[] = ['chat', 'completion', 'embedding', 'rerank']
export const ModelTypeSchema = Type.Unsafe<ModelType>({ type: 'string', enum: [...modelTypes] })

export const RequestFormat = Type.Unsafe<FormatName>({ type: 'string', enum: [...formatNames] })

export const capabilities = ['tools', 'vision', 'json_mode', 'streaming', 'reasoning'] as const
export type Capability = (typeof capabilities)[number]
export const Capability = Type.Unsafe<Capability>({ type: 'string', enum: [...capabilities] })

export const modelStates = ['available', 'deprecated', 'retired'] as const
export type ModelState = (typeof modelStates)[number]
export const ModelState = Type.Unsafe<ModelState>({ type: 'string', enum: [...modelStates] })

/**
 * The source of a fact: the deployed gateway configuration, 3scale's plans, the uploaded spec, and so on. `assumed`: the mapping
 * rules are prefixes and name no call, so the fact is only likely.
 */
export const factSources = ['gateway', 'plans', 'active_docs', 'model_server', 'portal_config', 'assumed'] as const
export type FactSource = (typeof factSources)[number]
export const FactSource = Type.Unsafe<FactSource>({ type: 'string', enum: [...factSources] })

export const FieldSpec = Type.Object(
  {
    name: Type.String(),
    label: Type.String(),
    required: Type.Boolean(),
    choices: Type.Array(Type.String(), { description: 'accepted values; empty if any text is accepted' }),
  },
  {
    $id: 'FieldSpec',
    examples: [{ name: 'purpose', label: 'Purpose', required: true, choices: ['Experiment', 'Production'] }],
  },
)
export type FieldSpec = Static<typeof FieldSpec>

/** A built-in field of the application, in addition to those that the tenant defines. */
export const ApplicationAttribute = Type.Object(
  { ...FieldSpec.properties, name: Type.Union([Type.Literal('name'), Type.Literal('description')]) },
  {
    $id: 'ApplicationAttribute',
    examples: [{ name: 'name', label: 'Name', required: true, choices: [] }],
  },
)
export type ApplicationAttribute = Static<typeof ApplicationAttribute>

/** Names of the parameters or headers that carry the credentials of a product. */
export const CredentialNames = Type.Object(
  { user_key: Type.String(), app_id: Type.String(), app_key: Type.String() },
  { $id: 'CredentialNames', examples: [{ user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' }] },
)
export type CredentialNames = Static<typeof CredentialNames>

export const Credentials = Type.Object(
  {
    mode: Type.Union([Type.Literal('user_key'), Type.Literal('app_id'), Type.Literal('oidc')]),
    location: Type.Union([Type.Literal('query'), Type.Literal('headers'), Type.Literal('authorization')]),
    names: CredentialNames,
  },
  {
    $id: 'Credentials',
    examples: [
      {
        mode: 'user_key',
        location: 'authorization',
        names: { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' },
      },
    ],
  },
)
export type Credentials = Static<typeof Credentials>

const named = { name: Type.String(), url: Type.Union([Type.String(), Type.Null()]) }
export const License = Type.Object(named, {
  $id: 'License',
  examples: [{ name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' }],
})
export type License = Static<typeof License>
export const Owner = Type.Object(named, {
  $id: 'Owner',
  examples: [{ name: 'IBM', url: 'https://www.ibm.com/granite' }],
})
export type Owner = Static<typeof Owner>

export const Link = Type.Object(
  { label: Type.String(), url: Type.String({ format: 'uri-reference', description: 'may be relative to the portal' }) },
  { $id: 'Link', examples: [{ label: 'Model card', url: 'https://huggingface.co/ibm-granite' }] },
)
export type Link = Static<typeof Link>

/** A call that the gateway accepts. */
export const CallPath = Type.Object(
  {
    method: Type.String({ description: 'an HTTP method, or ANY' }),
    path: Type.String(),
    pattern: Type.String({
      description:
        'pattern of the mapping rule: `$` ends the path, which is a prefix otherwise; `?` requires query parameters',
    }),
  },
  {
    $id: 'CallPath',
    examples: [{ method: 'POST', path: '/v1/chat/completions', pattern: '/v1/chat/completions$' }],
  },
)
export type CallPath = Static<typeof CallPath>

/** A model in the catalogue: one 3scale product that is available to developers. */
export const Model = Type.Object(
  {
    system_name: Type.String(),
    name: Type.String(),
    summary: Type.String({ description: 'plain text, one or two sentences' }),
    description: Type.String({ description: 'as written in 3scale; may be Markdown' }),
    type: ModelTypeSchema,
    model_id: Type.Union([Type.String(), Type.Null()], {
      description: 'the ID to send; null while it is unknown',
    }),
    request_format: Type.Union([RequestFormat, Type.Null()], {
      description:
        'format of the request body, where servers of this type expect different ones: for `/rerank`, `tei` expects `texts` and `cohere` expects `documents`; null if no source states it',
    }),
    endpoint: Type.String({ format: 'uri', description: 'public address of the gateway, without a trailing slash' }),
    base_url: Type.String({
      description:
        'base URL for an OpenAI client: the endpoint and the path below which calls of this type are. If the path contains the model ID and the ID is unknown, it has a placeholder in braces',
    }),
    context_length: Type.Union([Type.Integer(), Type.Null()]),
    capabilities: Type.Array(Capability, { description: 'known capabilities; the model may have others' }),
    languages: Type.Array(Type.String(), {
      description: 'known languages as BCP 47 tags; the model may understand others',
      examples: [['en', 'de']],
    }),
    license: Type.Union([License, Type.Null()]),
    owner: Type.Union([Owner, Type.Null()]),
    links: Type.Array(Link),
    state: ModelState,
    gateway_ready_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description:
        'after a promotion, the time when every gateway has loaded the new configuration; until then, requests may be refused; null otherwise',
    }),
    retires_on: Type.Union([Type.String({ format: 'date' }), Type.Null()], {
      description: 'the day on which the model is retired',
    }),
    successor: Type.Union([Type.String(), Type.Null()], { description: 'system_name of the model to use instead' }),
    credentials: Credentials,
    can_select_plan: Type.Boolean(),
    plan_required: Type.Boolean({ description: 'true: a request for a new application must name a plan' }),
    plans: Type.Array(ModelPlan),
    application_attributes: Type.Array(ApplicationAttribute, {
      description:
        'built-in fields of an application, in addition to its model and plan: `name`, and `description` where it can be set',
    }),
    application_fields: Type.Array(FieldSpec, {
      description: 'fields that the tenant defines; send them in `fields`, by name',
    }),
    paths: Type.Array(CallPath, { description: 'the requests that the gateway accepts' }),
    token_url: Type.Union([Type.String(), Type.Null()], {
      description: 'for OpenID Connect products: the token endpoint',
    }),
    sources: Type.Record(Type.String(), FactSource, {
      description:
        'the source of each known fact; `assumed`: the mapping rules are prefixes and name no call, so the value is only likely',
    }),
  },
  {
    $id: 'Model',
    examples: [
      {
        system_name: 'granite-chat',
        name: 'Granite 3.3 8B Instruct',
        summary: 'A general chat model that follows instructions.',
        description: 'A general **chat** model that follows instructions.',
        type: 'chat',
        model_id: 'ibm-granite/granite-3.3-8b-instruct',
        request_format: null,
        endpoint: 'https://granite.gateway.example.com',
        base_url: 'https://granite.gateway.example.com/v1',
        context_length: 131_072,
        gateway_ready_at: null,
        can_select_plan: true,
        plan_required: false,
        application_attributes: [
          { name: 'name', label: 'Name', required: true, choices: [] },
          { name: 'description', label: 'Description', required: false, choices: [] },
        ],
        paths: [{ method: 'POST', path: '/v1/chat/completions', pattern: '/v1/chat/completions$' }],
        token_url: null,
      },
    ],
  },
)
export type Model = Static<typeof Model>
