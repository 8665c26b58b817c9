import type { Find, Finding } from '../findings.js'
import type { Look } from '../look.js'

export interface GatewayKeysDeps {
  /** the keys of the application that PORTAL_CONFIG names for the product, at its gateway; undefined where there are none to ask for */
  keyVerdicts(systemName: string): Promise<KeyVerdicts | undefined>
}

/** What the gateway said of each key of an application, or a sentence on why it was not asked. */
export type KeyVerdicts =
  | { account: number; id: number; verdicts: ('accepted' | 'refused' | 'open' | 'unknown')[] }
  | { failure: string }

/**
 * Keys that 3scale lists and the gateway refuses, as they are where 3scale's back-end was down while they were written. Only the
 * application that PORTAL_CONFIG names is asked with: the calls count in its usage.
 */
export async function gatewayKeys({ product, tenant }: Look, find: Find, deps: GatewayKeysDeps): Promise<Finding[]> {
  // `not_promoted` says so
  if (tenant.production && !tenant.production.has(product.id)) return []
  const answer = await deps.keyVerdicts(product.systemName)
  if (!answer) return []
  if ('failure' in answer) return [find('key_unverified', { product, what: answer.failure })]
  const { id, account, verdicts } = answer
  const name = `application ${id} (account ${account})`
  const all = verdicts.length
  const of = (verdict: string) => verdicts.filter((each) => each === verdict).length
  if (of('open') > 0) return [find('key_ignored', { product, id, what: `The gateway accepts any key for ${name}.` })]
  const keys = (some: number) => (all === 1 ? 'the key' : `${some} of ${all} keys`)
  const [refused, unknown] = [of('refused'), of('unknown')]
  return [
    ...(refused > 0
      ? [find('key_refused', { product, id, what: `The gateway refuses ${keys(refused)} of ${name}.` })]
      : []),
    ...(unknown > 0
      ? [find('key_unverified', { product, what: `The gateway gave no clear answer to ${keys(unknown)} of ${name}.` })]
      : []),
  ]
}
