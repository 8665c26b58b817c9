import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { buildPortal } from '../../../src/app.js'
import { DEMO_USERNAME_SECRET, DEMO_WEBHOOK_SECRET, demoEnvironment } from '../../../src/cli/demo-settings.js'
import { loadConfig } from '../../../src/config/environment.js'
import { findingTypes, type Report } from '../../../src/features/doctor/findings/findings.js'
import { until as waitUntil } from '../../helper/faults.js'
import { cli, freePort, startRedis, startStack } from '../../helper/stack.js'
import { namesOf } from '../../helper/usernames.js'

const stack = await startStack()
// The findings of the doctor for a gateway that has loaded the current configuration.
await fetch(`http://127.0.0.1:${stack.port + 4}/_demo/gateway`, { method: 'PUT', body: '{"configuration_seconds":0}' })
const redis = await startRedis()
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})
const folder = t.testdir({})
const GRANITE = 'granite-chat'

const notes = `
terms: { version: "1", text: Be kind., field: terms_version }
sign_up: { fields: { account: { department: department } } }
`
const wellKept: Record<string, string> = {
  ...demoEnvironment(stack.port, {}),
  // 3scale sends no webhooks here (test/features/doctor/checks/tenant/webhooks.test.ts).
  WEBHOOK_SECRET: '',
  REDIS_URL: redis.url,
  PORTAL_CONFIG: file('portal.yaml', notes),
  DOCTOR_CLIENT_ID: 'demo-service',
  DOCTOR_CLIENT_SECRET: 'demo-service-secret',
}

const usual = await buildPortal(loadConfig({ ...wellKept, LOG_LEVEL: 'silent' }))
t.teardown(() => usual.stop())

const MARKS =
  'identity_provider: { access_tokens: { services: { role: { claim: realm_access.roles, value: maas-service } } } }'

interface Service {
  id: number
  system_name: string
  endpoint: string
  rules: Record<string, unknown>[]
  metrics: { id: number; system_name: string; parent_id?: number }[]
  flags: Record<string, unknown>
}

interface Tenant {
  services: Service[]
  plans: { id: number; service_id: number; state: string }[]
  servicePlans: { id: number; service_id: number }[]
  docs: { id: number; service_id: number; body: string }[]
  fields: { name: string }[]
  users: { id: number; username: string }[]
  applications: { id: number; account_id: number; service_id: number; user_key: string; application_id: string }[]
  backend: { minutes: Record<string, object> }
}

interface Row {
  /** Causes the mistake in the tenant, or around it. */
  plant?(service: Service, tenant: Tenant): Promise<unknown>
  /** Causes the mistake in the settings. */
  env?: Record<string, string>
  /** The time limit of the run. */
  untilMs?: number
  /** Of another product than granite-chat, or of none. */
  about?: string | null
  /** What the sentence must name. */
  says?: RegExp
  /** The run could not check something. */
  incomplete?: boolean
}

const set = (path: string, body: object) => stack.put(`/_demo/${path}`, body)
const change = (what: object) => (service: Service) => set(`services/${service.id}`, what)
const settings = (what: object) => ({ plant: () => set('settings', what), about: null })
const token = (name: string, more: Partial<Row> = {}): Row => ({
  env: { THREESCALE_ACCESS_TOKEN: name },
  about: null,
  ...more,
})
const identityFault = (match: string, what: object): Row => ({
  about: null,
  plant: () => identity('PUT', '/_demo/faults', [{ match, ...what }]),
})
const minted = (what: object): Row => ({
  about: null,
  async plant() {
    const { access_token } = (await identity('POST', '/_demo/token', what)) as { access_token: string }
    await identity('PUT', '/_demo/faults', [{ match: 'POST /token', change: { access_token } }])
  },
})
const cors = { name: 'cors', version: 'builtin', configuration: {} }
const apicast = { name: 'apicast', version: 'builtin', configuration: {} }
const llm = (rules: object[], streams = true) => ({
  name: 'llm-metrics',
  version: '0.1',
  configuration: { enable_sse_support: streams, rules },
})
const total = { metric: 'total_tokens', increment: '{{llm_usage.total_tokens}}' }
const policies = (...chain: object[]): Row => ({ plant: change({ policies: chain }) })
const docs =
  (what: object) =>
  (service: Service, tenant: Tenant): Promise<void> =>
    set(`docs/${tenant.docs.find(({ service_id }) => service_id === service.id)?.id}`, what)
const body = (spec: object) => ({ plant: docs({ body: JSON.stringify({ openapi: '3.0.1', paths: {}, ...spec }) }) })
const configured = (name: string, text: string): Row => ({
  env: { PORTAL_CONFIG: file(`${name}.yaml`, notes + text) },
})

