import { createKeySet } from '../clients/jwks.js'
import type { Config } from '../config.js'
import { createIdTokens } from '../features/account/id-tokens.js'
import { createRevocations } from '../web/revocations.js'
import { createSessions } from '../web/session.js'
import { createTokens } from '../web/tokens.js'
import { identityRules, knownClaims, knownGroups } from './identity-rules.js'
import type { Outbound } from './outbound.js'
import { PREFIX } from './prefix.js'

export interface CallersDeps {
  outbound: Outbound
  secure: boolean
}

export type Callers = ReturnType<typeof createCallers>

/** Who sends a request: sessions of people, tokens of programs, and sign-outs that end them. */
export function createCallers(config: Config, { outbound, secure }: CallersDeps) {
  const { portal: notes } = config
  const { redis, cache, identity, signInService } = outbound
  const revocations = createRevocations({ redis, prefix: PREFIX, keepSeconds: config.session.maxSeconds })
  const sessions = createSessions({
    ...config.session,
    secure,
    issuer: config.oidc.issuer,
    groups: knownGroups(config),
    revocations,
  })
  const tokens = createTokens({
    issuer: config.oidc.issuer,
    ...config.api,
    groupsClaim: notes.groups_claim ?? 'groups',
    claims: knownClaims(identityRules(config)),
    keys: createKeySet({ cache, jwksUri: identity.jwksUri, fetch: signInService.fetch }),
  })
  const idTokens = createIdTokens({ cache, maxSeconds: config.session.maxSeconds })

  return { revocations, sessions, tokens, idTokens }
}
