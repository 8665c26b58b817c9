import { createModelCalls, type ModelCalls } from '../../src/model-calls/gateway-requests.js'

/** Calls of an OpenID Connect application whose issuer returns no token. */
export const callsWithoutToken: ModelCalls = createModelCalls({
  gateway: { call: async () => ({ status: 401, text: '{"error":"invalid_client"}', headers: {}, ms: 1 }) },
  readiness: { waitUntilReady: async () => {} },
})

/** Credentials of such an application. */
export const tokenCredentials = {
  mode: 'oidc',
  token_url: 'https://issuer.example/token',
  client_id: 'a',
  client_secret: 'b',
}
