import type { Inspection } from '../../clients/threescale/inspection.js'
import type { FieldDefinition, Product, TenantSettings } from '../../clients/threescale/nouns.js'
import { isProblem } from '../../errors.js'
import type { Find, Finding } from './findings.js'
import { listed } from './look.js'

/** What PORTAL_CONFIG takes for granted. */
export interface Expected {
  /** system names of products that it speaks of */
  products: string[]
  /** user field of the accepted terms */
  termsField: string | undefined
  fields: { target: FieldDefinition['target']; name: string }[]
}

interface Notes {
  products?: Record<string, { successor?: string }>
  sign_up?: { fields?: { account?: Names; user?: Names; application?: Names } }
}
type Names = Record<string, string>

export function expectedOf({ products = {}, sign_up }: Notes, termsField: string | undefined): Expected {
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

const SCOPES = ['account_management', 'stats']
const SOON_MS = 30 * 86_400_000

/** What the access token may do. 3scale does not say which of its owner's tokens it is, so only what is true of all counts. */
export async function token(
  find: Find,
  inspection: Inspection,
  first: Product | undefined,
  now: number,
): Promise<Finding[]> {
  const findings: Finding[] = []
  if (await isRefused(inspection.readAsAdmin(), 'threescale_denied')) findings.push(find('token_owner'))
  if (first && (await isRefused(inspection.readStatistics(first.id), 'threescale_scope')))
    findings.push(find('token_scope_stats'))
  const own = await unlessRefused(inspection.listOwnTokens())
  if (!own || own.length === 0) return findings
  if (own.every(({ mayWrite }) => !mayWrite)) findings.push(find('token_read_only'))
  if (own.every(({ expiresAt }) => expiresAt !== '' && Date.parse(expiresAt) - now < SOON_MS)) {
    const last = own
      .map(({ expiresAt }) => expiresAt)
      .sort()
      .at(-1)
    findings.push(find('token_expires', { what: `It expires at ${last}.` }))
  }
  if (own.every(({ scopes }) => scopes.some((scope) => !SCOPES.includes(scope)))) {
    const more = [...new Set(own.flatMap(({ scopes }) => scopes))].filter((scope) => !SCOPES.includes(scope))
    findings.push(find('token_wide', { what: `It also has: ${listed(more)}.` }))
  }
  return findings
}

/** Settings of the tenant, and what PORTAL_CONFIG expects of it. */
export function tenant(
  find: Find,
  known: { settings: TenantSettings; hasAccessCode: boolean; fields: FieldDefinition[]; products: Product[] },
  expected: Expected,
): Finding[] {
  const { settings, hasAccessCode, fields, products } = known
  const findings: Finding[] = []
  if (!hasAccessCode) findings.push(find('stock_portal_open'))
  if (!settings.signupsEnabled) findings.push(find('sign_up_closed'))
  if (settings.accountApprovalRequired) findings.push(find('accounts_wait'))
  const isDefined = (target: string, name: string) =>
    fields.some((field) => field.target === target && field.name === name)
  const { termsField } = expected
  if (termsField && !isDefined('user', termsField))
    findings.push(find('terms_field_missing', { what: `The user field ${termsField} is not defined.` }))
  for (const { target, name } of expected.fields)
    if (!isDefined(target, name))
      findings.push(
        find('field_unknown', { what: `sign_up.fields names the ${target} field ${name}, which is not defined.` }),
      )
  for (const name of expected.products)
    if (!products.some(({ systemName }) => systemName === name))
      findings.push(
        find('config_product_unknown', { what: `PORTAL_CONFIG names the product ${name}, which does not exist.` }),
      )
  return findings
}

async function isRefused(call: Promise<unknown>, code: 'threescale_denied' | 'threescale_scope'): Promise<boolean> {
  try {
    await call
    return false
  } catch (error) {
    if (isProblem(error, code)) return true
    if (isProblem(error, 'threescale_denied', 'threescale_scope', 'not_found')) return false
    throw error
  }
}

/** Undefined where 3scale refuses it: what the token may do is told elsewhere. */
export async function unlessRefused<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (isProblem(error, 'threescale_denied', 'threescale_scope', 'not_found')) return undefined
    throw error
  }
}
