import { HttpFailure } from '../../clients/http-failure.js'
import { modelIds } from '../../clients/model-list.js'
import type { ApiDoc } from '../../clients/threescale/nouns.js'
import type { Asking } from './asking.js'
import type { Finding } from './findings.js'
import { type FindHere, type Look, listed, pathOf, privateAddressOf, tellsTokens } from './look.js'

export interface ModelIdDeps {
  /** what PORTAL_CONFIG says of a product */
  noted(systemName: string): { modelId?: string | undefined; mayAskPrivately: boolean }
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
  const { modelId: noted } = deps.noted(systemName)
  const own = (look.tenant.docs ?? []).filter(({ productId, published }) => published && productId === look.product.id)
  const told = noted ?? own.map(deps.idIn).find((id) => id !== undefined)
  if (told === undefined) return tellsTokens(look) ? [find('model_id_unknown')] : []
  const answer = await servedBy(look, ask, deps)
  const ids = answer === undefined ? undefined : modelIds(answer)
  if (!ids || ids.length === 0 || ids.includes(told)) return []
  const source = noted === undefined ? 'The spec' : 'PORTAL_CONFIG'
  return [find('model_id_wrong', `${source} says “${told}”; the model server lists ${listed(ids)}.`)]
}

async function servedBy(look: Look, ask: Asking, deps: ModelIdDeps): Promise<string | undefined> {
  const { config, product } = look
  const list = config?.rules.find(({ method, pattern }) => method === 'GET' && /\/models$/.test(pathOf(pattern)))
  if (!list) return undefined
  const withKey = await deps.listWithKey(product.systemName)
  const address = privateAddressOf(look)
  if (withKey !== undefined || !address || !deps.noted(product.systemName).mayAskPrivately) return withKey
  const url = new URL(address)
  url.pathname = url.pathname.replace(/\/+$/, '') + pathOf(list.pattern)
  try {
    const answer = await ask.send({ method: 'GET', url, timeoutMs: 5000, maxBytes: 256 * 1024 })
    return answer.status === 200 ? answer.text : undefined
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    return undefined
  }
}
