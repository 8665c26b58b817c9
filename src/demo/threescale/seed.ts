import { docFor } from './docs.js'
import { nextId, type Plan, type Service, type State } from './store.js'

type Location = Service['location']

interface Sketch {
  system_name: string
  name: string
  description: string
  type: keyof typeof rulesByType
  version?: Service['backend_version']
  location?: Location
  names?: Partial<Service['names']>
  server: string
  modelId: string
  plans?: Partial<Plan>[]
  limits?: [metric: string, period: string, value: number][]
  select?: boolean
  promoted?: boolean
  defaultPlan?: boolean
  doc?: 'id' | 'plain' | 'v2' | 'v31'
}

const chatRules = [
  ['POST', '/v1/chat/completions'],
  ['POST', '/v1/completions'],
  ['GET', '/v1/models'],
  ['GET', '/health'],
]

const rulesByType = {
  chat: chatRules,
  completion: [
    ['POST', '/v1/completions'],
    ['GET', '/v1/models'],
    ['GET', '/health'],
  ],
  embedding: [
    ['POST', '/v1/embeddings'],
    ['GET', '/v1/models'],
  ],
  rerank: [
    ['POST', '/v1/rerank'],
    ['GET', '/v1/models'],
  ],
  image: [
    ['POST', '/v1/images/generations'],
    ['GET', '/v1/models'],
  ],
  speech_to_text: [
    ['POST', '/v1/audio/transcriptions'],
    ['GET', '/v1/models'],
  ],
  text_to_speech: [
    ['POST', '/v1/audio/speech'],
    ['GET', '/v1/models'],
  ],
  custom: [
    ['POST', '/predict'],
    ['GET', '/health'],
  ],
  bare: [
    ['POST', '/chat/completions'],
    ['GET', '/models'],
  ],
} satisfies Record<string, string[][]>

