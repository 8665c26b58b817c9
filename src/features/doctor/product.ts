import type { Inspection } from '../../clients/threescale/inspection/inspection.js'
import type { BackendRules, BackendUsage, InspectedProduct, Parts } from '../../clients/threescale/inspection/nouns.js'
import { authenticationPart, backendRulesPart, editedBackends } from '../../clients/threescale/inspection/parts.js'
import type { ApiDoc } from '../../clients/threescale/nouns.js'
import type { ProductRules } from '../../model-calls/base-paths.js'
import type { Asking } from './asking.js'
import { backends } from './checks/backends.js'
import { docs } from './checks/docs.js'
import { endpoint, issuer } from './checks/endpoint.js'
import { type GatewayKeysDeps, gatewayKeys } from './checks/gateway-keys.js'
import { type MaybeLater, type ModelIdDeps, modelId } from './checks/model-id.js'
import { plans, servicePlans } from './checks/offers.js'
import { chain, tokenCounts } from './checks/policies.js'
import { promotion } from './checks/promotion.js'
import { credentials, mappingRules } from './checks/traffic.js'
import { type DocumentReader, readHere } from './document.js'
import type { Find, Finding } from './findings.js'
import type { FindHere, Look, ProductCheck, Tenant } from './look.js'
import { productRulesOf } from './product-rules.js'
import type { Reader } from './reading.js'

export interface ProductDeps {
  inspection: Inspection
  reader: Reader
  ask: Asking
  find: Find
  tenant: Tenant
  modelIds: ModelIdDeps
  gatewayKeys: GatewayKeysDeps
  /** the type of the model as the portal shows it; undefined where nothing says it */
  typeOf(systemName: string, rules: ProductRules, docs: ApiDoc[]): MaybeLater<string | undefined>
  /** reads API documents; in this thread by default */
  readDocument?: DocumentReader
}

/** By name, so that one can be looked for; each gives what it finds in a product, and nothing where all is well. */
const checks: Record<string, ProductCheck> = {
  promotion,
  credentials,
  'mapping rules': mappingRules,
  backends,
  'policy chain': chain,
  'token counts': tokenCounts,
  'application plans': plans,
  'service plans': servicePlans,
}

/**
 * Checks the products one by one. Three calls to 3scale for a product that is promoted and one for another, one for each
 * backend that a promoted product uses, however many use it, and one to each public address.
 */
export function createProductCheck(deps: ProductDeps) {
  const { inspection, reader, ask, find, tenant, modelIds, typeOf, readDocument = readHere } = deps
  const rulesOfBackends = new Map<number, Promise<BackendRules | undefined>>()

  return (product: InspectedProduct): Promise<Finding[]> => {
    const here: FindHere = (code, what) => find(code, { product, ...(what ? { what } : {}) })
    return isolated('product', here, () => check(product, here))
  }

  async function check(product: InspectedProduct, here: FindHere): Promise<Finding[]> {
    const config = tenant.production?.get(product.id) ?? tenant.sandbox?.get(product.id)
    const usages = await readUsages(product)
    const edited = await readEdited(product, usages)
    const documents = (tenant.docs ?? []).filter((doc) => doc.productId === product.id && doc.published)
    const look: Look = {
      tenant,
      product,
      config,
      edited,
      usages,
      metrics: product.metrics,
      type: await typeOf(product.systemName, productRulesOf({ config, usages, tenant }), documents),
    }
    const asked = {
      'API documents': () => docs(look, here, readDocument),
      'public address': () => endpoint(look, here, ask),
      issuer: () => issuer(look, here, ask),
      'model id': () => modelId(look, here, ask, modelIds),
      'keys at the gateway': () => gatewayKeys(look, find, deps.gatewayKeys),
    }
    const found = await Promise.all([
      ...Object.entries(checks).map(([name, pure]) => isolated(name, here, async () => pure(look, here))),
      ...Object.entries(asked).map(([name, asking]) => isolated(name, here, asking)),
    ])
    return found.flat()
  }

  function readUsages(product: InspectedProduct): Promise<BackendUsage[] | undefined> {
    return reader.read(() => inspection.listBackendUsages(product.id), {
      product,
      unchecked: 'its backends, their paths, and whether changes of them are deployed',
    })
  }

  /** Compared with what was deployed, so settings are read of what was, and as far as they can be. */
  async function readEdited(product: InspectedProduct, usages: BackendUsage[] | undefined): Promise<Parts> {
    if (!tenant.production?.has(product.id) || !tenant.sandbox) return { fingerprints: {}, backends: undefined }
    const [settings, rules, ofBackends] = await Promise.all([
      reader.read(() => inspection.readSettingsOf(product.id), {
        product,
        unchecked: 'whether its policies, credentials and public address are deployed as they are set',
      }),
      reader.read(() => inspection.readRulesOf(product.id), {
        product,
        unchecked: 'whether its mapping rules are deployed as they are set',
      }),
      Promise.all((usages ?? []).map(({ backendId }) => rulesOf(backendId))),
    ])
    const known = ofBackends.filter((rulesOfOne) => rulesOfOne !== undefined)
    return {
      fingerprints: {
        ...settings,
        ...rules,
        ...(tenant.hasAllProducts ? authenticationPart(product.authentication) : {}),
        ...(usages?.length === known.length ? backendRulesPart(usages, known) : {}),
      },
      backends: usages && tenant.backends && editedBackends(usages, tenant.backends),
    }
  }

  function rulesOf(backendId: number): Promise<BackendRules | undefined> {
    const known = rulesOfBackends.get(backendId)
    if (known) return known
    const name = tenant.backends?.get(backendId)?.name
    const reading = reader.read(() => inspection.listBackendRules(backendId), {
      unchecked: `whether the mapping rules of the backend ${name ? `“${name}”` : backendId} are deployed as they are set`,
    })
    rulesOfBackends.set(backendId, reading)
    return reading
  }
}

/**
 * A check that breaks on something nobody foresaw is a finding, and the others are not lost with it. Only the kind of the
 * error is reported: its message may quote what was read.
 */
export async function isolated(name: string, find: FindHere, check: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check()
  } catch (error) {
    return [
      find('check_failed', `The check “${name}” stopped with ${error instanceof Error ? error.name : 'an error'}.`),
    ]
  }
}