/** A portal that starts with the current state of 3scale and a named application of granite-chat. */
const named = (id: number): Row => {
  const { env } = configured(
    `named-${id}`,
    `products: { ${GRANITE}: { model_server: { application: { account: 501, id: ${id} } } } }`,
  )
  return { env: { ...env, REDIS_URL: '' } }
}
const withNamed = named(3001)

/** A write that 3scale stores and does not pass on to its back-end. */
async function whileStopped(method: string, path: string, form: Record<string, string>): Promise<void> {
  await stack.settled()
  await set('behaviour', { backend: 'stopped' })
  const answer = await fetch(`${stack.threescale}/admin/api/accounts/501/${path}`, {
    method,
    headers: { authorization: `Basic ${btoa(':demo-token')}` },
    body: new URLSearchParams(form),
  })
  await set('behaviour', { backend: 'running' })
  if (answer.status !== 500) throw new Error(`${method} ${path}: ${answer.status}`)
}

/** Each mistake, caused in a tenant that is otherwise correct. */
const rows: Record<string, Row | Row[]> = {
  threescale_unreachable: {
    plant: () => stack.faults([{ match: '* /admin/api/*', status: 500 }]),
    about: null,
    says: /500/,
    incomplete: true,
  },
  threescale_token_rejected: token('nobodys-token', { says: /not valid for the tenant/, incomplete: true }),
  threescale_token_scope_account: token('demo-stats-token', { incomplete: true }),
  call_failed: [
    {
      plant: () => stack.faults([{ match: 'GET /admin/api/webhooks/failures.json', status: 500 }]),
      about: null,
      says: /webhooks\/failures\.json: 3scale returned 500.* Not checked: whether the owner of the access token is an admin/,
      incomplete: true,
    },
    {
      plant: () => stack.faults([{ match: 'GET /admin/api/services.xml', status: 502 }]),
      about: null,
      says: /services\.xml: 3scale returned 502/,
      incomplete: true,
    },
    {
      // Longer than a slow read may take.
      plant: () => stack.faults([{ match: 'GET /admin/api/account_plans.json', hang: true }]),
      about: null,
      says: /account_plans\.json: .* did not respond in time\. Not checked: whether a default account plan exists\./,
      incomplete: true,
    },
  ],
  call_refused: token('demo-member-token', {
    says: /service_plans\.json: 3scale returned 403.* Not checked: service plans/,
    incomplete: true,
  }),
  threescale_token_scope_stats: token('demo-accounts-token'),
  threescale_token_read_only: token('demo-readonly-token'),
  threescale_token_owner: token('demo-member-token', { incomplete: true }),
  threescale_token_expires: token('demo-expiring-token', { says: /20\d\d-/ }),
  threescale_token_excess_scopes: token('demo-wide-token', { says: /cms, finance/ }),
  stock_portal_open: { plant: () => set('provider', { site_access_code: '' }), about: null },
  sign_up_closed: settings({ signups_enabled: false }),
  account_approval_required: settings({ account_approval_required: true }),
  terms_field_missing: {
    plant: (_service, { fields }) => set('fields_definitions', without(fields, 'terms_version')),
    about: null,
    says: /terms_version/,
  },
  field_unknown: {
    plant: (_service, { fields }) => set('fields_definitions', without(fields, 'department')),
    about: null,
    says: /account field department/,
  },
  config_product_unknown: [
    {
      ...configured('unknown', 'products: { granit-chat: { visible_to: [research] } }'),
      about: null,
      says: /granit-chat/,
    },
    { ...configured('successor', `products: { ${GRANITE}: { successor: gone } }`), about: null, says: /gone/ },
  ],
  identity_unreachable: [
    { ...identityFault('GET /.well-known/*', { status: 500 }), says: /500/ },
    { ...identityFault('GET /.well-known/*', { change: { issuer: 'https://other.example' } }), says: /other\.example/ },
    { ...identityFault('GET /.well-known/*', { drop: 'before' }), says: /could not be reached/ },
    { ...identityFault('GET /.well-known/*', { change: { token_endpoint: null } }), says: /no token endpoint/ },
  ],
  identity_call_failed: [
    {
      ...identityFault('POST /token', { status: 500 }),
      says: /token endpoint returns 500\. Not checked/,
      incomplete: true,
    },
    { ...identityFault('GET /auth*', { status: 503 }), says: /authorization request returns 503/, incomplete: true },
    { ...identityFault('POST /token', { drop: 'before' }), says: /is not responding/, incomplete: true },
  ],
  identity_pkce: identityFault('GET /.well-known/*', { change: { code_challenge_methods_supported: ['plain'] } }),
  identity_sign_out: [
    identityFault('GET /.well-known/*', { change: { end_session_endpoint: null } }),
    identityFault('GET /.well-known/*', { change: { backchannel_logout_supported: false } }),
  ],
  identity_reveal_scope: identityFault('GET /.well-known/*', {
    change: { scopes_supported: ['openid', 'maas:read', 'maas:write'] },
  }),
  identity_client: { env: { OIDC_CLIENT_SECRET: 'not-the-secret' }, about: null, says: /maas-portal.*401/ },
  identity_redirect: [
    { env: { PUBLIC_URL: 'http://localhost:1' }, about: null, says: /400/ },
    { env: { OIDC_SCOPES: 'openid nonsense:scope' }, about: null, says: /invalid_scope/ },
  ],
  claim_editable: [
    {
      ...configured('editable', 'claim_accounts: { claim: org_name, admin_groups: [maas-admins] }'),
      about: null,
      says: /^claim_accounts\.claim names “org_name”, which users can usually edit themselves\.$/,
    },
    { ...configured('groups', 'groups_claim: nickname'), about: null, says: /^groups_claim names “nickname”/ },
    {
      ...configured('address', 'identity_provider: { claims: { email: preferred_username } }'),
      about: null,
      says: /^identity_provider\.claims\.email names “preferred_username”/,
    },
  ],
  email_trusted: {
    ...configured('trusting', 'identity_provider: { trust_email: true }'),
    about: null,
    says: /^The provider sends email_verified\.$/,
  },
  service_token_missing: { env: { DOCTOR_CLIENT_SECRET: 'not-the-secret' }, about: null, says: /demo-service.*401/ },
  access_token_audience: { env: { API_AUDIENCE: 'another-api' }, about: null, says: /for maas-portal-api/ },
  access_token_scopes: { ...minted({ scope: 'maas:read' }), says: /maas:write/ },
  access_token_subject: minted({ claims: { sub: null } }),
  service_client_not_allowed: [
    { env: { API_CLIENTS: 'somebody-else' }, about: null, says: /^demo-service is not in API_CLIENTS\.$/ },
    {
      env: { API_CLIENTS: '', ...configured('marks', MARKS).env },
      about: null,
      says: /^demo-service is not in API_CLIENTS, and its token does not have the role maas-service\.$/,
    },
  ],
  access_token_rejected: [
    minted({ stranger: true }),
    { ...identityFault('POST /token', { change: { access_token: 'opaque' } }), says: /not a JWT/ },
  ],
  listener_unhealthy: {
    plant: change({
      proxy: { backend: { endpoint: `http://id:secret@127.0.0.1:${stack.port + 5}/apisonator`, host: '127.0.0.1' } },
    }),
    about: null,
    says: new RegExp(
      `^GET /status at 127\\.0\\.0\\.1:${stack.port + 5} returns 404\\. It is the backend of ${GRANITE}\\.$`,
    ),
  },
  listener_unreachable: {
    plant: () => set('behaviour', { backend: 'stopped' }),
    about: null,
    says: new RegExp(`^127\\.0\\.0\\.1:${stack.port + 7} could not be reached .+ and 1 more\\.$`),
  },
  trust_proxy_any: { env: { TRUST_PROXY: 'true' }, about: null },
  redis_missing: { env: { REDIS_URL: '' }, about: null },
  redis_unreachable: { env: { REDIS_URL: `redis://127.0.0.1:${await freePort()}` }, about: null },
  clock_skew: [
    { ...identityFault('* /*', { skew_seconds: 300 }), says: /(29|30)\d s ahead/ },
    {
      plant: () => stack.faults([{ match: '* /*', skew_seconds: -120 }]),
      about: null,
      says: /1[12]\d s behind/,
    },
  ],

  product_unreadable: {
    plant: ({ id }) => stack.faults([{ match: `GET /admin/api/services/${id}/proxy.json`, status: 503 }]),
    says: /proxy\.json: 3scale returned 503.* Not checked: whether its policies/,
    incomplete: true,
  },
  not_promoted: { plant: change({ promoted: false }) },
  staging_ahead: {
    plant: (service) => change({ frozen: { production: { rules: service.rules.slice(0, 3) } } })(service),
    says: /version 5.*version 4.*mapping rules/,
  },
  not_deployed: { plant: change({ frozen: { sandbox: { location: 'query' } } }), says: /version 4.*credentials/ },
  endpoint_invalid: { plant: change({ proxy: { endpoint: '' } }) },
  endpoint_shared: {
    plant: (service, { services }) => change({ endpoint: services.find(systemNamed('llama-chat'))?.endpoint })(service),
    says: /llama-chat/,
  },
  endpoint_unreachable: [
    { plant: change({ endpoint: 'https://nowhere.invalid' }), says: /nowhere\.invalid could not be reached/ },
  ],
  endpoint_forbidden: [
    {
      plant: change({ endpoint: 'http://169.254.169.254' }),
      says: /does not send requests to 169\.254\.169\.254: it is a link-local address/,
    },
    {
      plant: (_service, { services }) =>
        change({ proxy: { oidc_issuer_endpoint: 'http://id:secret@[::ffff:169.254.169.254]/realms/x' } })(
          found(services, 'oidc-chat'),
        ),
      about: 'oidc-chat',
      says: /does not send requests to [^ ]+: it is a link-local address/,
    },
  ],
  endpoint_unknown: {
    async plant(service) {
      await change({ proxy: { hosts: ['elsewhere.example'] } })(service)
      await until(async () => (await fetch(service.endpoint)).status === 404)
    },
  },
  endpoint_open: {
    plant: change({ endpoint: `http://127.0.0.1:${stack.port + 5}/granite` }),
    says: /without a key.*200/,
  },
  credentials_unsupported: { plant: change({ proxy: { authentication_method: 'oauth' } }) },
  credentials_query: { plant: change({ location: 'query' }) },
  credentials_raw_header: {
    plant: change({ location: 'headers', names: { user_key: 'authorization', app_id: 'app_id', app_key: 'app_key' } }),
  },
  issuer_unreachable: [
    {
      plant: (_service, { services }) =>
        change({ proxy: { oidc_issuer_endpoint: 'http://id:secret@127.0.0.1:1/realms/x' } })(
          found(services, 'oidc-chat'),
        ),
      about: 'oidc-chat',
      says: /127\.0\.0\.1:1 could not be reached/,
    },
    {
      plant: (_service, { services }) =>
        change({ proxy: { oidc_issuer_endpoint: `http://id:secret@127.0.0.1:${stack.port + 2}/no` } })(
          found(services, 'oidc-chat'),
        ),
      about: 'oidc-chat',
      says: /404/,
    },
  ],
  issuer_missing: {
    plant: (_service, { services }) => change({ proxy: { oidc_issuer_endpoint: '' } })(found(services, 'oidc-chat')),
    about: 'oidc-chat',
  },
  backend_missing: { plant: change({ backends: [] }) },
  v1_duplicated: { plant: change({ api_backend: `http://127.0.0.1:${stack.port + 5}/granite/v1` }) },
  v1_missing: {
    plant: (service) =>
      change({ rules: service.rules.map((rule) => ({ ...rule, pattern: String(rule.pattern).replace('/v1', '') })) })(
        service,
      ),
    says: /\/chat\/completions/,
  },
  key_optional: {
    plant: (service) =>
      change({ proxy: { authentication_method: '2' }, flags: { ...service.flags, mandatory_app_key: false } })(service),
  },
  key_missing: {
    async plant(service, tenant) {
      await change({ backend_version: '2' })(service)
      await set(`applications/${applicationOf(service, tenant).id}`, { keys: [] })
    },
    says: /^Application \d+ \(account \d+\) has no key, so the gateway accepts any key\.$/,
  },
  key_refused: [
    {
      ...withNamed,
      plant: () => whileStopped('PUT', 'applications/3001.json', { user_key: 'LEAK-user-key' }),
      says: /^The gateway refuses the key of application 3001 \(account 501\)\.$/,
      // The list of models is requested with the same key.
      incomplete: true,
    },
    {
      ...withNamed,
      async plant(service) {
        await change({ backend_version: '2' })(service)
        await set('applications/3001', { keys: [{ id: 1, value: 'LEAK-known-key', created_at: Date.now() - 60_000 }] })
        await whileStopped('POST', 'applications/3001/keys.json', { key: 'LEAK-lost-key' })
      },
      says: /^The gateway refuses 1 of 2 keys of application 3001 \(account 501\)\.$/,
      // The list of models is requested with the same key.
      incomplete: true,
    },
  ],
  key_ignored: {
    ...withNamed,
    async plant(service) {
      await change({ backend_version: '2' })(service)
      await set('applications/3001', { keys: [] })
      await whileStopped('POST', 'applications/3001/keys.json', { key: 'LEAK-lost-key' })
    },
    says: /^The gateway accepts any key for application 3001 \(account 501\)\.$/,
  },
  key_unverified: [
    {
      ...withNamed,
      plant: () => set('applications/3001', { state: 'suspended' }),
      says: /^Application 3001 \(account 501\) is suspended, so its keys are refused\.$/,
      incomplete: true,
    },
    {
      ...withNamed,
      plant: (_service, { plans, services }) => {
        const other = found(services, 'llama-chat').id
        return set('applications/3001', {
          service_id: other,
          plan_id: plans.find(({ service_id }) => service_id === other)?.id,
        })
      },
      says: /is not an application of this product/,
      incomplete: true,
    },
    {
      ...named(1),
      says: /^Application 1 \(account 501\) could not be read: /,
      incomplete: true,
    },
  ],
  key_duplicate: {
    async plant(service, tenant) {
      const { user_key } = applicationOf(service, tenant)
      const other = tenant.applications.find(({ service_id }) => service_id !== service.id)
      await set(`applications/${other?.id}`, { service_id: service.id, user_key })
    },
    says: /have the same user_key\.$/,
  },
  user_duplicate: {
    plant: (_service, { users }) => set(`users/${users[1]?.id}`, { username: users[0]?.username }),
    about: null,
    says: /^Users \d+ \(account \d+\) and \d+ \(account \d+\) have the same username\.$/,
  },
  user_case_duplicate: {
    plant: (_service, { users }) => set(`users/${users[1]?.id}`, { username: users[0]?.username.toUpperCase() }),
    about: null,
    says: /differs only in case/,
  },
  username_unverified: [
    {
      plant: (_service, { users }) => set(`users/${users[1]?.id}`, { username: `sso-${'a'.repeat(32)}` }),
      about: null,
      says: /^1 username without a valid signature: users \d+ \(account \d+\)\.$/,
    },
    {
      plant: (_service, { users }) => set(`users/${users[1]?.id}`, { username: `invite-a-${'b'.repeat(31)}` }),
      about: null,
    },
  ],
  username_older_secret: {
    env: { USERNAME_SECRET: `a-new-username-secret-of-32-bytes-or-more,${DEMO_USERNAME_SECRET}` },
    plant: (_service, { users }) =>
      set(`users/${users[1]?.id}`, { username: namesOf(stack).usernameFor('person', 'somebody') }),
    about: null,
    says: /^1 username signed with an older secret: users /,
  },
  webhooks_absent: { env: { WEBHOOK_SECRET: DEMO_WEBHOOK_SECRET }, about: null },
  // No portal listens at its address.
  webhooks_undelivered: { plant: undeliveredWebhook, about: null, says: /^1 event; .* there was no response\.$/ },
  sign_up_default_plans: {
    plant: (service, { plans }) =>
      change({ default_plan_id: plans.find(({ service_id }) => service_id === service.id)?.id })(service),
    about: null,
    says: /^1 of 5 products has a default plan \(granite-chat\).*1 application with a live key\.$/,
  },
  run_timed_out: { plant: async () => undefined, about: null, untilMs: -1, incomplete: true },
  model_list_unavailable: {
    ...configured(
      'unread',
      `products: { ${GRANITE}: { model_id: granite-9, model_server: { application: { account: 501, id: 1 } } } }`,
    ),
    says: /could not be read with the configured application/,
    incomplete: true,
  },
  rule_method: {
    plant: (service) => change({ rules: service.rules.map((rule) => ({ ...rule, http_method: 'GET' })) })(service),
    says: /GET \/v1\/chat\/completions/,
  },
  rule_missing: {
    plant: (service) => change({ rules: service.rules.filter(({ pattern }) => pattern === '/health') })(service),
  },
  rule_double_count: {
    plant: (service) =>
      change({ rules: [...service.rules, { id: 9999, http_method: 'GET', pattern: '/', metric: 'hits' }] })(service),
    says: /GET \/v1\/models.* through GET \/$|and through GET \//,
  },
  policy_unknown: { ...policies({ ...cors, name: 'corsrequesthandling' }, llm([total]), apicast), says: /corsrequest/ },
  policy_cors_order: policies(llm([total]), apicast, cors),
  token_policy_missing: policies(cors, apicast),
  token_policy_order: policies(cors, apicast, llm([total])),
  token_policy_rules: policies(cors, llm([]), apicast),
  token_policy_swapped: policies(cors, llm([{ metric: total.increment, increment: total.metric }]), apicast),
  token_policy_streams: policies(cors, llm([total], false), apicast),
  token_metric_missing: [
    { ...policies(cors, llm([{ ...total, metric: 'total-tokens' }]), apicast), says: /the product has total_tokens/ },
    {
      ...policies(cors, llm([{ ...total, metric: 'reasoning_tokens' }]), apicast),
      says: /Metric reasoning_tokens does not exist\./,
    },
    { ...policies(cors, llm([{ ...total, metric: 'v1-models' }]), apicast), says: /v1-models is a method/ },
  ],

  plan_missing: {
    async plant(service, tenant) {
      for (const { id } of tenant.plans.filter(({ service_id }) => service_id === service.id))
        await set(`plans/${id}`, { state: 'hidden' })
    },
    says: /Basic, Unlimited/,
  },
  plan_default: {
    plant: (service, { plans }) =>
      change({ default_plan_id: plans.find(({ service_id }) => service_id === service.id)?.id })(service),
    says: /Basic/,
  },
  service_plan_missing: { plant: servicePlan({ service_id: 0 }) },
  service_plan_approval: { plant: servicePlan({ approval_required: true }) },
  service_plan_default: { plant: () => set('settings', { service_plans_ui_visible: true }) },
  referrer_filters: {
    plant: (service) => change({ flags: { ...service.flags, referrer_filters_required: true } })(service),
  },
  docs_missing: { plant: ({ id }) => set('active_docs', { service_id: id, body: null }) },
  docs_unpublished: { plant: docs({ published: false }) },
  docs_unlinked: { plant: docs({ service_id: null }), about: null, says: new RegExp(`suggests ${GRANITE}`) },
  docs_other_product: { plant: docs({ system_name: 'llama_chat' }), says: /named after llama-chat/ },
  docs_unreadable: [{ plant: docs({ body: 'not a spec' }) }, { plant: docs({ body: '{"paths":{}}' }) }],
  docs_unmapped_path: [
    { ...body({ paths: { '/v1/chat/completions': { get: {} } } }), says: /GET \/v1\/chat\/completions/ },
    {
      ...body({ servers: [{ url: '/v1' }], paths: { '/embeddings': { post: {} }, '/tokens': { get: {} } } }),
      says: /: POST \/v1\/embeddings\.$/,
    },
  ],
  docs_server_mismatch: [
    { ...body({ servers: [{ url: 'https://Main_URL:443' }] }), says: /Main_URL/ },
    { plant: docs({ body: '{"swagger":"2.0","host":"old.example","paths":{}}' }), says: /old\.example/ },
  ],
  model_id_unknown: body({}),
  model_id_wrong: [
    {
      ...configured(
        'private',
        `products: { ${GRANITE}: { model_id: granite-9, model_server: { private_address: true } } }`,
      ),
      says: /PORTAL_CONFIG names “granite-9”.*ibm-granite\/granite-3\.3-8b-instruct/,
    },
    {
      ...configured('key', `products: { ${GRANITE}: { model_server: { application: { account: 501, id: 3001 } } } }`),
      plant: docs({
        body: JSON.stringify({
          openapi: '3.0.1',
          info: { title: 'Granite', version: '1', 'x-maas': { model_id: 'old' } },
          paths: {},
        }),
      }),
      says: /The spec names “old”/,
    },
  ],
}

