import { time } from './clock.js'
import { oidcConfiguration } from './represent/people.js'
import type { Account, Application, Plan, Service, State, User } from './store.js'

/** porta, app/models/account.rb: no extra field but in `extra_fields`, blank ones left out. */
export function accountNode(account: Account, state: State): object {
  return {
    id: account.id,
    created_at: time(account.created_at),
    updated_at: time(account.updated_at),
    state: account.state,
    org_name: account.org_name,
    extra_fields: filled(account.fields),
    monthly_billing_enabled: true,
    monthly_charging_enabled: true,
    credit_card_stored: false,
    plans: { plan: boughtPlans(account, state) },
    users: { user: state.users.filter((user) => user.account_id === account.id).map((user) => userNode(user)) },
  }
}

/** The account's own plan, then those of its subscriptions and applications. */
function boughtPlans(account: Account, state: State): object[] {
  const own = {
    '@default': 'true',
    id: 1,
    name: 'Default',
    type: 'account_plan',
    state: 'published',
    approval_required: state.settings.account_approval_required === true,
    ...free,
  }
  const bought = state.applications.filter(({ account_id }) => account_id === account.id)
  const plans = bought.map(({ plan_id }) => state.plans.find(({ id }) => id === plan_id))
  return [own, ...plans.filter((plan) => plan !== undefined).map((plan) => planNode(plan, state))]
}

const free = { setup_fee: '0.0', cost_per_month: '0.0', trial_period_days: '', cancellation_period: 0 }

export function userNode(user: User): object {
  return {
    id: user.id,
    created_at: time(user.created_at),
    updated_at: time(user.updated_at),
    account_id: user.account_id,
    state: user.state,
    role: user.role,
    ...(user.username === '' ? {} : { username: user.username }),
    ...(user.email ? { email: user.email } : {}),
    extra_fields: filled(user.fields),
  }
}

export function planNode(plan: Plan, state: State): object {
  const owner = state.services.find(({ id }) => id === plan.service_id)
  return {
    '@custom': String(plan.custom),
    '@default': String(owner?.default_plan_id === plan.id),
    id: plan.id,
    name: plan.name,
    type: 'application_plan',
    state: plan.state,
    approval_required: plan.approval_required,
    setup_fee: decimal(plan.setup_fee),
    cost_per_month: decimal(plan.cost_per_month),
    trial_period_days: plan.trial_period_days || '',
    cancellation_period: 0,
    service_id: plan.service_id,
  }
}

/** porta, app/models/cinstance.rb: `user_account_id`, not `account_id`; keys, but never a client secret of its own. */
export function applicationNode(record: Application, state: State): object {
  const owner = state.services.find(({ id }) => id === record.service_id)
  const plan = state.plans.find(({ id }) => id === record.plan_id)
  const credentials =
    owner?.backend_version === '1'
      ? { user_key: record.user_key, provider_verification_key: `LEAK-verification-${record.id}` }
      : {
          application_id: record.application_id,
          ...(owner?.backend_version === 'oidc' ? { redirect_url: record.redirect_url ?? '' } : {}),
          keys: { key: record.keys.map(({ value }) => value) },
        }
  return {
    id: record.id,
    created_at: time(record.created_at),
    updated_at: time(record.updated_at),
    state: record.state,
    user_account_id: record.account_id,
    first_traffic_at: record.first_traffic_at === undefined ? '' : time(record.first_traffic_at),
    first_daily_traffic_at: record.first_daily_traffic_at === undefined ? '' : time(record.first_daily_traffic_at),
    service_id: record.service_id,
    ...credentials,
    ...(plan ? { plan: planNode(plan, state) } : {}),
    ...(owner?.backend_version === 'oidc' ? { oidc_configuration: oidcConfiguration } : {}),
    ...filled({ name: record.name ?? '', description: record.description ?? '' }),
    extra_fields: filled(record.fields),
  }
}

export function serviceNode(service: Service): object {
  return {
    id: service.id,
    account_id: 2,
    name: service.name,
    state: service.state,
    system_name: service.system_name,
    backend_version: service.backend_version,
    description: service.description,
    intentions_required: false,
    ...service.flags,
    deployment_option: 'self_managed',
    support_email: 'support@example.com',
    metrics: {
      metric: service.metrics.filter(({ parent_id }) => parent_id === undefined).map((row) => metricNode(row, service)),
      method: service.metrics.filter(({ parent_id }) => parent_id !== undefined).map((row) => metricNode(row, service)),
    },
  }
}

function metricNode(metric: Service['metrics'][number], { id: service_id }: Service): object {
  const { id, system_name, friendly_name, description = '', parent_id, unit } = metric
  const last = parent_id === undefined ? { unit } : { metric_id: parent_id }
  return { id, name: system_name, system_name, friendly_name, service_id, description, ...last }
}

function filled(fields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields)
      .map(([name, value]) => [name, value.trim()] as const)
      .filter(([, value]) => value !== ''),
  )
}

function decimal(amount: number): string {
  return Number.isInteger(amount) ? amount.toFixed(1) : String(amount)
}
