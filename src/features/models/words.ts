import { modelIdOrigin } from '../../model-calls/example-calls.js'
import { ageWords, dateWords, money, number } from '../../web/words.js'
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

const sourceWords: Record<FactSource, string> = {
  gateway: 'from the gateway configuration',
  plans: 'from the plans in 3scale',
  active_docs: 'from ActiveDocs',
  model_server: 'from the model server',
  portal_config: "from the portal's configuration",
  assumed: 'assumed, because the mapping rules name no call',
}

/** Where a fact comes from; empty where it is not known. */
export function sourceOf(model: Model, fact: string): string {
  const source = model.sources[fact]
  return source ? sourceWords[source] : ''
}

/** Why a request had no model id, and what helps; empty where it takes none or the id is known. */
export function withoutIdWords(model: Model): string {
  const origin = modelIdOrigin(model)
  if (origin === 'open')
    return 'The id of this model is not known to the portal, and no mapping rule lets a request for the list of models through, so the request was sent without it. The operator can add that rule or set model_id.'
  if (origin === 'listed')
    return 'The id of this model is not known to the portal, and the model server did not list it, so the request was sent without it. The operator can set model_id.'
  return ''
}

export function contextWords(model: Model): string {
  return model.context_length === null ? '' : `${number(model.context_length)} tokens`
}

export function staleWords(seconds: number | undefined): string {
  return seconds === undefined
    ? ''
    : `3scale does not answer at the moment; this is its state of ${ageWords(seconds)} ago.`
}

/** What to know before one starts with a model that goes or is gone. */
export function stateWords({ state, retires_on }: Model): string {
  if (state === 'available') return ''
  if (state === 'retired')
    return retires_on ? `This model was retired on ${dateWords(retires_on)}.` : 'This model is retired.'
  return retires_on ? `This model is deprecated and retires on ${dateWords(retires_on)}.` : 'This model is deprecated.'
}

/** Empty where all gateways have loaded the configuration, or nothing is known of a promotion. */
export function gatewayWords({ gateway_ready_at }: Model): string {
  if (gateway_ready_at === null) return ''
  const time = `${dateWords(gateway_ready_at)}, ${gateway_ready_at.slice(11, 16)} UTC`
  return `This model was promoted recently. Gateways load the new configuration by ${time}. Until then, requests can be refused.`
}

export function priceWords(plan: ModelPlan): string {
  const { cost_per_month, setup_fee, prices } = plan
  const parts = [
    ...(cost_per_month > 0 ? [`${money(cost_per_month, plan.currency)} a month`] : []),
    ...(setup_fee > 0 ? [`${money(setup_fee, plan.currency)} once`] : []),
    ...(prices ?? []).map((price) => useWords(price, plan)),
  ]
  return parts.length > 0 ? parts.join(', ') : 'Free'
}

/** The first number that decides: by the month, else that use is paid for. */
export function shortPrice(plan: ModelPlan): string {
  if (plan.cost_per_month > 0) return `${money(plan.cost_per_month, plan.currency)} a month`
  return (plan.prices?.length ?? 0) > 0 || plan.setup_fee > 0 ? 'pay per use' : 'free'
}

/** Tokens are priced by the million everywhere, so tiny numbers are not shown. */
function useWords({ metric, metric_name, cost_per_unit, from, to }: PlanPrice, plan: ModelPlan): string {
  const scale = /token/i.test(metric) ? 1_000_000 : cost_per_unit < 0.01 ? 1000 : 1
  const name = metric === 'hits' ? 'calls' : metric_name
  const unit = scale === 1 ? `unit of ${name}` : `${number(scale)} ${name}`
  const range =
    to !== null ? ` (${number(from)} to ${number(to)} a month)` : from > 1 ? ` (from ${number(from)} on)` : ''
  return `${money(cost_per_unit * scale, plan.currency)} per ${scale === 1 && name === 'calls' ? 'call' : unit}${range}`
}

export function limitsWords({ limits }: ModelPlan): string[] {
  if (limits === null) return ['Being read']
  return limits.length === 0 ? ['No limits'] : limits.map(limitWords)
}

/** `10,000 calls a day`. A limit of 0 is 3scale's way to leave a method out of a plan. */
export function limitWords({ metric, metric_name, period, value }: PlanLimit): string {
  const name = metric === 'hits' ? 'calls' : metric_name
  return value === 0 ? `${name}: not included` : `${number(value)} ${name} ${perPeriod[period]}`
}

export const perPeriod: Record<PlanLimit['period'], string> = {
  minute: 'a minute',
  hour: 'an hour',
  day: 'a day',
  week: 'a week',
  month: 'a month',
  year: 'a year',
  eternity: 'in all',
}

export function credentialWords({ mode, location, names }: Model['credentials']): string {
  if (mode === 'oidc') return 'A short-lived token, got with a client id and secret (OpenID Connect)'
  const what = mode === 'user_key' ? 'A key' : 'An application id and key'
  const header = mode === 'user_key' ? names.user_key : `${names.app_id} and ${names.app_key}`
  if (location === 'authorization') return mode === 'user_key' ? 'A key, as Bearer token' : `${what}, by HTTP Basic`
  return location === 'headers' ? `${what}, in the header ${header}` : `${what}, in the query as ${header}`
}
