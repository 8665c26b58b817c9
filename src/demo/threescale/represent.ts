import {
  type Account,
  type ApiDoc,
  type Application,
  type FieldDefinition,
  type Plan,
  type Service,
  type State,
  type Subscription,
  time,
  type User,
} from './store.js'

/** porta's JSON representers: nulls left out (with its exceptions), ids as integers, links with https and no extension. */
export type Json = Record<string, unknown>

export function service(record: Service, host: string): Json {
  const href = (path = '') => `https://${host}/admin/api/services/${record.id}${path}`
  return {
    id: record.id,
    name: record.name,
    state: record.state,
    system_name: record.system_name,
    backend_version: record.backend_version,
    deployment_option: 'self_managed',
    support_email: 'support@example.com',
    description: record.description,
    intentions_required: false,
    ...record.flags,
    annotations: {},
    created_at: time(record.created_at),
    updated_at: time(record.updated_at),
    links: [
      { rel: 'metrics', href: href('/metrics') },
      { rel: 'self', href: href() },
      { rel: 'application_plans', href: href('/application_plans') },
    ],
  }
}

export function plan(record: Plan, state: State, host: string): Json {
  const owner = state.services.find(({ id }) => id === record.service_id)
  const base = `https://${host}/admin/api/services/${record.service_id}`
  return {
    id: record.id,
    name: record.custom ? `${record.name} (custom)` : record.name,
    state: record.state,
    setup_fee: record.setup_fee,
    cost_per_month: record.cost_per_month,
    trial_period_days: record.trial_period_days,
    cancellation_period: 0,
    approval_required: record.approval_required,
    default: owner?.default_plan_id === record.id,
    created_at: time(record.updated_at),
    updated_at: time(record.updated_at),
    custom: record.custom,
    system_name: record.system_name,
    links: [
      { rel: 'service', href: base },
      { rel: 'self', href: `${base}/application_plans/${record.id}` },
    ],
  }
}

/** The frozen configuration of a deployment, its secrets as canaries that no page may ever show. */
export function proxyConfig(record: Service, identityPort: number): Json {
  const oidc = record.backend_version === 'oidc'
  const url = new URL(record.endpoint)
  return {
    id: 80 + record.id,
    version: 4,
    environment: 'production',
    content: {
      id: record.id,
      account_id: 2,
      name: record.name,
      description: record.description,
      terms: null,
      default_application_plan_id: record.default_plan_id ?? null,
      system_name: record.system_name,
      backend_version: oidc ? 'oauth' : record.backend_version,
      'proxiable?': true,
      backend_authentication_type: 'service_token',
      backend_authentication_value: `LEAK-service-token-${record.id}`,
      ...record.flags,
      proxy: {
        id: record.id,
        service_id: record.id,
        endpoint: record.endpoint,
        deployed_at: null,
        auth_app_key: record.names.app_key,
        auth_app_id: record.names.app_id,
        auth_user_key: record.names.user_key,
        credentials_location: record.location,
        error_auth_failed: 'Authentication failed',
        error_auth_missing: 'Authentication parameters missing',
        error_status_auth_failed: 403,
        error_headers_auth_failed: 'text/plain; charset=us-ascii',
        error_status_auth_missing: 403,
        error_headers_auth_missing: 'text/plain; charset=us-ascii',
        error_no_match: 'No Mapping Rule matched',
        error_status_no_match: 404,
        error_headers_no_match: 'text/plain; charset=us-ascii',
        error_limits_exceeded: 'Usage limit exceeded',
        error_status_limits_exceeded: 429,
        error_headers_limits_exceeded: 'text/plain; charset=us-ascii',
        secret_token: `LEAK-secret-token-${record.id}`,
        sandbox_endpoint: null,
        api_test_path: '/',
        oidc_issuer_endpoint: oidc ? `http://LEAK-oidc-client:LEAK-oidc-secret@localhost:${identityPort}` : null,
        oidc_issuer_type: 'keycloak',
        authentication_method: record.backend_version,
        endpoint_port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
        api_backend: record.api_backend,
        hosts: [url.hostname],
        backend: { endpoint: 'http://LEAK-private-endpoint.internal', host: 'LEAK-private-endpoint.internal' },
        policy_chain: [
          {
            name: 'cors',
            version: 'builtin',
            configuration: {
              allow_headers: ['Authorization', 'Content-type', 'Accept'],
              allow_origin: '*',
              allow_credentials: true,
            },
          },
          { name: 'llm-metrics', version: '0.1', configuration: { secret: 'LEAK-policy-secret' } },
          { name: 'apicast', version: 'builtin', configuration: {} },
        ],
        jwt_claim_with_client_id: oidc ? 'azp' : null,
        jwt_claim_with_client_id_type: oidc ? 'plain' : null,
        proxy_rules: record.rules.map((rule, index) => ({
          id: rule.id,
          proxy_id: record.id,
          http_method: rule.http_method,
          pattern: rule.pattern,
          metric_id: record.metrics.find(({ system_name }) => system_name === rule.metric)?.id,
          metric_system_name: rule.metric,
          delta: 1,
          redirect_url: null,
          position: index + 1,
          last: false,
          owner_id: record.id,
          owner_type: 'Proxy',
          parameters: [],
          querystring_parameters: {},
        })),
      },
    },
  }
}

