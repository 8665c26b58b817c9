import { codeBlocks } from '../../web/code.js'
import { ageWords, number } from '../../web/words.js'
import type { Application } from '../applications/schemas.js'
import type { Snippet } from '../snippets/schemas.js'
import { type Model, type ModelPlan, modelTypes, type PlanLimit } from './schemas.js'

export const typeLabels: Record<Model['type'], string> = {
  chat: 'Chat',
  completion: 'Completion',
  embedding: 'Embedding',
  rerank: 'Rerank',
  image: 'Image',
  speech_to_text: 'Speech to text',
  text_to_speech: 'Text to speech',
  custom: 'Custom',
}

const colors: Record<Model['type'], string> = {
  chat: 'blue',
  completion: 'teal',
  embedding: 'purple',
  rerank: 'purple',
  image: 'orange',
  speech_to_text: 'green',
  text_to_speech: 'green',
  custom: 'grey',
}

export function catalogueView(i: {
  models: Model[]
  total: number
  q: string
  type: string
  staleSeconds: number | undefined
  signedIn: boolean
}) {
  const filtered = i.q !== '' || i.type !== ''
  return {
    title: 'Models',
    q: i.q,
    cards: i.models.map(cardView),
    types: modelTypes.map((value) => ({ value, label: typeLabels[value], selected: value === i.type })),
    count: filtered ? `${number(i.models.length)} of ${number(i.total)} models` : `${number(i.total)} models`,
    filtered,
    nothingMatches: i.models.length === 0 && filtered,
    nothingAtAll: i.models.length === 0 && !filtered,
    stale: staleWords(i.staleSeconds),
  }
}

export function cardView(model: Model) {
  return {
    name: model.name,
    href: `/models/${encodeURIComponent(model.system_name)}`,
    keyHref: `/applications/new?model=${encodeURIComponent(model.system_name)}`,
    type: typeLabels[model.type],
    color: colors[model.type],
    summary: model.summary,
    modelId: model.model_id ?? 'asked from the server',
    endpoint: model.base_url.replace(/^https?:\/\//, ''),
    context: model.context_length === null ? '' : `${number(model.context_length)} tokens`,
    plans: model.plans.map((plan) => plan.name).join(', '),
  }
}

export function modelView(i: {
  model: Model
  descriptionHtml: string
  snippets: Snippet[]
  applications: Application[]
  signedIn: boolean
  staleSeconds: number | undefined
}) {
  const { model } = i
  return {
    title: model.name,
    ...cardView(model),
    baseUrl: model.base_url,
    idKnown: model.model_id !== null,
    descriptionHtml: i.descriptionHtml,
    facts: [
      { label: 'Type', value: typeLabels[model.type] },
      { label: 'Base URL', value: model.base_url, code: true },
      {
        label: 'Model id',
        value: model.model_id ?? 'Not told yet; the code asks the model server for it',
        code: model.model_id !== null,
      },
      ...(model.context_length === null
        ? []
        : [{ label: 'Context length', value: `${number(model.context_length)} tokens` }]),
      { label: 'Credential', value: credentialWords(model.credentials) },
    ],
    plans: model.plans.map(planView),
    paths: model.paths.map(({ method, path }) => ({ method, path })),
    code: codeBlocks(i.snippets),
    stale: staleWords(i.staleSeconds),
  }
}

export function planView(plan: ModelPlan) {
  return {
    systemName: plan.system_name,
    name: plan.name,
    price:
      plan.cost_per_month === 0 && plan.setup_fee === 0
        ? 'Free'
        : `${plan.cost_per_month} a month${plan.setup_fee > 0 ? `, ${plan.setup_fee} once` : ''}`,
    approval: plan.approval_required ? 'Looked at by the operator first' : 'At once',
    limits:
      plan.limits === null ? ['Being read'] : plan.limits.length === 0 ? ['No limits'] : plan.limits.map(limitWords),
  }
}

/** A limit of 0 is 3scale's way to leave a method out of a plan. */
export function limitWords({ metric, metric_name, period, value }: PlanLimit): string {
  const name = metric === 'hits' ? 'calls' : metric_name
  if (value === 0) return `${name}: not included`
  return period === 'eternity' ? `${number(value)} ${name} in all` : `${number(value)} ${name} a ${period}`
}

export function credentialWords({ mode, location, names }: Model['credentials']): string {
  if (mode === 'oidc') return 'A short-lived token, got with a client id and secret (OpenID Connect)'
  const what = mode === 'user_key' ? 'A key' : 'An application id and key'
  const header = mode === 'user_key' ? names.user_key : `${names.app_id} and ${names.app_key}`
  if (location === 'authorization') return mode === 'user_key' ? 'A key, as Bearer token' : `${what}, by HTTP Basic`
  return location === 'headers' ? `${what}, in the header ${header}` : `${what}, in the query as ${header}`
}

function staleWords(seconds: number | undefined): string {
  return seconds === undefined
    ? ''
    : `3scale does not answer at the moment; this is its state of ${ageWords(seconds)} ago.`
}
