import type { Config } from '../config.js'
import { isProblem } from '../errors.js'
import type { Applications, Catalogue, ReadApplication } from '../features/applications/applications.js'
import type { GatewayCheck, Verdict } from '../features/applications/gateway-check.js'
import { probeOf } from '../features/applications/gateway-questions.js'
import type { KeyReadiness } from '../features/applications/key-readiness.js'
import type { ModelCalls } from '../features/applications/model-calls.js'
import type { KeyVerdicts } from '../features/doctor/checks/gateway-keys.js'
import type { ModelList } from '../features/doctor/checks/model-id.js'
import { modelListPath } from '../model-calls/example-calls.js'
import { ownerOf } from '../web/caller.js'

export interface NamedApplicationsDeps {
  products: Config['portal']['products']
  applications: Pick<Applications, 'read'>
  models: Pick<Catalogue, 'describe'>
  calls: Pick<ModelCalls, 'call'>
  check: GatewayCheck
  keys: Pick<KeyReadiness, 'seen'>
}

interface Named {
  account: number
  id: number
}

/**
 * What the doctor does with the applications that PORTAL_CONFIG names for products (`model_server`), the only ones whose quota
 * it may use. Both calls answer undefined where none is named; made at once, they read the application once.
 */
export function createNamedApplications({ products, applications, models, calls, check, keys }: NamedApplicationsDeps) {
  const reading = new Map<number, Promise<ReadApplication>>()

  return {
    /** The model server's list, asked with the named application; undefined too where the model has no such path. */
    async modelList(systemName: string): Promise<ModelList | undefined> {
      const named = namedFor(systemName)
      if (!named) return undefined
      try {
        const { application, model } = await read(named)
        if (!model)
          return { failure: 'The application that PORTAL_CONFIG names is of a product that the portal does not show.' }
        const list = modelListPath(model)
        if (list === undefined) return undefined
        const { status, text } = await calls.call(model, application, { method: 'GET', path: list })
        return status === 200 ? { text } : { failure: `The gateway answers ${status} to GET ${list}.` }
      } catch (error) {
        if (isProblem(error)) return { failure: `It could not be asked with the named application: ${error.message}` }
        throw error
      }
    },

    /**
     * What the gateway says of each key of the named application; no key is in the answer. Undefined too where keys cannot be
     * asked for: there are none, the product is one of OpenID Connect, or only a call that runs the model would tell.
     */
    async keyVerdicts(systemName: string): Promise<KeyVerdicts | undefined> {
      const named = namedFor(systemName)
      if (!named) return undefined
      const name = `Application ${named.id} (account ${named.account})`
      try {
        const { application, product, keys: held } = await read(named)
        const found = product?.systemName === systemName ? await models.describe(product.id) : undefined
        if (!found) return { failure: `${name} is not an application of this product, or the portal does not show it.` }
        if (application.state !== 'live')
          return { failure: `${name} is ${application.state}, so its keys are refused.` }
        const { credentials } = application
        if (credentials.mode === 'oidc' || !probeOf(found, application)) return undefined
        // a key that the gateway is asked for before it knows it is refused for a minute
        for (const { created_at } of held) keys.seen(named.id, created_at ?? application.created_at)
        const values = credentials.mode === 'app_id' ? (credentials.app_keys ?? []) : [credentials.user_key ?? '']
        const verdicts: Verdict[] = []
        for (const value of values)
          verdicts.push(await check(found, { ...application, credentials: { ...credentials, app_keys: [value] } }))
        return verdicts.length > 0 ? { ...named, verdicts } : undefined
      } catch (error) {
        if (isProblem(error)) return { failure: `${name} could not be read: ${error.message}` }
        throw error
      }
    },
  }

  function namedFor(systemName: string): Named | undefined {
    return products?.[systemName]?.model_server?.application
  }

  function read({ account, id }: Named): Promise<ReadApplication> {
    const known = reading.get(id)
    if (known) return known
    const answer = applications.read(ownerOf(account), id, { reveal: true }).finally(() => reading.delete(id))
    reading.set(id, answer)
    return answer
  }
}