/** Codes that this tenant cannot have; test/features/doctor/ causes them in the responses of a recorded one. */
const elsewhere = [
  'account_plan_default_missing',
  'check_failed',
  'claim_absent',
  'claim_omitted',
  'docs_too_complex',
  'email_verification_missing',
  'plan_limit_all_time',
  'rule_no_backend',
  'tenant_limit_exceeded',
  'access_token_format',
]

t.test('a correct tenant has no findings', async (t) => {
  await restore()
  await stack.resetCalls()
  const report = await examine()
  t.same(report.findings, [])
  t.equal(report.complete, true)
  t.equal(report.products, 5)
  const calls = await stack.calls()
  t.same(
    Object.keys(calls).filter((call) => !call.startsWith('GET ')),
    [],
    'only reads',
  )
  const count = Object.values(calls).reduce((sum, each) => sum + each, 0)
  const limits = Object.entries(calls).reduce((sum, [call, each]) => sum + (call.includes('/limits') ? each : 0), 0)
  // If 3scale reports no all-time usage, the doctor reads the limits of each published plan.
  const offered = (await state()).plans.filter((plan) => plan.state === 'published').length
  t.ok(limits === 0 || limits === offered, `${limits} plans`)
  t.equal(
    count - limits,
    16 + 4 * 5,
    'sixteen calls for all, three for each product and one for each of their backends',
  )
  const { at_once } = (await (await fetch(`${stack.threescale}/_demo/concurrency`)).json()) as { at_once: number }
  t.ok(at_once <= 4, `${at_once} concurrent calls`)
})

