import { differencesOf } from '../../../../clients/threescale/inspection/configuration-parts.js'
import { formatList, type ProductCheck } from '../../product-context.js'
import { promotionMessages } from './messages.js'

/** Compares edited settings with staging, and staging with production. 3scale does not report when a deployment happened. */
export const checkPromotion: ProductCheck = ({ tenant, product, edited }, finding) => {
  if (!tenant.production) return []
  const production = tenant.production.get(product.id)
  if (!production) return [finding('not_promoted')]
  // Without the staging configurations, the last deployment is unknown.
  if (!tenant.sandbox) return []
  const sandbox = tenant.sandbox.get(product.id)
  const findings = []
  if (sandbox && sandbox.version > production.version) {
    const differing = differencesOf(sandbox.parts, production.parts)
    const what = promotionMessages.stagingAhead(sandbox.version, production.version, formatList(differing))
    findings.push(finding('staging_ahead', what))
  }
  const last = sandbox ?? production
  const changed = differencesOf(edited, last.parts)
  const environment = sandbox ? 'staging' : 'production'
  if (changed.length > 0)
    findings.push(
      finding('not_deployed', promotionMessages.notDeployed(last.version, environment, formatList(changed))),
    )
  return findings
}
