import { errorTextOf } from '../clients/gateway/error-text.js'
import type { GatewayRefusals } from '../clients/threescale/types.js'
import { gatewayReadyMessage } from '../features/models/messages.js'
import type { Model } from '../features/models/schemas.js'
import { retryAfterIn } from '../infra/http/retry-after.js'
import type { GatewayResponse } from './gateway-requests.js'
import { gatewayRejections, retryAdvice, serverResponses } from './messages.js'
import { createResponseReader } from './responses/response-reader.js'

type ModelResponse = Omit<GatewayResponse, 'ms'>
type GatewayRejection = keyof GatewayRefusals

/** Characters of a response that are searched for its text. */
const MAX_READ_CHARACTERS = 256 * 1024
const MAX_OUTPUT_CHARACTERS = 600
/** Longer responses are not compared with the rejections of the gateway. */
const MAX_REJECTION_CHARACTERS = 1000

/**
 * Explains a response, what helps, and quotes the server. `refusals` are the rejections configured for the product. Only they
 * identify a response of the gateway, because a model server can use any status.
 */
export function explainResponse(response: ModelResponse, model: Model, refusals?: GatewayRefusals): string {
  const rejection = gatewayRejectionOf(response, refusals)
  const isMaybeEarly = rejection || [401, 403, 404].includes(response.status)
  const readiness = isMaybeEarly ? gatewayReadyMessage(model) : ''
  if (rejection) return joined([rejectionMessage(rejection, response), readiness])
  const error = errorIn(response)
  return joined([responseMessage(response, error), readiness, quotationOf(response, error)])
}

function joined(messages: string[]): string {
  return messages.filter(Boolean).join(' ')
}

/** porta's defaults, and the one of APIcast that differs (gateway/src/apicast/errors.lua). */
const defaultRejections: Record<string, GatewayRejection> = {
  'Authentication failed': 'authFailed',
  'Authentication parameters missing': 'authMissing',
  'No Mapping Rule matched': 'noMatch',
  'Usage limit exceeded': 'limitsExceeded',
  'Limits exceeded': 'limitsExceeded',
}

/** Identifies a rejection by the gateway; undefined for a response of the model server. */
export function gatewayRejectionOf(
  { status, headers, text }: ModelResponse,
  refusals: GatewayRefusals | undefined,
): GatewayRejection | undefined {
  const body = text.length > MAX_REJECTION_CHARACTERS ? undefined : text.trim()
  const configured = Object.entries(refusals ?? {}).find(([, each]) => each.status === status && each.text === body)
  if (configured) return configured[0] as GatewayRejection
  if (status < 400 || body === undefined) return undefined
  // Envoy, which Kuadrant configures, marks the responses of its own rate limit
  if (status === 429 && headers['x-envoy-ratelimited'] !== undefined) return 'limitsExceeded'
  return Object.hasOwn(defaultRejections, body) ? defaultRejections[body] : undefined
}

function rejectionMessage(rejection: GatewayRejection, { headers }: ModelResponse): string {
  const message = gatewayRejections[rejection]
  return rejection === 'limitsExceeded' ? message + retryIn(headers) : message
}

function responseMessage({ status, headers, text }: ModelResponse, error: string | undefined): string {
  if (status === 204 || status === 205 || (status === 200 && text.trim() === '')) return serverResponses.empty
  if (status >= 200 && status < 300) return error === undefined ? serverResponses.success : serverResponses.error
  if (status >= 300 && status < 400) return serverResponses.redirect
  const errorText = errorTextOf(text, headers['content-type'])
  if (status === 402 || (status < 500 && UNPAID.test(errorText))) return serverResponses.unpaid
  if (status === 401 || status === 403) return serverResponses.rejectedByServer
  if (status === 404) return text.trim() === '' ? serverResponses.unknownUrl : serverResponses.unknownModel
  if (status === 413) return serverResponses.tooLarge
  if (isBusy(status, errorText)) return serverResponses.busy + retryIn(headers, retryAdvice.moment)
  if (isStarting(status, errorText)) return serverResponses.starting + retryIn(headers, retryAdvice.minute)
  if (status === 408 || status === 504 || status === 524) return serverResponses.timeout
  if (DOWN.test(errorText)) return serverResponses.down
  // 424: the model failed behind the model server (TGI, Bedrock, SageMaker)
  if (status >= 500 || status === 424) return serverResponses.failed
  return serverResponses.notAccepted
}

/** OpenAI, OpenRouter, DeepSeek and LiteLLM, as a provider behind the product. */
const UNPAID =
  /insufficient.{0,3}(?:quota|balance|credits?|funds)|exceeded your current quota|budget.{0,10}exceeded|over budget|out of credits/i

/** The error page of the router of OpenShift. */
const DOWN = /application is not available/i

function isBusy(status: number, errorText: string): boolean {
  if (status === 429 || status === 529) return true
  return status >= 500 && /overload|too many|at capacity|queue (?:is )?full/i.test(errorText)
}

/** llama.cpp, TGI, KServe, and Envoy in front of Knative while no model is running. */
function isStarting(status: number, errorText: string): boolean {
  if (status !== 503 && status !== 500 && status !== 425) return false
  return /\bload(?:ing|ed yet)\b|\bstarting\b|\bwarming\b|not (?:yet )?ready|no healthy upstream|activator request|waiting for the condition|initiali[sz]ing|scal(?:ing|ed) (?:up|from|to)/i.test(
    errorText,
  )
}

function retryIn(headers: Record<string, string>, otherwise = ''): string {
  const seconds = retryAfterIn(headers)
  return seconds === undefined ? otherwise : retryAdvice.seconds(seconds)
}

function quotationOf({ status, headers, text }: ModelResponse, error: string | undefined): string {
  if (status >= 200 && status < 300) return error ? serverResponses.quotation(error) : ''
  const errorText = errorTextOf(text, headers['content-type'])
  if (errorText === '') return ''
  return text.trimStart().startsWith('<') ? serverResponses.errorPage(errorText) : serverResponses.quotation(errorText)
}

/** Whether a model responded. Some servers report an error with a successful status. */
export function isModelResponse(response: ModelResponse): boolean {
  return response.status >= 200 && response.status < 300 && errorIn(response) === undefined
}

/** The text of an error with a successful status, in JSON or as an event. */
function errorIn({ status, headers, text }: ModelResponse): string | undefined {
  if (status < 200 || status >= 300) return undefined
  return readResponse(text, headers['content-type']).reported
}

/** The output of the model, or the beginning of the body. */
export function modelOutput(response: Pick<GatewayResponse, 'headers' | 'text'>): string {
  const type = response.headers['content-type'] ?? ''
  if (response.text === '') return ''
  if (type !== '' && !/json|text/.test(type)) return serverResponses.otherContent(type)
  return (outputIn(response.text, type) || response.text).slice(0, MAX_OUTPUT_CHARACTERS)
}

function readResponse(text: string, type = '') {
  const reader = createResponseReader(type)
  const events = [...reader.read(Buffer.from(text.slice(0, MAX_READ_CHARACTERS)))].flat().concat(reader.end())
  return { events, reported: reader.reported }
}

/** The text of a response in any format, or the reason for its absence. Empty for other than language models. */
function outputIn(text: string, type: string): string {
  const { events } = readResponse(text, type)
  const afterReasoning = events.findLastIndex(({ kind }) => kind === 'reclassify') + 1
  const output = events
    .slice(afterReasoning)
    .map((event) => (event.kind === 'delta' ? event.text : ''))
    .join('')
  const finish = events.find((event) => event.kind === 'finish')
  return output.trim() === '' ? (finish?.message ?? '') : output
}
