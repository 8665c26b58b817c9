import { retryAfterIn } from '../../clients/retry-after.js'
import { ownWordsOf } from '../../clients/server-words.js'
import type { GatewayRefusals } from '../../clients/threescale/nouns.js'
import { createAnswerReader } from '../../model-calls/answer-reader.js'
import type { Model } from '../models/schemas.js'
import { gatewayWords } from '../models/words.js'
import type { GatewayAnswer } from './model-calls.js'

type Answer = Omit<GatewayAnswer, 'ms'>
type Refusal = keyof GatewayRefusals

/** Characters of an answer that are read for its text. */
const READ = 256 * 1024

/**
 * What an answer means, what helps, and the server's own words as a quotation. `refusals` are the texts that the product is
 * configured with: they alone show that an answer is the gateway's own, since a model server may use any status.
 */
export function wordsFor(answer: Answer, model: Model, refusals?: GatewayRefusals): string {
  const refusal = refusalOf(answer, refusals)
  const early = refusal || [401, 403, 404].includes(answer.status) ? gatewayWords(model) : ''
  if (refusal) return [gatewayMeaning(refusal, answer), early].filter(Boolean).join(' ')
  const error = errorIn(answer)
  return [meaningOf(answer, error), early, quotationOf(answer, error)].filter(Boolean).join(' ')
}

/** porta's defaults, and the one of APIcast that differs (gateway/src/apicast/errors.lua). */
const defaults: Record<string, Refusal> = {
  'Authentication failed': 'authFailed',
  'Authentication parameters missing': 'authMissing',
  'No Mapping Rule matched': 'noMatch',
  'Usage limit exceeded': 'limitsExceeded',
  'Limits exceeded': 'limitsExceeded',
}

/** Which refusal of the gateway an answer is; undefined where it is the model server's. */
export function refusalOf(
  { status, headers, text }: Answer,
  refusals: GatewayRefusals | undefined,
): Refusal | undefined {
  const sent = text.length > 1000 ? undefined : text.trim()
  const configured = Object.entries(refusals ?? {}).find(([, each]) => each.status === status && each.text === sent)
  if (configured) return configured[0] as Refusal
  if (status < 400 || sent === undefined) return undefined
  // Envoy, which Kuadrant configures, marks the answers of its own rate limit
  if (status === 429 && headers['x-envoy-ratelimited'] !== undefined) return 'limitsExceeded'
  return Object.hasOwn(defaults, sent) ? defaults[sent] : undefined
}

function gatewayMeaning(refusal: Refusal, { headers }: Answer): string {
  if (refusal === 'limitsExceeded') return `The limit of the plan is used up.${waitWords(headers)}`
  if (refusal === 'authMissing')
    return 'The gateway found no credential in the request. The settings of the product may have changed a moment ago. Try again in a minute.'
  if (refusal === 'noMatch') return 'No mapping rule of the gateway matches this path. Its operator must add one.'
  return 'The gateway rejected the credential. A new key can take some seconds to become valid. If this continues, the application may be suspended, or its plan may not include this model.'
}

function meaningOf({ status, headers, text }: Answer, error: string | undefined): string {
  if (status === 204 || status === 205 || (status === 200 && text.trim() === ''))
    return 'The model server sent an empty answer.'
  if (status >= 200 && status < 300)
    return error === undefined ? 'The model answered.' : 'The model server answered with an error.'
  if (status >= 300 && status < 400)
    return 'The endpoint redirects to another address, and the portal does not follow redirects. Its operator must correct the address of the model server.'
  const words = ownWordsOf(text, headers['content-type'])
  if (status === 402 || (status < 500 && UNPAID.test(words)))
    return 'The account of the model server at its provider has no quota or budget left. This is not the limit of the plan. Its operator must check that account.'
  if (status === 401 || status === 403)
    return 'The model server rejected the request after the gateway had accepted the key. Its operator must check the credential that the model server expects.'
  if (status === 404)
    return text.trim() === ''
      ? 'Neither the gateway nor the model server knows this address. Its operator should check the backends of the product.'
      : 'The model server does not know this path or this model id. Its operator should check the model id.'
  if (status === 413) return 'The request is larger than the model server or a proxy accepts. Shorten the text.'
  if (
    status === 429 ||
    status === 529 ||
    (status >= 500 && /overload|too many|at capacity|queue (?:is )?full/i.test(words))
  )
    return `The model is busy: its server received too many requests. This is not the limit of the plan.${waitWords(headers, ' Try again in a moment.')}`
  if (isStarting(status, words))
    return `The model is starting, which may take some minutes.${waitWords(headers, ' Try again in a minute.')}`
  if (status === 408 || status === 504 || status === 524)
    return 'The model server did not answer in time. A model that has been scaled to zero may still be starting. Try again in a minute.'
  if (DOWN.test(words))
    return 'No instance of the model server is ready. It may be starting or switched off. Try again in a minute. If this continues, contact its operator.'
  // 424: the model failed behind the model server (TGI, Bedrock, SageMaker)
  if (status >= 500 || status === 424)
    return 'The model server behind the gateway failed to answer the request. Try again in a minute. If this continues, contact its operator.'
  return 'The model server did not accept the request.'
}