/** 3scale is idle for a while, so the reads of a portal for its catalogue are not counted as reads of the doctor. */
async function isQuiet(): Promise<boolean> {
  for (let look = 0; look < 20; look++) {
    const answer = await fetch(`${stack.threescale}/_demo/concurrency`)
    if (((await answer.json()) as { running: number }).running > 0) return false
    await sleep(25)
  }
  return true
}

for (const version of ['1', '2']) {
  t.test(
    `the keys of a named application are requested, with its quota only (authentication ${version})`,
    async (t) => {
      await restore()
      const { id } = found((await state()).services, GRANITE)
      await set(`services/${id}`, { backend_version: version })
      for (const application of (await state()).applications.filter(({ service_id }) => service_id === id))
        await set(`applications/${application.id}`, {
          keys: [1, 2].map((key) => ({ id: key, value: `key-${key}-of-${application.id}`, created_at: 1 })),
        })
      const portal = await buildPortal(loadConfig({ ...wellKept, ...withNamed.env, LOG_LEVEL: 'silent' }))
      t.teardown(() => portal.stop())
      for (const run of ['with the catalogue', 'without it']) {
        await waitUntil('the portal asks nothing any more', isQuiet)
        await stack.resetCalls()
        const report = await portal.doctor.examine(60_000)
        t.same(
          report.findings.map(({ code }) => code),
          ['redis_missing'],
          run,
        )
        t.equal(report.complete, true)
      }
      const calls = await stack.calls()
      const own = 'GET /admin/api/accounts/{id}/applications'
      t.equal(calls[`${own}.json`], 1, 'for the list of models and the keys together')
      t.equal(calls[`${own}/{id}/keys.json`] ?? 0, version === '2' ? 1 : 0)
      t.notOk(
        Object.keys(calls).some((call) => !call.startsWith('GET ')),
        'only reads',
      )
      const { minutes } = (await state()).backend
      t.same([...new Set(Object.keys(minutes).map((place) => place.split('|')[0]))], ['3001'])
    },
  )
}

