import type { Application } from '../applications/schemas.js'
import type { Model } from '../models/schemas.js'
import { credentialHints } from './messages.js'

/** An environment variable that the code reads. */
export interface EnvironmentVariable {
  name: string
  value: string | undefined
  hint: string
}

/** A name of a header or query parameter, and the variable that holds its value. */
export type CredentialPair = [name: string, variable: string]

/**
 * How the credential of a product is sent, independent of a language (APIcast, gateway/src/apicast/configuration/service.lua):
 * as a bearer key, in headers, in the query, as HTTP Basic, or as a token that is fetched first.
 */
export interface CredentialTransport {
  kind: 'bearer' | 'headers' | 'query' | 'basic' | 'token'
  variables: EnvironmentVariable[]
  /** bearer: the variable; basic and token: user and password */
  pairs: CredentialPair[]
  /** token: the token endpoint; if undefined, the portal does not know it, and the code reads a variable */
  tokenUrl?: string | undefined
}

type CredentialValues = Partial<Application['credentials']>

export const TOKEN_URL = 'MAAS_TOKEN_URL'

export function credentialTransport(
  { credentials: { mode, location, names }, token_url }: Model,
  secrets: CredentialValues,
): CredentialTransport {
  if (mode === 'oidc') return tokenTransport(secrets, secrets.token_url ?? token_url ?? undefined)
  if (mode === 'user_key') {
    const variables = [{ name: 'MAAS_API_KEY', value: secrets.user_key, hint: credentialHints.key }]
    const kind = location === 'authorization' ? 'bearer' : location
    return { kind, variables, pairs: [[names.user_key, 'MAAS_API_KEY']] }
  }
  const variables = [
    { name: 'MAAS_APP_ID', value: secrets.app_id, hint: credentialHints.applicationId },
    { name: 'MAAS_APP_KEY', value: secrets.app_keys?.at(-1), hint: credentialHints.applicationKey },
  ]
  const pairs: CredentialPair[] = [
    [names.app_id, 'MAAS_APP_ID'],
    [names.app_key, 'MAAS_APP_KEY'],
  ]
  // A Bearer header cannot satisfy this mode: APIcast takes the key only from the password of Basic.
  return { kind: location === 'authorization' ? 'basic' : location, variables, pairs }
}

/** A token is valid for minutes, so the code fetches one first. */
function tokenTransport(secrets: CredentialValues, tokenUrl: string | undefined): CredentialTransport {
  const variables: EnvironmentVariable[] = [
    { name: 'MAAS_CLIENT_ID', value: secrets.client_id, hint: credentialHints.clientId },
    { name: 'MAAS_CLIENT_SECRET', value: secrets.client_secret, hint: credentialHints.clientSecret },
  ]
  if (tokenUrl === undefined) variables.push({ name: TOKEN_URL, value: undefined, hint: credentialHints.tokenEndpoint })
  return {
    kind: 'token',
    variables,
    pairs: [
      ['client_id', 'MAAS_CLIENT_ID'],
      ['client_secret', 'MAAS_CLIENT_SECRET'],
    ],
    tokenUrl,
  }
}

/** Whether every value is known, so that the code can contain the credential. */
export function isRevealed({ variables }: CredentialTransport): boolean {
  return variables.every(({ value }) => value !== undefined && value !== '')
}

/**
 * Custom keys can contain `+`, `/` and `=`. The gateway compares the query without decoding it (APIcast reads nginx's `$arg_NAME`), so
 * a client that percent-encodes parameters cannot send such a key in the query.
 */
export function needsRawQuery({ kind, variables }: CredentialTransport): boolean {
  return kind === 'query' && variables.some(({ value }) => value !== undefined && /[^\w.-]/.test(value))
}
