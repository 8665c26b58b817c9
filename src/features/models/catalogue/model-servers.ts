import { firstModel, hasNoList } from '../../../clients/gateway/model-list.js'
import type { Http } from '../../../infra/http/http.js'
import type { Log } from '../../../infra/redis.js'
import { modelInfoPaths, modelListPath } from '../../../model-calls/example-calls.js'
import type { Model } from '../schemas.js'
import type { ProductOverrides } from './product-overrides.js'

export interface ModelServersDeps {
  http: Pick<Http, 'send'>
  overrides: Record<string, ProductOverrides>
  /** the operator allows queries at the private addresses of all backends */
  privateAddresses: boolean
  /** queries through the gateway with the credential of that application, and stores the result */
  queryAs(application: { account: number; id: number }): Promise<void>
  storeReport(systemName: string, id: unknown, contextLength: unknown, type?: Model['type']): Promise<void>
  /** stores that a model server has no list of models */
  storeUnlisted(systemName: string): Promise<void>
  /** the id in the spec of a product */
  exampleIdOf(systemName: string): string | undefined
  /** stores the request format that a model server accepts */
  storeFormat(systemName: string, format: NonNullable<Model['request_format']>): Promise<void>
  log: Log
}

/** Responses that are slower or longer are not read. */
const BOUNDS = { timeoutMs: 5000, maxBytes: 256 * 1024 }

/**
 * Queries model servers in the background for what they serve, only where PORTAL_CONFIG allows it: through the gateway with a
 * dedicated application, or at the private address in the deployed configuration.
 */
export function createModelServers(deps: ModelServersDeps) {
  const { http, overrides, privateAddresses, queryAs, log } = deps

  return {
    mayQuery: (systemName: string): boolean =>
      overrides[systemName]?.model_server?.application !== undefined || mayQueryPrivately(systemName),

    /** Never rejects: after a failure, the model keeps its present facts. */
    async query(model: Model, privateAddress: string | undefined): Promise<void> {
      const application = overrides[model.system_name]?.model_server?.application
      try {
        if (application) await queryAs(application)
        else if (privateAddress && mayQueryPrivately(model.system_name)) await queryPrivately(model, privateAddress)
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        log.info({ model: model.system_name, reason }, 'a model server could not be queried for its model')
      }
    },
  }

  function mayQueryPrivately(systemName: string): boolean {
    return overrides[systemName]?.model_server?.private_address ?? privateAddresses
  }

  /** Appends the path of the call to the private address, as the gateway does. */
  async function queryPrivately(model: Model, privateAddress: string): Promise<void> {
    if (!URL.canParse(privateAddress)) return
    for (const path of modelInfoPaths(model)) {
      const url = new URL(privateAddress)
      url.pathname = url.pathname.replace(/\/+$/, '') + path
      const response = await http.send({ method: 'GET', url, ...BOUNDS })
      if (path === modelListPath(model) && hasNoList(response)) await deps.storeUnlisted(model.system_name)
      const first = response.status === 200 ? firstModel(response.text, deps.exampleIdOf(model.system_name)) : undefined
      if (!first) continue
      await deps.storeReport(model.system_name, first.id, first.contextLength, first.type)
      if (first.format) await deps.storeFormat(model.system_name, first.format)
      return
    }
  }
}