t.test('a client with the service role requires no entry in API_CLIENTS', async (t) => {
  const client = { DOCTOR_CLIENT_ID: 'demo-pipeline', DOCTOR_CLIENT_SECRET: 'demo-pipeline-secret', API_CLIENTS: '' }
  const portal = await buildPortal(
    loadConfig({ ...wellKept, ...configured('role', MARKS).env, ...client, LOG_LEVEL: 'silent' }),
  )
  t.teardown(() => portal.stop())
  const { findings } = await portal.doctor.examine(60_000)
  t.same(
    findings.filter(({ code }) => /^(access_token|service)_/.test(code)),
    [],
  )
})

t.test('a rejected key is accepted once the application is saved in 3scale', async (t) => {
  await restore()
  await whileStopped('PUT', 'applications/3001.json', { user_key: 'another-user-key' })
  const refused = async () => (await examine(withNamed.env)).findings.filter(({ code }) => code === 'key_refused')
  t.match(await refused(), [{ link: /\/p\/admin\/applications\/3001$/, product: GRANITE }])
  await fetch(`${stack.threescale}/admin/api/accounts/501/applications/3001.json`, {
    method: 'PUT',
    headers: { authorization: `Basic ${btoa(':demo-token')}` },
    body: new URLSearchParams({ name: 'Saved again' }),
  })
  await stack.settled()
  t.same(await refused(), [])
})

