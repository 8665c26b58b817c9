import type { Find, Finding } from '../findings.js'
import { listed, type Tenant } from '../look.js'

/** Seconds of a sign-up, as measured with 3scale 2.16.4 on an idle machine: 0.25 alone, 0.2 to 0.3 for each such product. */
const ALONE = 0.25
const EACH = [0.2, 0.3] as const
/** Products to name in the sentence. */
const NAMED = 10

/**
 * What the default plans of all products cost each new person: time at the first sign-in, and an application with a live
 * key for each default application plan.
 */
export function signUpCost(find: Find, { products, plans, servicePlans }: Tenant): Finding[] {
  const defaults = (all: { productId: number; isDefault: boolean }[] | undefined) =>
    new Set((all ?? []).filter(({ isDefault }) => isDefault).map(({ productId }) => productId))
  const [applications, services] = [defaults(plans), defaults(servicePlans)]
  const costly = products.filter(({ id }) => applications.has(id) || services.has(id))
  if (costly.length === 0) return []
  const [least, most] = EACH.map((each) => (ALONE + each * costly.length).toFixed(1))
  const given = costly.filter(({ id }) => applications.has(id)).length
  const names = listed(
    costly.map(({ systemName }) => systemName),
    NAMED,
  )
  const count = `${costly.length} of ${products.length} products ${costly.length === 1 ? 'has' : 'have'} a default plan`
  const keys =
    given === 0
      ? 'none of them creates an application'
      : `each new person gets ${given} ${given === 1 ? 'application with a live key' : 'applications with live keys'}`
  return [
    find('sign_up_defaults', {
      what: `${count} (${names}): a sign-up takes about ${least} to ${most} s in 3scale, and ${keys}.`,
    }),
  ]
}
