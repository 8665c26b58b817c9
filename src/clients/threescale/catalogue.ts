import { createHash } from 'node:crypto'
import type { Calls } from './calls.js'
import type { Basis } from './conditional.js'
import type { AccountApi, Product } from './nouns.js'
import { object, unwrap } from './values.js'
import { toApiDoc, toGatewayConfig, toLimit, toMetric, toPlan, toPricingRule, toProduct } from './wire-catalogue.js'

type CatalogueReads = Pick<
  AccountApi,
  | 'listProducts'
  | 'listPlans'
  | 'listGatewayConfigs'
  | 'listApiDocs'
  | 'readApiDoc'
  | 'listLimits'
  | 'listPricingRules'
  | 'listMetrics'
>

/** What a tenant offers: reads that nobody waits for; see nouns.ts for errors. */
export function catalogueReads({ bulk, pages }: Pick<Calls, 'bulk' | 'pages'>): CatalogueReads {
  return {
    listProducts: async () => (await pages('/admin/api/services', 'services', 'service')).map(toProduct),
    listPlans: async (products) =>
      unwrap(
        (await bulk('/admin/api/application_plans', undefined, products && basisOf(products))).plans,
        'application_plan',
      ).map(toPlan),
    listGatewayConfigs: async () =>
      (
        await pages('/admin/api/account/proxy_configs/production', 'proxy_configs', 'proxy_config', {
          version: 'latest',
        })
      )
        .map(toGatewayConfig)
        .filter((config) => config !== undefined),
    listApiDocs: async () => unwrap((await bulk('/admin/api/active_docs')).api_docs, 'api_doc').map(toApiDoc),
    readApiDoc: async (id) => toApiDoc(object((await bulk(`/admin/api/active_docs/${id}`)).api_doc)),
    listLimits: async (planId) =>
      (await pages(`/admin/api/application_plans/${planId}/limits`, 'limits', 'limit')).map(toLimit),
    listPricingRules: async (planId) =>
      unwrap((await bulk(`/admin/api/application_plans/${planId}/pricing_rules`)).pricing_rules, 'pricing_rule').map(
        toPricingRule,
      ),
    listMetrics: async (productId) =>
      unwrap((await bulk(`/admin/api/services/${productId}/metrics`)).metrics, 'metric').map(toMetric),
  }
}

/**
 * The products as what a list of plans depends on. Setting a default plan saves its product (porta,
 * application_plans_controller.rb, `default`; api/plans_base_controller.rb, `assign_plan!`), so the product's time changes.
 */
function basisOf(products: Product[]): Basis {
  const hash = createHash('sha256')
  let changedAt = 0
  for (const { id, updatedAt } of products) {
    hash.update(`${id} ${updatedAt}\n`)
    changedAt = Math.max(changedAt, Date.parse(updatedAt))
  }
  return { version: hash.digest('base64'), changedAt }
}
