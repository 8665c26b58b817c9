import { randomBytes } from 'node:crypto'
import { isProblem } from '../../errors.js'
import type { FoundModel } from './applications.js'
import type { ModelCalls, Prepared } from './model-calls.js'
import { type Probe, probesFor } from './probes.js'
import type { Application } from './schemas.js'

export interface GatewayCheckDeps {
  calls: Pick<ModelCalls, 'prepare'>
  gateway: { call(request: Prepared & { timeoutMs: number }): Promise<{ status: number; text: string }> }
}

/** `open`: it accepts a key that never existed, as it does of an application that it knows without keys */
export type Verdict = 'accepted' | 'refused' | 'open' | 'unknown'
export type GatewayCheck = ReturnType<typeof createGatewayCheck>

const CALL_MS = 2500
/** the gateway's default, and what products choose instead; a path without a mapping rule is 404 with any key */
const REFUSALS = [401, 403]

/**
 * Asks the gateway whether it accepts the credentials of an application, with a call that runs no model. Two calls at most; the
 * second one counts in the usage of the application where it is accepted. Never rejects.
 */
export function createGatewayCheck({ calls, gateway }: GatewayCheckDeps) {
  return async function check(found: FoundModel, application: Application): Promise<Verdict> {
    const { probes } = probesFor(found.rules)
    // a read that the model server answers shows an application that is open; below a path it answers 404 to any key
    const probe =
      probes.find(({ method, asked, path }) => method === 'GET' && asked === path.replace(/\$$/, '')) ?? probes[0]
    if (!probe) return 'unknown'
    // what a refusal looks like is the product's own choice, so a key that never existed shows it
    const refusal = await ask(found, withoutKey(application), probe)
    if (refusal === undefined) return 'unknown'
    if (refusal.status < 300) return 'open'
    if (!REFUSALS.includes(refusal.status)) return 'unknown'
    const answer = await ask(found, application, probe)
    if (answer === undefined) return 'unknown'
    return answer.status === refusal.status && answer.text === refusal.text ? 'refused' : 'accepted'
  }

  async function ask({ model }: FoundModel, application: Application, { method, asked, body }: Probe) {
    try {
      const request = await calls.prepare(model, application, { method, path: asked, body })
      const answer = await gateway.call({ ...request, timeoutMs: CALL_MS })
      return answer.status >= 500 ? undefined : answer
    } catch (error) {
      if (isProblem(error)) return undefined
      throw error
    }
  }
}

/** The same application with a key that nobody has. */
function withoutKey(application: Application): Application {
  const nobody = randomBytes(16).toString('hex')
  return {
    ...application,
    credentials: { ...application.credentials, user_key: nobody, app_keys: [nobody], client_secret: nobody },
  }
}
