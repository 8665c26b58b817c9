import { XMLBuilder } from 'fast-xml-parser'
import { time } from './clock.js'
import type { Account, Application, Plan, Service, State, User } from './store.js'
import { accountNode, applicationNode, planNode, serviceNode, userNode } from './xml-nodes.js'

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  suppressEmptyNode: true,
  suppressBooleanAttributes: false,
})

/** porta's XML knows more than its JSON: users in accounts, keys in applications, metrics in services, product ids in plans. */
export function accountsXml(accounts: Account[], state: State, metadata: object | undefined): string {
  return list(
    'accounts',
    'account',
    accounts.map((row) => accountNode(row, state)),
    metadata,
  )
}

export function accountXml(account: Account, state: State): string {
  return document({ account: accountNode(account, state) })
}

export function usersXml(users: User[]): string {
  return list(
    'users',
    'user',
    users.map((row) => userNode(row)),
  )
}

export function userXml(user: User): string {
  return document({ user: userNode(user) })
}

export function applicationsXml(applications: Application[], state: State, metadata?: object): string {
  return list(
    'applications',
    'application',
    applications.map((row) => applicationNode(row, state)),
    metadata,
  )
}

export function applicationXml(application: Application, state: State): string {
  return document({ application: applicationNode(application, state) })
}

export function keysXml({ keys }: Application): string {
  const rows = keys.map(({ value, created_at }) => ({
    value,
    updated_at: time(created_at),
    created_at: time(created_at),
  }))
  return list('keys', 'key', rows)
}

export function plansXml(plans: Plan[], state: State): string {
  return list(
    'plans',
    'plan',
    plans.map((row) => planNode(row, state)),
  )
}

export function planXml(plan: Plan, state: State): string {
  return document({ plan: planNode(plan, state) })
}

export function servicesXml(services: Service[], metadata: object | undefined): string {
  return list('services', 'service', services.map(serviceNode), metadata)
}

export function serviceXml(service: Service): string {
  return document({ service: serviceNode(service) })
}

/** Paging is told by attributes of the root. */
function list(root: string, item: string, rows: object[], metadata: object = {}): string {
  const attributes = Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`@${name}`, String(value)]))
  return document({ [root]: { ...attributes, [item]: rows } })
}

function document(value: object): string {
  return `<?xml version="1.0" encoding="UTF-8"?>${builder.build(value)}`
}
