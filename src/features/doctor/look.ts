import type { Backend, Deployment, Mounted, ServicePlan } from '../../clients/threescale/inspection-wire.js'
import type { ApiDoc, Metric, Plan, Product, TenantSettings } from '../../clients/threescale/nouns.js'
import { endpointAt, typeNamedBy } from '../../model-calls/openai-endpoints.js'
import type { Finding, FindingCode } from './findings.js'

/** Everything that is known of the tenant before its products are looked at one by one. */
export interface Tenant {
  settings: TenantSettings
  products: Product[]
  plans: Plan[]
  /** undefined: the token's owner may not read them */
  servicePlans: ServicePlan[] | undefined
  docs: ApiDoc[] | undefined
  backends: Map<number, Backend>
  sandbox: Map<number, Deployment>
  production: Map<number, Deployment>
}

/** One product as it is set, and as its gateway runs it. */
export interface Look {
  tenant: Tenant
  product: Product
  /** what runs, else what would run after a promotion */
  config: Deployment | undefined
  setUp: Deployment['parts']
  metrics: Metric[]
  mounted: Mounted[]
}

/** A finding about the product that is looked at. */
export type FindHere = (code: FindingCode, what?: string) => Finding

/** What a named check finds; nothing is good. */
export type ProductCheck = (look: Look, find: FindHere) => Finding[]

export function pathOf(pattern: string): string {
  return (pattern.split('?')[0] ?? pattern).replace(/\$$/, '')
}

export function tellsTokens({ config }: Look): boolean {
  return config?.rules.some(({ pattern }) => endpointAt('POST', pathOf(pattern))?.tellsTokens) === true
}

export function chats({ config }: Look): boolean {
  const generated = ['chat', 'completion']
  return config?.rules.some(({ pattern }) => generated.includes(typeNamedBy([pathOf(pattern)]) ?? '')) === true
}

/** The address of the backend at `/`; below it a part of the path is taken away first. */
export function privateAddressOf({ mounted, tenant }: Look): URL | undefined {
  const backend = tenant.backends.get(mounted.find(({ path }) => path === '/')?.backendId ?? 0)
  return backend && URL.canParse(backend.privateAddress) ? new URL(backend.privateAddress) : undefined
}

export function listed(names: string[], most = 4): string {
  const shown = names.slice(0, most).join(', ')
  return names.length > most ? `${shown} and ${names.length - most} more` : shown
}
