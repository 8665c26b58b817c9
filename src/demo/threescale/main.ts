import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import { accountRoutes } from './accounts/accounts.js'
import { fieldRoutes } from './accounts/fields.js'
import { signupRoutes } from './accounts/signup.js'
import { subscriptionRoutes } from './accounts/subscriptions.js'
import { userRoutes } from './accounts/users.js'
import { applicationRoutes } from './applications/applications.js'
import { applicationChangeRoutes } from './applications/changes.js'
import { applicationKeyRoutes } from './applications/keys.js'
import { createBackend } from './backend/listener.js'
import { createSync } from './backend/sync.js'
import { type Behaviour, behaviourFor, type Timing } from './behaviour.js'
import { createClock } from './clock.js'
import { controlRoutes } from './controls/control.js'
import { faultRoutes } from './controls/faults.js'
import { keylessRoutes } from './controls/keyless.js'
import { createCosts } from './http/costs.js'
import { withoutFormat } from './http/format.js'
import { parseForm } from './http/params.js'
import { createApi, type Tenant } from './http/router.js'
import { createWorkers } from './http/workers.js'
import { activeDocRoutes } from './products/active-docs.js'
import { backendApiRoutes } from './products/backends.js'
import { deploymentRoutes } from './products/deployments.js'
import { mappingRuleRoutes } from './products/mapping-rules.js'
import { metricRoutes } from './products/metrics.js'
import { planRuleRoutes } from './products/plan-rules.js'
import { planRoutes } from './products/plans.js'
import { servicePlanRoutes } from './products/service-plans.js'
import { serviceRoutes } from './products/services.js'
import { statisticsRoutes } from './statistics/statistics.js'
import type { State } from './store.js'
import { administrationRoutes } from './tenant/administration.js'
import { emptyTenant } from './tenant/empty.js'
import { seed, type TenantKind } from './tenant/seed.js'
import { createWebhookSender } from './webhooks/delivery.js'
import { webhookRoutes } from './webhooks/settings.js'
import { startZync } from './zync.js'

export interface StartOptions {
  /** base port of the demo; this part listens on the next one, its backend on the seventh */
  port: number
  host?: string
  portalUrl?: string
  /** stores the state over restarts; without it a restart begins from the seed */
  stateFile?: string
  /** the tenant that it begins with */
  tenant?: TenantKind
  timing?: Timing
}

/** The Account Management API of a tenant, which imitates porta, with a separate backend. */
export async function start({
  port,
  host = '127.0.0.1',
  stateFile,
  tenant: kind = 'demo',
  timing = 'quick',
}: StartOptions): Promise<{ close(): Promise<void> }> {
  const clock = createClock()
  let current: State = emptyTenant(clock, 'Etc/UTC')
  let behaviour = behaviourFor(timing)
  let delays = true
  const webhooks = createWebhookSender({ state: () => current, behaviour: () => behaviour })
  const tenant: Tenant = {
    state: () => current,
    replace: (next) => {
      current = next
    },
    changed: () => {
      keyless.record()
      if (delays) save()
    },
    // The tenant is built without delays and stored when it is complete.
    behaviour: () => (delays ? behaviour : { ...behaviour, ...AT_ONCE }),
    clock,
    webhooks,
  }
  const withoutDelays = async <T>(work: () => Promise<T>): Promise<T> => {
    delays = false
    try {
      return await work()
    } finally {
      delays = true
      save()
    }
  }
  const save = () => {
    // The folder of a test may be deleted before its demo ends.
    if (!stateFile || !existsSync(dirname(stateFile))) return
    writeFileSync(`${stateFile}.new`, JSON.stringify(current))
    renameSync(`${stateFile}.new`, stateFile)
  }
  const app = Fastify({
    logger: false,
    bodyLimit: 10 * 1024 * 1024,
    forceCloseConnections: true,
    rewriteUrl: ({ url }) => withoutFormat(url ?? '/'),
    routerOptions: { maxParamLength: 500 },
  })
  readBodies(app)
  const keyless = keylessRoutes(app, tenant.state)

  const backendEndpoint = `http://127.0.0.1:${port + 7}`
  const sync = createSync({ state: tenant.state, behaviour: tenant.behaviour })
  const backend = createBackend({ port: port + 7, host, state: tenant.state, behaviour: tenant.behaviour })
  const behave = async (next: Behaviour) => {
    behaviour = next
    await backend.follow()
  }
  const costs = createCosts(app)
  faultRoutes(app, costs)
  controlRoutes(app, { tenant, port, backendEndpoint, behave, withoutDelays, settled: sync.settled })
  const workers = createWorkers()
  app.get('/_demo/workers', async () => ({ busy_ms: Math.round(workers.busyMs()) }))
  app.get('/_demo/webhooks', async () => webhooks.report())
  const api = createApi(app, tenant, { workers, costs })
  serviceRoutes(api)
  planRoutes(api)
  servicePlanRoutes(api)
  planRuleRoutes(api)
  metricRoutes(api)
  mappingRuleRoutes(api)
  backendApiRoutes(api)
  deploymentRoutes(api, { backendEndpoint })
  activeDocRoutes(api)
  signupRoutes(api, { sync, behaviour: tenant.behaviour })
  accountRoutes(api, sync)
  userRoutes(api)
  fieldRoutes(api)
  applicationRoutes(api, { sync, behaviour: tenant.behaviour })
  applicationChangeRoutes(api, sync)
  applicationKeyRoutes(api, sync)
  subscriptionRoutes(api)
  statisticsRoutes(api)
  administrationRoutes(api)
  webhookRoutes(api)

  await app.ready()
  const saved = stateFile && existsSync(stateFile) ? (JSON.parse(readFileSync(stateFile, 'utf8')) as State) : undefined
  if (saved) tenant.replace(saved)
  else await withoutDelays(() => seed(app, tenant, port, kind))
  await backend.follow()
  await app.listen({ port: port + 1, host })
  const zync = startZync(tenant.state, port + 2)
  return {
    async close() {
      zync.stop()
      webhooks.stop()
      save()
      await app.close()
      await backend.close()
    },
  }
}

const AT_ONCE: Partial<Behaviour> = {
  check_to_write_ms: 0,
  sign_up_ms: 0,
  default_plan_ms: 0,
  write_ms: 0,
  latency_ms: 0,
  call_ms: 0,
  row_ms: 0,
  backend_delay_ms: 0,
  web_workers: 0,
  backend: 'running',
}

/** Forms, JSON, which may be missing, and anything else, of which Rails reads nothing. */
function readBodies(app: FastifyInstance): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, parseForm(String(body))),
  )
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, String(body).trim() === '' ? {} : JSON.parse(String(body)))
    } catch (error) {
      done(Object.assign(error as Error, { statusCode: 400 }))
    }
  })
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null, {}))
}
