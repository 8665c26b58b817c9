import { plural } from '../../../../web/pages/format.js'

/** Details of findings about the tenant as a whole. Titles, reasons and fixes are in findings/. */
export const accessTokenMessages = {
  expires: (time: string) => `It expires at ${time}.`,
  excessScopes: (scopes: string) => `Additional scopes: ${scopes}.`,
}

export const applicationMessages = {
  name: (id: number, account: number) => `${id} (account ${account})`,
  sharedCredential: (applications: string[], credential: string) =>
    `Applications ${applications.join(' and ')} have the same ${credential}.`,
  noKey: (application: string) => `Application ${application} has no key, so the gateway accepts any key.`,
}

export const userMessages = {
  name: (id: number, account: number) => `${id} (account ${account})`,
  same: (users: string[], properties: string[]) =>
    `Users ${users.join(' and ')} have the same ${properties.join(' and ')}.`,
  caseOnly: (users: string[], properties: string[]) =>
    `The ${properties.join(' and ')} of users ${users.join(' and ')} ${properties.length > 1 ? 'differ' : 'differs'} only in case.`,
  usernames: (count: number, secret: 'none' | 'older', listed: string, more: number) =>
    `${plural(count, 'username')} ${
      secret === 'none' ? 'without a valid signature' : 'signed with an older secret'
    }: users ${listed}${more > 0 ? `, and ${more} more` : ''}.`,
}

export const listenerMessages = {
  products: (names: string) => `It is the backend of ${names}.`,
  noOkStatus: (host: string, products: string) => `GET /status at ${host} returns no status “ok”. ${products}`,
  status: (host: string, status: number, products: string) => `GET /status at ${host} returns ${status}. ${products}`,
  failed: (reason: string, products: string) => `${reason}. ${products}`,
}

export const webhookMessages = {
  undelivered: (events: number, { at, status }: { at: string; status: number | undefined }) =>
    `${plural(events, 'event')}; for the last one, at ${at}, ${
      status === undefined ? 'there was no response' : `the response was ${status}`
    }.`,
  elsewhere: (host: string) => `Events of this tenant are sent to ${host}.`,
}

export const settingMessages = {
  termsField: (field: string) => `The user field ${field} is not defined.`,
  fieldUnknown: (target: string, field: string) =>
    `sign_up.fields names the ${target} field ${field}, which is not defined.`,
  productUnknown: (product: string) => `PORTAL_CONFIG names the product ${product}, which does not exist.`,
}

export const limitMessages = {
  lifetimeLimit: (plan: string) => `“${plan}” has a lifetime limit.`,
  notReadInTime: (records: string) => `The ${records} were not read in time.`,
  exceeded: (read: number, records: string, total: number) =>
    `A run reads the first ${read} ${records}; the tenant has ${total}.`,
}

export const signUpCostMessage = (cost: {
  products: number
  all: number
  names: string
  seconds: { from: string; to: string }
  applications: number
}) => {
  const { products, all, names, seconds, applications } = cost
  const count = `${products} of ${all} products ${products === 1 ? 'has' : 'have'} a default plan`
  const keys =
    applications === 0
      ? 'none of them creates an application'
      : `each new user gets ${applications} ${applications === 1 ? 'application with a live key' : 'applications with live keys'}`
  return `${count} (${names}): a sign-up takes about ${seconds.from} to ${seconds.to} s in 3scale, and ${keys}.`
}

/** What a failed call leaves unchecked; completes “Not checked: …”. */
export const tenantUnchecked = {
  settings: 'whether sign-up is open, whether accounts require approval, and default service plans',
  accessCode: 'whether the built-in developer portal of 3scale is public',
  fields: 'whether the fields that the portal fills are defined',
  tokens: 'scopes, permission and expiry of the access token',
  tokenOwner: 'whether the owner of the access token is an admin',
  products: 'products that were never deployed, metrics, and products that PORTAL_CONFIG names',
  plans: 'application plans, and the cost of default plans at sign-up',
  servicePlans: 'service plans, and the cost of default ones at sign-up',
  accountPlans: 'whether a default account plan exists',
  docs: 'ActiveDocs specs, and the model IDs in them',
  backends: 'private addresses of backends, and whether changes to them are deployed',
  staging: 'whether changed settings were deployed to staging',
  production: 'whether products are promoted, and their public base URLs',
  statistics: 'whether the access token may read statistics, and whether lifetime usage is reported',
  limits: (plan: string) => `whether the plan “${plan}” has lifetime limits`,
  users: (page: number) =>
    `duplicate users and the signatures of usernames${page === 1 ? '' : `, from page ${page} of the accounts`}`,
  applications: (page: number) =>
    `applications that share a key or have none${page === 1 ? '' : `, from page ${page} of the applications`}`,
}