const sketches: Sketch[] = [
  {
    system_name: 'granite-chat',
    name: 'Granite 3.3 8B Instruct',
    description:
      'A quick all-round assistant for chat, summaries and extraction. **Start here** if you are new.\n\nTuned for business text in twelve languages; follows long instructions well.',
    type: 'chat',
    server: 'granite',
    modelId: 'ibm-granite/granite-3.3-8b-instruct',
    plans: [
      { name: 'Basic', system_name: 'basic' },
      { name: 'Unlimited', system_name: 'unlimited', cost_per_month: 49.9 },
    ],
    limits: [
      ['hits', 'day', 1000],
      ['hits', 'month', 20000],
    ],
    select: true,
    doc: 'id',
  },
  {
    system_name: 'llama-chat',
    name: 'Llama 3.3 70B',
    description:
      'The large general model: best answers for hard questions, code review and agents. Slower than Granite.',
    type: 'chat',
    version: '2',
    server: 'llama',
    modelId: 'meta-llama/Llama-3.3-70B-Instruct',
    limits: [['hits', 'day', 500]],
    doc: 'id',
  },
  {
    system_name: 'mistral-chat',
    name: 'Mistral Small 3.2',
    description: 'Fast multilingual chat with function calling.',
    type: 'chat',
    location: 'headers',
    names: { user_key: 'X-API-Key' },
    server: 'mistral',
    modelId: 'mistralai/Mistral-Small-3.2-24B',
    doc: 'id',
  },
  {
    system_name: 'qwen-coder',
    name: 'Qwen2.5 Coder',
    description: 'Completes and explains code in forty languages.',
    type: 'completion',
    location: 'query',
    server: 'qwen',
    modelId: 'Qwen/Qwen2.5-Coder-7B',
    doc: 'plain',
  },
  {
    system_name: 'nomic-embed',
    name: 'Nomic Embed Text',
    description: 'Turns text into vectors for search and clustering.',
    type: 'embedding',
    version: '2',
    location: 'headers',
    server: 'nomic',
    modelId: 'nomic-ai/nomic-embed-text-v1.5',
    doc: 'v31',
  },
  {
    system_name: 'bge-reranker',
    name: 'BGE Reranker',
    description: 'Sorts search results by how well they answer a question.',
    type: 'rerank',
    version: '2',
    location: 'query',
    server: 'bge',
    modelId: 'BAAI/bge-reranker-v2-m3',
    doc: 'plain',
  },
  {
    system_name: 'sdxl-image',
    name: 'Stable Diffusion XL',
    description: 'Draws pictures from a sentence.',
    type: 'image',
    server: 'sdxl',
    modelId: 'stabilityai/sdxl-turbo',
    doc: 'v2',
  },
  {
    system_name: 'whisper-stt',
    name: 'Whisper Large v3',
    description: 'Writes down what is said in a recording, in ninety languages.',
    type: 'speech_to_text',
    server: 'whisper',
    modelId: 'openai/whisper-large-v3',
    doc: 'plain',
  },
  {
    system_name: 'kokoro-tts',
    name: 'Kokoro TTS',
    description: 'Reads text aloud in a natural voice.',
    type: 'text_to_speech',
    location: 'headers',
    names: { user_key: 'Authorization' },
    server: 'kokoro',
    modelId: 'hexgrad/Kokoro-82M',
    doc: 'plain',
  },
  {
    system_name: 'tiny-limited',
    name: 'Tiny Llama (5 calls a minute)',
    description: 'A very small model with a very small limit, to see what a limit looks like.',
    type: 'chat',
    server: 'tiny',
    modelId: '/mnt/models',
    plans: [{ name: 'Five a minute', system_name: 'five-a-minute' }],
    limits: [['hits', 'minute', 5]],
  },
  {
    system_name: 'phi-approval',
    name: 'Phi 4',
    description: 'A reasoning model on scarce hardware: every application is looked at by its owners first.',
    type: 'chat',
    server: 'phi',
    modelId: 'microsoft/phi-4',
    plans: [{ name: 'On request', system_name: 'on-request', approval_required: true }],
  },
  {
    system_name: 'hidden-plan',
    name: 'Hidden plan only',
    description: 'Nobody can take this: its only plan is hidden.',
    type: 'chat',
    server: 'hidden',
    modelId: 'demo/hidden',
    plans: [{ name: 'Internal', system_name: 'internal', state: 'hidden' }],
  },
  {
    system_name: 'never-promoted',
    name: 'Never promoted',
    description: 'Nobody can call this: its gateway configuration was never promoted to production.',
    type: 'chat',
    server: 'never',
    modelId: 'demo/never',
    promoted: false,
  },
  {
    system_name: 'deepseek-v1',
    name: 'DeepSeek R1 Distill',
    description: 'Thinks step by step before it answers; good at maths and logic.',
    type: 'bare',
    server: 'deepseek/v1',
    modelId: 'deepseek-ai/DeepSeek-R1-Distill',
    doc: 'plain',
  },
  {
    system_name: 'starter-default',
    name: 'SmolLM2 Starter',
    description: 'Small and cheap. Everybody gets an application for it at sign-up.',
    type: 'chat',
    server: 'smollm',
    modelId: 'HuggingFaceTB/SmolLM2-1.7B',
    plans: [{ name: 'Starter', system_name: 'starter' }],
    limits: [['hits', 'day', 200]],
    defaultPlan: true,
  },
  {
    system_name: 'restricted-research',
    name: 'Research Preview (restricted)',
    description: 'A preview for the research group only.',
    type: 'chat',
    server: 'research',
    modelId: 'research/preview-70b',
  },
  {
    system_name: 'oidc-chat',
    name: 'Gemma 3 (OpenID Connect)',
    description: 'Called with short-lived tokens instead of a fixed key.',
    type: 'chat',
    version: 'oidc',
    server: 'gemma',
    modelId: 'google/gemma-3-27b-it',
  },
  {
    system_name: 'hostile-name',
    name: '<script>alert(1)</script> "Quotes" & Co',
    description:
      '<img src=x onerror="alert(1)"> A *service* of its own kind. [Click](javascript:alert(1))\n\n<iframe src="https://example.com"></iframe><style>body{display:none}</style>\n\n- scores `text`\n- </textarea><script>alert(2)</script>',
    type: 'custom',
    server: 'custom',
    modelId: 'demo/custom-predict',
  },
  {
    system_name: 'two-plans-noselect',
    name: 'Falcon 3',
    description: 'Two plans exist; which one you get is decided by the operator.',
    type: 'chat',
    server: 'falcon',
    modelId: 'tiiuae/Falcon3-7B',
    plans: [
      { name: 'Team', system_name: 'team' },
      { name: 'Department', system_name: 'department' },
    ],
  },
]

