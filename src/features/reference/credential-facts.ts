import type { Model } from '../models/schemas.js'
import { labels, credentials as texts } from './messages.js'

/** The credential as the gateway reads it, as lines of a request (APIcast, configuration/service.lua). */
export function credentialFacts({ credentials: { mode, location, names }, token_url }: Model) {
  const fact = (value: string) => [{ label: labels.credential, value, code: true }]
  if (mode === 'oidc')
    return [
      ...fact(texts.bearerToken),
      {
        label: labels.tokenEndpoint,
        value: token_url ?? texts.unknownTokenEndpoint,
        code: token_url !== null,
      },
    ]
  const pairs =
    mode === 'user_key'
      ? [[names.user_key, texts.key]]
      : [
          [names.app_id, texts.applicationId],
          [names.app_key, texts.key],
        ]
  if (location === 'query') return fact(`?${pairs.map((pair) => pair.join('=')).join('&')}`)
  if (location === 'headers') return pairs.map((pair) => pair.join(': ')).flatMap(fact)
  return fact(mode === 'user_key' ? texts.bearerKey : texts.basic)
}