t.test('every code has a row that causes its mistake', async (t) => {
  t.same([...Object.keys(rows), ...elsewhere].sort(), Object.keys(findingTypes).sort())
})

for (const [code, variants] of Object.entries(rows)) {
  for (const [index, row] of [variants].flat().entries()) {
    t.test(`finding: ${code}${index > 0 ? ` (${index + 1})` : ''}`, async (t) => {
      await restore()
      const tenant = await state()
      await row.plant?.(found(tenant.services, GRANITE), tenant)
      const report = await examine(row.env, row.untilMs)
      const hits = report.findings.filter((finding) => finding.code === code)
      const hit = hits.find(({ what }) => row.says?.test(what)) ?? hits[0]
      t.ok(hit, `among ${report.findings.map((finding) => finding.code).join(', ') || 'nothing'}`)
      t.equal(hit?.product, row.about === undefined ? GRANITE : row.about)
      t.match(hit?.what, row.says ?? /\w+ \w+.*\.$/)
      t.equal(report.complete, row.incomplete !== true)
      const text = JSON.stringify(report)
      for (const secret of ['LEAK', 'demo-token', 'secret@', ':secret', '/apisonator', redis.url])
        t.notMatch(text, secret)
    })
  }
}

t.test('the command prints text or JSON and has exit codes for scripts', async (t) => {
  await restore()
  const good = command([])
  t.equal(good.status, 0, good.stderr + good.stdout)
  t.match(good.stdout, /5 products, \d+ calls\n\n0 errors, 0 warnings, 0 info\.\n$/)
  t.equal(command(['--json', '--fail-on', 'info']).status, 0)

  const { id } = found((await state()).services, GRANITE)
  await set('settings', { account_approval_required: true })
  t.equal(command([]).status, 0, 'an informational finding is not a failure')
  t.equal(command(['--fail-on', 'info']).status, 1)
  await change({ location: 'query', promoted: false })(found((await state()).services, GRANITE))
  const bad = command([])
  t.equal(bad.status, 1)
  t.match(bad.stdout, `error  not_promoted\n  ${GRANITE}: The product was never promoted to production.\n`)
  t.match(
    bad.stdout,
    `    ${stack.threescale.replace('127.0.0.1', 'localhost')}/apiconfig/services/${id}/integration\n`,
  )
  t.match(bad.stdout, /\n {2}Why: .+\n {2}Fix: .+\n/)
  t.match(bad.stdout, '1 error, 1 warning, 1 info.')
  const json = command(['--json'])
  t.equal(json.status, 1)
  const report = JSON.parse(json.stdout) as Report & { tenant: string }
  t.equal(report.tenant, `http://localhost:${stack.port + 1}`)
  t.match(report.findings[0], {
    code: 'not_promoted',
    severity: 'error',
    product: GRANITE,
    what: 'The product was never promoted to production.',
    why: /\w/,
    fix: /\w/,
    link: new RegExp(`/apiconfig/services/${id}/integration$`),
  })

  await stack.faults([{ match: '* /admin/api/*', status: 500 }])
  const blind = command([])
  t.equal(blind.status, 2, 'nothing could be checked')
  t.match(blind.stdout, /threescale_unreachable[\s\S]*Some checks could not run\.\n$/)
  await stack.faults([{ match: 'GET /admin/api/webhooks/failures.json', status: 500 }])
  const half = command(['--json'])
  t.equal(half.status, 2, 'some checks could not run')
  t.match(JSON.parse(half.stdout), { complete: false, products: 5, findings: { length: 4 } })
  const unset = command([], { THREESCALE_ADMIN_URL: '', DOCTOR_CLIENT_SECRET: '' })
  t.equal(unset.status, 2)
  t.match(unset.stderr, /THREESCALE_ADMIN_URL: is missing/)
  t.match(unset.stderr, /DOCTOR_CLIENT_SECRET: is required together with DOCTOR_CLIENT_ID/)
  t.equal(unset.stdout, '')
})

