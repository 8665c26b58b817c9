/** Text of usage reports that pages, API, and CSV share. */

/** Replaces the name of a model whose product is no longer deployed. */
export const MODEL_NOT_OFFERED = 'No longer offered'

export const tableTitles = { calls: 'Calls', tokens: 'Tokens' }

export const columnLabels = {
  calls: 'Calls',
  promptTokens: 'Prompt tokens',
  completionTokens: 'Completion tokens',
  totalTokens: 'All tokens',
  previous: 'Previous period',
  otherCalls: 'Other calls',
  defaultUnit: 'units',
}

export const names = {
  application: (id: number) => `Application ${id}`,
  backendMetric: (id: number) => `metric ${id} of a backend`,
  metricOfApplication: (metric: string, application: string | number) => `${metric} of ${application}`,
}

export const metricErrors = {
  tooMany: (max: number) => `Select at most ${max} metrics.`,
  unknown: (names: string) => `Select from: ${names}.`,
}

export const caveats = {
  noTokenMetric: 'This model has no token metric in 3scale, so only calls are counted.',
  noPolicy: 'The gateway of this model has no known policy that counts tokens.',
  policyOrder: 'The policy that counts tokens runs after the APIcast policy, so no tokens are reported.',
  swappedRules:
    'The rules of the policy that counts tokens have metric and increment swapped, so no tokens are reported.',
  incomplete:
    'Token counts can be too low. The gateway does not count the first call of a key, calls after a rejected call, and responses without token usage.',
  streams: 'Streamed responses are not counted, because the policy that counts tokens does not support streams.',
  unknownMetrics: (names: string) =>
    `The gateway reports to metrics that this model does not have: ${names}. These tokens and their calls are not counted.`,
}
