import { endsInVersion } from '../../../../clients/threescale/mapping/catalogue-mappers.js'
import { type ModelType, modelTypes } from '../../../../model-calls/openai-endpoints.js'
import { inferModelType, type ProductRules, resolveBasePath } from '../../../../model-calls/paths/base-paths.js'
import { resolveModelListPath } from '../../../../model-calls/paths/call-paths.js'
import { mountPaths } from '../../../../model-calls/paths/mapped-operations.js'
import type { ProductContext } from '../../product-context.js'

/** Where the model server lists its models; undefined where no mapping rule lets that through. */
export function modelListPathIn(context: ProductContext): string | undefined {
  const product = productRulesOf(context)
  const type = modelTypeIn(context, product)
  return resolveModelListPath(type, resolveBasePath(type, product).path, product.rules)
}

/** Paths that calls of an API document may lie below, as the reference looks for them. */
export function mountPathsIn(context: ProductContext): string[] {
  const product = productRulesOf(context)
  return mountPaths(resolveBasePath(modelTypeIn(context, product), product).path, product.backends)
}

/** As the portal shows it, else as far as the mapping rules say. */
function modelTypeIn({ type: shown }: ProductContext, product: ProductRules): ModelType {
  return modelTypes.find((type) => type === shown) ?? inferModelType(product)?.type ?? 'custom'
}

/** What the gateway runs, as the catalogue reads it. */
export function productRulesOf({
  config,
  usages,
  tenant,
}: Pick<ProductContext, 'config' | 'usages' | 'tenant'>): ProductRules {
  const backends = (usages ?? []).map(({ path, backendId }) => ({
    path,
    versioned: endsInVersion(tenant.backends?.get(backendId)?.privateAddress ?? ''),
  }))
  return { rules: config?.rules ?? [], backends: backends.length > 0 ? backends : [{ path: '/', versioned: false }] }
}
