import { differencesOf } from '../../../clients/threescale/inspection/parts.js'
import { listed, type ProductCheck } from '../look.js'

/** Whether what is set is what runs. 3scale reports versions and contents of deployments, not when they were made. */
export const promotion: ProductCheck = ({ tenant, product, edited }, find) => {
  if (!tenant.production) return []
  const production = tenant.production.get(product.id)
  if (!production) return [find('not_promoted')]
  // where the staging configurations could not be read, what was deployed last is not known
  if (!tenant.sandbox) return []
  const sandbox = tenant.sandbox.get(product.id)
  const findings = []
  if (sandbox && sandbox.version > production.version) {
    const differing = differencesOf(sandbox.parts, production.parts)
    const what =
      differing.length > 0 ? `They differ in: ${listed(differing)}.` : 'What the portal compares is the same.'
    const versions = `Staging has version ${sandbox.version}, production runs version ${production.version}.`
    findings.push(find('staging_ahead', `${versions} ${what}`))
  }
  const last = sandbox ?? production
  const changed = differencesOf(edited, last.parts)
  const version = `version ${last.version} of ${sandbox ? 'staging' : 'production'}`
  if (changed.length > 0) findings.push(find('not_deployed', `Changed since ${version}: ${listed(changed)}.`))
  return findings
}
