import type { FieldDefinition } from '../../../../clients/threescale/types.js'
import type { PortalConfig } from '../../../../config/portal-config.js'
import type { CreateFinding, Finding } from '../../findings/findings.js'
import type { Tenant } from '../../product-context.js'
import { settingMessages } from './messages.js'

/** What PORTAL_CONFIG expects of the tenant. */
export interface ConfigExpectations {
  /** System names. */
  products: string[]
  /** The user field that records accepted terms. */
  termsField: string | undefined
  fields: { target: FieldDefinition['target']; name: string }[]
}

export function configExpectations(
  { products = {}, sign_up }: PortalConfig,
  termsField: string | undefined,
): ConfigExpectations {
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

/** Checks the settings of the tenant and the expectations of PORTAL_CONFIG. */
export function checkTenantSettings(finding: CreateFinding, tenant: Tenant, expected: ConfigExpectations): Finding[] {
  const { settings, hasAccessCode, accountPlans } = tenant
  const findings: Finding[] = []
  if (hasAccessCode === false) findings.push(finding('stock_portal_open'))
  if (settings && !settings.signupsEnabled) findings.push(finding('sign_up_closed'))
  if (settings?.accountApprovalRequired) findings.push(finding('account_approval_required'))
  if (accountPlans && !accountPlans.some(({ isDefault }) => isDefault))
    findings.push(finding('account_plan_default_missing'))
  return [...findings, ...expectedFields(finding, tenant, expected), ...expectedProducts(finding, tenant, expected)]
}

function expectedFields(finding: CreateFinding, { fields }: Tenant, expected: ConfigExpectations): Finding[] {
  if (!fields) return []
  const isDefined = (target: string, name: string) =>
    fields.some((field) => field.target === target && field.name === name)
  const { termsField } = expected
  const findings: Finding[] = []
  if (termsField && !isDefined('user', termsField))
    findings.push(finding('terms_field_missing', { what: settingMessages.termsField(termsField) }))
  for (const { target, name } of expected.fields)
    if (!isDefined(target, name))
      findings.push(finding('field_unknown', { what: settingMessages.fieldUnknown(target, name) }))
  return findings
}

function expectedProducts(
  finding: CreateFinding,
  { products, hasAllProducts }: Tenant,
  expected: ConfigExpectations,
): Finding[] {
  if (!hasAllProducts) return []
  return expected.products
    .filter((name) => !products.some(({ systemName }) => systemName === name))
    .map((name) => finding('config_product_unknown', { what: settingMessages.productUnknown(name) }))
}
