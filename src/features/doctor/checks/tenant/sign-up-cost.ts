import type { CreateFinding, Finding } from '../../findings/findings.js'
import { formatList, type Tenant } from '../../product-context.js'
import { signUpCostMessage } from './messages.js'

/** Seconds of a sign-up, measured with 3scale 2.16.4 on an idle machine: a base and a range for each product. */
const BASE_SECONDS = 0.25
const SECONDS_PER_PRODUCT = [0.2, 0.3] as const
/** Products that the message lists. */
const MAX_LISTED = 10

/** Default plans cost each new user time at the first sign-in, and create an application for each default application plan. */
export function checkSignUpCost(finding: CreateFinding, { products, plans, servicePlans }: Tenant): Finding[] {
  const defaults = (all: { productId: number; isDefault: boolean }[] | undefined) =>
    new Set((all ?? []).filter(({ isDefault }) => isDefault).map(({ productId }) => productId))
  const [applications, services] = [defaults(plans), defaults(servicePlans)]
  const costly = products.filter(({ id }) => applications.has(id) || services.has(id))
  if (costly.length === 0) return []
  const [from, to] = SECONDS_PER_PRODUCT.map((each) => (BASE_SECONDS + each * costly.length).toFixed(1))
  const withApplication = costly.filter(({ id }) => applications.has(id)).length
  const names = formatList(
    costly.map(({ systemName }) => systemName),
    MAX_LISTED,
  )
  const what = signUpCostMessage({
    products: costly.length,
    all: products.length,
    names,
    seconds: { from: String(from), to: String(to) },
    applications: withApplication,
  })
  return [finding('sign_up_default_plans', { what })]
}
