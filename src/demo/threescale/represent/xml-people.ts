import { BUILT_IN } from '../accounts/built-in.js'
import { rowsWith, rowWith } from '../row-index.js'
import type { Account, Application, User } from '../store.js'
import { at, type View } from './representation.js'
import { document, type Element, element, elements, listDocument } from './xml.js'
import { accountPlanElement, planElement, servicePlanElement } from './xml-products.js'

/** porta's XML holds more than its JSON: users in accounts, keys in applications, product ids in plans. */
export function accountsXml(accounts: Account[], view: View, metadata: object | undefined): string {
  return listDocument(
    'accounts',
    accounts.map((row) => accountElement(row, view)),
    metadata,
  )
}

export function accountXml(account: Account, view: View): string {
  return document(accountElement(account, view))
}

export function usersXml(users: readonly User[], view: View): string {
  return listDocument(
    'users',
    users.map((row) => userElement(row, view)),
  )
}

export function userXml(user: User, view: View): string {
  return document(userElement(user, view))
}

export function applicationsXml(rows: readonly Application[], view: View, metadata?: object): string {
  return listDocument(
    'applications',
    rows.map((row) => applicationElement(row, view)),
    metadata,
  )
}

export function applicationXml(application: Application, view: View): string {
  return document(applicationElement(application, view))
}

export function keysXml({ keys }: Application, view: View): string {
  const rows = keys.map(({ value, created_at }) =>
    element('key', elements({ value, created_at: at(created_at, view), updated_at: at(created_at, view) })),
  )
  return listDocument('keys', rows)
}

/** porta, app/models/account.rb: extra fields only in `extra_fields`, without blank ones. */
export function accountElement(account: Account, view: View, { isDeleted = false } = {}): Element {
  const { state } = view
  const { columns, extra } = fieldsOf('Account', account.fields)
  const users = rowsWith(state.users, 'account_id', account.id)
  return element(
    'account',
    elements({
      id: account.id,
      created_at: at(account.created_at, view),
      updated_at: at(account.updated_at, view),
      state: account.state,
      annotations: [],
      ...(isDeleted
        ? {}
        : {
            org_name: account.org_name,
            ...columns,
            extra_fields: elements(extra),
            monthly_billing_enabled: true,
            monthly_charging_enabled: true,
            credit_card_stored: false,
            plans: boughtPlans(account, view),
            users: users.map((user) => userElement(user, view)),
          }),
    }),
  )
}

/** The account's own plan, then those of its subscriptions and applications. */
function boughtPlans(account: Account, view: View): Element[] {
  const { accountPlans, subscriptions, servicePlans, applications, plans } = view.state
  const own = accountPlans.filter((plan) => plan.default)
  const subscribed = rowsWith(subscriptions, 'account_id', account.id).flatMap(({ plan_id }) =>
    rowsWith(servicePlans, 'id', plan_id),
  )
  const bought = rowsWith(applications, 'account_id', account.id).flatMap(({ plan_id }) =>
    rowsWith(plans, 'id', plan_id),
  )
  return [
    ...own.map(accountPlanElement),
    ...subscribed.map((plan) => servicePlanElement(plan, view.state)),
    ...bought.map((plan) => planElement(plan, view.state)),
  ]
}

export function userElement(user: User, view: View, { isDeleted = false } = {}): Element {
  const { columns, extra } = fieldsOf('User', user.fields)
  return element(
    'user',
    elements({
      id: user.id,
      created_at: at(user.created_at, view),
      updated_at: at(user.updated_at, view),
      account_id: user.account_id,
      state: user.state,
      role: user.role,
      ...(isDeleted
        ? {}
        : {
            ...filled({ username: user.username, email: user.email ?? '' }),
            ...columns,
            extra_fields: elements(extra),
          }),
    }),
  )
}

/** porta, app/models/cinstance.rb: `user_account_id`, not `account_id`; keys, but no separate client secret. */
export function applicationElement(record: Application, view: View, { isDeleted = false } = {}): Element {
  const { state } = view
  const owner = rowWith(state.services, 'id', record.service_id)
  const plan = rowWith(state.plans, 'id', record.plan_id)
  const { first_traffic_at: first, first_daily_traffic_at: daily } = record
  const credentials =
    owner?.backend_version === '1'
      ? { user_key: record.user_key, provider_verification_key: record.provider_verification_key }
      : {
          application_id: record.application_id,
          redirect_url: owner?.backend_version === 'oidc' ? (record.redirect_url ?? null) : undefined,
          keys: isDeleted ? undefined : record.keys.map(({ value }) => element('key', value)),
        }
  return element('application', [
    ...elements({
      id: record.id,
      created_at: at(record.created_at, view),
      updated_at: at(record.updated_at, view),
      state: record.state,
      user_account_id: record.account_id,
      first_traffic_at: first === undefined ? null : at(first, view),
      first_daily_traffic_at: daily === undefined ? null : at(daily, view),
      service_id: record.service_id,
      ...credentials,
    }),
    ...(plan ? [planElement(plan, state)] : []),
    ...elements({
      oidc_configuration:
        owner?.backend_version === 'oidc' ? elements({ ...owner.proxy.oidc } as Record<string, boolean>) : undefined,
      ...(isDeleted
        ? {}
        : {
            ...filled({ name: record.name ?? '', description: record.description ?? '' }),
            extra_fields: elements(filled(record.fields)),
          }),
    }),
  ])
}

function fieldsOf(target: 'Account' | 'User', fields: Record<string, string>) {
  const given = filled(fields)
  const pick = (builtIn: boolean) =>
    Object.fromEntries(Object.entries(given).filter(([name]) => BUILT_IN[target].includes(name) === builtIn))
  return { columns: pick(true), extra: pick(false) }
}

function filled(fields: Record<string, string>): Record<string, string> {
  const pairs = Object.entries(fields).map(([name, value]) => [name, value.trim()] as const)
  return Object.fromEntries(pairs.filter(([, value]) => value !== ''))
}
