import { createCalls, type ThreescaleOptions } from './calls.js'
import {
  type Backend,
  type Deployment,
  type Mounted,
  type OwnToken,
  type ServicePlan,
  toBackend,
  toDeployment,
  toMounted,
  toOwnToken,
  toServicePlan,
  toSetUp,
} from './inspection-wire.js'
import type { ApiDoc, FieldDefinition, Metric, Plan, Product, TenantSettings } from './nouns.js'
import { object, text, unwrap } from './values.js'
import { toFieldDefinition, toSettings } from './wire.js'
import { toApiDoc, toMetric, toPlan, toProduct } from './wire-catalogue.js'

/** What is set for a tenant and its products, where it can go wrong. Reads only; every call rejects as Threescale's do. */
export interface Inspection {
  readSettings(): Promise<TenantSettings>
  /** true where a visitor of the stock portal is asked for an access code */
  hasAccessCode(): Promise<boolean>
  listFieldDefinitions(): Promise<FieldDefinition[]>
  /** tokens of the owner of ours, ours among them; their values are not told */
  listOwnTokens(): Promise<OwnToken[]>
  /** what only an admin may read */
  readAsAdmin(): Promise<void>
  readStatistics(productId: number): Promise<void>
  listProducts(): Promise<Product[]>
  listPlans(): Promise<Plan[]>
  listServicePlans(): Promise<ServicePlan[]>
  listApiDocs(): Promise<ApiDoc[]>
  listBackends(): Promise<Backend[]>
  /** the latest of each product */
  listDeployments(environment: 'sandbox' | 'production'): Promise<Deployment[]>
  /** one product as it is set now, deployed or not: two calls */
  readSetUp(productId: number): Promise<Deployment['parts']>
  listMetrics(productId: number): Promise<Metric[]>
  listMounted(productId: number): Promise<Mounted[]>
}

export function createInspection(options: ThreescaleOptions): Inspection {
  const { bulk, bareLists, pages } = createCalls(options)
  const product = (id: number) => `/admin/api/services/${id}`

  return {
    readSettings: async () => toSettings(object((await bulk('/admin/api/settings')).settings)),
    hasAccessCode: async () => text(object((await bulk('/admin/api/provider')).account).site_access_code) !== '',
    listFieldDefinitions: async () =>
      unwrap((await bulk('/admin/api/fields_definitions')).fields_definitions, 'fields_definition')
        .map(toFieldDefinition)
        .filter((field) => field !== undefined),
    listOwnTokens: async () =>
      unwrap((await bulk('/admin/api/personal/access_tokens')).access_tokens, 'access_token').map(toOwnToken),
    async readAsAdmin() {
      await bulk('/admin/api/webhooks/failures')
    },
    async readStatistics(id) {
      await bulk(`/stats/services/${id}/usage`, { metric_name: 'hits', period: 'day', timezone: 'UTC' })
    },
    listProducts: async () => (await pages('/admin/api/services', 'services', 'service')).map(toProduct),
    listPlans: async () => unwrap((await bulk('/admin/api/application_plans')).plans, 'application_plan').map(toPlan),
    listServicePlans: async () =>
      unwrap((await bulk('/admin/api/service_plans')).plans, 'service_plan').map(toServicePlan),
    listApiDocs: async () => unwrap((await bulk('/admin/api/active_docs')).api_docs, 'api_doc').map(toApiDoc),
    listBackends: async () =>
      (await bareLists('/admin/api/backend_apis', 'backend_api', 'backend_apis')).map(toBackend),
    listDeployments: async (environment) =>
      (
        await pages(`/admin/api/account/proxy_configs/${environment}`, 'proxy_configs', 'proxy_config', {
          version: 'latest',
        })
      ).map(toDeployment),
    async readSetUp(id) {
      const [proxy, rules] = await Promise.all([
        bulk(`${product(id)}/proxy`),
        bulk(`${product(id)}/proxy/mapping_rules`),
      ])
      return toSetUp(object(proxy.proxy), unwrap(rules.mapping_rules, 'mapping_rule'))
    },
    listMetrics: async (id) => unwrap((await bulk(`${product(id)}/metrics`)).metrics, 'metric').map(toMetric),
    listMounted: async (id) => (await bareLists(`${product(id)}/backend_usages`, 'backend_usage')).map(toMounted),
  }
}
