import { DEFAULT_FIELDS } from '../accounts/built-in.js'
import type { Clock } from '../clock.js'
import { hitsOf } from '../products/metrics.js'
import { newPlan } from '../products/plans.js'
import { createService } from '../products/services.js'
import { canary, hex } from '../secrets.js'
import { nextId, type State } from '../store.js'
import { echoDocument } from './echo-document.js'

/**
 * A tenant as 3scale creates it: field definitions, one account plan, and its sample data, which are the product "API" with two
 * plans, its API document and a developer with an application (porta, app/lib/logic/provider_signup.rb).
 */
export function emptyTenant(clock: Clock, zone: string): State {
  const state = bareTenant(zone)
  const now = clock.now()
  const stamps = { created_at: now, updated_at: now }
  for (const field of DEFAULT_FIELDS) {
    const position = state.fields.filter(({ target }) => target === field.target).length + 1
    const id = nextId(state, 'field')
    state.fields.push({ id, hidden: false, read_only: false, choices: [], position, ...field, ...stamps })
  }
  state.accountPlans.push({
    id: nextId(state, 'plan'),
    service_id: 0,
    name: 'Default',
    state: 'hidden',
    approval_required: false,
    default: true,
    ...stamps,
  })
  addSampleData(state, clock)
  return state
}

function addSampleData(state: State, clock: Clock): void {
  const now = clock.now()
  const stamps = { created_at: now, updated_at: now }
  const service = createService({ state, clock }, { name: 'API', system_name: 'api' })
  const servicePlan = state.servicePlans.find(({ service_id }) => service_id === service.id)
  const [basic] = ['Basic', 'Unlimited'].map((name) => {
    const named = { id: nextId(state, 'plan'), system_name: name.toLowerCase(), name, state: 'published' as const }
    const plan = { ...newPlan(service.id, now), ...named }
    state.plans.push(plan)
    return plan
  })
  if (!basic || !servicePlan) throw new Error('the sample product has no plans')
  service.default_plan_id = basic.id
  service.default_service_plan_id = servicePlan.id
  const backendId = nextId(state, 'backend')
  state.backends.push({
    id: backendId,
    name: 'API Backend',
    system_name: 'api',
    description: 'Backend of API',
    private_endpoint: 'https://echo-api.3scale.net:443',
    metrics: [hitsOf(nextId(state, 'metric'), stamps, `.${backendId}`)],
    rules: [],
    ...stamps,
  })
  service.usages.push({ id: nextId(state, 'usage'), backend_id: backendId, path: '/' })
  state.docs.push({
    id: nextId(state, 'doc'),
    system_name: 'echo',
    name: 'Echo',
    service_id: service.id,
    published: true,
    skip_swagger_validations: false,
    body: `${JSON.stringify(echoDocument, null, 2)}\n`,
    ...stamps,
  })
  addDeveloper(state, clock, { service_id: service.id, plan_id: basic.id, service_plan_id: servicePlan.id })
}

function addDeveloper(
  state: State,
  clock: Clock,
  { service_id, plan_id, service_plan_id }: { service_id: number; plan_id: number; service_plan_id: number },
): void {
  const now = clock.now()
  const stamps = { created_at: now, updated_at: now }
  const account_id = nextId(state, 'account')
  state.accounts.push({ id: account_id, org_name: 'Developer', state: 'approved', fields: {}, ...stamps })
  state.users.push({
    id: nextId(state, 'user'),
    account_id,
    username: 'john',
    email: 'john@example.com',
    role: 'admin',
    state: 'active',
    minimal: false,
    fields: {},
    ...stamps,
  })
  state.subscriptions.push({
    id: nextId(state, 'cinstance'),
    account_id,
    service_id,
    plan_id: service_plan_id,
    state: 'live',
    ...stamps,
  })
  state.applications.push({
    id: nextId(state, 'cinstance'),
    account_id,
    service_id,
    plan_id,
    name: "Developer's App",
    description: 'Default application created on signup.',
    state: 'live',
    user_key: hex(16),
    application_id: hex(4),
    provider_verification_key: canary(16),
    keys: [],
    referrer_filters: [],
    fields: {},
    ...stamps,
  })
}

/** IDs start as in a 3scale with other tenants. */
function bareTenant(zone: string): State {
  return {
    lastId: {
      service: 5,
      plan: 10,
      metric: 48,
      rule: 59,
      limit: 30,
      pricing_rule: 40,
      feature: 100,
      doc: 89,
      account: 499,
      user: 899,
      cinstance: 2997,
      backend: 20,
      usage: 20,
      configuration: 80,
      key: 0,
      field: 0,
      referrer_filter: 0,
      message: 0,
    },
    zone,
    services: [],
    backends: [],
    configurations: [],
    plans: [],
    servicePlans: [],
    accountPlans: [],
    features: [],
    accounts: [],
    users: [],
    applications: [],
    subscriptions: [],
    messages: [],
    docs: [],
    fields: [],
    settings: {
      useraccountarea_enabled: true,
      signups_enabled: true,
      account_approval_required: false,
      strong_passwords_enabled: false,
      public_search: false,
      account_plans_ui_visible: false,
      change_account_plan_permission: 'request',
      service_plans_ui_visible: false,
      change_service_plan_permission: 'request',
      enforce_sso: false,
    },
    provider: {
      id: 2,
      org_name: 'Maas',
      admin_domain: 'demo-admin.3scale.test',
      domain: 'demo.3scale.test',
      from_email: 'no-reply@demo.example',
      support_email: 'operator@demo.example',
      finance_support_email: 'operator@demo.example',
      site_access_code: canary(5),
      state: 'approved',
    },
    authenticationProviders: [],
    backend: { applications: {}, userKeys: {}, minutes: {}, hours: {} },
  }
}
