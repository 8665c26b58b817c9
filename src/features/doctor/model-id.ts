import { HttpFailure } from '../../clients/http-failure.js'
import { modelIds } from '../../clients/model-list.js'
import type { ApiDoc } from '../../clients/threescale/nouns.js'
import { type ModelType, usualEndpointOf } from '../../model-calls/openai-endpoints.js'
import type { Asking } from './asking.js'
import type { Finding } from './findings.js'
import { type FindHere, type Look, listed, privateAddressOf, tellsTokens } from './look.js'
import { listPathIn, typeIn } from './product-rules.js'

export interface ModelIdDeps {
  /** what PORTAL_CONFIG says of a product */
  noted(systemName: string): {
    modelId?: string | undefined
    type?: ModelType | undefined
    mayAskPrivately: boolean
  }
  /** the id that a spec tells */
  idIn(doc: ApiDoc): string | undefined
  /** the model list, asked with the application that the operator named; undefined where none is named */
  listWithKey(systemName: string): Promise<string | undefined>
}

/**
 * The id that people copy, against those that the model server lists. It is asked only where PORTAL_CONFIG allows it
 * (`model_server`): with a named application's key, or at the private address.
 */
export async function modelId(look: Look, find: FindHere, ask: Asking, deps: ModelIdDeps): Promise<Finding[]> {
  const { systemName } = look.product
  const { modelId: noted, type } = deps.noted(systemName)
  const own = (look.tenant.docs ?? []).filter(({ productId, published }) => published && productId === look.product.id)
  const told = noted ?? own.map(deps.idIn).find((id) => id !== undefined)
  const generates = tellsTokens(look) || usualEndpointOf(typeIn(look, type))?.tellsTokens === true
  if (told === undefined) return generates ? [find('model_id_unknown')] : []
  const answer = await servedBy(look, ask, deps)
  const ids = answer === undefined ? undefined : modelIds(answer)
  if (!ids || ids.length === 0 || ids.includes(told)) return []
  const source = noted === undefined ? 'The spec' : 'PORTAL_CONFIG'
  return [find('model_id_wrong', `${source} says “${told}”; the model server lists ${listed(ids)}.`)]
}

async function servedBy(look: Look, ask: Asking, deps: ModelIdDeps): Promise<string | undefined> {
  const { product } = look
  const list = listPathIn(look, deps.noted(product.systemName).type)
  if (list === undefined) return undefined
  const withKey = await deps.listWithKey(product.systemName)
  const address = privateAddressOf(look)
  if (withKey !== undefined || !address || !deps.noted(product.systemName).mayAskPrivately) return withKey
  const url = new URL(address)
  url.pathname = url.pathname.replace(/\/+$/, '') + list
  try {
    const answer = await ask.send({ method: 'GET', url, timeoutMs: 5000, maxBytes: 256 * 1024 })
    return answer.status === 200 ? answer.text : undefined
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    return undefined
  }
}
