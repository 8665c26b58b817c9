import type { FieldDefinition, Plan, Product } from '../../clients/threescale/nouns.js'
import { problem } from '../../errors.js'

/** Developers may create, change and delete applications of the product only where its operator allows it. */
export function checkManagesApps(product: Product): void {
  if (product.buyersManageApps) return
  throw problem('rule', {
    rule: 'buyers_manage_apps',
    detail: `Applications of ${product.name} are made and changed by its operator only.`,
  })
}

/**
 * The plan of a new application. Developers choose among published plans where 3scale lets them; elsewhere it is the
 * default plan, else the first published one (porta, lib/developer_portal: applications_controller).
 */
export function choosePlan(product: Product, offered: Plan[], wanted: string | undefined): Plan {
  const standard = offered.find((plan) => plan.isDefault) ?? offered[0]
  if (!standard) throw problem('not_found')
  if (wanted === undefined || wanted === '') {
    if (product.canSelectPlan && offered.length > 1 && !offered.some((plan) => plan.isDefault)) {
      throw problem('invalid_fields', { fields: { plan: 'Choose a plan.' } })
    }
    return standard
  }
  const plan = offered.find((candidate) => candidate.systemName === wanted)
  if (!plan) throw problem('invalid_fields', { fields: { plan: 'There is no such plan. Choose one of the list.' } })
  if (plan !== standard && !product.canSelectPlan) {
    throw problem('rule', {
      rule: 'buyer_can_select_plan',
      detail: `The plan of ${product.name} is set by its operator: leave it out, or use "${standard.systemName}".`,
    })
  }
  return plan
}

/** Extra fields that 3scale's own API does not check: required, choices, hidden and read-only. Throws invalid_fields. */
export function checkFields(definitions: FieldDefinition[], given: Record<string, string>): Record<string, string> {
  const open = definitions.filter((field) => !field.hidden && !field.readOnly)
  const errors: Record<string, string> = {}
  const values: Record<string, string> = {}
  for (const field of open) {
    const value = (given[field.name] ?? '').trim()
    if (value === '' && field.required) errors[`fields.${field.name}`] = `${field.label} is needed.`
    else if (value !== '' && field.choices.length > 0 && !field.choices.includes(value)) {
      errors[`fields.${field.name}`] = `${field.label} is one of: ${field.choices.join(', ')}.`
    } else if (value !== '') values[field.name] = value
  }
  for (const name of Object.keys(given)) {
    if (!open.some((field) => field.name === name)) errors[`fields.${name}`] = 'There is no such field.'
  }
  if (Object.keys(errors).length > 0) throw problem('invalid_fields', { fields: errors })
  return values
}
