import { endsInVersion } from '../../clients/threescale/wire-catalogue.js'
import { basePathOf, type ProductRules, typeOfRules } from '../../model-calls/base-paths.js'
import { modelListPathOf } from '../../model-calls/call-paths.js'
import { mountsOf } from '../../model-calls/mapped-operations.js'
import { type ModelType, modelTypes } from '../../model-calls/openai-endpoints.js'
import type { Look } from './look.js'

/** Where the model server lists its models; undefined where no mapping rule lets that through. */
export function listPathIn(look: Look): string | undefined {
  const product = productRulesOf(look)
  const type = typeIn(look, product)
  return modelListPathOf(type, basePathOf(type, product).path, product.rules)
}

/** Paths that calls of an API document may lie below, as the reference looks for them. */
export function mountsIn(look: Look): string[] {
  const product = productRulesOf(look)
  return mountsOf(basePathOf(typeIn(look, product), product).path, product.backends)
}

/** As the portal shows it, else as far as the mapping rules say. */
function typeIn({ type: shown }: Look, product: ProductRules): ModelType {
  return modelTypes.find((type) => type === shown) ?? typeOfRules(product)?.type ?? 'custom'
}

/** What the gateway runs, as the catalogue reads it. */
export function productRulesOf({ config, usages, tenant }: Pick<Look, 'config' | 'usages' | 'tenant'>): ProductRules {
  const backends = (usages ?? []).map(({ path, backendId }) => ({
    path,
    versioned: endsInVersion(tenant.backends?.get(backendId)?.privateAddress ?? ''),
  }))
  return { rules: config?.rules ?? [], backends: backends.length > 0 ? backends : [{ path: '/', versioned: false }] }
}
