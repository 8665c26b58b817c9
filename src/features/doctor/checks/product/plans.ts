import type { ProductCheck } from '../../product-context.js'
import { planMessages } from './messages.js'

/** Application plans that developers can choose, and default plans that apply at sign-up. */
export const checkPlans: ProductCheck = ({ tenant, product }, finding) => {
  const found = []
  if (tenant.plans) {
    const own = tenant.plans.filter(({ productId, custom }) => productId === product.id && !custom)
    const byDefault = own.find(({ isDefault }) => isDefault)
    if (!byDefault && !own.some(({ state }) => state === 'published')) {
      const hidden = own.map(({ name }) => name).join(', ')
      found.push(finding('plan_missing', hidden ? planMessages.onlyHidden(hidden) : planMessages.none))
    }
    if (byDefault) found.push(finding('plan_default', planMessages.byDefault(byDefault.name)))
  }
  if (product.referrerFiltersRequired) found.push(finding('referrer_filters'))
  return found
}

/** Creating an application subscribes the account to the default service plan, else to the first (porta, buyers_applications). */
export const checkServicePlans: ProductCheck = ({ tenant, product }, finding) => {
  if (!tenant.servicePlans) return []
  const own = tenant.servicePlans.filter(({ productId }) => productId === product.id).sort((a, b) => a.id - b.id)
  if (own.length === 0) return [finding('service_plan_missing')]
  const byDefault = own.find(({ isDefault }) => isDefault)
  const taken = byDefault ?? own[0]
  const found = []
  if (taken?.approvalRequired) found.push(finding('service_plan_approval', planMessages.approval(taken.name)))
  if (!byDefault && tenant.settings?.servicePlansVisible) found.push(finding('service_plan_default'))
  return found
}
