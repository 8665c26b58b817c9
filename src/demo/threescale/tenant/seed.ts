import type { State } from '../store.js'
import { everydayProducts } from './everyday-products.js'
import { seedAccounts, seedFields } from './people.js'
import { addService } from './products.js'
import type { Sketch } from './sketch.js'
import { specialProducts } from './special-products.js'
import { wellKeptProducts } from './well-kept-products.js'

const sketches: Sketch[] = [...everydayProducts, ...specialProducts]

/**
 * The tenant as the demo begins. `port` is the demo's base port; the same port gives the same tenant. `wellKept`: one
 * without any of the accidents that the demo has to show.
 */
export function seed(port: number, { wellKept = false } = {}): State {
  const state = emptyTenant(port)
  const wanted = wellKept ? wellKeptProducts : sketches
  wanted.forEach((sketch, index) => {
    addService(state, sketch, { gatewayPort: port + 10 + index, modelsPort: port + 5 })
  })
  seedFields(state)
  seedAccounts(state)
  return state
}

/** One more product, as an operator would add it: promoted, with two published plans, and with what `wanted` says. */
export function addProduct(
  state: State,
  port: number,
  wanted: Partial<Sketch> = {},
): { system_name: string; endpoint: string } {
  const index = state.services.length
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
  const place = { gatewayPort: port + 10 + index, modelsPort: port + 5 }
  const { system_name, endpoint } = addService(state, sketch, place)
  return { system_name, endpoint }
}

function emptyTenant(port: number): State {
  return {
    lastId: {
      service: 6,
      plan: 20,
      metric: 50,
      rule: 60,
      limit: 30,
      pricing_rule: 40,
      feature: 100,
      doc: 90,
      account: 500,
      user: 900,
      cinstance: 3000,
      field: 0,
      referrer_filter: 0,
      message: 0,
    },
    services: [],
    plans: [],
    servicePlans: [],
    features: [],
    accounts: [],
    users: [],
    applications: [],
    subscriptions: [],
    messages: [],
    docs: [],
    fields: [],
    settings: {
      useraccountarea_enabled: true,
      hide_service: false,
      signups_enabled: true,
      account_approval_required: false,
      public_search: false,
      account_plans_ui_visible: false,
      change_account_plan_permission: 'request',
      service_plans_ui_visible: false,
      change_service_plan_permission: 'request',
      enforce_sso: false,
    },
    provider: {
      id: 2,
      org_name: 'Demo Provider',
      support_email: 'support@example.com',
      site_access_code: 'LEAK-site-access-code',
      state: 'approved',
    },
    authenticationProvider: {
      id: 1,
      kind: 'keycloak',
      account_type: 'developer',
      name: 'Keycloak',
      system_name: 'keycloak',
      client_id: '3scale',
      client_secret: 'LEAK-authentication-provider-secret',
      site: `http://localhost:${port + 2}`,
      automatically_approve_accounts: true,
      published: true,
    },
    minutes: {},
    hours: {},
  }
}
