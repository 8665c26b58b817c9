import type { PortalConfig } from '../../../config/portal-config.js'
import { type UnitPrice, unitPricesOf } from '../../../config/unit-prices.js'
import type { PlanPrice } from '../schemas.js'
import type { Facts } from './facts.js'

/** An entry of `products` in PORTAL_CONFIG. */
export type ProductOverrides = NonNullable<PortalConfig['products']>[string]

export function overrideFacts(override: ProductOverrides): Facts {
  const { license, owner, type, model_id, context_length, capabilities, links, state, retires_on, successor } = override
  const named = (value: { name: string; url?: string; email?: string }) => ({
    name: value.name,
    url: value.url ?? (value.email ? `mailto:${value.email}` : null),
  })
  return {
    ...(type && { type }),
    ...(model_id && { model_id }),
    ...(override.request_format && { request_format: override.request_format }),
    ...(context_length && { context_length }),
    ...(capabilities && { capabilities }),
    ...(override.languages && { languages: override.languages }),
    ...(license && { license: named(license) }),
    ...(owner && { owner: named(owner) }),
    ...(links && { links }),
    ...(state && { state }),
    ...(retires_on && { retires_on }),
    ...(successor && { successor }),
    ...(override.summary && { summary: override.summary }),
  }
}

/** Prices in PORTAL_CONFIG take precedence over 3scale's pricing rules. */
export function overridePrices(override: ProductOverrides, plan: string): PlanPrice[] | undefined {
  return override.plans?.[plan]?.prices?.map(({ metric, cost_per_unit, from = 1, to }) => ({
    metric,
    metric_name: metric.replaceAll('_', ' '),
    cost_per_unit,
    from,
    to: to ?? null,
  }))
}

/** System and display names of metrics, unless PORTAL_CONFIG states other system names. */
const metricNames: Record<UnitPrice['role'], [systemName: string, name: string]> = {
  calls: ['hits', 'calls'],
  prompt_tokens: ['prompt_tokens', 'prompt tokens'],
  completion_tokens: ['completion_tokens', 'completion tokens'],
  total_tokens: ['total_tokens', 'tokens'],
}

/** Prices in PORTAL_CONFIG of a product, for a plan for which 3scale has no pricing rules; null until these are read. */
export function productPrices(override: ProductOverrides, rules: PlanPrice[] | null): PlanPrice[] | null {
  const { prices, metrics = {} } = override
  if (!prices || rules === null || rules.length > 0) return rules
  return unitPricesOf(prices).map(({ role, price, units }) => {
    const [systemName, name] = metricNames[role]
    const cost_per_unit = Number((price / units).toPrecision(12))
    return { metric: metrics[role] ?? systemName, metric_name: name, cost_per_unit, from: 1, to: null }
  })
}
