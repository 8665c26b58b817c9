import { type Params, textOf } from '../http/params.js'
import type { Errors } from '../http/responses.js'
import { CANARY, hex } from '../secrets.js'
import type { GatewaySettings, Stamped } from '../store.js'
import { withPort } from './with-port.js'

/** What a product's gateway settings are when porta creates them (porta, db/schema.rb, app/models/proxy.rb). */
export function newProxy(id: number, { created_at, updated_at }: Stamped): GatewaySettings {
  return {
    id,
    columns: {
      endpoint: null,
      sandbox_endpoint: null,
      deployed_at: null,
      auth_app_key: 'app_key',
      auth_app_id: 'app_id',
      auth_user_key: 'user_key',
      credentials_location: 'query',
      error_auth_failed: 'Authentication failed',
      error_auth_missing: 'Authentication parameters missing',
      error_status_auth_failed: 403,
      error_headers_auth_failed: 'text/plain; charset=us-ascii',
      error_status_auth_missing: 403,
      error_headers_auth_missing: 'text/plain; charset=us-ascii',
      error_no_match: 'No Mapping Rule matched',
      error_status_no_match: 404,
      error_headers_no_match: 'text/plain; charset=us-ascii',
      error_limits_exceeded: 'Usage limit exceeded',
      error_status_limits_exceeded: 429,
      error_headers_limits_exceeded: 'text/plain; charset=us-ascii',
      secret_token: `Shared_secret_sent_from_proxy_to_API_backend_${CANARY}${hex(3)}`,
      hostname_rewrite: null,
      oauth_login_url: null,
      api_test_path: '/',
      api_test_success: null,
      oidc_issuer_endpoint: null,
      oidc_issuer_type: 'keycloak',
      jwt_claim_with_client_id: null,
      jwt_claim_with_client_id_type: null,
    },
    policies: [{ name: 'apicast', version: 'builtin', configuration: {}, enabled: true }],
    oidc: {
      standard_flow_enabled: true,
      implicit_flow_enabled: false,
      service_accounts_enabled: false,
      direct_access_grants_enabled: false,
    },
    lock_version: 0,
    created_at,
    updated_at,
  }
}

/** The columns in the response of the gateway settings. */
export const SHOWN = [
  'endpoint',
  'deployed_at',
  'credentials_location',
  'auth_app_key',
  'auth_app_id',
  'auth_user_key',
  'error_auth_failed',
  'error_auth_missing',
  'error_status_auth_failed',
  'error_headers_auth_failed',
  'error_status_auth_missing',
  'error_headers_auth_missing',
  'error_no_match',
  'error_status_no_match',
  'error_headers_no_match',
  'error_limits_exceeded',
  'error_status_limits_exceeded',
  'error_headers_limits_exceeded',
  'secret_token',
  'hostname_rewrite',
  'oauth_login_url',
  'sandbox_endpoint',
  'api_test_path',
  'api_test_success',
]

export const SHOWN_WITH_OIDC = [
  'oidc_issuer_endpoint',
  'oidc_issuer_type',
  'jwt_claim_with_client_id',
  'jwt_claim_with_client_id_type',
]

/** Settings that a call may change. */
export const EDITABLE = [...SHOWN, ...SHOWN_WITH_OIDC].filter(
  (name) => !['deployed_at', 'api_test_success'].includes(name),
)

/** The columns that are given, as they are stored. */
export function valuesOf(attributes: Params): Record<string, string | number | null> {
  const pairs = EDITABLE.map((name) => [name, textOf(attributes, name)] as const).filter(
    (pair): pair is readonly [string, string] => pair[1] !== undefined,
  )
  return Object.fromEntries(
    pairs.map(([name, text]) => {
      if (name.startsWith('error_status_')) return [name, Number(text)]
      if (name === 'endpoint' || name === 'sandbox_endpoint') return [name, withPort(text)]
      return [name, text === '' ? null : text]
    }),
  )
}

export function errorsOf({ endpoint, sandbox_endpoint, credentials_location }: Record<string, unknown>): Errors {
  const errors: Errors = {}
  for (const [name, address] of Object.entries({ endpoint, sandbox_endpoint }))
    if (typeof address === 'string' && !/^https?:\/\/[^\s/?#]+\/?$/.test(address))
      errors[name] = ["the accepted format is 'protocol://address(:port)'"]
  const locations = ['query', 'headers', 'authorization']
  if (credentials_location !== undefined && !locations.includes(String(credentials_location)))
    errors.credentials_location = ['is not included in the list']
  return errors
}
