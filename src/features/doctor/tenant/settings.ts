import type { FieldDefinition } from '../../../clients/threescale/nouns.js'
import type { Find, Finding } from '../findings.js'
import type { Tenant } from '../look.js'

/** What PORTAL_CONFIG takes for granted. */
export interface Expected {
  /** system names of products that it names */
  products: string[]
  /** user field of the accepted terms */
  termsField: string | undefined
  fields: { target: FieldDefinition['target']; name: string }[]
}

interface PortalNotes {
  products?: Record<string, { successor?: string }>
  sign_up?: { fields?: { account?: Names; user?: Names; application?: Names } }
}
type Names = Record<string, string>

export function expectedOf({ products = {}, sign_up }: PortalNotes, termsField: string | undefined): Expected {
  const { account = {}, user = {}, application = {} } = sign_up?.fields ?? {}
  const successors = Object.values(products).flatMap(({ successor }) => (successor ? [successor] : []))
  return {
    products: [...new Set([...Object.keys(products), ...successors])],
    termsField,
    fields: Object.entries({ account, user, application }).flatMap(([target, names]) =>
      Object.keys(names).map((name) => ({ target: target as FieldDefinition['target'], name })),
    ),
  }
}

/** Settings of the tenant, and what PORTAL_CONFIG expects of it. */
export function tenantSettings(find: Find, tenant: Tenant, expected: Expected): Finding[] {
  const { settings, hasAccessCode, accountPlans } = tenant
  const findings: Finding[] = []
  if (hasAccessCode === false) findings.push(find('stock_portal_open'))
  if (settings && !settings.signupsEnabled) findings.push(find('sign_up_closed'))
  if (settings?.accountApprovalRequired) findings.push(find('accounts_wait'))
  if (accountPlans && !accountPlans.some(({ isDefault }) => isDefault))
    findings.push(find('account_plan_default_missing'))
  return [...findings, ...expectedFields(find, tenant, expected), ...expectedProducts(find, tenant, expected)]
}

function expectedFields(find: Find, { fields }: Tenant, expected: Expected): Finding[] {
  if (!fields) return []
  const isDefined = (target: string, name: string) =>
    fields.some((field) => field.target === target && field.name === name)
  const { termsField } = expected
  const findings: Finding[] = []
  if (termsField && !isDefined('user', termsField))
    findings.push(find('terms_field_missing', { what: `The user field ${termsField} is not defined.` }))
  for (const { target, name } of expected.fields)
    if (!isDefined(target, name))
      findings.push(
        find('field_unknown', { what: `sign_up.fields names the ${target} field ${name}, which is not defined.` }),
      )
  return findings
}

function expectedProducts(find: Find, { products, hasAllProducts }: Tenant, expected: Expected): Finding[] {
  if (!hasAllProducts) return []
  return expected.products
    .filter((name) => !products.some(({ systemName }) => systemName === name))
    .map((name) =>
      find('config_product_unknown', { what: `PORTAL_CONFIG names the product ${name}, which does not exist.` }),
    )
}
