import {
  authenticationPart,
  backendRulesPart,
  editedBackends,
} from '../../../../clients/threescale/inspection/configuration-parts.js'
import type { Inspection } from '../../../../clients/threescale/inspection/inspection.js'
import type {
  BackendRules,
  BackendUsage,
  ConfigurationParts,
  InspectedProduct,
} from '../../../../clients/threescale/inspection/types.js'
import type { ApiDoc } from '../../../../clients/threescale/types.js'
import type { ProductRules } from '../../../../model-calls/paths/base-paths.js'
import { type DocumentReader, readInProcess } from '../../document-summary.js'
import type { CreateFinding, Finding } from '../../findings/findings.js'
import type { InspectionReader } from '../../inspection-reader.js'
import { runMessages } from '../../messages.js'
import type { ProbeClient } from '../../probe-client.js'
import type { CreateProductFinding, ProductCheck, ProductContext, Tenant } from '../../product-context.js'
import { checkBackends } from './backends.js'
import { checkDocuments } from './documents.js'
import { checkEndpoint, checkIssuer } from './endpoint.js'
import { checkGatewayKeys, type GatewayKeysDeps } from './gateway-keys.js'
import { checkCredentials, checkMappingRules } from './mapping-rules.js'
import { productUnchecked } from './messages.js'
import { checkModelId, type MaybePromise, type ModelIdDeps } from './model-id.js'
import { checkPlans, checkServicePlans } from './plans.js'
import { checkPolicyChain, checkTokenCounts } from './policy-chain.js'
import { productRulesOf } from './product-rules.js'
import { checkPromotion } from './promotion.js'

export interface ProductCheckDeps {
  inspection: Inspection
  reader: InspectionReader
  probe: ProbeClient
  finding: CreateFinding
  tenant: Tenant
  modelIds: ModelIdDeps
  gatewayKeys: GatewayKeysDeps
  /** The model type as the portal shows it; undefined if unknown. */
  typeOf(systemName: string, rules: ProductRules, docs: ApiDoc[]): MaybePromise<string | undefined>
  /** Default: in this process. */
  readDocument?: DocumentReader
}

/** Checks by the name that `check_failed` reports. */
const checks: Record<string, ProductCheck> = {
  promotion: checkPromotion,
  credentials: checkCredentials,
  'mapping rules': checkMappingRules,
  backends: checkBackends,
  'policy chain': checkPolicyChain,
  'token counts': checkTokenCounts,
  'application plans': checkPlans,
  'service plans': checkServicePlans,
}

/**
 * Checks one product. A promoted product costs three calls to 3scale, another product one. Each backend of a promoted product
 * costs one call for all products, and each public base URL one.
 */
export function createProductCheck(deps: ProductCheckDeps) {
  const { inspection, reader, probe, finding, tenant, modelIds, typeOf, readDocument = readInProcess } = deps
  const rulesOfBackends = new Map<number, Promise<BackendRules | undefined>>()

  return (product: InspectedProduct): Promise<Finding[]> => {
    const here: CreateProductFinding = (code, what) => finding(code, { product, ...(what ? { what } : {}) })
    return runIsolated('product', here, () => check(product, here))
  }

  async function check(product: InspectedProduct, here: CreateProductFinding): Promise<Finding[]> {
    const config = tenant.production?.get(product.id) ?? tenant.sandbox?.get(product.id)
    const usages = await readUsages(product)
    const edited = await readEdited(product, usages)
    const documents = (tenant.docs ?? []).filter((doc) => doc.productId === product.id && doc.published)
    const context: ProductContext = {
      tenant,
      product,
      config,
      edited,
      usages,
      metrics: product.metrics,
      type: await typeOf(product.systemName, productRulesOf({ config, usages, tenant }), documents),
    }
    const probes = {
      'API documents': () => checkDocuments(context, here, readDocument),
      'public address': () => checkEndpoint(context, here, probe),
      issuer: () => checkIssuer(context, here, probe),
      'model id': () => checkModelId(context, here, probe, modelIds),
      'keys at the gateway': () => checkGatewayKeys(context, finding, deps.gatewayKeys),
    }
    const found = await Promise.all([
      ...Object.entries(checks).map(([name, check]) => runIsolated(name, here, async () => check(context, here))),
      ...Object.entries(probes).map(([name, check]) => runIsolated(name, here, check)),
    ])
    return found.flat()
  }

  function readUsages(product: InspectedProduct): Promise<BackendUsage[] | undefined> {
    return reader.read(() => inspection.listBackendUsages(product.id), {
      product,
      unchecked: productUnchecked.backends,
    })
  }

  /** Reads the edited settings of a deployed product, as far as possible. */
  async function readEdited(
    product: InspectedProduct,
    usages: BackendUsage[] | undefined,
  ): Promise<ConfigurationParts> {
    if (!tenant.production?.has(product.id) || !tenant.sandbox) return { fingerprints: {}, backends: undefined }
    const [settings, rules, ofBackends] = await Promise.all([
      reader.read(() => inspection.readSettingsOf(product.id), {
        product,
        unchecked: productUnchecked.settings,
      }),
      reader.read(() => inspection.readRulesOf(product.id), {
        product,
        unchecked: productUnchecked.mappingRules,
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
      unchecked: productUnchecked.backendRules(name ? `“${name}”` : String(backendId)),
    })
    rulesOfBackends.set(backendId, reading)
    return reading
  }
}

/**
 * Reports an unexpected error of a check as a finding, so that the other checks continue. Only the name of the error is
 * reported: its message may quote data.
 */
export async function runIsolated(
  name: string,
  finding: CreateProductFinding,
  check: () => Promise<Finding[]>,
): Promise<Finding[]> {
  try {
    return await check()
  } catch (error) {
    return [
      finding(
        'check_failed',
        runMessages.checkFailed(name, error instanceof Error ? error.name : runMessages.unknownError),
      ),
    ]
  }
}