/** OpenAI, OpenRouter, DeepSeek and LiteLLM, as a provider behind the product. */
const UNPAID =
  /insufficient.{0,3}(?:quota|balance|credits?|funds)|exceeded your current quota|budget.{0,10}exceeded|over budget|out of credits/i

/** The error page of the router of OpenShift. */
const DOWN = /application is not available/i

/** llama.cpp, TGI, KServe and Envoy in front of Knative while there is no model to answer. */
function isStarting(status: number, words: string): boolean {
  if (status !== 503 && status !== 500 && status !== 425) return false
  return /\bload(?:ing|ed yet)\b|\bstarting\b|\bwarming\b|not (?:yet )?ready|no healthy upstream|activator request|waiting for the condition|initiali[sz]ing|scal(?:ing|ed) (?:up|from|to)/i.test(
    words,
  )
}

function waitWords(headers: Record<string, string>, otherwise = ''): string {
  const wait = retryAfterIn(headers)
  return wait === undefined ? otherwise : ` Try again in ${wait} seconds.`
}

/** What the server says itself, with its source. */
function quotationOf({ status, headers, text }: Answer, error: string | undefined): string {
  if (status >= 200 && status < 300) return error ? `The model server says: “${error}”` : ''
  const words = ownWordsOf(text, headers['content-type'])
  if (words === '') return ''
  return text.trimStart().startsWith('<') ? `The error page says: “${words}”` : `The model server says: “${words}”`
}

/** Whether a model answered: some servers report an error with a status of success. */
export function isAnswered(answer: Answer): boolean {
  return answer.status >= 200 && answer.status < 300 && errorIn(answer) === undefined
}

/** The words of an error with a status of success, in JSON or as an event; undefined where it is none. */
function errorIn({ status, headers, text }: Answer): string | undefined {
  if (status < 200 || status >= 300) return undefined
  return readAnswer(text, headers['content-type']).reported
}

/** What the model said, where the answer has it; else the beginning of the body. */
export function saidBy(answer: Pick<GatewayAnswer, 'headers' | 'text'>): string {
  const type = answer.headers['content-type'] ?? ''
  if (answer.text === '') return ''
  if (type !== '' && !/json|text/.test(type)) return `${type} answer`
  return (saidIn(answer.text, type) || answer.text).slice(0, 600)
}

function readAnswer(text: string, type = '') {
  const reader = createAnswerReader(type)
  const events = [...reader.read(Buffer.from(text.slice(0, READ)))].flat().concat(reader.end())
  return { events, reported: reader.reported }
}

/** The text of an answer in any form; where it has none, the reason. Empty where the answer is not one of a language model. */
function saidIn(text: string, type: string): string {
  const { events } = readAnswer(text, type)
  const begins = events.findLastIndex(({ kind }) => kind === 'reasoned')
  const said = events
    .slice(begins + 1)
    .map((event) => (event.kind === 'said' ? event.text : ''))
    .join('')
  const end = events.find((event) => event.kind === 'finish')
  return said.trim() === '' ? (end?.words ?? '') : said
}
