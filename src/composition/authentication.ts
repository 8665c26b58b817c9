import { createKeySet } from '../clients/identity/jwks.js'
import type { Config } from '../config/environment.js'
import { createIdTokenStore } from '../features/account/sign-in/id-token-store.js'
import type { Revocations } from '../web/auth/revocations.js'
import { createSessions } from '../web/auth/session.js'
import { createSignInDiagnostics } from '../web/auth/sign-in-diagnostics.js'
import { createTokenVerifier } from '../web/auth/tokens/bearer-tokens.js'
import type { Clients } from './clients.js'
import { identityRules, knownGroups } from './identity-claims.js'

export interface AuthenticationDeps {
  clients: Clients
  revocations: Revocations
  secure: boolean
}

export type Authentication = ReturnType<typeof createAuthentication>

/** Sessions of users and access tokens of programs. */
export function createAuthentication(config: Config, { clients, revocations, secure }: AuthenticationDeps) {
  const { portal } = config
  const { cache, identity, signInService } = clients
  const sessions = createSessions({
    ...config.session,
    secure,
    issuer: config.oidc.issuer,
    groups: knownGroups(config),
    revocations,
  })
  const signInDiagnostics = createSignInDiagnostics({ cache })
  const tokens = createTokenVerifier({
    issuer: config.oidc.issuer,
    ...config.api,
    form: portal.identity_provider?.access_tokens ?? {},
    rules: identityRules(config),
    onRejected: (detail) => signInDiagnostics.record(`refused ${detail}`),
    keys: createKeySet({ cache, jwksUri: identity.jwksUri, fetch: signInService.fetch }),
  })
  const idTokens = createIdTokenStore({ cache, maxSeconds: config.session.maxSeconds })

  return { sessions, tokens, idTokens, signInDiagnostics }
}
