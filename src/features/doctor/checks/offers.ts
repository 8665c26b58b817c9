import type { ProductCheck } from '../look.js'

/** What a developer can take, and what 3scale does by itself when somebody signs up. */
export const plans: ProductCheck = ({ tenant, product }, find) => {
  const found = []
  if (tenant.plans) {
    const own = tenant.plans.filter(({ productId, custom }) => productId === product.id && !custom)
    const byDefault = own.find(({ isDefault }) => isDefault)
    if (!byDefault && !own.some(({ state }) => state === 'published')) {
      const hidden = own.map(({ name }) => name).join(', ')
      found.push(
        find('plan_none', hidden ? `Its only plans are hidden: ${hidden}.` : 'It has no application plan at all.'),
      )
    }
    if (byDefault)
      found.push(find('plan_default', `Everybody who signs up gets an application of “${byDefault.name}”.`))
  }
  if (product.referrerFiltersRequired) found.push(find('referrer_filters'))
  return found
}

/** Creating an application subscribes to the product: to the default service plan, else to the first (porta, buyers_applications). */
export const servicePlans: ProductCheck = ({ tenant, product }, find) => {
  if (!tenant.servicePlans) return []
  const own = tenant.servicePlans.filter(({ productId }) => productId === product.id).sort((a, b) => a.id - b.id)
  if (own.length === 0) return [find('service_plan_missing')]
  const byDefault = own.find(({ isDefault }) => isDefault)
  const taken = byDefault ?? own[0]
  const found = []
  if (taken?.approvalRequired)
    found.push(find('service_plan_approval', `People are subscribed to “${taken.name}”, which requires approval.`))
  if (!byDefault && tenant.settings?.servicePlansVisible) found.push(find('service_plan_default'))
  return found
}
