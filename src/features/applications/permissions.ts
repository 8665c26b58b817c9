import type { CredentialMode } from '../../clients/threescale/types.js'

/** The policies to enforce before each operation on an application, for pages and API alike. */
export const requiredPolicies = {
  change: ['buyers_manage_apps'],
  plan: ['buyers_manage_apps', 'application_live', 'buyer_plan_change_permission'],
  keys: ['buyers_manage_apps', 'buyers_manage_keys'],
} as const

/** porta shows the button for a client secret by `buyer_key_regenerate_enabled`, and its controller checks the key policy. */
export const rotationPolicies = {
  user_key: ['buyers_manage_apps', 'buyer_key_regenerate_enabled'],
  app_id: ['buyers_manage_apps', 'buyers_manage_keys'],
  oidc: ['buyers_manage_apps', 'buyers_manage_keys', 'buyer_key_regenerate_enabled'],
} as const satisfies Record<CredentialMode, readonly string[]>

export type ProductPolicy = (typeof rotationPolicies)['oidc'][number]
