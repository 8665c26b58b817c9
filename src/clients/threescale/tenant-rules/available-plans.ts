import type { Plan, Product } from '../types.js'

/** The plans of a product that a developer can select, in 3scale's order (porta, lib/developer_portal). */
export function availablePlans(plans: Plan[]): Plan[] {
  return plans
    .filter(({ custom, isDefault, state }) => !custom && (isDefault || state === 'published'))
    .sort((a, b) => a.id - b.id)
}

/** The plan that 3scale assigns if none is selected: the default one, else the first published one. */
export function defaultPlanOf(available: Plan[]): Plan | undefined {
  return available.find(({ isDefault }) => isDefault) ?? available[0]
}

/** True if developers choose among several plans and none is the default. */
export function isPlanRequired({ canSelectPlan }: Product, available: Plan[]): boolean {
  return canSelectPlan && available.length > 1 && !available.some(({ isDefault }) => isDefault)
}
