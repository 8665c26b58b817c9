import type { Model } from '../models/schemas.js'

/** How the gateway wants the credential, as lines of a request (APIcast, configuration/service.lua). */
export function credentialFacts({ credentials: { mode, location, names }, token_url }: Model) {
  const fact = (value: string) => [{ label: 'Credential', value, code: true }]
  if (mode === 'oidc')
    return [
      ...fact('Authorization: Bearer <token>'),
      {
        label: 'Token from',
        value: token_url ?? 'the sign-in service, with client id and secret',
        code: token_url !== null,
      },
    ]
  const pairs =
    mode === 'user_key'
      ? [[names.user_key, '<key>']]
      : [
          [names.app_id, '<application id>'],
          [names.app_key, '<key>'],
        ]
  if (location === 'query') return fact(`?${pairs.map((pair) => pair.join('=')).join('&')}`)
  if (location === 'headers') return pairs.map((pair) => pair.join(': ')).flatMap(fact)
  return fact(
    mode === 'user_key' ? 'Authorization: Bearer <key>' : 'Authorization: Basic <application id>:<key> in base64',
  )
}
