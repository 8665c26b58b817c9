import type { Facts } from './facts.js'
import type { Model, PlanPrice } from './schemas.js'

/** What PORTAL_CONFIG says of a product. */
export interface ProductNotes {
  visible_to?: string[]
  hidden?: boolean
  summary?: string
  model_id?: string
  type?: Model['type']
  request_format?: NonNullable<Model['request_format']>
  context_length?: number
  capabilities?: Model['capabilities']
  license?: { name: string; url?: string }
  owner?: { name: string; url?: string; email?: string }
  links?: Model['links']
  state?: Model['state']
  retires_on?: string
  successor?: string
  /** by system name */
  plans?: Record<string, { prices?: { metric: string; cost_per_unit: number; from?: number; to?: number }[] }>
  /** how the portal may ask the model server what it serves */
  model_server?: { application?: { account: number; id: number }; private_address?: boolean }
}

export function notedFacts(note: ProductNotes): Facts {
  const { license, owner, type, model_id, context_length, capabilities, links, state, retires_on, successor } = note
  const named = (value: { name: string; url?: string; email?: string }) => ({
    name: value.name,
    url: value.url ?? (value.email ? `mailto:${value.email}` : null),
  })
  return {
    ...(type && { type }),
    ...(model_id && { model_id }),
    ...(note.request_format && { request_format: note.request_format }),
    ...(context_length && { context_length }),
    ...(capabilities && { capabilities }),
    ...(license && { license: named(license) }),
    ...(owner && { owner: named(owner) }),
    ...(links && { links }),
    ...(state && { state }),
    ...(retires_on && { retires_on }),
    ...(successor && { successor }),
    ...(note.summary && { summary: note.summary }),
  }
}

/** Prices that the operator states win over 3scale's pricing rules. */
export function notedPrices(note: ProductNotes, plan: string): PlanPrice[] | undefined {
  return note.plans?.[plan]?.prices?.map(({ metric, cost_per_unit, from = 1, to }) => ({
    metric,
    metric_name: metric.replaceAll('_', ' '),
    cost_per_unit,
    from,
    to: to ?? null,
  }))
}
