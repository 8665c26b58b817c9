import type { Plan } from './nouns.js'

/** The plans of a product that a developer can take, in 3scale's order (porta, lib/developer_portal). */
export function offeredOf(plans: Plan[]): Plan[] {
  return plans
    .filter(({ custom, isDefault, state }) => !custom && (isDefault || state === 'published'))
    .sort((a, b) => a.id - b.id)
}
