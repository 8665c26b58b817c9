import { HttpFailure } from '../../../clients/http-failure.js'
import { modelIds } from '../../../clients/model-list.js'
import type { ApiDoc } from '../../../clients/threescale/nouns.js'
import type { Asking } from '../asking.js'
import type { Finding } from '../findings.js'
import { type FindHere, type Look, listed, privateAddresses, reportsTokens, restBelow } from '../look.js'
import { listPathIn } from '../product-rules.js'

export type MaybeLater<T> = T | Promise<T>

export interface ModelIdDeps {
  /** what PORTAL_CONFIG says of a product */
  noted(systemName: string): { modelId?: string | undefined; mayAskPrivately: boolean }
  /** the id that a spec gives */
  idIn(doc: ApiDoc): MaybeLater<string | undefined>
  /** the model list, asked with the application that the operator named; undefined where none is named */
  listWithKey(systemName: string): Promise<ModelList | undefined>
}

/** The list as the model server returned it, or a sentence on why there is none. */
export type ModelList = { text: string } | { failure: string }

/**
 * The id that people copy, against those that the model server lists. It is asked only where PORTAL_CONFIG allows it
 * (`model_server`): with a named application's key, or at the private address.
 */
export async function modelId(look: Look, find: FindHere, ask: Asking, deps: ModelIdDeps): Promise<Finding[]> {
  const { systemName } = look.product
  const { modelId: noted } = deps.noted(systemName)
  const own = (look.tenant.docs ?? []).filter(({ productId, published }) => published && productId === look.product.id)
  const given = noted ?? (await Promise.all(own.map(deps.idIn))).find((id) => id !== undefined)
  // without the documents it is not known whether one of them has the id
  if (given === undefined) return reportsTokens(look) && look.tenant.docs ? [find('model_id_unknown')] : []
  const answer = await listOf(look, ask, deps)
  if (!answer) return []
  if ('failure' in answer) return [find('model_list_unread', answer.failure)]
  const ids = modelIds(answer.text)
  if (!ids || ids.length === 0) return [find('model_list_unread', 'Its answer is no list of models.')]
  if (ids.includes(given)) return []
  const source = noted === undefined ? 'The spec' : 'PORTAL_CONFIG'
  return [find('model_id_wrong', `${source} says “${given}”; the model server lists ${listed(ids)}.`)]
}

async function listOf(look: Look, ask: Asking, deps: ModelIdDeps): Promise<ModelList | undefined> {
  const { product } = look
  const path = listPathIn(look)
  if (path === undefined) return undefined
  const withKey = await deps.listWithKey(product.systemName)
  if (withKey || !deps.noted(product.systemName).mayAskPrivately) return withKey
  const url = privateUrl(look, path)
  if (!url) return undefined
  try {
    const { status, text } = await ask.sendGuarded({ method: 'GET', url, timeoutMs: 5000, maxBytes: 256 * 1024 })
    return status === 200 ? { text } : { failure: `It answers ${status} at its private address.` }
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    // the sentence names the host, which is internal
    return { failure: `It could not be reached at its private address (${error.kind}).` }
  }
}

/** As the gateway routes it: what is left below the backend's path is appended to its private address. */
function privateUrl(look: Look, path: string): URL | undefined {
  for (const { path: mount, address } of privateAddresses(look).sort((a, b) => b.path.length - a.path.length)) {
    const rest = restBelow(path, mount)
    if (rest === undefined) continue
    const url = new URL(address)
    url.pathname = url.pathname.replace(/\/+$/, '') + rest
    return url
  }
  return undefined
}
