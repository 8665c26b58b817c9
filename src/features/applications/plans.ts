import type { Plan, Product } from '../../clients/threescale/nouns.js'
import { isPlanRequired, standardOf } from '../../clients/threescale/offered.js'
import { problem } from '../../errors.js'
import { check, type PlanChangeWay } from '../../rules.js'

/**
 * The plan of a new application. Developers choose among published plans where 3scale lets them; elsewhere it is the
 * default plan, else the first published one (porta, lib/developer_portal: applications_controller).
 */
export function choosePlan(product: Product, offered: Plan[], wanted: string | undefined): Plan {
  const standard = standardOf(offered)
  if (!standard) throw problem('not_found')
  if (wanted === undefined || wanted === '') {
    if (isPlanRequired(product, offered)) throw problem('invalid_fields', { fields: { plan: 'Choose a plan.' } })
    return standard
  }
  const plan = planNamed(offered, wanted)
  check(['buyer_can_select_plan'], { product, plan, standard })
  return plan
}

/** A plan that is offered, by its system name. Throws invalid_fields. */
export function planNamed(offered: Plan[], systemName: string): Plan {
  const plan = offered.find((candidate) => candidate.systemName === systemName)
  if (!plan) throw problem('invalid_fields', { fields: { plan: 'There is no such plan. Choose one of the list.' } })
  return plan
}

/**
 * porta, app/lib/logic/plan_changes.rb: `credit_card` is direct with a stored card, else a request; `request_credit_card`
 * is direct for a free plan or with a card, else it needs one.
 */
export function planChangeWay(facts: {
  permission: Product['planChangePermission']
  free: boolean
  cardStored: boolean
  operatorReachable: boolean
}): PlanChangeWay {
  const ask = facts.operatorReachable ? 'request' : 'no_contact'
  switch (facts.permission) {
    case 'direct':
      return 'direct'
    case 'request':
      return ask
    case 'credit_card':
      return facts.cardStored ? 'direct' : ask
    case 'request_credit_card':
      return facts.free || facts.cardStored ? 'direct' : 'no_card'
    default:
      return 'no'
  }
}
