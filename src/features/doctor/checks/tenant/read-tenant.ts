import type { Inspection } from '../../../../clients/threescale/inspection/inspection.js'
import type { Deployment, InspectedProduct, WebhookFailure } from '../../../../clients/threescale/inspection/types.js'
import type { InspectionReader } from '../../inspection-reader.js'
import type { Tenant } from '../../product-context.js'
import { tenantUnchecked } from './messages.js'

/** Reads the tenant. Each call may fail without affecting the others. */
export async function readTenant(inspection: Inspection, { read }: InspectionReader): Promise<Tenant> {
  const [
    settings,
    hasAccessCode,
    fields,
    tokens,
    webhookFailures,
    listed,
    plans,
    servicePlans,
    accountPlans,
    docs,
    backends,
    sandbox,
    production,
  ] = await Promise.all([
    read(inspection.readSettings, {
      unchecked: tenantUnchecked.settings,
    }),
    read(inspection.hasAccessCode, { unchecked: tenantUnchecked.accessCode }),
    read(inspection.listFieldDefinitions, { unchecked: tenantUnchecked.fields }),
    read(inspection.listOwnTokens, { unchecked: tenantUnchecked.tokens }),
    read<WebhookFailure[] | 'denied'>(inspection.listWebhookFailures, {
      unchecked: tenantUnchecked.tokenOwner,
      expectedErrors: { threescale_denied: 'denied' },
    }),
    read(inspection.listProducts, {
      unchecked: tenantUnchecked.products,
    }),
    read(inspection.listPlans, { unchecked: tenantUnchecked.plans }),
    read(inspection.listServicePlans, { unchecked: tenantUnchecked.servicePlans }),
    read(inspection.listAccountPlans, { unchecked: tenantUnchecked.accountPlans }),
    read(inspection.listApiDocs, { unchecked: tenantUnchecked.docs }),
    read(inspection.listBackends, {
      unchecked: tenantUnchecked.backends,
    }),
    read(() => inspection.listDeployments('sandbox'), {
      unchecked: tenantUnchecked.staging,
    }),
    read(() => inspection.listDeployments('production'), {
      unchecked: tenantUnchecked.production,
    }),
  ])
  const deployed = [...(production ?? []), ...(sandbox ?? [])]
  return {
    settings,
    hasAccessCode,
    fields,
    tokens,
    isAdmin: webhookFailures && webhookFailures !== 'denied',
    webhookFailures: webhookFailures === 'denied' ? undefined : webhookFailures,
    products: listed ?? productsOf(deployed),
    hasAllProducts: listed !== undefined,
    plans,
    servicePlans,
    accountPlans,
    docs,
    backends: backends && new Map(backends.map((backend) => [backend.id, backend])),
    sandbox: sandbox && byProduct(sandbox),
    production: production && byProduct(production),
  }
}

/** Deployed products, as a fallback if the list of products could not be read. */
function productsOf(deployed: Deployment[]): InspectedProduct[] {
  const products = new Map(deployed.map(({ product }) => [product.id, product]))
  return [...products.values()].sort((a, b) => a.id - b.id)
}

function byProduct(deployments: Deployment[]): Map<number, Deployment> {
  return new Map(deployments.map((deployment) => [deployment.productId, deployment]))
}
