import { XMLBuilder } from 'fast-xml-parser'
import { type Account, type Plan, type State, time, type User } from './store.js'

const builder = new XMLBuilder({ format: true, suppressEmptyNode: true })

export function toXml(root: string, value: object): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build({ [root]: value })}`
}

/** porta's Account#to_xml: fields of the account, extra fields apart, users and plans embedded. */
export function accountXml(account: Account, state: State): string {
  return toXml('account', {
    id: account.id,
    created_at: time(account.created_at),
    updated_at: time(account.updated_at),
    state: account.state,
    org_name: account.org_name,
    extra_fields: account.fields,
    monthly_billing_enabled: true,
    monthly_charging_enabled: true,
    credit_card_stored: false,
    plans: { plan: { id: 1, name: 'Default', type: 'account_plan', state: 'published' } },
    users: { user: state.users.filter((user) => user.account_id === account.id).map(userNode) },
  })
}

export function usersXml(users: User[]): string {
  return toXml('users', { user: users.map(userNode) })
}

export function plansXml(plans: Plan[]): string {
  return toXml('plans', {
    plan: plans.map((plan) => ({
      id: plan.id,
      name: plan.name,
      type: 'application_plan',
      state: plan.state,
      service_id: plan.service_id,
    })),
  })
}

function userNode(user: User): object {
  return {
    id: user.id,
    created_at: time(user.created_at),
    updated_at: time(user.updated_at),
    account_id: user.account_id,
    state: user.state,
    role: user.role,
    username: user.username,
    ...(user.email === undefined ? {} : { email: user.email }),
    extra_fields: user.fields,
  }
}
