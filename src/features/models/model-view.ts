import { templateOf } from '../../clients/threescale/patterns.js'
import { modelIdOrigin } from '../../model-calls/example-calls.js'
import { endpointAt } from '../../model-calls/openai-endpoints.js'
import { codeBlocks } from '../../web/code.js'
import { dateWords } from '../../web/words.js'
import type { Snippet } from '../snippets/schemas.js'
import type { Model, ModelPlan } from './schemas.js'
import { cardView } from './view.js'
import {
  capabilityLabels,
  contextWords,
  credentialWords,
  formatLabels,
  gatewayWords,
  limitsWords,
  priceWords,
  sourceOf,
  staleWords,
  stateLabels,
  stateWords,
  typeLabels,
} from './words.js'

/** One line of a list of facts; `source` says where it comes from. */
export interface Fact {
  label: string
  value: string
  code?: boolean
  href?: string
  source: string
}

export function modelView(i: {
  model: Model
  successor: Model | undefined
  descriptionHtml: string
  snippets: Snippet[]
  staleSeconds: number | undefined
}) {
  const { model, successor } = i
  const card = cardView(model)
  return {
    title: model.name,
    ...card,
    notice: stateWords(model),
    noticeKind: model.state === 'retired' ? 'danger' : 'warning',
    successor: successor && { name: successor.name, href: `/models/${encodeURIComponent(successor.system_name)}` },
    referenceHref: `/models/${encodeURIComponent(model.system_name)}/reference`,
    compareHref: `/models/compare?model=${encodeURIComponent(model.system_name)}`,
    descriptionHtml: i.descriptionHtml,
    facts: factsOf(model),
    links: model.links.map(({ label, url }) => ({ label, url })),
    linksSource: sourceOf(model, 'links'),
    plans: model.plans.map(planView),
    plansSource: sourceOf(model, 'plans'),
    paths: model.paths.map(pathView),
    pathsSource: sourceOf(model, 'endpoint'),
    code: codeBlocks(i.snippets),
    notReady: gatewayWords(model),
    stale: staleWords(i.staleSeconds),
  }
}

export function factsOf(model: Model): Fact[] {
  const fact = (name: string, label: string, value: string, extra: Partial<Fact> = {}): Fact[] =>
    value === '' ? [] : [{ label, value, source: sourceOf(model, name), ...extra }]
  const link = (url: string | null | undefined) => (url ? { href: url } : {})
  return [
    ...fact('type', 'Type', typeLabels[model.type]),
    ...fact('model_id', 'Model id', model.model_id ?? idWords[modelIdOrigin(model)], { code: model.model_id !== null }),
    ...fact('request_format', 'Request format', model.request_format ? formatLabels[model.request_format] : ''),
    ...fact('base_url', 'Base URL', model.base_url, { code: true }),
    ...fact('credentials', 'Credential', credentialWords(model.credentials)),
    ...fact('context_length', 'Context length', contextWords(model)),
    ...fact('capabilities', 'Can do', model.capabilities.map((name) => capabilityLabels[name]).join(', ')),
    ...fact('license', 'Licence', model.license?.name ?? '', link(model.license?.url)),
    ...fact('owner', 'Owner', model.owner?.name ?? '', link(model.owner?.url)),
    ...fact('state', 'State', model.sources.state || model.state !== 'available' ? stateLabels[model.state] : ''),
    ...fact('retires_on', 'Retires on', model.retires_on ? dateWords(model.retires_on) : ''),
  ]
}

/** Never guessed: an id that no source gives is reported as unknown. */
const idWords: Record<ReturnType<typeof modelIdOrigin>, string> = {
  known: '',
  listed: 'Not known yet; the code asks the model server for it',
  open: 'Not known; the code has a place for it',
  none: 'Not required',
}

/** A rule whose pattern is not the address of one call lets through all that begins with it. */
function pathView({ method, path, pattern }: Model['paths'][number]) {
  const { exact, parameters } = templateOf(pattern)
  const query = parameters.map(([name, value]) => `${name}=${value}`).join('&')
  const broad = !exact && endpointAt(method === 'ANY' ? 'POST' : method, path) === undefined
  return {
    method,
    path: query === '' ? path : `${path}?${query}`,
    note: broad ? 'and every path that begins with it' : '',
  }
}

export function planView(plan: ModelPlan) {
  return {
    systemName: plan.system_name,
    name: plan.name,
    price: priceWords(plan),
    approval: plan.approval_required ? 'Looked at by the operator first' : 'The key works at once',
    trial: plan.trial_period_days > 0 ? `${plan.trial_period_days} days of trial` : '',
    limits: limitsWords(plan),
  }
}
