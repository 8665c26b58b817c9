import { LRUCache } from 'lru-cache'
import { attributeOf, isOpen } from '../../clients/threescale/built-in-fields.js'
import type { FieldDefinition, Plan, Product } from '../../clients/threescale/nouns.js'
import { isPlanRequired } from '../../clients/threescale/offered.js'
import { basePathOf } from '../../model-calls/base-paths.js'
import { withIdInPlace } from '../../model-calls/call-paths.js'
import { summaryOf } from '../../web/markdown.js'
import type { Details } from './details.js'
import { settle, stateOf, type Told } from './facts.js'
import { notedFacts, notedPrices, type ProductNotes } from './notes.js'
import type { FieldSpec, Model, ModelPlan } from './schemas.js'
import { shownFacts } from './shown.js'
import type { Entry, Snapshot, SpecRef } from './snapshot.js'

const FOUND_KEPT = 100

/** A product as everything else in the portal uses it. */
export interface Offer {
  model: Model
  product: Product
  plans: Plan[]
  offered: Plan[]
  /** all of them, also those that developers do not see */
  applicationFields: FieldDefinition[]
  rules: Entry['gateway']['rules']
  backends: Entry['gateway']['backends']
  /** what its statistics and limits depend on */
  gateway: Pick<Entry['gateway'], 'metrics' | 'tokenPolicy' | 'refusals'>
  spec: SpecRef | undefined
  /** what the spec shows, by type */
  shown: Entry['shown']
  /** lower-case text that a search looks through */
  words: string
}

/** What a list found: one object for all who are shown the same, so that what is made of it can be kept with it. */
export interface Found {
  models: Model[]
  /** how many there are without the filters */
  total: number
  /** of the total, by type */
  byType: Map<string, number>
}

export interface Catalogue {
  snapshot: Snapshot
  /** of the details that are in it */
  version: number
  /** the day it was put together, since 1970 in UTC: a model may retire at midnight */
  day: number
  /** in ms: when a gateway of it is ready, so that its model changes */
  until: number
  offers: Offer[]
  bySystemName: Map<string, Offer>
  byProduct: Map<number, Offer>
  hosts: Set<string>
  /** what lists have found in it, by audience and filters */
  found: LRUCache<string, Found>
}

export interface CatalogueParts {
  snapshot: Snapshot
  details: Details
  notes: Record<string, ProductNotes>
  currency: string | undefined
  day: number
  /** how long gateways cache a configuration */
  configurationSeconds: number
  now: number
}

/** Snapshot, details and PORTAL_CONFIG put together; nothing of it is changed afterwards. */
export function putTogether(parts: CatalogueParts): Catalogue {
  const { snapshot, details, notes, currency, day } = parts
  const version = details.version()
  const today = new Date(day * 86_400_000).toISOString().slice(0, 10)
  const offers = snapshot.entries.map((entry) => {
    const facts = modelOf(entry, details, notes[entry.product.systemName] ?? {}, currency, today)
    const model = { ...facts, gateway_ready_at: readyAt(entry, parts) }
    const { product, plans, offered, applicationFields, gateway, spec, shown } = entry
    return {
      model,
      product,
      plans,
      offered,
      applicationFields,
      rules: gateway.rules,
      backends: gateway.backends,
      gateway,
      spec,
      shown,
      words: wordsOf(model),
    }
  })
  const addresses = offers.flatMap(({ model }) => [model.endpoint, ...(model.token_url ? [model.token_url] : [])])
  return {
    snapshot,
    version,
    day,
    until: Math.min(...offers.flatMap(({ model: { gateway_ready_at: at } }) => (at ? [Date.parse(at)] : []))),
    offers,
    bySystemName: new Map(offers.map((offer) => [offer.model.system_name, offer])),
    byProduct: new Map(offers.map((offer) => [offer.product.id, offer])),
    hosts: new Set(addresses.map((address) => new URL(address).host)),
    found: new LRUCache({ max: FOUND_KEPT }),
  }
}

