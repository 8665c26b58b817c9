export type Severity = 'error' | 'warning' | 'info'

/** Pages of the admin portal (porta, config/routes.rb). `{id}` is the id of the product, the account or the application. */
export const adminPages = {
  tokens: '/p/admin/user/access_tokens',
  users: '/p/admin/account/users',
  usageRules: '/site/usage_rules/edit',
  accounts: '/buyers/accounts',
  account: '/buyers/accounts/{id}',
  accountPlans: '/buyers/account_plans',
  application: '/p/admin/applications/{id}',
  domains: '/site/dns',
  webhooks: '/p/admin/webhooks/edit',
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

/** The description of a finding code. docs/doctor.md repeats it for operators. */
export interface FindingType {
  severity: Severity
  title: string
  why: string
  fix: string
  /** The page of the admin portal where it is fixed, if there is one. */
  adminPage?: keyof typeof adminPages
  /** A check could not run, so the report is incomplete. */
  isIncomplete?: true
}
