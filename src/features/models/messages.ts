import { modelIdSource } from '../../model-calls/example-calls.js'
import { capitalize, formatAge, formatDate, formatMoney, formatNumber, plural } from '../../web/pages/format.js'
import { isTokenPrice } from './price.js'
import type {
  Capability,
  FactSource,
  Model,
  ModelPlan,
  ModelState,
  ModelType,
  PlanLimit,
  PlanPrice,
} from './schemas.js'

export const groupsOmitted =
  'This model does not exist or is limited to certain groups. Your sign-in did not include your groups because there are too many. Contact the operator of this portal.'

export const ownModelsUnavailable = '3scale is not responding, so all models are listed. Try again in a minute.'

export const typeLabels: Record<ModelType, string> = {
  chat: 'Chat',
  completion: 'Completion',
  embedding: 'Embedding',
  rerank: 'Rerank',
  image: 'Image',
  speech_to_text: 'Speech to text',
  text_to_speech: 'Text to speech',
  custom: 'Custom',
}

export const formatLabels: Record<NonNullable<Model['request_format']>, string> = {
  openai: 'OpenAI',
  cohere: 'Cohere, Jina and vLLM',
  tei: 'Text Embeddings Inference',
  tgi: 'Text Generation Inference',
  ollama: 'Ollama',
  llama_cpp: 'llama.cpp',
  sglang: 'SGLang',
  vllm: 'vLLM',
  nvidia: 'NVIDIA NIM',
}

export const capabilityLabels: Record<Capability, string> = {
  tools: 'Tool calling',
  vision: 'Vision',
  json_mode: 'JSON mode',
  streaming: 'Streaming',
  reasoning: 'Reasoning',
}

export const stateLabels: Record<ModelState, string> = {
  available: 'Available',
  deprecated: 'Deprecated',
  retired: 'Retired',
}

const sourceLabels: Record<FactSource, string> = {
  gateway: 'from the gateway configuration',
  plans: 'from the plans in 3scale',
  active_docs: 'from ActiveDocs',
  model_server: 'from the model server',
  portal_config: "from the portal's configuration",
  assumed: 'assumed, because the mapping rules are prefixes',
}

/** The source of a fact; empty if it is unknown. */
export function sourceLabel(model: Model, fact: string): string {
  const source = model.sources[fact]
  return source ? sourceLabels[source] : ''
}

/** Why a request had no model ID, and the remedy; empty if the call takes none or the ID is known. */
export function missingModelIdMessage(model: Model): string {
  const origin = modelIdSource(model)
  if (origin === 'open')
    return 'The request had no model ID: the portal does not know it, and no mapping rule allows listing the models. The operator can add that rule or set model_id.'
  if (origin === 'listed')
    return 'The request had no model ID: the portal does not know it, and the model server did not list it. The operator can set model_id.'
  return ''
}

export function contextLabel(model: Model): string {
  return model.context_length === null ? '' : plural(model.context_length, 'token')
}

export function staleMessage(seconds: number | undefined): string {
  return seconds === undefined ? '' : `3scale is not responding. Showing data from ${formatAge(seconds)} ago.`
}

/** A notice on models that are deprecated or retired. */
export function stateMessage({ state, retires_on }: Model): string {
  if (state === 'available') return ''
  if (state === 'retired')
    return retires_on ? `This model was retired on ${formatDate(retires_on)}.` : 'This model is retired.'
  return retires_on ? `This model is deprecated and retires on ${formatDate(retires_on)}.` : 'This model is deprecated.'
}

/** Empty if all gateways have loaded the configuration, or no promotion is known. */
export function gatewayReadyMessage({ gateway_ready_at }: Model): string {
  if (gateway_ready_at === null) return ''
  const time = `${formatDate(gateway_ready_at)}, ${gateway_ready_at.slice(11, 16)} UTC`
  return `This model was promoted recently. Gateways load the new configuration by ${time}. Until then, requests may be refused.`
}

/** Prices on one line: of calls, or of prompt and completion tokens. */
const MAX_SHORT_PRICES = 2

export function priceLabel(plan: ModelPlan): string {
  return capitalize(joinPrices(plan, usagePriceLabels(plan)))
}

/** On one line, next to the name of the plan. A plan with many prices has them on the page of the model. */
export function shortPriceLabel(plan: ModelPlan): string {
  const isLong = (plan.prices?.length ?? 0) > MAX_SHORT_PRICES
  return joinPrices(plan, isLong ? ['pay per use'] : usagePriceLabels(plan))
}

function joinPrices({ cost_per_month, setup_fee, currency }: ModelPlan, usage: string[]): string {
  const fees = [
    ...(cost_per_month > 0 ? [`${formatMoney(cost_per_month, currency)} a month`] : []),
    ...(setup_fee > 0 ? [`${formatMoney(setup_fee, currency)} setup fee`] : []),
  ]
  return [...fees, ...usage].join(', ') || 'free'
}

function usagePriceLabels(plan: ModelPlan): string[] {
  if (plan.prices === null) return ['price of usage not loaded yet']
  return plan.prices.map((price) => usagePriceLabel(price, plan))
}

/** Token prices are shown per million, as is usual, so that no price is a tiny number. */
function usagePriceLabel(price: PlanPrice, plan: ModelPlan): string {
  const { metric, metric_name, cost_per_unit, from, to } = price
  const scale = isTokenPrice(price) ? 1_000_000 : cost_per_unit < 0.01 ? 1000 : 1
  const name = metric === 'hits' ? 'calls' : metric_name
  const unit = scale === 1 ? `unit of ${name}` : `${scale === 1000 ? formatNumber(scale) : 'million'} ${name}`
  const range =
    to !== null
      ? ` (${formatNumber(from)} to ${formatNumber(to)} a month)`
      : from > 1
        ? ` (from ${formatNumber(from)} on)`
        : ''
  return `${formatMoney(cost_per_unit * scale, plan.currency)} per ${scale === 1 && name === 'calls' ? 'call' : unit}${range}`
}

export function limitLabels({ limits }: ModelPlan): string[] {
  if (limits === null) return ['Not loaded yet']
  return limits.length === 0 ? ['No limits'] : limits.map(limitLabel)
}

/** `10,000 calls a day`. In 3scale, a limit of 0 excludes a method from a plan. */
export function limitLabel({ metric, metric_name, period, value }: PlanLimit): string {
  if (value === 0) return `${metric === 'hits' ? 'calls' : metric_name}: not included`
  const amount = metric === 'hits' ? plural(value, 'call') : `${formatNumber(value)} ${metric_name}`
  return `${amount} ${periodLabels[period]}`
}

export const periodLabels: Record<PlanLimit['period'], string> = {
  minute: 'a minute',
  hour: 'an hour',
  day: 'a day',
  week: 'a week',
  month: 'a month',
  year: 'a year',
  eternity: 'in total',
}

export function credentialLabel({ mode, location, names }: Model['credentials']): string {
  if (mode === 'oidc') return 'A short-lived token (OpenID Connect client credentials)'
  const what = mode === 'user_key' ? 'A key' : 'An application ID and key'
  const header = mode === 'user_key' ? names.user_key : `${names.app_id} and ${names.app_key}`
  if (location === 'authorization') return mode === 'user_key' ? 'A key as a Bearer token' : `${what} with HTTP Basic`
  return location === 'headers' ? `${what} in the header ${header}` : `${what} in the query parameter ${header}`
}
