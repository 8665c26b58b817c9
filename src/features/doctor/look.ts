import type {
  AccountPlan,
  Backend,
  BackendUsage,
  Deployment,
  InspectedProduct,
  OwnToken,
  Parts,
  ServicePlan,
} from '../../clients/threescale/inspection/nouns.js'
import type { ApiDoc, FieldDefinition, Metric, Plan, TenantSettings } from '../../clients/threescale/nouns.js'
import { endpointAt, typeNamedBy } from '../../model-calls/openai-endpoints.js'
import type { Finding, FindingCode } from './findings.js'

/** Everything that is known of the tenant before its products are checked one by one; undefined where the call failed. */
export interface Tenant {
  settings: TenantSettings | undefined
  hasAccessCode: boolean | undefined
  fields: FieldDefinition[] | undefined
  tokens: OwnToken[] | undefined
  /** whether the token's owner has the rights of an admin */
  isAdmin: boolean | undefined
  products: InspectedProduct[]
  /** false: only those are known that were deployed */
  hasAllProducts: boolean
  plans: Plan[] | undefined
  servicePlans: ServicePlan[] | undefined
  accountPlans: AccountPlan[] | undefined
  docs: ApiDoc[] | undefined
  backends: Map<number, Backend> | undefined
  sandbox: Map<number, Deployment> | undefined
  production: Map<number, Deployment> | undefined
}

/** One product as it is set, and as its gateway runs it. */
export interface Look {
  tenant: Tenant
  product: InspectedProduct
  /** what runs, else what would run after a promotion */
  config: Deployment | undefined
  /** settings as they are edited, as far as they could be read */
  edited: Parts
  usages: BackendUsage[] | undefined
  metrics: Metric[] | undefined
  /** the type of the model as the portal shows it */
  type: string | undefined
}

/** A finding about the product that is checked. */
export type FindHere = (code: FindingCode, what?: string) => Finding

/** What a named check finds; nothing is good. */
export type ProductCheck = (look: Look, find: FindHere) => Finding[]

export function pathOf(pattern: string): string {
  return (pattern.split('?')[0] ?? pattern).replace(/\$$/, '')
}

export function reportsTokens({ config, type }: Look): boolean {
  const named = config?.rules.some(({ pattern }) => endpointAt('POST', pathOf(pattern))?.tellsTokens) === true
  return named || ['chat', 'completion', 'embedding'].includes(type ?? '')
}

export function chats({ config, type }: Look): boolean {
  const generated = ['chat', 'completion']
  const named = config?.rules.some(({ pattern }) => generated.includes(typeNamedBy([pathOf(pattern)]) ?? '')) === true
  return named || generated.includes(type ?? '')
}

/** What is left of a path below the path of a backend; undefined where it does not go there. */
export function restBelow(path: string, mount: string): string | undefined {
  if (mount === '/') return path
  return path.startsWith(mount) ? `/${path.slice(mount.length).replace(/^\/+/, '')}` : undefined
}

/** The private address of a backend, with the path it is used at. */
export function privateAddresses({ usages, tenant }: Look): { path: string; address: URL }[] {
  return (usages ?? []).flatMap(({ path, backendId }) => {
    const address = tenant.backends?.get(backendId)?.privateAddress ?? ''
    return URL.canParse(address) ? [{ path, address: new URL(address) }] : []
  })
}

export function listed(names: string[], most = 4): string {
  const shown = names.slice(0, most).join(', ')
  return names.length > most ? `${shown} and ${names.length - most} more` : shown
}
