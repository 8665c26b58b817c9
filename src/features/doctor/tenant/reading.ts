import type { Inspection } from '../../../clients/threescale/inspection/inspection.js'
import type { Deployment, InspectedProduct } from '../../../clients/threescale/inspection/nouns.js'
import type { Tenant } from '../look.js'
import type { Reader } from '../reading.js'

/** The calls that are made once for the whole tenant, each for itself. */
export async function readTenant(inspection: Inspection, { read }: Reader): Promise<Tenant> {
  const [
    settings,
    hasAccessCode,
    fields,
    tokens,
    isAdmin,
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
      unchecked: 'whether people may sign up, whether accounts wait for approval, and default service plans',
    }),
    read(inspection.hasAccessCode, { unchecked: 'whether 3scale’s own developer portal is open' }),
    read(inspection.listFieldDefinitions, { unchecked: 'whether the fields that the portal fills are defined' }),
    read(inspection.listOwnTokens, { unchecked: 'scopes, permission and expiry of the access token' }),
    read(() => inspection.readAsAdmin().then(() => true), {
      unchecked: 'whether the owner of the access token is an admin',
      refusals: { threescale_denied: false },
    }),
    read(inspection.listProducts, {
      unchecked: 'products that were never deployed, metrics, and products that PORTAL_CONFIG names',
    }),
    read(inspection.listPlans, { unchecked: 'application plans, and what default plans cost a sign-up' }),
    read(inspection.listServicePlans, { unchecked: 'service plans, and what default ones cost a sign-up' }),
    read(inspection.listAccountPlans, { unchecked: 'whether there is a default account plan' }),
    read(inspection.listApiDocs, { unchecked: 'ActiveDocs specs, and model ids that they give' }),
    read(inspection.listBackends, {
      unchecked: 'private addresses of backends, and whether changes of them are deployed',
    }),
    read(() => inspection.listDeployments('sandbox'), {
      unchecked: 'whether changed settings were deployed to staging',
    }),
    read(() => inspection.listDeployments('production'), {
      unchecked: 'whether products are promoted, and their public addresses',
    }),
  ])
  const deployed = [...(production ?? []), ...(sandbox ?? [])]
  return {
    settings,
    hasAccessCode,
    fields,
    tokens,
    isAdmin,
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

/** Where the list of products could not be read: those that were deployed, as they were then. */
function productsOf(deployed: Deployment[]): InspectedProduct[] {
  const products = new Map(deployed.map(({ product }) => [product.id, product]))
  return [...products.values()].sort((a, b) => a.id - b.id)
}

function byProduct(deployments: Deployment[]): Map<number, Deployment> {
  return new Map(deployments.map((deployment) => [deployment.productId, deployment]))
}
