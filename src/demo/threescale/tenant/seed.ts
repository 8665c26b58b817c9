import type { FastifyInstance } from 'fastify'
import type { Tenant } from '../http/router.js'
import { present } from '../products/services.js'
import { canary } from '../secrets.js'
import type { State } from '../store.js'
import { emptyTenant } from './empty.js'
import { everydayProducts } from './everyday-products.js'
import { createOperator, type Operator } from './operator.js'
import { addAccounts, addFields } from './people.js'
import { addProduct as add, type Place } from './products.js'
import type { Sketch } from './sketch.js'
import { specialProducts } from './special-products.js'
import { wellKeptProducts } from './well-kept-products.js'

/** `empty`: as 3scale makes one; `demo`: with accidents that a portal must bear; `well-kept`: without any of them. */
export type TenantKind = 'empty' | 'demo' | 'well-kept'

const START = Date.parse('2026-03-01T09:00:00Z')
const sketches: Sketch[] = [...everydayProducts, ...specialProducts]

/**
 * Builds the tenant by calls of the Account API in one that 3scale just made. `port` is the demo's base port; the same port gives
 * the same tenant.
 */
export async function seed(app: FastifyInstance, tenant: Tenant, port: number, kind: TenantKind): Promise<void> {
  if (kind === 'empty') return tenant.replace(emptyTenant(tenant.clock, 'Etc/UTC'))
  tenant.clock.set(START)
  tenant.replace(emptyTenant(tenant.clock, 'Europe/Madrid'))
  const call = createOperator(app)
  await removeSampleData(call, tenant.state())
  const defaults: { product: number; plan: number }[] = []
  const wanted = kind === 'well-kept' ? wellKeptProducts : sketches
  // the last of a tenant's products cannot be deleted
  const [api] = present(tenant.state())
  for (const [index, sketch] of wanted.entries()) {
    const { id, planIds } = await add(call, sketch, placeOf(port, index))
    if (sketch.defaultPlan && planIds[0] !== undefined) defaults.push({ product: id, plan: planIds[0] })
  }
  await call('DELETE', `/services/${api?.id}`)
  await addFields(call)
  await addAccounts(call, tenant.state())
  // after the accounts, which have no applications that nobody asked for
  for (const { product, plan } of defaults) await call('PUT', `/services/${product}/application_plans/${plan}/default`)
  tenant.state().authenticationProviders.push(signInService(port))
  tenant.clock.set(undefined)
}

/** One more product, as an operator would add it: promoted, with two published plans, and with what `wanted` says. */
export async function addProduct(
  app: FastifyInstance,
  tenant: Tenant,
  port: number,
  wanted: Partial<Sketch> = {},
): Promise<{ id: number; system_name: string; endpoint: string }> {
  const index = present(tenant.state()).length
  const n = index - sketches.length + 1
  const sketch: Sketch = {
    system_name: `added-${n}`,
    name: `Added model ${n}`,
    description: `Model number ${n}, added while the portal runs.`,
    type: 'chat',
    server: `added-${n}`,
    modelId: `demo-org/Added-${n}`,
    plans: [
      { name: 'Basic', system_name: 'basic' },
      { name: 'Gold', system_name: 'gold' },
    ],
    ...wanted,
  }
  const { id, system_name, endpoint } = await add(createOperator(app), sketch, placeOf(port, index))
  return { id, system_name, endpoint }
}

/** What an operator of a real tenant removes first: the account of the sample developer, then the sample product. */
async function removeSampleData(call: Operator, { accounts }: State): Promise<void> {
  for (const { id } of accounts) await call('DELETE', `/accounts/${id}`)
}

function placeOf(port: number, index: number): Place {
  return { gatewayPort: port + 10 + index, modelsPort: port + 5, identityPort: port + 2 }
}

function signInService(port: number): Record<string, unknown> {
  return {
    id: 1,
    kind: 'keycloak',
    account_type: 'developer',
    name: 'Keycloak',
    system_name: 'keycloak',
    client_id: '3scale',
    client_secret: canary(16),
    site: `http://localhost:${port + 2}`,
    automatically_approve_accounts: true,
    published: true,
  }
}
