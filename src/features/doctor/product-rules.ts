import { endsInVersion } from '../../clients/threescale/wire-catalogue.js'
import { basePathOf, type ProductRules, typeOfRules } from '../../model-calls/base-paths.js'
import { modelListPathOf } from '../../model-calls/call-paths.js'
import type { ModelType } from '../../model-calls/openai-endpoints.js'
import type { Look } from './look.js'

/** The type of a product as far as PORTAL_CONFIG (`noted`) and its mapping rules tell, as the catalogue reads them. */
export function typeIn(look: Look, noted: ModelType | undefined): ModelType {
  return noted ?? typeOfRules(productRulesOf(look))?.type ?? 'custom'
}

/** Where the model server lists its models; undefined where no mapping rule lets that through. */
export function listPathIn(look: Look, noted?: ModelType | undefined): string | undefined {
  const product = productRulesOf(look)
  const type = typeIn(look, noted)
  return modelListPathOf(type, basePathOf(type, product).path, product.rules)
}

function productRulesOf({ config, mounted, tenant }: Look): ProductRules {
  const backends = mounted.map(({ path, backendId }) => ({
    path,
    versioned: endsInVersion(tenant.backends.get(backendId)?.privateAddress ?? ''),
  }))
  return { rules: config?.rules ?? [], backends: backends.length > 0 ? backends : [{ path: '/', versioned: false }] }
}