t.test('an interrupted run reports that it is incomplete', async (t) => {
  await restore()
  const report = await usual.doctor.examine(-1)
  t.equal(report.complete, false)
  t.equal(report.products, 5)
  t.ok(report.findings.every(({ code }) => code === 'run_timed_out'))
})

async function examine(env?: Record<string, string>, untilMs = 60_000): Promise<Report> {
  if (!env) return usual.doctor.examine(untilMs)
  const portal = await buildPortal(loadConfig({ ...wellKept, ...env, LOG_LEVEL: 'silent' }))
  try {
    return await portal.doctor.examine(untilMs)
  } finally {
    await portal.stop()
  }
}

function command(args: string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, [cli, 'doctor', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...wellKept, ...env },
  })
}

/** The tenant without mistakes, reset, and a gateway that runs its configuration. */
async function undeliveredWebhook(): Promise<void> {
  await set('behaviour', { webhook_retry_ms: 1 })
  const send = (path: string, values: Record<string, string>) =>
    fetch(`${stack.threescale}/admin/api/${path}.json`, {
      method: 'PUT',
      body: new URLSearchParams({ access_token: 'demo-token', ...values }),
    })
  const url = `http://3scale:canary@localhost:${stack.port}/webhooks/3scale`
  await send('webhooks', { url, active: '1', provider_actions: '1', account_updated_on: '1' })
  const { accounts } = (await (await fetch(`${stack.threescale}/_demo/state?only=accounts`)).json()) as {
    accounts: { id: number }[]
  }
  await send(`accounts/${accounts[0]?.id}`, { org_name: 'Renamed' })
  await until(
    async () =>
      ((await (await fetch(`${stack.threescale}/_demo/webhooks`)).json()) as { pending: number }).pending === 0,
  )
}

