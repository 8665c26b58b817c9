export type Severity = 'error' | 'warning' | 'info'

/** Pages of the admin portal (porta, config/routes.rb); `{id}` is the product's. */
export const places = {
  tokens: '/p/admin/user/access_tokens',
  users: '/p/admin/account/users',
  usageRules: '/site/usage_rules/edit',
  accountPlans: '/buyers/account_plans',
  domains: '/site/dns',
  fields: '/admin/fields_definitions',
  docs: '/admin/api_docs/services',
  product: '/apiconfig/services/{id}',
  productDocs: '/apiconfig/services/{id}/api_docs',
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
  when: string
  why: string
  mend: string
  /** where it is mended, if that is in the admin portal */
  place?: keyof typeof places
}
