import { createHash } from 'node:crypto'
import {
  toApiDoc,
  toGatewayConfig,
  toLimit,
  toMetric,
  toPlan,
  toPricingRule,
  toProduct,
} from './mapping/catalogue-mappers.js'
import { object } from './mapping/wire-values.js'
import type { ResponseBasis } from './requests/conditional-requests.js'
import type { ThreescaleRequests } from './requests/requests.js'
import type { AccountApi, Product } from './types.js'

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

type Requests = Pick<ThreescaleRequests, 'bulk' | 'rows' | 'pages'>

/** Background reads of products, plans, specifications and limits. See types.ts for errors. */
export function createCatalogueRequests({ bulk, rows, pages }: Requests): CatalogueReads {
  return {
    listProducts: () => pages('/admin/api/services', 'services', 'service', { toRow: toProduct }),
    listPlans: (products) =>
      rows('/admin/api/application_plans', 'plans', 'application_plan', {
        toRow: toPlan,
        basis: products && basisOf(products),
      }),
    listGatewayConfigs: async () =>
      (
        await pages('/admin/api/account/proxy_configs/production', 'proxy_configs', 'proxy_config', {
          toRow: toGatewayConfig,
          query: { version: 'latest' },
        })
      ).filter((config) => config !== undefined),
    listApiDocs: () => rows('/admin/api/active_docs', 'api_docs', 'api_doc', { toRow: toApiDoc }),
    readApiDoc: async (id) => toApiDoc(object((await bulk(`/admin/api/active_docs/${id}`)).api_doc)),
    listLimits: (planId) =>
      pages(`/admin/api/application_plans/${planId}/limits`, 'limits', 'limit', { toRow: toLimit }),
    listPricingRules: (planId) =>
      rows(`/admin/api/application_plans/${planId}/pricing_rules`, 'pricing_rules', 'pricing_rule', {
        toRow: toPricingRule,
      }),
    listMetrics: (productId) =>
      rows(`/admin/api/services/${productId}/metrics`, 'metrics', 'metric', { toRow: toMetric }),
  }
}

/**
 * The products as what a list of plans depends on. Setting a default plan saves its product (porta,
 * application_plans_controller.rb, `default`; api/plans_base_controller.rb, `assign_plan!`), so the product's time changes.
 */
function basisOf(products: Product[]): ResponseBasis {
  const hash = createHash('sha256')
  let changedAt = 0
  for (const { id, updatedAt } of products) {
    hash.update(`${id} ${updatedAt}\n`)
    changedAt = Math.max(changedAt, Date.parse(updatedAt))
  }
  return { version: hash.digest('base64'), changedAt }
}
