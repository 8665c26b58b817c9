import type { CatalogueModel } from '../../applications.js'
import type { Application } from '../../schemas.js'
import { createGatewayProbe, type GatewayProbeDeps, isRejection, probeOf, withUnknownKey } from './gateway-probe.js'

/** `open`: the gateway accepts a key that never existed, as for an application that it knows without keys. */
export type GatewayVerdict = 'accepted' | 'refused' | 'open' | 'unknown'
export type GatewayCheck = ReturnType<typeof createGatewayCheck>

/**
 * Checks whether the gateway accepts the key of an application. Sends at most two requests. The second one counts in the usage
 * of the application if it is accepted. Never rejects.
 */
export function createGatewayCheck(deps: GatewayProbeDeps) {
  const send = createGatewayProbe(deps)

  return async function check(entry: CatalogueModel, application: Application): Promise<GatewayVerdict> {
    // a successful read shows that the application is open; below a path, the model server responds with 404 to any key
    const probe = probeOf(entry, application, { isAnswered: true })
    const rejection = probe && (await send(probe, entry.model, withUnknownKey(application)))
    if (!probe || rejection === undefined) return 'unknown'
    if (rejection.startsWith('2')) return 'open'
    if (!isRejection(rejection)) return 'unknown'
    const response = await send(probe, entry.model, application)
    if (response === undefined) return 'unknown'
    return response === rejection ? 'refused' : 'accepted'
  }
}
