import { errorTextOf } from '../clients/gateway/error-text.js'
import { changeNotices, parameterAdviceMessage } from './messages.js'

/** A change after which a model server accepts a body, without changing the user's input. */
export type ParameterChange = 'no_stream_options' | 'no_stream' | 'no_stream_for_gateway' | 'max_completion_tokens'

type Body = Record<string, unknown>

export interface RejectedResponse {
  status: number
  headers?: Record<string, string>
  text: string
}

/** Statuses that can refer to the body; a 5xx only if its text names the parameter. */
const ABOUT_BODY = [400, 415, 422, 500, 501]
const REJECTION =
  /unsupported|not support|unknown|unrecogni[sz]ed|unexpected|not (?:permitted|allowed|accepted|valid|implemented|available|enabled)|extra|additional|invalid|forbidden|deprecated|cannot|can't|can only|only (?:allowed|supported|valid)|must not|no such|instead|disabled/i
/** Rejects a parameter without naming it. */
const SOME_PARAMETER =
  /\b(?:extra|unknown|unsupported|unrecogni[sz]ed|unexpected|additional|unallowed)\b.{0,40}\b(?:fields?|inputs?|parameters?|params?|arguments?|properties|property|keys?|keywords?|members?|options?)\b/i
const GENERIC =
  /^(?:\d{3} )?(?:bad request|unprocessable (?:entity|content)|validation (?:error|failed)|invalid (?:request|json|body|payload|input)|request validation error)\W*$|^(?:\d{3} )?failed to deserialize the json body[^:]*$/i
/** Parameters that users can set. */
const USER_PARAMETERS = ['temperature', 'top_p', 'max_tokens', 'max_completion_tokens'] as const

/**
 * Changes to a body that a model server rejected, based on its message or, if that names no parameter, on what the portal added.
 * Empty if repeating the request would not help. User input is never removed.
 */
export function findChanges(body: Body, { status, headers = {}, text }: RejectedResponse): ParameterChange[] {
  if (!ABOUT_BODY.includes(status)) return []
  const message = errorText({ text, headers })
  const isRejected = REJECTION.test(message)
  const changes: ParameterChange[] = []
  const isRenamed =
    /max_completion_tokens/.test(message) || (namesParameter(message, 'max_tokens') && isUnsupported(message))
  if ('max_tokens' in body && isRenamed) changes.push('max_completion_tokens')
  if (/stream_options|streamOptions|include_usage/.test(message)) {
    // the policy llm-metrics adds it to each stream that has none (models-aas, llm_metrics_policy/llm.lua)
    if ('stream_options' in body) changes.push('no_stream_options')
    else if (body.stream === true) changes.push('no_stream_for_gateway')
  } else if (body.stream === true && status !== 500 && isRejected && /\bstream(?:ing)?\b/i.test(message))
    changes.push('no_stream')
  if (changes.length > 0 || !('stream_options' in body) || status >= 500) return changes
  const namesAnother =
    parameterIn(text) !== '' ||
    /(?:\bbody\.|['"`])(?:messages|model|prompt)\b/.test(message) ||
    USER_PARAMETERS.some((name) => namesParameter(message, name))
  const isVague =
    message === '' || GENERIC.test(message) || SOME_PARAMETER.test(message) || (status === 422 && isRejected)
  return isVague && !namesAnother ? ['no_stream_options'] : []
}

/** Applies the changes that are applicable to the body. */
export function applyChanges(body: Body, changes: Iterable<ParameterChange>): Body {
  const next = { ...body }
  for (const change of changes) {
    if (change !== 'max_completion_tokens') delete next.stream_options
    if (change.startsWith('no_stream') && change !== 'no_stream_options') delete next.stream
    if (change === 'max_completion_tokens' && 'max_tokens' in next) {
      next.max_completion_tokens = next.max_tokens
      delete next.max_tokens
    }
  }
  return next
}

/** Message for the user about a change. */
export function changeNotice(change: ParameterChange): string {
  return changeNotices[change]
}

/** Advice about a parameter that the user set and the server rejected. Empty if its message names none. */
export function parameterAdvice(body: Body, { status, headers = {}, text }: RejectedResponse): string {
  if (status !== 400 && status !== 422) return ''
  const message = errorText({ text, headers })
  const rejected = USER_PARAMETERS.filter((name) => name in body && namesParameter(message, name))
  if (rejected.length === 0) return ''
  return parameterAdviceMessage(rejected.join(' and '))
}

/** The message of a server, followed by the parameter and code of OpenAI's errors. */
function errorText({ text, headers = {} }: Omit<RejectedResponse, 'status'>): string {
  const code = /"code"\s*:\s*"unsupported_/.test(text) ? 'unsupported' : ''
  return [errorTextOf(text, headers['content-type']), parameterIn(text), code].filter(Boolean).join(' ')
}

function parameterIn(text: string): string {
  return /"param"\s*:\s*"([\w.-]{1,60})"/.exec(text)?.[1] ?? ''
}

/** `max_completion_tokens` does not match `max_tokens`. */
const parameterPatterns: Record<(typeof USER_PARAMETERS)[number], RegExp> = {
  temperature: /(?<!\w)temperature(?!\w)/i,
  top_p: /(?<!\w)top_p(?!\w)/i,
  max_tokens: /(?<!\w)max_tokens(?!\w)/i,
  max_completion_tokens: /(?<!\w)max_completion_tokens(?!\w)/i,
}

function namesParameter(message: string, parameter: (typeof USER_PARAMETERS)[number]): boolean {
  return parameterPatterns[parameter].test(message)
}

/** The parameter itself is unsupported, as opposed to its value. */
function isUnsupported(message: string): boolean {
  return /unsupported|not support|unknown|unrecogni[sz]ed|unexpected|extra|additional|not (?:permitted|allowed)|deprecated/i.test(
    message,
  )
}
