import { modelIds } from '../../../../clients/gateway/model-list.js'
import type { ApiDoc } from '../../../../clients/threescale/types.js'
import { HttpError } from '../../../../infra/http/http-error.js'
import type { Finding } from '../../findings/findings.js'
import type { ProbeClient } from '../../probe-client.js'
import {
  type CreateProductFinding,
  countsTokens,
  formatList,
  type ProductContext,
  pathBelow,
  privateAddresses,
} from '../../product-context.js'
import { modelIdMessages } from './messages.js'
import { modelListPathIn } from './product-rules.js'

export type MaybePromise<T> = T | Promise<T>

export interface ModelIdDeps {
  /** Settings of the product in PORTAL_CONFIG. */
  configured(systemName: string): { modelId?: string | undefined; mayAskPrivately: boolean }
  /** The id in a document. */
  documentedId(doc: ApiDoc): MaybePromise<string | undefined>
  /** Reads the model list with the key of the application that PORTAL_CONFIG names; undefined if it names none. */
  listWithKey(systemName: string): Promise<ModelListResult | undefined>
}

/** The response of the model server, or the reason why it is missing. */
export type ModelListResult = { text: string } | { failure: string }

/**
 * Compares the model id of the portal with the list of the model server. The list is read only if PORTAL_CONFIG allows it
 * (`model_server`), with the key of a named application or at the private address.
 */
export async function checkModelId(
  context: ProductContext,
  finding: CreateProductFinding,
  probe: ProbeClient,
  deps: ModelIdDeps,
): Promise<Finding[]> {
  const { systemName } = context.product
  const { modelId: configuredId } = deps.configured(systemName)
  const own = (context.tenant.docs ?? []).filter(
    ({ productId, published }) => published && productId === context.product.id,
  )
  const modelId = configuredId ?? (await Promise.all(own.map(deps.documentedId))).find((id) => id !== undefined)
  // Without the documents, an id in one of them would be missed.
  if (modelId === undefined) return countsTokens(context) && context.tenant.docs ? [finding('model_id_unknown')] : []
  const answer = await readModelList(context, probe, deps)
  if (!answer) return []
  if ('failure' in answer) return [finding('model_list_unavailable', answer.failure)]
  const ids = modelIds(answer.text)
  if (!ids || ids.length === 0) return [finding('model_list_unavailable', modelIdMessages.notAList)]
  if (ids.includes(modelId)) return []
  const source = configuredId === undefined ? 'spec' : 'PORTAL_CONFIG'
  return [finding('model_id_wrong', modelIdMessages.mismatch(source, modelId, formatList(ids)))]
}

async function readModelList(
  context: ProductContext,
  probe: ProbeClient,
  deps: ModelIdDeps,
): Promise<ModelListResult | undefined> {
  const { product } = context
  const path = modelListPathIn(context)
  if (path === undefined) return undefined
  const withKey = await deps.listWithKey(product.systemName)
  if (withKey || !deps.configured(product.systemName).mayAskPrivately) return withKey
  const url = privateUrl(context, path)
  if (!url) return undefined
  try {
    const { status, text } = await probe.sendGuarded({ method: 'GET', url, timeoutMs: 5000, maxBytes: 256 * 1024 })
    return status === 200 ? { text } : { failure: modelIdMessages.privateStatus(status) }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error
    // The error message contains the host, which is internal.
    return { failure: modelIdMessages.privateUnreachable(error.kind) }
  }
}

/** As the gateway routes it: the path below the backend's path is appended to its private address. */
function privateUrl(context: ProductContext, path: string): URL | undefined {
  for (const { path: mount, address } of privateAddresses(context).sort((a, b) => b.path.length - a.path.length)) {
    const rest = pathBelow(path, mount)
    if (rest === undefined) continue
    const url = new URL(address)
    url.pathname = url.pathname.replace(/\/+$/, '') + rest
    return url
  }
  return undefined
}
