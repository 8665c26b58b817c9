import { member, textOf } from '../../clients/threescale/spec.js'

/** What 3scale's own developer portal fills in with values of an application (porta, app/lib/api_docs/buyer_data.rb). */
const FILLED_IN = new Set(['user_keys', 'app_ids', 'app_keys', 'client_ids', 'client_secrets'])
/** `threescale_name` is what 3scale reads as the other one (porta, app/lib/three_scale/swagger/specification.rb). */
const EXTENSIONS = ['x-data-threescale-name', 'threescale_name']
/** Names under which a credential is usually sent: whoever has an application does not have to know a value. */
const USUAL_NAME = /^(x[-_])?((api|access|auth|subscription|user|app)[-_]?(key|token)|app[-_]?id)$/i

/** Whether 3scale's extension of a node itself says that the portal fills it in. */
export function isCredential(node: unknown): boolean {
  return EXTENSIONS.some((name) => FILLED_IN.has(textOf(member(node, name), 40) ?? ''))
}

/** Whether a parameter is likely to carry a credential, so that nobody is required to fill it in. */
export function isLikelyCredential(name: string, place: string): boolean {
  return (place === 'query' || place === 'header') && USUAL_NAME.test(name)
}
