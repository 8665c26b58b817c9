import { boundedText, memberOf } from '../../../clients/threescale/specs/spec.js'

/** Values that 3scale's own developer portal fills in from an application (porta, app/lib/api_docs/buyer_data.rb). */
const CREDENTIAL_VALUES = new Set(['user_keys', 'app_ids', 'app_keys', 'client_ids', 'client_secrets'])
/** 3scale reads `threescale_name` as the other one (porta, app/lib/three_scale/swagger/specification.rb). */
const EXTENSIONS = ['x-data-threescale-name', 'threescale_name']
/** Common names of credentials. The portal sends the credential, so the user does not enter it. */
const CREDENTIAL_NAME = /^(x[-_])?((api|access|auth|subscription|user|app)[-_]?(key|token)|app[-_]?id)$/i

/** Whether the node itself has 3scale's extension, so the portal fills it in. */
export function isCredential(node: unknown): boolean {
  return EXTENSIONS.some((name) => CREDENTIAL_VALUES.has(boundedText(memberOf(node, name), 40) ?? ''))
}

/** Whether a parameter is likely to carry a credential and must therefore not be required. */
export function isLikelyCredential(name: string, location: string): boolean {
  return (location === 'query' || location === 'header') && CREDENTIAL_NAME.test(name)
}