/**
 * Facts in order: PORTAL_CONFIG, what the spec declares, calls that mapping rules name, the calls of the spec that they let
 * through, the model server, what mapping rules without a name make likely, and last examples of the spec for the type found so.
 */
function modelOf(
  entry: Entry,
  details: Details,
  note: ProductNotes,
  currency: string | undefined,
  today: string,
): Omit<Model, 'gateway_ready_at'> {
  const { product, gateway } = entry
  const told: Told[] = [
    { source: 'portal_config', facts: notedFacts(note) },
    ...entry.told,
    { source: 'model_server', facts: details.factsOf(entry) },
    { source: 'assumed', facts: entry.assumed },
  ]
  const { type = 'custom', calls, request_format } = settle(told).facts
  const format = request_format ?? entry.shown[type]?.format
  const base = basePathOf(type, gateway, { documented: calls, format })
  const { facts, sources } = settle([...told, shownFacts(entry, type, base.path, details.isUnlisted(entry))])
  const statedId = sources.model_id === 'portal_config' ? facts.model_id : undefined
  const description = product.description.trim() === '' ? (facts.description ?? '') : product.description
  const { description: _fallback, calls: _paths, ...sourcesTold } = sources
  return {
    system_name: product.systemName,
    name: product.name,
    summary: facts.summary ?? summaryOf(description),
    description,
    type,
    model_id: facts.model_id ?? null,
    endpoint: gateway.endpoint,
    base_url: gateway.endpoint + withIdInPlace(base.path, statedId),
    request_format: facts.request_format ?? null,
    context_length: facts.context_length ?? null,
    capabilities: facts.capabilities ?? [],
    license: facts.license ?? null,
    owner: facts.owner ?? null,
    links: facts.links ?? [],
    state: stateOf(facts, today),
    retires_on: facts.retires_on ?? null,
    successor: facts.successor ?? null,
    credentials: gateway.credentials,
    can_select_plan: product.canSelectPlan,
    plan_required: isPlanRequired(product, entry.offered),
    plans: entry.offered.map((plan) => planOf(plan, entry, details, note, currency)),
    application_attributes: (['name', 'description'] as const).flatMap((name) => {
      const field = attributeOf(entry.applicationFields, name)
      return isOpen(field) ? [{ ...fieldSpecOf(field), name }] : []
    }),
    application_fields: entry.applicationFields.filter((field) => !field.builtIn && isOpen(field)).map(fieldSpecOf),
    paths: gateway.paths,
    token_url: details.tokenUrlOf(entry),
    sources: {
      ...sourcesTold,
      endpoint: 'gateway',
      base_url: baseSources[base.from],
      credentials: 'gateway',
      plans: 'plans',
    },
  }
}

/** The id in the spec's example of a model's call: of several that its server lists, it is the one meant. */
export function exampleIdIn(catalogue: Catalogue | undefined, systemName: string): string | undefined {
  const offer = catalogue?.bySystemName.get(systemName)
  return offer?.shown[offer.model.type]?.modelId
}

function readyAt({ gateway }: Entry, { configurationSeconds, now }: CatalogueParts): string | null {
  if (gateway.promotedBy === null) return null
  const at = gateway.promotedBy + configurationSeconds * 1000
  return at > now ? new Date(at).toISOString() : null
}

function fieldSpecOf({ name, label, required, choices }: FieldDefinition): FieldSpec {
  return { name, label, required, choices }
}
const baseSources = { rule: 'gateway', document: 'active_docs', prefix: 'assumed' } as const

export function planOf(
  plan: Plan,
  entry: Entry,
  details: Details,
  note: ProductNotes,
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
    prices: notedPrices(note, plan.systemName) ?? details.pricesOf(entry, plan),
    currency: currency ?? null,
  }
}

function wordsOf({ name, system_name, model_id, summary, description, owner }: Model): string {
  return [name, system_name, model_id, summary, description, owner?.name].join(' ').toLowerCase()
}
