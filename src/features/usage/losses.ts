import type { TokenPolicy } from '../../clients/threescale/nouns.js'
import type { Measure, Role } from './measures.js'

export interface Gateway {
  metrics: string[]
  tokenPolicy: TokenPolicy | undefined
}

const tokenRoles: Role[] = ['prompt_tokens', 'completion_tokens', 'total_tokens']

export function isTokens({ role }: Pick<Measure, 'role'>): boolean {
  return tokenRoles.includes(role)
}

/**
 * What is known to be missing in the token numbers of a product, in sentences (gateway.md 4.1 to 4.4, found in
 * models-aas, llm_metrics_policy). Empty where nothing counts tokens, or nothing is known to get lost.
 */
export function tokenLosses(measures: Measure[], { metrics, tokenPolicy }: Gateway, chats: boolean): string[] {
  const tokens = measures.filter(isTokens)
  if (tokens.length === 0) return ['This model has no metric for tokens in 3scale, so only calls are counted.']
  if (!tokenPolicy) {
    const counted = tokens.some(({ metric }) => metrics.includes(metric))
    return counted ? [] : ['The gateway of this model has no policy that is known to count tokens.']
  }
  if (!tokenPolicy.beforeApicast)
    return [
      'The policy that counts tokens stands after the gateway’s own in the chain, so tokens are not reported at all.',
    ]
  if (tokenPolicy.metrics.some((metric) => metric.includes('{{')))
    return ['The policy that counts tokens has metric and increment swapped in its rules, so tokens are not reported.']
  const known = new Set(measures.map(({ metric }) => metric))
  const missing = tokenPolicy.metrics.filter((metric) => !known.has(metric))
  return [
    'Tokens are as reported by the gateway, and some are lost: those of the first call of a key, of calls after a refused one, and of answers that do not tell their usage. Real use can be higher.',
    ...(chats && !tokenPolicy.countsStreams
      ? ['Streamed answers are not counted: the policy that counts tokens is set up without streams.']
      : []),
    ...(missing.length > 0
      ? [
          `The gateway reports to ${missing.join(', ')}, which this model does not have; then neither these tokens nor the call are counted.`,
        ]
      : []),
  ]
}