export function account(record: Account, host: string): Json {
  return {
    id: record.id,
    created_at: time(record.created_at),
    updated_at: time(record.updated_at),
    credit_card_stored: false,
    monthly_billing_enabled: true,
    monthly_charging_enabled: true,
    state: record.state,
    annotations: {},
    links: [{ rel: 'self', href: `https://${host}/admin/api/accounts/${record.id}` }],
    org_name: record.org_name,
    ...record.fields,
  }
}

export function user(record: User, host: string): Json {
  return {
    id: record.id,
    state: record.state,
    role: record.role,
    created_at: time(record.created_at),
    updated_at: time(record.updated_at),
    links: [{ rel: 'self', href: `https://${host}/admin/api/accounts/${record.account_id}/users/${record.id}` }],
    username: record.username,
    ...(record.email === undefined ? {} : { email: record.email }),
    ...record.fields,
  }
}

export function application(record: Application, state: State, host: string): Json {
  const owner = state.services.find(({ id }) => id === record.service_id)
  const record2 = state.plans.find(({ id }) => id === record.plan_id)
  const accountRecord = state.accounts.find(({ id }) => id === record.account_id)
  const traffic = record.first_traffic_at === undefined ? null : time(record.first_traffic_at)
  return {
    id: record.id,
    state: record.state,
    enabled: record.state === 'live',
    created_at: time(record.created_at),
    updated_at: time(record.updated_at),
    service_id: record.service_id,
    service_name: owner?.name,
    plan_id: record.plan_id,
    plan_name: record2?.name,
    account_id: record.account_id,
    org_name: accountRecord?.org_name,
    first_traffic_at: traffic,
    first_daily_traffic_at: traffic,
    ...credentialsOf(record, owner),
    links: [{ rel: 'self', href: `https://${host}/admin/api/accounts/${record.account_id}/applications/${record.id}` }],
    ...(record.name === undefined ? {} : { name: record.name }),
    ...(record.description === undefined ? {} : { description: record.description }),
    ...record.fields,
  }
}

function credentialsOf(record: Application, owner: Service | undefined): Json {
  if (owner?.backend_version === '1') {
    return { user_key: record.user_key, provider_verification_key: `LEAK-verification-${record.id}` }
  }
  if (owner?.backend_version === '2') return { application_id: record.application_id }
  return {
    application_id: record.application_id,
    redirect_url: record.redirect_url ?? null,
    client_id: record.application_id,
    client_secret: record.keys[0]?.value ?? null,
    oidc_configuration: {
      id: 5,
      standard_flow_enabled: false,
      implicit_flow_enabled: false,
      service_accounts_enabled: true,
      direct_access_grants_enabled: false,
    },
  }
}

export function metric(record: Service['metrics'][number], service: Service): Json {
  return {
    ...record,
    name: record.system_name,
    created_at: time(service.created_at),
    updated_at: time(service.created_at),
  }
}

export function limit(record: Plan['limits'][number], plan: Plan): Json {
  return { ...record, plan_id: plan.id, created_at: time(plan.updated_at), updated_at: time(plan.updated_at) }
}

export function doc(record: ApiDoc): Json {
  const { service_id, ...rest } = record
  return {
    ...rest,
    description: '',
    skip_swagger_validations: false,
    ...(service_id === undefined ? {} : { service_id }),
  }
}

export function field(record: FieldDefinition): Json {
  return { ...record, position: record.id }
}

export function subscription(record: Subscription): Json {
  const { account_id, created_at, ...rest } = record
  return {
    ...rest,
    user_account_id: account_id,
    created_at: time(created_at),
    setup_fee: '0.0',
    type: 'ServiceContract',
  }
}