const START = Date.parse('2026-03-01T09:00:00Z')

/** The tenant as the demo begins. `port` is the demo's base port. */
export function seed(port: number): State {
  const state: State = {
    lastId: {
      service: 6,
      plan: 20,
      metric: 50,
      rule: 60,
      limit: 30,
      doc: 90,
      account: 500,
      user: 900,
      cinstance: 3000,
      field: 0,
    },
    services: [],
    plans: [],
    accounts: [],
    users: [],
    applications: [],
    subscriptions: [],
    docs: [],
    fields: [],
    settings: {
      useraccountarea_enabled: true,
      hide_service: false,
      signups_enabled: true,
      account_approval_required: false,
      public_search: false,
      account_plans_ui_visible: false,
      change_account_plan_permission: 'request',
      service_plans_ui_visible: false,
      change_service_plan_permission: 'request',
      enforce_sso: false,
    },
    provider: {
      id: 2,
      org_name: 'Demo Provider',
      support_email: 'support@example.com',
      site_access_code: 'LEAK-site-access-code',
      state: 'approved',
    },
    authenticationProvider: {
      id: 1,
      kind: 'keycloak',
      account_type: 'developer',
      name: 'Keycloak',
      system_name: 'keycloak',
      client_id: '3scale',
      client_secret: 'LEAK-authentication-provider-secret',
      site: `http://localhost:${port + 2}`,
      automatically_approve_accounts: true,
      published: true,
    },
    minutes: {},
    hours: {},
  }
  sketches.forEach((sketch, index) => {
    addService(
      state,
      sketch,
      `http://localhost:${port + 10 + index}`,
      `http://127.0.0.1:${port + 5}/${sketch.server}`,
      port,
    )
  })
  seedFields(state)
  seedAccounts(state)
  return state
}

/** One more product, as an operator would add it: promoted, with two published plans. */
export function addProduct(state: State, port: number): { system_name: string; endpoint: string } {
  const index = state.services.length
  const n = index - sketches.length + 1
  const sketch: Sketch = {
    system_name: `added-${n}`,
    name: `Added model ${n}`,
    description: `Model number ${n}, added while the portal runs.`,
    type: 'chat',
    server: `added-${n}`,
    modelId: `demo-org/Added-${n}`,
    plans: [
      { name: 'Basic', system_name: 'basic' },
      { name: 'Gold', system_name: 'gold' },
    ],
  }
  const endpoint = `http://localhost:${port + 10 + index}`
  addService(state, sketch, endpoint, `http://127.0.0.1:${port + 5}/${sketch.server}`, port)
  return { system_name: sketch.system_name, endpoint }
}

