import { defaultPlanOf, isPlanRequired } from '../../../clients/threescale/tenant-rules/available-plans.js'
import type { Plan, Product } from '../../../clients/threescale/types.js'
import { problem } from '../../../errors.js'
import { enforce, type PlanChangeWay } from '../../../policies.js'
import { planErrors } from './messages.js'

/**
 * Selects the plan of a new application. Developers choose a published plan if the product allows it. Otherwise it is the
 * default plan, or the first published one (porta, lib/developer_portal: applications_controller).
 */
export function choosePlan(product: Product, offered: Plan[], requested: string | undefined): Plan {
  const standard = defaultPlanOf(offered)
  if (!standard) throw problem('not_found')
  if (requested === undefined || requested === '') {
    if (isPlanRequired(product, offered)) throw problem('invalid_fields', { fields: { plan: planErrors.required } })
    return standard
  }
  const plan = planNamed(offered, requested)
  enforce(['buyer_can_select_plan'], { product, plan, standard })
  return plan
}

/** Finds an offered plan by its system name. Throws invalid_fields. */
export function planNamed(offered: Plan[], systemName: string): Plan {
  const plan = offered.find((candidate) => candidate.systemName === systemName)
  if (!plan) throw problem('invalid_fields', { fields: { plan: planErrors.unknown } })
  return plan
}

/**
 * porta, app/lib/logic/plan_changes.rb: `credit_card` is direct with a stored card, otherwise a request.
 * `request_credit_card` is direct for a free plan or with a stored card, and is rejected otherwise.
 */
export function planChangeWay(facts: {
  permission: Product['planChangePermission']
  free: boolean
  cardStored: boolean
  operatorReachable: boolean
}): PlanChangeWay {
  const viaOperator = facts.operatorReachable ? 'request' : 'no_contact'
  switch (facts.permission) {
    case 'direct':
      return 'direct'
    case 'request':
      return viaOperator
    case 'credit_card':
      return facts.cardStored ? 'direct' : viaOperator
    case 'request_credit_card':
      return facts.free || facts.cardStored ? 'direct' : 'no_card'
    default:
      return 'no'
  }
}
