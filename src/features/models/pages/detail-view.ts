import { patternTemplate } from '../../../clients/threescale/tenant-rules/mapping-rules.js'
import { modelIdSource } from '../../../model-calls/example-calls.js'
import { findEndpoint } from '../../../model-calls/openai-endpoints.js'
import { formatDate } from '../../../web/pages/format.js'
import { codeBlocks } from '../../../web/pages/syntax-highlighting.js'
import type { Snippet } from '../../snippets/schemas.js'
import {
  capabilityLabels,
  contextLabel,
  credentialLabel,
  formatLabels,
  gatewayReadyMessage,
  limitLabels,
  priceLabel,
  sourceLabel,
  staleMessage,
  stateLabels,
  stateMessage,
  typeLabels,
} from '../messages.js'
import type { Model, ModelPlan } from '../schemas.js'
import { languageName } from '../search/languages.js'
import { cardView } from './list-view.js'
import {
  activationLabels,
  activeImmediately,
  approvalRequired,
  factLabels,
  highlightLabels,
  missingIdLabels,
  prefixNote,
  trialPeriod,
} from './messages.js'

/** One line of a list of facts. `source` is the origin of the fact. */
export interface ModelFact {
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
    notice: stateMessage(model),
    noticeKind: model.state === 'retired' ? 'danger' : 'warning',
    successor: successor && { name: successor.name, href: `/models/${encodeURIComponent(successor.system_name)}` },
    referenceHref: `/models/${encodeURIComponent(model.system_name)}/reference`,
    compareHref: `/models/compare?model=${encodeURIComponent(model.system_name)}`,
    descriptionHtml: i.descriptionHtml,
    highlights: highlightsOf(model, card),
    facts: factsOf(model),
    links: model.links.map(({ label, url }) => ({ label, url })),
    linksSource: sourceLabel(model, 'links'),
    plans: model.plans.map((plan) => ({
      ...planView(plan),
      href: card.keyHref && `${card.keyHref}&plan=${encodeURIComponent(plan.system_name)}`,
    })),
    plansSource: sourceLabel(model, 'plans'),
    paths: model.paths.map(pathView),
    pathsSource: sourceLabel(model, 'endpoint'),
    code: codeBlocks(i.snippets),
    notReady: gatewayReadyMessage(model),
    stale: staleMessage(i.staleSeconds),
  }
}

/** What decides for or against a model, below its name. */
function highlightsOf({ plans }: Model, { context, price, limit }: ReturnType<typeof cardView>) {
  const activations = [
    ...new Set(plans.map((plan) => activationLabels[plan.approval_required ? 'approval' : 'immediate'])),
  ]
  return [
    { label: highlightLabels.context, value: context },
    { label: highlightLabels.price, value: price },
    { label: highlightLabels.limit, value: limit },
    { label: highlightLabels.key, value: activations.length > 1 ? activationLabels.mixed : (activations[0] ?? '') },
  ].filter(({ value }) => value !== '')
}

export function factsOf(model: Model): ModelFact[] {
  const fact = (name: keyof typeof factLabels, value: string, extra: Partial<ModelFact> = {}): ModelFact[] =>
    value === '' ? [] : [{ label: factLabels[name], value, source: sourceLabel(model, name), ...extra }]
  const link = (url: string | null | undefined) => (url ? { href: url } : {})
  return [
    ...fact('type', typeLabels[model.type]),
    ...fact('model_id', model.model_id ?? missingIdLabels[modelIdSource(model)], {
      code: model.model_id !== null,
    }),
    ...fact('request_format', model.request_format ? formatLabels[model.request_format] : ''),
    ...fact('base_url', model.base_url, { code: true }),
    ...fact('credentials', credentialLabel(model.credentials)),
    ...fact('context_length', contextLabel(model)),
    ...fact('capabilities', model.capabilities.map((name) => capabilityLabels[name]).join(', ')),
    ...fact('languages', model.languages.map(languageName).join(', ')),
    ...fact('license', model.license?.name ?? '', link(model.license?.url)),
    ...fact('owner', model.owner?.name ?? '', link(model.owner?.url)),
    ...fact('state', model.sources.state || model.state !== 'available' ? stateLabels[model.state] : ''),
    ...fact('retires_on', model.retires_on ? formatDate(model.retires_on) : ''),
  ]
}

/** A rule whose pattern is not one call is a prefix: it accepts every path that begins with it. */
function pathView({ method, path, pattern }: Model['paths'][number]) {
  const { exact, parameters } = patternTemplate(pattern)
  const query = parameters.map(([name, value]) => `${name}=${value}`).join('&')
  const broad = !exact && findEndpoint(method === 'ANY' ? 'POST' : method, path) === undefined
  return {
    method,
    path: query === '' ? path : `${path}?${query}`,
    note: broad ? prefixNote : '',
  }
}

export function planView(plan: ModelPlan) {
  return {
    systemName: plan.system_name,
    name: plan.name,
    price: priceLabel(plan),
    approval: plan.approval_required ? approvalRequired : activeImmediately,
    trialPeriod: trialPeriod(plan.trial_period_days),
    limits: limitLabels(plan),
  }
}
