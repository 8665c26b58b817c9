import type { Plan, Product } from './nouns.js'

/** The plans of a product that a developer can take, in 3scale's order (porta, lib/developer_portal). */
export function offeredOf(plans: Plan[]): Plan[] {
  return plans
    .filter(({ custom, isDefault, state }) => !custom && (isDefault || state === 'published'))
    .sort((a, b) => a.id - b.id)
}

/** The plan that 3scale gives where none is named: the default one, else the first published one. */
export function standardOf(offered: Plan[]): Plan | undefined {
  return offered.find(({ isDefault }) => isDefault) ?? offered[0]
}

/** True where developers choose among several plans, and none of them is the default. */
export function isPlanRequired({ canSelectPlan }: Product, offered: Plan[]): boolean {
  return canSelectPlan && offered.length > 1 && !offered.some(({ isDefault }) => isDefault)
}