async function restore(): Promise<void> {
  await stack.faults([])
  await identity('PUT', '/_demo/faults', [])
  await set('behaviour', { backend: 'running' })
  await fetch(`${stack.threescale}/_demo/reset?tenant=clean`, { method: 'POST' })
  for (const { endpoint } of (await state()).services)
    await until(async () => (await fetch(`${endpoint}/v1/models`).catch(() => undefined))?.status === 403)
}

async function state(): Promise<Tenant> {
  return (await stack.state()) as unknown as Tenant
}

async function identity(method: string, path: string, content: object): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${stack.port + 2}${path}`, { method, body: JSON.stringify(content) })
  return answer.json()
}

async function until(ready: () => Promise<boolean>): Promise<void> {
  while (!(await ready())) await sleep(50)
}

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

function without(fields: { name: string }[], name: string) {
  return fields.filter((field) => field.name !== name)
}

function systemNamed(systemName: string) {
  return ({ system_name }: { system_name: string }) => system_name === systemName
}

function found(services: Service[], systemName: string): Service {
  const service = services.find(systemNamed(systemName))
  if (!service) throw new Error(`no product ${systemName}`)
  return service
}

function applicationOf(service: Service, { applications }: Tenant) {
  const own = applications.find(({ service_id }) => service_id === service.id)
  if (!own) throw new Error(`no application of ${service.system_name}`)
  return own
}

function servicePlan(what: object) {
  return (service: Service, tenant: Tenant) =>
    set(`service_plans/${tenant.servicePlans.find(({ service_id }) => service_id === service.id)?.id}`, what)
}
