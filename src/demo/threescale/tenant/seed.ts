import type { FastifyInstance } from 'fastify'
import type { Tenant } from '../http/router.js'
import { present } from '../products/services.js'
import { canary } from '../secrets.js'
import type { State } from '../store.js'
import { cleanProducts } from './clean-products.js'
import { emptyTenant } from './empty.js'
import { everydayProducts } from './everyday-products.js'
import { fillLarge } from './large/large.js'
import { createOperator, type Operator } from './operator.js'
import { addAccounts, addFields } from './people.js'
import type { Sketch } from './product-definition.js'
import { addProduct as add, type Ports } from './products.js'
import { specialProducts } from './special-products.js'

/**
 * `empty`: as 3scale creates one; `demo`: with mistakes that a portal must tolerate; `clean`: without mistakes; `large`: without
 * mistakes, and with 2,000 products and 100,000 applications.
 */
export type TenantKind = 'empty' | 'demo' | 'clean' | 'large'

const START = Date.parse('2026-03-01T09:00:00Z')
const sketches: Sketch[] = [...everydayProducts, ...specialProducts]

/**
 * Builds the tenant by calls of the Account API in one that 3scale just created. `port` is the demo's base port; the same port gives
 * the same tenant.
 */
export async function seed(app: FastifyInstance, tenant: Tenant, port: number, kind: TenantKind): Promise<void> {
  if (kind === 'empty') return tenant.replace(emptyTenant(tenant.clock, 'Etc/UTC'))
  tenant.clock.set(START)
  tenant.replace(emptyTenant(tenant.clock, 'Europe/Madrid'))
  const call = createOperator(app)
  await removeSampleData(call, tenant.state())
  const defaults: { product: number; plan: number }[] = []
  const requested = { demo: sketches, clean: cleanProducts, large: everydayProducts }[kind]
  // the last of a tenant's products cannot be deleted
  const [api] = present(tenant.state())
  for (const [index, sketch] of requested.entries()) {
    const { id, planIds } = await add(call, sketch, portsOf(port, index))
    if (sketch.defaultPlan && planIds[0] !== undefined) defaults.push({ product: id, plan: planIds[0] })
  }
  await call('DELETE', `/services/${api?.id}`)
  await addFields(call)
  await addAccounts(call, tenant.state())
  if (kind === 'large') fillLarge(tenant, port)
  // after the accounts, which have no applications that were not requested
  for (const { product, plan } of defaults) await call('PUT', `/services/${product}/application_plans/${plan}/default`)
  tenant.state().authenticationProviders.push(signInService(port))
  tenant.clock.set(undefined)
}

/** One more product, as an operator would add it: promoted, with two published plans, and with the members of `overrides`. */
export async function addProduct(
  app: FastifyInstance,
  tenant: Tenant,
  port: number,
  overrides: Partial<Sketch> = {},
): Promise<{ id: number; system_name: string; endpoint: string }> {
  const index = present(tenant.state()).length
  const n = index - sketches.length + 1
  const sketch: Sketch = {
    system_name: `added-${n}`,
    name: `Added model ${n}`,
    description: `Model ${n}, added while the portal is running.`,
    type: 'chat',
    server: `added-${n}`,
    modelId: `demo-org/Added-${n}`,
    plans: [
      { name: 'Basic', system_name: 'basic' },
      { name: 'Gold', system_name: 'gold' },
    ],
    ...overrides,
  }
  const { id, system_name, endpoint } = await add(createOperator(app), sketch, portsOf(port, index))
  return { id, system_name, endpoint }
}

/** What an operator of a real tenant removes first: the account of the sample developer, then the sample product. */
async function removeSampleData(call: Operator, { accounts }: State): Promise<void> {
  for (const { id } of accounts) await call('DELETE', `/accounts/${id}`)
}

function portsOf(port: number, index: number): Ports {
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
