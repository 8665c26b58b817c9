import type { FoundModel } from './applications.js'
import { createAsk, type GatewayQuestionsDeps, isRefusal, probeOf, withUnknownKey } from './gateway-questions.js'
import type { Application } from './schemas.js'

/** `open`: it accepts a key that never existed, as it does of an application that it knows without keys */
export type Verdict = 'accepted' | 'refused' | 'open' | 'unknown'
export type GatewayCheck = ReturnType<typeof createGatewayCheck>

/**
 * Whether the gateway accepts the key of an application. Two requests at most; the second one counts in the usage of the
 * application where it is accepted. Never rejects.
 */
export function createGatewayCheck(deps: GatewayQuestionsDeps) {
  const ask = createAsk(deps)

  return async function check(found: FoundModel, application: Application): Promise<Verdict> {
    // a read that the model server answers shows an application that is open; below a path it answers 404 to any key
    const probe = probeOf(found, application, { isAnswered: true })
    const refusal = probe && (await ask(probe, found.model, withUnknownKey(application)))
    if (!probe || refusal === undefined) return 'unknown'
    if (refusal.startsWith('2')) return 'open'
    if (!isRefusal(refusal)) return 'unknown'
    const answer = await ask(probe, found.model, application)
    if (answer === undefined) return 'unknown'
    return answer === refusal ? 'refused' : 'accepted'
  }
}
