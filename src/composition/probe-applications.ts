import type { Config } from '../config/environment.js'
import { isProblem } from '../errors.js'
import type { ApplicationCatalogue, Applications, ReadApplication } from '../features/applications/applications.js'
import type { GatewayCheck, GatewayVerdict } from '../features/applications/keys/gateway-sync/gateway-check.js'
import { probeOf } from '../features/applications/keys/gateway-sync/gateway-probe.js'
import type { KeyReadiness } from '../features/applications/keys/gateway-sync/key-readiness.js'
import type { KeyVerdicts } from '../features/doctor/checks/product/gateway-keys.js'
import { probeApplicationMessages as messages } from '../features/doctor/checks/product/messages.js'
import type { ModelListResult } from '../features/doctor/checks/product/model-id.js'
import { modelListPath } from '../model-calls/example-calls.js'
import type { ModelCalls } from '../model-calls/gateway-requests.js'
import { portalCaller } from '../web/auth/caller.js'

export interface ProbeApplicationsDeps {
  products: Config['portal']['products']
  applications: Pick<Applications, 'read'>
  models: Pick<ApplicationCatalogue, 'describe'>
  calls: Pick<ModelCalls, 'call'>
  check: GatewayCheck
  readiness: Pick<KeyReadiness, 'markSeen'>
}

interface ApplicationReference {
  account: number
  id: number
}

/**
 * Checks with the applications that PORTAL_CONFIG names for products (`model_server`): the only ones whose quota the doctor may
 * use. Both functions return undefined if none is named; simultaneous calls read the application once.
 */
export function createProbeApplications({
  products,
  applications,
  models,
  calls,
  check,
  readiness,
}: ProbeApplicationsDeps) {
  const reading = new Map<number, Promise<ReadApplication>>()

  return {
    /** The list of the model server; undefined also if the model has no such path. */
    async modelList(systemName: string): Promise<ModelListResult | undefined> {
      const reference = referenceFor(systemName)
      if (!reference) return undefined
      try {
        const { application, model } = await read(reference)
        if (!model) return { failure: messages.productHidden }
        const path = modelListPath(model)
        if (path === undefined) return undefined
        const { status, text } = await calls.call(model, application, { method: 'GET', path })
        return status === 200 ? { text } : { failure: messages.listStatus(status, path) }
      } catch (error) {
        if (isProblem(error)) return { failure: messages.listFailed(error.message) }
        throw error
      }
    },

    /**
     * The gateway's response to each key of the application, without the keys. Undefined also if keys cannot be checked: the
     * application has none, the product uses OpenID Connect, or only a call that runs the model would show the result.
     */
    async keyVerdicts(systemName: string): Promise<KeyVerdicts | undefined> {
      const reference = referenceFor(systemName)
      if (!reference) return undefined
      const name = messages.name(reference.id, reference.account)
      try {
        const { application, product, keys: currentKeys } = await read(reference)
        const model = product?.systemName === systemName ? await models.describe(product.id) : undefined
        if (!model) return { failure: messages.otherProduct(name) }
        if (application.state !== 'live') return { failure: messages.notLive(name, application.state) }
        const { credentials } = application
        if (credentials.mode === 'oidc' || !probeOf(model, application)) return undefined
        // The gateway refuses a key for a minute if it is checked before the gateway knows it.
        for (const { created_at } of currentKeys) readiness.markSeen(reference.id, created_at ?? application.created_at)
        const values = credentials.mode === 'app_id' ? (credentials.app_keys ?? []) : [credentials.user_key ?? '']
        const verdicts: GatewayVerdict[] = []
        for (const value of values)
          verdicts.push(await check(model, { ...application, credentials: { ...credentials, app_keys: [value] } }))
        return verdicts.length > 0 ? { ...reference, verdicts } : undefined
      } catch (error) {
        if (isProblem(error)) return { failure: messages.failed(name, error.message) }
        throw error
      }
    },
  }

  function referenceFor(systemName: string): ApplicationReference | undefined {
    return products?.[systemName]?.model_server?.application
  }

  function read({ account, id }: ApplicationReference): Promise<ReadApplication> {
    const pending = reading.get(id)
    if (pending) return pending
    const result = applications.read(portalCaller(account), id, { reveal: true }).finally(() => reading.delete(id))
    reading.set(id, result)
    return result
  }
}
