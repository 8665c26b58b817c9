import { type Static, Type } from 'typebox'
import { type FormatName, formatNames } from '../../model-calls/body-formats.js'
import { modelTypes, type ModelType as TypeOfModel } from '../../model-calls/openai-endpoints.js'

export { modelTypes }
export type ModelType = TypeOfModel
/** types that the playground has a view for */
export const playable: readonly ModelType[] = ['chat', 'completion', 'embedding', 'rerank']
export const ModelType = Type.Unsafe<ModelType>({ type: 'string', enum: [...modelTypes] })

export const RequestFormat = Type.Unsafe<FormatName>({ type: 'string', enum: [...formatNames] })

export const capabilities = ['tools', 'vision', 'json_mode', 'streaming', 'reasoning'] as const
export type Capability = (typeof capabilities)[number]
export const Capability = Type.Unsafe<Capability>({ type: 'string', enum: [...capabilities] })

export const modelStates = ['available', 'deprecated', 'retired'] as const
export type ModelState = (typeof modelStates)[number]
export const ModelState = Type.Unsafe<ModelState>({ type: 'string', enum: [...modelStates] })

/**
 * Where a fact comes from: the deployed gateway configuration, 3scale's plans, the uploaded spec, and so on. `assumed`: only
 * from mapping rules that are prefixes, which name no call.
 */
export const factSources = ['gateway', 'plans', 'active_docs', 'model_server', 'portal_config', 'assumed'] as const
export type FactSource = (typeof factSources)[number]
export const FactSource = Type.Unsafe<FactSource>({ type: 'string', enum: [...factSources] })

export const PlanLimit = Type.Object(
  {
    metric: Type.String({ description: 'system name of the metric or method' }),
    metric_name: Type.String(),
    period: Type.String({ description: 'minute, hour, day, week, month, year or eternity' }),
    value: Type.Integer({ description: '0 means not included in the plan' }),
  },
  { $id: 'PlanLimit', examples: [{ metric: 'hits', metric_name: 'Hits', period: 'minute', value: 60 }] },
)
export type PlanLimit = Static<typeof PlanLimit>

export const PlanPrice = Type.Object(
  {
    metric: Type.String({ description: 'system name of the metric or method' }),
    metric_name: Type.String(),
    cost_per_unit: Type.Number(),
    from: Type.Integer({ description: 'the first unit of a month that costs this much' }),
    to: Type.Union([Type.Integer(), Type.Null()], { description: 'the last such unit; null: no end' }),
  },
  { $id: 'PlanPrice' },
)
export type PlanPrice = Static<typeof PlanPrice>

export const ModelPlan = Type.Object(
  {
    system_name: Type.String(),
    name: Type.String(),
    default: Type.Boolean(),
    approval_required: Type.Boolean({ description: 'a new application waits for the operator' }),
    cost_per_month: Type.Number(),
    setup_fee: Type.Number(),
    trial_period_days: Type.Integer(),
    limits: Type.Union([Type.Array(PlanLimit), Type.Null()], {
      description: 'null until read from 3scale; [] means none',
    }),
    prices: Type.Union([Type.Array(PlanPrice), Type.Null()], {
      description: 'what a unit costs beside the monthly cost; null until read from 3scale; [] means nothing',
    }),
    currency: Type.Union([Type.String(), Type.Null()], {
      description: 'ISO 4217, as PORTAL_CONFIG states it; 3scale does not report it',
    }),
  },
  {
    $id: 'ModelPlan',
    examples: [
      {
        system_name: 'basic',
        name: 'Basic',
        default: true,
        approval_required: false,
        cost_per_month: 0,
        setup_fee: 0,
        trial_period_days: 0,
      },
    ],
  },
)
export type ModelPlan = Static<typeof ModelPlan>

