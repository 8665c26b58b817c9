import { isPlanRequired } from '../../../clients/threescale/tenant-rules/available-plans.js'
import { attributeOf, isEditable } from '../../../clients/threescale/tenant-rules/built-in-fields.js'
import type { FieldDefinition, Plan } from '../../../clients/threescale/types.js'
import { resolveBasePath } from '../../../model-calls/paths/base-paths.js'
import { fillInModelId } from '../../../model-calls/paths/call-paths.js'
import { markdownSummary } from '../../../web/pages/markdown.js'
import type { ProductDetails } from '../details/product-details.js'
import type { FieldSpec, Model, ModelPlan } from '../schemas.js'
import { exampleFacts } from '../specs/example-facts.js'
import { mergeFacts, type SourcedFacts, stateOf } from './facts.js'
import { overrideFacts, overridePrices, type ProductOverrides, productPrices } from './product-overrides.js'
import type { SnapshotEntry } from './snapshot.js'

/**
 * Sources in order of precedence: PORTAL_CONFIG, declarations in the spec, calls that mapping rules name, calls of the spec that
 * the mapping rules accept, the model server, assumptions from prefix rules, and examples in the spec for the resulting type.
 */
export function toModel(
  entry: SnapshotEntry,
  details: ProductDetails,
  override: ProductOverrides,
  currency: string | undefined,
  today: string,
): Omit<Model, 'gateway_ready_at'> {
  const { product, gateway } = entry
  const sourced: SourcedFacts[] = [
    { source: 'portal_config', facts: overrideFacts(override) },
    ...entry.facts,
    { source: 'model_server', facts: details.factsOf(entry) },
    { source: 'assumed', facts: entry.assumed },
  ]
  const { type = 'custom', calls, request_format } = mergeFacts(sourced).facts
  const format = request_format ?? entry.specExamples[type]?.format
  const base = resolveBasePath(type, gateway, { documented: calls, format })
  const { facts, sources } = mergeFacts([...sourced, exampleFacts(entry, type, base.path, details.isUnlisted(entry))])
  const statedId = sources.model_id === 'portal_config' ? facts.model_id : undefined
  const description = product.description.trim() === '' ? (facts.description ?? '') : product.description
  const { description: _fallback, calls: _paths, ...factSources } = sources
  return {
    system_name: product.systemName,
    name: product.name,
    summary: facts.summary ?? markdownSummary(description),
    description,
    type,
    model_id: facts.model_id ?? null,
    endpoint: gateway.endpoint,
    base_url: gateway.endpoint + fillInModelId(base.path, statedId),
    request_format: facts.request_format ?? null,
    context_length: facts.context_length ?? null,
    capabilities: facts.capabilities ?? [],
    languages: facts.languages ?? [],
    license: facts.license ?? null,
    owner: facts.owner ?? null,
    links: facts.links ?? [],
    state: stateOf(facts, today),
    retires_on: facts.retires_on ?? null,
    successor: facts.successor ?? null,
    credentials: gateway.credentials,
    can_select_plan: product.canSelectPlan,
    plan_required: isPlanRequired(product, entry.offered),
    plans: entry.offered.map((plan) => toModelPlan(plan, entry, details, override, currency)),
    application_attributes: (['name', 'description'] as const).flatMap((name) => {
      const field = attributeOf(entry.applicationFields, name)
      return isEditable(field) ? [{ ...toFieldSpec(field), name }] : []
    }),
    application_fields: entry.applicationFields.filter((field) => !field.builtIn && isEditable(field)).map(toFieldSpec),
    paths: gateway.paths,
    token_url: details.tokenUrlOf(entry),
    sources: {
      ...factSources,
      endpoint: 'gateway',
      base_url: baseSources[base.from],
      credentials: 'gateway',
      plans: 'plans',
    },
  }
}

function toFieldSpec({ name, label, required, choices }: FieldDefinition): FieldSpec {
  return { name, label, required, choices }
}
const baseSources = { rule: 'gateway', document: 'active_docs', prefix: 'assumed' } as const

export function toModelPlan(
  plan: Plan,
  entry: SnapshotEntry,
  details: ProductDetails,
  override: ProductOverrides,
  currency: string | undefined,
): ModelPlan {
  return {
    system_name: plan.systemName,
    name: plan.name,
    default: plan.isDefault,
    approval_required: plan.approvalRequired,
    cost_per_month: plan.costPerMonth,
    setup_fee: plan.setupFee,
    trial_period_days: plan.trialPeriodDays,
    limits: details.limitsOf(entry, plan),
    prices: overridePrices(override, plan.systemName) ?? productPrices(override, details.pricesOf(entry, plan)),
    currency: currency ?? null,
  }
}
