import type {
  AccountPlan,
  Backend,
  BackendUsage,
  ConfigurationParts,
  Deployment,
  InspectedProduct,
  OwnToken,
  ServicePlan,
  WebhookFailure,
} from '../../clients/threescale/inspection/types.js'
import type { ApiDoc, FieldDefinition, Metric, Plan, TenantSettings } from '../../clients/threescale/types.js'
import { findEndpoint, typeFromPaths } from '../../model-calls/openai-endpoints.js'
import type { Finding, FindingCode } from './findings/findings.js'

/** Data of the tenant that is read before its products are checked; undefined if the call failed. */
export interface Tenant {
  settings: TenantSettings | undefined
  hasAccessCode: boolean | undefined
  fields: FieldDefinition[] | undefined
  tokens: OwnToken[] | undefined
  /** Whether the owner of the access token is an admin. */
  isAdmin: boolean | undefined
  webhookFailures: WebhookFailure[] | undefined
  products: InspectedProduct[]
  /** False: only deployed products are known. */
  hasAllProducts: boolean
  plans: Plan[] | undefined
  servicePlans: ServicePlan[] | undefined
  accountPlans: AccountPlan[] | undefined
  docs: ApiDoc[] | undefined
  backends: Map<number, Backend> | undefined
  sandbox: Map<number, Deployment> | undefined
  production: Map<number, Deployment> | undefined
}

/** One product: its settings, and the configuration that its gateway runs. */
export interface ProductContext {
  tenant: Tenant
  product: InspectedProduct
  /** The production configuration, else the staging configuration. */
  config: Deployment | undefined
  /** Edited settings, as far as they could be read. */
  edited: ConfigurationParts
  usages: BackendUsage[] | undefined
  metrics: Metric[] | undefined
  /** The model type as the portal shows it. */
  type: string | undefined
}

/** Creates a finding about the checked product. */
export type CreateProductFinding = (code: FindingCode, what?: string) => Finding

/** Returns the findings of one check, empty if there is no problem. */
export type ProductCheck = (context: ProductContext, finding: CreateProductFinding) => Finding[]

export function pathOf(pattern: string): string {
  return (pattern.split('?')[0] ?? pattern).replace(/\$$/, '')
}

export function countsTokens({ config, type }: ProductContext): boolean {
  const named = config?.rules.some(({ pattern }) => findEndpoint('POST', pathOf(pattern))?.reportsTokens) === true
  return named || ['chat', 'completion', 'embedding'].includes(type ?? '')
}

export function generatesText({ config, type }: ProductContext): boolean {
  const generated = ['chat', 'completion']
  const named = config?.rules.some(({ pattern }) => generated.includes(typeFromPaths([pathOf(pattern)]) ?? '')) === true
  return named || generated.includes(type ?? '')
}

/** The remainder of a path below the path of a backend; undefined if it does not lead there. */
export function pathBelow(path: string, mount: string): string | undefined {
  if (mount === '/') return path
  return path.startsWith(mount) ? `/${path.slice(mount.length).replace(/^\/+/, '')}` : undefined
}

/** Private addresses of backends with their paths in the product. */
export function privateAddresses({ usages, tenant }: ProductContext): { path: string; address: URL }[] {
  return (usages ?? []).flatMap(({ path, backendId }) => {
    const address = tenant.backends?.get(backendId)?.privateAddress ?? ''
    return URL.canParse(address) ? [{ path, address: new URL(address) }] : []
  })
}

export function formatList(names: string[], max = 4): string {
  const shown = names.slice(0, max).join(', ')
  return names.length > max ? `${shown} and ${names.length - max} more` : shown
}
