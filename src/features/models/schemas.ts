import { type Static, Type } from 'typebox'

export const modelTypes = [
  'chat',
  'completion',
  'embedding',
  'rerank',
  'image',
  'speech_to_text',
  'text_to_speech',
  'custom',
] as const
export type ModelType = (typeof modelTypes)[number]
export const ModelType = Type.Unsafe<ModelType>({ type: 'string', enum: [...modelTypes] })

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
    choices: Type.Array(Type.String(), { description: 'empty: any text' }),
  },
  {
    $id: 'FieldSpec',
    examples: [{ name: 'purpose', label: 'Purpose', required: true, choices: ['Experiment', 'Production'] }],
  },
)
export type FieldSpec = Static<typeof FieldSpec>

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

/** A model as the catalogue offers it: one 3scale product that a developer can take. */
export const Model = Type.Object(
  {
    system_name: Type.String(),
    name: Type.String(),
    summary: Type.String({ description: 'plain text, one or two sentences' }),
    description: Type.String({ description: 'as written in 3scale; may be Markdown' }),
    type: ModelType,
    model_id: Type.Union([Type.String(), Type.Null()], {
      description: 'the id to send; null where nothing has told it yet',
    }),
    endpoint: Type.String({ description: 'public address of the gateway, without a trailing slash' }),
    base_url: Type.String({
      description: 'what an OpenAI client takes as base URL: the endpoint, with /v1 where the mapping rules have it',
    }),
    context_length: Type.Union([Type.Integer(), Type.Null()]),
    credentials: Credentials,
    can_select_plan: Type.Boolean(),
    plans: Type.Array(ModelPlan),
    application_fields: Type.Array(FieldSpec),
    paths: Type.Array(Type.Object({ method: Type.String(), path: Type.String() }), {
      description: 'what the gateway lets through',
    }),
    token_url: Type.Union([Type.String(), Type.Null()], {
      description: 'OpenID Connect products: where a token is fetched',
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
        endpoint: 'https://granite.gateway.example.com',
        base_url: 'https://granite.gateway.example.com/v1',
        context_length: 131_072,
        can_select_plan: true,
        paths: [{ method: 'POST', path: '/v1/chat/completions' }],
        token_url: null,
      },
    ],
  },
)
export type Model = Static<typeof Model>
