import { ownWordsOf } from '../clients/server-words.js'

/** A change of a body that makes a model server accept it, without changing the person's input. */
export type Change = 'no_stream_options' | 'no_stream' | 'no_stream_for_gateway' | 'max_completion_tokens'

type Body = Record<string, unknown>

export interface Refusal {
  status: number
  headers?: Record<string, string>
  text: string
}

/** Statuses that may be about the body; a 5xx is only where its text names the parameter. */
const ABOUT_BODY = [400, 415, 422, 500, 501]
const REFUSED =
  /unsupported|not support|unknown|unrecogni[sz]ed|unexpected|not (?:permitted|allowed|accepted|valid|implemented|available|enabled)|extra|additional|invalid|forbidden|deprecated|cannot|can't|can only|only (?:allowed|supported|valid)|must not|no such|instead|disabled/i
/** Words that reject a parameter without naming it. */
const SOME_PARAMETER =
  /\b(?:extra|unknown|unsupported|unrecogni[sz]ed|unexpected|additional|unallowed)\b.{0,40}\b(?:fields?|inputs?|parameters?|params?|arguments?|properties|property|keys?|keywords?|members?|options?)\b/i
const GENERIC =
  /^(?:\d{3} )?(?:bad request|unprocessable (?:entity|content)|validation (?:error|failed)|invalid (?:request|json|body|payload|input)|request validation error)\W*$|^(?:\d{3} )?failed to deserialize the json body[^:]*$/i
/** Parameters that a person may fill in. */
const FILLED_IN = ['temperature', 'top_p', 'max_tokens', 'max_completion_tokens'] as const

/**
 * What to change of a body that a model server refused, by its own words or, where these name nothing, by leaving out what
 * the portal added. Empty: sending it again would not help. What a person filled in is never left out.
 */
export function changesFor(body: Body, { status, headers = {}, text }: Refusal): Change[] {
  if (!ABOUT_BODY.includes(status)) return []
  const words = wordsOf({ text, headers })
  const isRefused = REFUSED.test(words)
  const changes: Change[] = []
  const isRenamed = /max_completion_tokens/.test(words) || (names(words, 'max_tokens') && isUnsupported(words))
  if ('max_tokens' in body && isRenamed) changes.push('max_completion_tokens')
  if (/stream_options|streamOptions|include_usage/.test(words)) {
    // the policy llm-metrics adds it to each stream that has none (models-aas, llm_metrics_policy/llm.lua)
    if ('stream_options' in body) changes.push('no_stream_options')
    else if (body.stream === true) changes.push('no_stream_for_gateway')
  } else if (body.stream === true && status !== 500 && isRefused && /\bstream(?:ing)?\b/i.test(words))
    changes.push('no_stream')
  if (changes.length > 0 || !('stream_options' in body) || status >= 500) return changes
  const namesAnother =
    parameterIn(text) !== '' ||
    /(?:\bbody\.|['"`])(?:messages|model|prompt)\b/.test(words) ||
    FILLED_IN.some((name) => names(words, name))
  const isVague = words === '' || GENERIC.test(words) || SOME_PARAMETER.test(words) || (status === 422 && isRefused)
  return isVague && !namesAnother ? ['no_stream_options'] : []
}

/** The body with these changes; those that do not apply do nothing. */
export function changed(body: Body, changes: Iterable<Change>): Body {
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

const notices: Record<Change, string> = {
  no_stream_options: 'The model server does not accept stream_options. The request was sent again without it.',
  no_stream: 'The model server does not stream answers. The request was sent again without stream.',
  no_stream_for_gateway:
    'The model server does not accept stream_options, which the gateway adds to each stream. The request was sent again without stream.',
  max_completion_tokens:
    'The model server does not accept max_tokens. The request was sent again with max_completion_tokens.',
}

/** What was changed, in a sentence for the person who sent it. */
export function noticeOf(change: Change): string {
  return notices[change]
}

/** What to do about a parameter that a person filled in and the server refused; empty where its words name none. */
export function adviceFor(body: Body, { status, headers = {}, text }: Refusal): string {
  if (status !== 400 && status !== 422) return ''
  const words = wordsOf({ text, headers })
  const refused = FILLED_IN.filter((name) => name in body && names(words, name))
  if (refused.length === 0) return ''
  return `Change or clear ${refused.join(' and ')}, then send the request again.`
}

/** The words of a server, then what OpenAI's errors name beside their message: the parameter, and that it is unsupported. */
function wordsOf({ text, headers = {} }: Omit<Refusal, 'status'>): string {
  const code = /"code"\s*:\s*"unsupported_/.test(text) ? 'unsupported' : ''
  return [ownWordsOf(text, headers['content-type']), parameterIn(text), code].filter(Boolean).join(' ')
}

function parameterIn(text: string): string {
  return /"param"\s*:\s*"([\w.-]{1,60})"/.exec(text)?.[1] ?? ''
}

/** `max_tokens` is not named by `max_completion_tokens`. */
const named: Record<(typeof FILLED_IN)[number], RegExp> = {
  temperature: /(?<!\w)temperature(?!\w)/i,
  top_p: /(?<!\w)top_p(?!\w)/i,
  max_tokens: /(?<!\w)max_tokens(?!\w)/i,
  max_completion_tokens: /(?<!\w)max_completion_tokens(?!\w)/i,
}

function names(words: string, parameter: (typeof FILLED_IN)[number]): boolean {
  return named[parameter].test(words)
}

/** Not known at all, unlike a value that is too large. */
function isUnsupported(words: string): boolean {
  return /unsupported|not support|unknown|unrecogni[sz]ed|unexpected|extra|additional|not (?:permitted|allowed)|deprecated/i.test(
    words,
  )
}
