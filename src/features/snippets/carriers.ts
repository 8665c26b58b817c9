import type { Application } from '../applications/schemas.js'
import type { Model } from '../models/schemas.js'

/** An environment variable that the code reads, and where its value comes from. */
export interface Variable {
  name: string
  value: string | undefined
  hint: string
}

/** A name of a header or query parameter, and the variable that holds its value. */
export type Pair = [name: string, variable: string]

/**
 * How the credential of a product travels, in no language yet (APIcast, gateway/src/apicast/configuration/service.lua):
 * as a bearer key, in headers, in the query, as HTTP Basic, or as a token that is fetched first.
 */
export interface Carrier {
  kind: 'bearer' | 'headers' | 'query' | 'basic' | 'token'
  variables: Variable[]
  /** bearer: the variable; basic and token: user and password */
  pairs: Pair[]
  /** token: where it is fetched; undefined while the portal does not know, then the code reads a variable */
  tokenUrl?: string | undefined
}

type Secrets = Partial<Application['credentials']>

export const TOKEN_URL = 'MAAS_TOKEN_URL'

export function carrierOf({ credentials: { mode, location, names }, token_url }: Model, secrets: Secrets): Carrier {
  if (mode === 'oidc') return token(secrets, secrets.token_url ?? token_url ?? undefined)
  if (mode === 'user_key') {
    const variables = [{ name: 'MAAS_API_KEY', value: secrets.user_key, hint: 'your key' }]
    const kind = location === 'authorization' ? 'bearer' : location
    return { kind, variables, pairs: [[names.user_key, 'MAAS_API_KEY']] }
  }
  const variables = [
    { name: 'MAAS_APP_ID', value: secrets.app_id, hint: 'your application id' },
    { name: 'MAAS_APP_KEY', value: secrets.app_keys?.at(-1), hint: 'your application key' },
  ]
  const pairs: Pair[] = [
    [names.app_id, 'MAAS_APP_ID'],
    [names.app_key, 'MAAS_APP_KEY'],
  ]
  // a Bearer header can never satisfy this mode: APIcast takes the key from the password of Basic alone
  return { kind: location === 'authorization' ? 'basic' : location, variables, pairs }
}

/** A token lives for minutes, so the code fetches one first. */
function token(secrets: Secrets, tokenUrl: string | undefined): Carrier {
  const variables: Variable[] = [
    { name: 'MAAS_CLIENT_ID', value: secrets.client_id, hint: 'your client id' },
    { name: 'MAAS_CLIENT_SECRET', value: secrets.client_secret, hint: 'your client secret' },
  ]
  if (tokenUrl === undefined)
    variables.push({ name: TOKEN_URL, value: undefined, hint: 'the token address of your SSO' })
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

/** True where every value is known, so that the credential can be written out. */
export function isRevealed({ variables }: Carrier): boolean {
  return variables.every(({ value }) => value !== undefined && value !== '')
}

/**
 * Custom keys may hold `+`, `/` and `=`. The gateway compares the query as it came, undecoded (APIcast reads nginx's
 * `$arg_NAME`), so a client that percent-encodes parameters cannot send such a key there.
 */
export function needsRawQuery({ kind, variables }: Carrier): boolean {
  return kind === 'query' && variables.some(({ value }) => value !== undefined && /[^\w.-]/.test(value))
}
