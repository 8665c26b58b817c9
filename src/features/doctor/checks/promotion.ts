import type { Deployment, Part } from '../../clients/threescale/inspection-wire.js'
import { listed, type ProductCheck } from './look.js'

/** Whether what is set is what runs. 3scale tells versions and contents of deployments, not when they were made. */
export const promotion: ProductCheck = ({ tenant, product, setUp }, find) => {
  const sandbox = tenant.sandbox.get(product.id)
  const production = tenant.production.get(product.id)
  if (!production) return [find('not_promoted')]
  if (!sandbox) return []
  const behind = sandbox.version - production.version
  if (behind > 0) {
    const differing = differences(sandbox.parts, production.parts)
    const what =
      differing.length > 0 ? `They differ in: ${listed(differing)}.` : 'What the portal compares is the same.'
    const versions = `Staging has version ${sandbox.version}, production runs version ${production.version}.`
    return [find('staging_ahead', `${versions} ${what}`), ...edited(setUp, sandbox)]
  }
  return edited(setUp, sandbox)

  function edited(now: Deployment['parts'], deployed: Deployment) {
    const differing = differences(now, deployed.parts)
    return differing.length > 0
      ? [find('not_deployed', `Changed since version ${deployed.version} of staging: ${listed(differing)}.`)]
      : []
  }
}

function differences(a: Deployment['parts'], b: Deployment['parts']): Part[] {
  return (Object.keys(a) as Part[]).filter((part) => a[part] !== b[part])
}
