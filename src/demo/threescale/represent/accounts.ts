import { shownFields } from '../accounts/fields.js'
import { rowWith } from '../row-index.js'
import type { Account, Application, FieldDefinition, Service, Subscription, User } from '../store.js'
import { at, filled, href, type Json, stamps, type View } from './representation.js'

/** Fields are flat, next to the columns; no users, plans or applications (app/representers/account_representer.rb). */
export function account(record: Account, view: View): Json {
  return {
    id: record.id,
    ...stamps(record, view),
    credit_card_stored: false,
    monthly_billing_enabled: true,
    monthly_charging_enabled: true,
    state: record.state,
    annotations: {},
    links: [
      { rel: 'self', href: href(view, `/accounts/${record.id}`) },
      { rel: 'users', href: href(view, `/accounts/${record.id}/users`) },
    ],
    org_name: record.org_name,
    ...shownFields(view.state, 'Account', record.fields),
  }
}

/** The tenant, which has domains and a portal access code in addition to the members of every account. */
export function provider(view: View): Json {
  const { id, state, org_name, ...rest } = view.state.provider
  const began = view.state.fields[0]?.created_at ?? 0
  return {
    id,
    ...stamps({ created_at: began, updated_at: began }, view),
    ...rest,
    admin_base_url: `https://${rest.admin_domain}`,
    base_url: `https://${rest.domain}`,
    credit_card_stored: false,
    monthly_billing_enabled: true,
    monthly_charging_enabled: true,
    state,
    annotations: {},
    links: [{ rel: 'users', href: href(view, `/accounts/${id}/users`) }],
    org_name,
  }
}

export function user(record: User, view: View): Json {
  return {
    id: record.id,
    state: record.state,
    role: record.role,
    ...stamps(record, view),
    links: [
      { rel: 'account', href: href(view, `/accounts/${record.account_id}`) },
      { rel: 'self', href: href(view, `/accounts/${record.account_id}/users/${record.id}`) },
    ],
    username: record.username,
    ...(record.email === undefined ? {} : { email: record.email }),
    ...shownFields(view.state, 'User', record.fields),
  }
}

export function application(record: Application, view: View): Json {
  const { state } = view
  const owner = rowWith(state.services, 'id', record.service_id)
  const plan = rowWith(state.plans, 'id', record.plan_id)
  const buyer = rowWith(state.accounts, 'id', record.account_id)
  const self = `/accounts/${record.account_id}/applications/${record.id}`
  return {
    id: record.id,
    state: record.state,
    enabled: record.state === 'live' && buyer?.state !== 'scheduled_for_deletion',
    ...stamps(record, view),
    service_id: record.service_id,
    service_name: owner?.name,
    plan_id: record.plan_id,
    plan_name: plan?.name,
    account_id: record.account_id,
    org_name: buyer?.org_name,
    first_traffic_at: record.first_traffic_at === undefined ? null : at(record.first_traffic_at, view),
    first_daily_traffic_at:
      record.first_daily_traffic_at === undefined ? null : at(record.first_daily_traffic_at, view),
    ...credentialsOf(record, owner),
    links: [
      { rel: 'self', href: href(view, self) },
      { rel: 'service', href: href(view, `/services/${record.service_id}`) },
      { rel: 'account', href: href(view, `/accounts/${record.account_id}`) },
      { rel: 'plan', href: href(view, `/services/${record.service_id}/application_plans/${record.plan_id}`) },
      { rel: 'keys', href: href(view, `${self}/keys`) },
      { rel: 'referrer_filters', href: href(view, `${self}/referrer_filters`) },
    ],
    ...filled({ name: record.name, description: record.description }),
    ...shownFields(state, 'Cinstance', record.fields),
  }
}

/** The shape follows the product's mode; application keys are in none of them. */
function credentialsOf(record: Application, owner: Service | undefined): Json {
  if (owner?.backend_version === '1')
    return { user_key: record.user_key, provider_verification_key: record.provider_verification_key }
  if (owner?.backend_version === '2') return { application_id: record.application_id }
  return {
    application_id: record.application_id,
    redirect_url: record.redirect_url ?? null,
    client_id: record.application_id,
    client_secret: record.keys[0]?.value ?? null,
    oidc_configuration: owner?.proxy.oidc,
  }
}

export function keys(record: Application, view: View): Json[] {
  return record.keys.map(({ value, created_at }) => ({
    key: {
      value,
      ...stamps({ created_at, updated_at: created_at }, view),
      links: [{ rel: 'application', href: ofApplication(record, view) }],
    },
  }))
}

export function referrerFilters(record: Application, view: View): Json[] {
  return record.referrer_filters.map(({ id, value, created_at }) => ({
    referrer_filter: {
      id,
      value,
      ...stamps({ created_at, updated_at: created_at }, view),
      links: [{ rel: 'application', href: ofApplication(record, view) }],
    },
  }))
}

function ofApplication({ account_id, id }: Application, view: View): string {
  return href(view, `/accounts/${account_id}/applications/${id}`)
}

export function field(record: FieldDefinition, view: View): Json {
  return { ...record, ...stamps(record, view) }
}

/** The fee is a text, the account goes by another name than in applications; `tenant_id` is not known yet when it is created. */
export function subscription(record: Subscription, view: View, { created = false } = {}): Json {
  const begun = at(record.created_at, view)
  return filled({
    id: record.id,
    plan_id: record.plan_id,
    user_account_id: record.account_id,
    ...stamps(record, view),
    state: record.state,
    paid_until: begun,
    trial_period_expires_at: begun,
    setup_fee: '0.0',
    type: 'ServiceContract',
    variable_cost_paid_until: begun.replace(/Z$/, '+00:00'),
    tenant_id: created ? undefined : view.state.provider.id,
    service_id: record.service_id,
    accepted_at: record.accepted_at === undefined ? undefined : at(record.accepted_at, view),
  })
}