export const FieldSpec = Type.Object(
  {
    name: Type.String(),
    label: Type.String(),
    required: Type.Boolean(),
    choices: Type.Array(Type.String(), { description: 'accepted values; empty where any text is accepted' }),
  },
  {
    $id: 'FieldSpec',
    examples: [{ name: 'purpose', label: 'Purpose', required: true, choices: ['Experiment', 'Production'] }],
  },
)
export type FieldSpec = Static<typeof FieldSpec>

/** A field of the application itself, beside those that the tenant adds. */
export const ApplicationAttribute = Type.Object(
  { ...FieldSpec.properties, name: Type.Union([Type.Literal('name'), Type.Literal('description')]) },
  {
    $id: 'ApplicationAttribute',
    examples: [{ name: 'name', label: 'Name', required: true, choices: [] }],
  },
)
export type ApplicationAttribute = Static<typeof ApplicationAttribute>

export const Credentials = Type.Object(
  {
    mode: Type.Union([Type.Literal('user_key'), Type.Literal('app_id'), Type.Literal('oidc')]),
    location: Type.Union([Type.Literal('query'), Type.Literal('headers'), Type.Literal('authorization')]),
    names: Type.Object({ user_key: Type.String(), app_id: Type.String(), app_key: Type.String() }),
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

const Named = Type.Object({ name: Type.String(), url: Type.Union([Type.String(), Type.Null()]) })

/** A model as the catalogue offers it: one 3scale product that a developer can take. */
export const Model = Type.Object(
  {
    system_name: Type.String(),
    name: Type.String(),
    summary: Type.String({ description: 'plain text, one or two sentences' }),
    description: Type.String({ description: 'as written in 3scale; may be Markdown' }),
    type: ModelType,
    model_id: Type.Union([Type.String(), Type.Null()], {
      description: 'the id to send; null where it is not known yet',
    }),
    request_format: Type.Union([RequestFormat, Type.Null()], {
      description:
        'format of the request body, where servers of this type expect different ones: to `/rerank`, `tei` is called with `texts` and `cohere` with `documents`; null where no source states it',
    }),
    endpoint: Type.String({ description: 'public address of the gateway, without a trailing slash' }),
    base_url: Type.String({
      description:
        'what an OpenAI client takes as base URL: the endpoint and the path that calls of this type lie below',
    }),
    context_length: Type.Union([Type.Integer(), Type.Null()]),
    capabilities: Type.Array(Capability, { description: 'what is known; one that is not listed may still be there' }),
    license: Type.Union([Named, Type.Null()]),
    owner: Type.Union([Named, Type.Null()]),
    links: Type.Array(Type.Object({ label: Type.String(), url: Type.String() })),
    state: ModelState,
    gateway_ready_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description:
        'after a promotion, when every gateway has loaded the new configuration, which may be refused until then; null otherwise',
    }),
    retires_on: Type.Union([Type.String(), Type.Null()], { description: 'the day of its retirement, 2026-12-31' }),
    successor: Type.Union([Type.String(), Type.Null()], { description: 'system_name of the model to use instead' }),
    credentials: Credentials,
    can_select_plan: Type.Boolean(),
    plan_required: Type.Boolean({ description: 'true: a new application has to name its plan' }),
    plans: Type.Array(ModelPlan),
    application_attributes: Type.Array(ApplicationAttribute, {
      description:
        'what an application has beside its model and plan, by name: `name`, and `description` where it can be set',
    }),
    application_fields: Type.Array(FieldSpec, { description: 'what the tenant adds; sent in `fields`, by name' }),
    paths: Type.Array(
      Type.Object({
        method: Type.String(),
        path: Type.String(),
        pattern: Type.String({
          description:
            'as the mapping rule has it: `$` ends a path, which is a prefix otherwise; `?` requires parameters',
        }),
      }),
      { description: 'what the gateway lets through' },
    ),
    token_url: Type.Union([Type.String(), Type.Null()], {
      description: 'OpenID Connect products: where a token is fetched',
    }),
    sources: Type.Record(Type.String(), FactSource, {
      description:
        'where each known fact comes from; `assumed`: the mapping rules are prefixes and name no call, so it is what is most likely',
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
