import { adminPages, type FindingType, type Severity } from './finding-types.js'
import { gatewayFindings } from './gateway-messages.js'
import { offeringFindings } from './offering-messages.js'
import { runFindings } from './run-messages.js'
import { signInFindings } from './sign-in-messages.js'
import { tenantFindings } from './tenant-messages.js'
import { userFindings } from './user-messages.js'

/** Codes are public and never reused. */
export const findingTypes = {
  ...runFindings,
  ...tenantFindings,
  ...signInFindings,
  ...userFindings,
  ...gatewayFindings,
  ...offeringFindings,
}
export type FindingCode = keyof typeof findingTypes

export interface Finding {
  code: FindingCode
  severity: Severity
  /** System name. */
  product: string | null
  what: string
  why: string
  fix: string
  /** The page of the admin portal where it is fixed. */
  link: string | null
}

export interface Report {
  at: string
  /** False: a check could not run, and a finding explains which. */
  complete: boolean
  products: number
  /** Calls to 3scale and its backend, gateways, model servers and the identity provider. */
  calls: number
  findings: Finding[]
}

/** Creates a finding. Without `what`, the title of the code describes it. */
export type CreateFinding = (code: FindingCode, details?: FindingDetails) => Finding

export interface FindingDetails {
  what?: string
  product?: NamedProduct
  /** The id in the link, if it is not that of the product. */
  id?: number
}

export interface NamedProduct {
  id: number
  systemName: string
}

export function createFindingFactory(adminUrl: string): CreateFinding {
  return (code, { what, product, id = product?.id } = {}) => {
    const { severity, title, why, fix, adminPage }: FindingType = findingTypes[code]
    const path = adminPage && adminPages[adminPage].replace('{id}', String(id ?? ''))
    return {
      code,
      severity,
      product: product?.systemName ?? null,
      what: what ?? `${title}.`,
      why,
      fix,
      link: path ? adminUrl + path : null,
    }
  }
}

export function isComplete(findings: Finding[]): boolean {
  return !findings.some(({ code }) => (findingTypes[code] as FindingType).isIncomplete)
}

const codes = Object.keys(findingTypes)
const order: Severity[] = ['error', 'warning', 'info']

/** By severity, then in the order of the codes, so that findings about the tenant precede those about products. */
export function sortFindings(findings: Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) =>
      order.indexOf(a.severity) - order.indexOf(b.severity) ||
      codes.indexOf(a.code) - codes.indexOf(b.code) ||
      (a.product ?? '').localeCompare(b.product ?? ''),
  )
}
