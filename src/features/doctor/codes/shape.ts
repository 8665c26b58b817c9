export type Severity = 'error' | 'warning' | 'info'

/** Pages of the admin portal (porta, config/routes.rb); `{id}` is the product's, the account's or the application's. */
export const places = {
  tokens: '/p/admin/user/access_tokens',
  users: '/p/admin/account/users',
  usageRules: '/site/usage_rules/edit',
  accounts: '/buyers/accounts',
  account: '/buyers/accounts/{id}',
  accountPlans: '/buyers/account_plans',
  application: '/p/admin/applications/{id}',
  domains: '/site/dns',
  fields: '/admin/fields_definitions',
  docs: '/admin/api_docs/services',
  products: '/apiconfig/services',
  product: '/apiconfig/services/{id}',
  productDocs: '/apiconfig/services/{id}/api_docs',
  applications: '/apiconfig/services/{id}/applications',
  settings: '/apiconfig/services/{id}/settings',
  usage: '/apiconfig/services/{id}/usage_rules',
  integration: '/apiconfig/services/{id}/integration',
  rules: '/apiconfig/services/{id}/proxy_rules',
  policies: '/apiconfig/services/{id}/policies/edit',
  metrics: '/apiconfig/services/{id}/metrics',
  backends: '/apiconfig/services/{id}/backend_usages',
  plans: '/apiconfig/services/{id}/application_plans',
  servicePlans: '/apiconfig/services/{id}/service_plans',
} as const

/** What a code stands for. docs/doctor.md says the same to operators. */
export interface Rule {
  severity: Severity
  /** what was found, of any tenant */
  title: string
  why: string
  fix: string
  /** where it is fixed, if that is in the admin portal */
  place?: keyof typeof places
  /** something could not be checked, so that the report is not complete */
  hides?: true
}
