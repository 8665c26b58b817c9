import { createKeySet } from '../clients/jwks.js'
import type { Config } from '../config.js'
import { createIdTokens } from '../features/account/id-tokens.js'
import type { Revocations } from '../web/revocations.js'
import { createSessions } from '../web/session.js'
import { createSignInNotes } from '../web/sign-in-notes.js'
import { createTokens } from '../web/tokens.js'
import { identityRules, knownGroups } from './identity-rules.js'
import type { Outbound } from './outbound.js'

export interface CallersDeps {
  outbound: Outbound
  revocations: Revocations
  secure: boolean
}

export type Callers = ReturnType<typeof createCallers>

/** Who sends a request: sessions of people, tokens of programs, and sign-outs that end them. */
export function createCallers(config: Config, { outbound, revocations, secure }: CallersDeps) {
  const { portal: notes } = config
  const { cache, identity, signInService } = outbound
  const sessions = createSessions({
    ...config.session,
    secure,
    issuer: config.oidc.issuer,
    groups: knownGroups(config),
    revocations,
  })
  const signInNotes = createSignInNotes({ cache })
  const tokens = createTokens({
    issuer: config.oidc.issuer,
    ...config.api,
    form: notes.identity_provider?.access_tokens ?? {},
    rules: identityRules(config),
    refused: (detail) => signInNotes.note(`refused ${detail}`),
    keys: createKeySet({ cache, jwksUri: identity.jwksUri, fetch: signInService.fetch }),
  })
  const idTokens = createIdTokens({ cache, maxSeconds: config.session.maxSeconds })

  return { sessions, tokens, idTokens, signInNotes }
}