function addService(state: State, sketch: Sketch, endpoint: string, apiBackend: string, port: number): void {
  const id = nextId(state, 'service')
  const hits = { id: nextId(state, 'metric'), system_name: 'hits', friendly_name: 'Hits', unit: 'hit' }
  const methods = rulesByType[sketch.type].map(([verb = 'GET', pattern = '/']) => ({
    id: nextId(state, 'metric'),
    system_name: pattern.slice(1).replaceAll('/', '-'),
    friendly_name: `${verb} ${pattern}`,
    unit: 'hit',
    parent_id: hits.id,
  }))
  const tokens = ['chat', 'completion', 'bare', 'embedding'].includes(sketch.type)
    ? ['prompt_tokens', 'completion_tokens', 'total_tokens'].map((name) => ({
        id: nextId(state, 'metric'),
        system_name: name,
        friendly_name: name.replace('_', ' '),
        unit: 'token',
      }))
    : []
  const service: Service = {
    id,
    system_name: sketch.system_name,
    name: sketch.name,
    description: sketch.description,
    state: 'incomplete',
    backend_version: sketch.version ?? '1',
    location: sketch.location ?? 'authorization',
    names: { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key', ...sketch.names },
    endpoint,
    api_backend: apiBackend,
    promoted: sketch.promoted ?? true,
    flags: {
      buyers_manage_apps: true,
      buyers_manage_keys: true,
      referrer_filters_required: false,
      custom_keys_enabled: true,
      buyer_key_regenerate_enabled: true,
      mandatory_app_key: true,
      buyer_can_select_plan: sketch.select ?? false,
      buyer_plan_change_permission: 'request',
    },
    rules: rulesByType[sketch.type].map(([http_method = 'GET', pattern = '/'], index) => ({
      id: nextId(state, 'rule'),
      http_method,
      pattern,
      metric: methods[index]?.system_name ?? 'hits',
    })),
    metrics: [hits, ...methods, ...tokens],
    created_at: START,
    updated_at: START,
  }
  state.services.push(service)
  for (const plan of sketch.plans ?? [{ name: 'Standard', system_name: 'standard' }]) {
    state.plans.push({
      id: nextId(state, 'plan'),
      service_id: id,
      system_name: 'standard',
      name: 'Standard',
      state: 'published',
      approval_required: false,
      cost_per_month: 0,
      setup_fee: 0,
      trial_period_days: 0,
      custom: false,
      limits: [],
      updated_at: START,
      ...plan,
    })
  }
  const first = state.plans.find((plan) => plan.service_id === id)
  for (const [metric, period, value] of sketch.limits ?? []) {
    const metricId = service.metrics.find((candidate) => candidate.system_name === metric)?.id ?? hits.id
    first?.limits.push({ id: nextId(state, 'limit'), metric_id: metricId, period, value })
  }
  if (sketch.defaultPlan && first) service.default_plan_id = first.id
  if (sketch.doc) state.docs.push({ id: nextId(state, 'doc'), ...docFor(sketch.doc, service, sketch.modelId, port) })
}

function seedFields(state: State): void {
  const add = (
    target: State['fields'][number]['target'],
    name: string,
    label: string,
    extra: Partial<State['fields'][number]> = {},
  ) => {
    state.fields.push({
      id: nextId(state, 'field'),
      target,
      name,
      label,
      required: false,
      hidden: false,
      read_only: false,
      choices: [],
      ...extra,
    })
  }
  add('Account', 'department', 'Department', { required: true, choices: ['Research', 'Engineering', 'Sales'] })
  add('User', 'job_title', 'Job title', { required: true })
  add('User', 'terms_version', 'Accepted terms', { hidden: true })
  add('Cinstance', 'purpose', 'Purpose', { required: true, choices: ['Experiment', 'Production'] })
  add('Cinstance', 'cost_center', 'Cost center', { read_only: true })
}

function seedAccounts(state: State): void {
  const account = (org_name: string, accountState: string, username: string, email: string) => {
    const id = nextId(state, 'account')
    const stamps = { created_at: START, updated_at: START }
    state.accounts.push({ id, org_name, state: accountState, fields: { department: 'Research' }, ...stamps })
    state.users.push({
      id: nextId(state, 'user'),
      account_id: id,
      username,
      email,
      role: 'admin',
      state: 'active',
      fields: { job_title: 'Engineer' },
      ...stamps,
    })
    return id
  }
  const application = (accountId: number, product: string, name: string, user_key: string, keys: string[]) => {
    const service = state.services.find((candidate) => candidate.system_name === product)
    const plan = state.plans.find((candidate) => candidate.service_id === service?.id)
    if (!service || !plan) throw new Error(`no product ${product}`)
    const id = nextId(state, 'cinstance')
    state.subscriptions.push({
      id: nextId(state, 'cinstance'),
      account_id: accountId,
      service_id: service.id,
      state: 'live',
      created_at: START,
    })
    state.applications.push({
      id,
      account_id: accountId,
      service_id: service.id,
      plan_id: plan.id,
      name,
      description: '',
      state: 'live',
      user_key,
      application_id: user_key.slice(0, 8),
      keys: keys.map((value) => ({ value, created_at: START })),
      referrer_filters: [],
      fields: { purpose: 'Production' },
      created_at: START,
      updated_at: START,
    })
  }
  const linus = account('Linus Labs', 'approved', 'linus-stock', 'linus@example.com')
  application(linus, 'granite-chat', 'stock chat', '5d41402abc4b2a76b9719d911017c592', [])
  application(linus, 'llama-chat', 'stock llama', '9f86d081884c7d659a2feaa0c55ad015', [
    '0cc175b9c0f1b6a831c399e269772661',
    '92eb5ffee6ae2fec3ad71c777531578f',
  ])
  account('Pat Ltd', 'suspended', 'pat-stock', 'pat@example.com')
  const other = account('Other Corp', 'approved', 'other-stock', 'other@example.com')
  application(other, 'granite-chat', 'other chat', '7d793037a0760186574b0282f2f435e7', [])
}
