import { time } from '../clock.js'
import type { Account, Application, FieldDefinition, Service, State, Subscription, User } from '../store.js'
import type { Json } from './catalogue.js'

/** Fields lie flat beside the columns; no users, plans or applications (app/representers/account_representer.rb). */
export function account(record: Account, host: string): Json {
  const self = `https://${host}/admin/api/accounts/${record.id}`
  return {
    id: record.id,
    created_at: time(record.created_at),
    updated_at: time(record.updated_at),
    credit_card_stored: false,
    monthly_billing_enabled: true,
    monthly_charging_enabled: true,
    state: record.state,
    annotations: {},
    links: [
      { rel: 'self', href: self },
      { rel: 'users', href: `${self}/users` },
    ],
    org_name: record.org_name,
    ...record.fields,
  }
}

export function user(record: User, host: string): Json {
  const base = `https://${host}/admin/api/accounts/${record.account_id}`
  return {
    id: record.id,
    state: record.state,
    role: record.role,
    created_at: time(record.created_at),
    updated_at: time(record.updated_at),
    links: [
      { rel: 'account', href: base },
      { rel: 'self', href: `${base}/users/${record.id}` },
    ],
    username: record.username,
    ...(record.email === undefined ? {} : { email: record.email }),
    ...record.fields,
  }
}

export function application(record: Application, state: State, host: string): Json {
  const owner = state.services.find(({ id }) => id === record.service_id)
  const plan = state.plans.find(({ id }) => id === record.plan_id)
  const buyer = state.accounts.find(({ id }) => id === record.account_id)
  const base = `https://${host}/admin/api`
  const self = `${base}/accounts/${record.account_id}/applications/${record.id}`
  return {
    id: record.id,
    state: record.state,
    enabled: record.state === 'live' && buyer?.state !== 'scheduled_for_deletion',
    created_at: time(record.created_at),
    updated_at: time(record.updated_at),
    service_id: record.service_id,
    service_name: owner?.name,
    plan_id: record.plan_id,
    plan_name: plan?.name,
    account_id: record.account_id,
    org_name: buyer?.org_name,
    first_traffic_at: record.first_traffic_at === undefined ? null : time(record.first_traffic_at),
    first_daily_traffic_at: record.first_daily_traffic_at === undefined ? null : time(record.first_daily_traffic_at),
    ...credentialsOf(record, owner),
    links: [
      { rel: 'self', href: self },
      { rel: 'service', href: `${base}/services/${record.service_id}` },
      { rel: 'account', href: `${base}/accounts/${record.account_id}` },
      { rel: 'plan', href: `${base}/services/${record.service_id}/application_plans/${record.plan_id}` },
      { rel: 'keys', href: `${self}/keys` },
      { rel: 'referrer_filters', href: `${self}/referrer_filters` },
    ],
    ...(record.name === undefined ? {} : { name: record.name }),
    ...(record.description === undefined ? {} : { description: record.description }),
    ...record.fields,
  }
}

export const oidcConfiguration = {
  id: 5,
  standard_flow_enabled: false,
  implicit_flow_enabled: false,
  service_accounts_enabled: true,
  direct_access_grants_enabled: false,
}

/** The shape follows the product's mode; app keys are in none of them. */
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
    oidc_configuration: oidcConfiguration,
  }
}

export function keys({ keys, account_id, id }: Application, host: string): Json[] {
  const href = `https://${host}/admin/api/accounts/${account_id}/applications/${id}`
  return keys.map(({ value, created_at }) => ({
    key: {
      value,
      created_at: time(created_at),
      updated_at: time(created_at),
      links: [{ rel: 'application', href }],
    },
  }))
}

export function field(record: FieldDefinition): Json {
  return { ...record, position: record.id }
}

/** The fee is a text, the account goes by another name than in applications. */
export function subscription(record: Subscription): Json {
  return {
    id: record.id,
    plan_id: record.plan_id,
    user_account_id: record.account_id,
    created_at: time(record.created_at),
    updated_at: time(record.updated_at),
    state: record.state,
    paid_until: time(record.created_at),
    trial_period_expires_at: time(record.created_at),
    setup_fee: '0.0',
    type: 'ServiceContract',
    tenant_id: 2,
    service_id: record.service_id,
    ...(record.state === 'live' ? { accepted_at: time(record.created_at) } : {}),
  }
}
