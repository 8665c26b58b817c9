import type { CreateFinding, Finding } from '../../findings/findings.js'
import type { ProductContext } from '../../product-context.js'
import { keyMessages } from './messages.js'

export interface GatewayKeysDeps {
  /** Checks the keys of the application that PORTAL_CONFIG names for the product; undefined if none can be checked. */
  keyVerdicts(systemName: string): Promise<KeyVerdicts | undefined>
}

/** The gateway's response to each key of an application, or the reason why it was not checked. */
export type KeyVerdicts =
  | { account: number; id: number; verdicts: ('accepted' | 'refused' | 'open' | 'unknown')[] }
  | { failure: string }

/**
 * Finds keys that 3scale lists and the gateway refuses, for example because 3scale's backend was down when they were written.
 * Only the application that PORTAL_CONFIG names is used, because the calls count in its usage.
 */
export async function checkGatewayKeys(
  { product, tenant }: ProductContext,
  finding: CreateFinding,
  deps: GatewayKeysDeps,
): Promise<Finding[]> {
  // `not_promoted` reports it.
  if (tenant.production && !tenant.production.has(product.id)) return []
  const answer = await deps.keyVerdicts(product.systemName)
  if (!answer) return []
  if ('failure' in answer) return [finding('key_unverified', { product, what: answer.failure })]
  const { id, account, verdicts } = answer
  const name = keyMessages.application(id, account)
  const all = verdicts.length
  const of = (verdict: string) => verdicts.filter((each) => each === verdict).length
  if (of('open') > 0) return [finding('key_ignored', { product, id, what: keyMessages.anyKeyAccepted(name) })]
  const keys = (count: number) => keyMessages.keys(count, all)
  const [refused, unknown] = [of('refused'), of('unknown')]
  return [
    ...(refused > 0 ? [finding('key_refused', { product, id, what: keyMessages.refused(keys(refused), name) })] : []),
    ...(unknown > 0
      ? [
          finding('key_unverified', {
            product,
            what: keyMessages.unclear(keys(unknown), name),
          }),
        ]
      : []),
  ]
}
