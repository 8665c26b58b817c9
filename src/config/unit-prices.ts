import type { PortalConfig } from './portal-config.js'

/** Prices of a product in PORTAL_CONFIG, for plans without pricing rules in 3scale. */
export type ConfiguredPrices = NonNullable<NonNullable<PortalConfig['products']>[string]['prices']>

export interface UnitPrice {
  /** role of the metric that counts the units */
  role: 'calls' | 'prompt_tokens' | 'completion_tokens' | 'total_tokens'
  /** of so many units */
  price: number
  units: number
}

/** Prompt and completion tokens are part of all tokens, so the price for all tokens applies only if they have no price. */
export function unitPricesOf(prices: ConfiguredPrices): UnitPrice[] {
  const of = (role: UnitPrice['role'], price: number | undefined, units: number): UnitPrice[] =>
    price === undefined ? [] : [{ role, price, units }]
  const sides = [
    ...of('prompt_tokens', prices.per_million_prompt_tokens, 1e6),
    ...of('completion_tokens', prices.per_million_completion_tokens, 1e6),
  ]
  return [
    ...of('calls', prices.per_call, 1),
    ...(sides.length > 0 ? sides : of('total_tokens', prices.per_million_tokens, 1e6)),
  ]
}
