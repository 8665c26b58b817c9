import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import Fastify from 'fastify'
import { accountRoutes } from './accounts.js'
import { applicationChangeRoutes } from './application-changes.js'
import { applicationKeyRoutes } from './application-keys.js'
import { applicationRoutes } from './applications.js'
import { backendRoutes } from './backend.js'
import { catalogueRoutes } from './catalogue.js'
import { controlRoutes } from './control.js'
import { deploymentRoutes } from './deployments.js'
import { faultRoutes } from './faults.js'
import { withoutFormat } from './format.js'
import { metricRoutes } from './metrics.js'
import { parseForm } from './params.js'
import { planRuleRoutes } from './plan-rules.js'
import { planRoutes } from './plans.js'
import { createApi } from './router.js'
import { signupRoutes } from './signup.js'
import { statsRoutes } from './stats.js'
import type { State } from './store.js'
import { subscriptionRoutes } from './subscriptions.js'
import { seed } from './tenant/seed.js'
import { tenantDetailRoutes } from './tenant-details.js'
import { userRoutes } from './users.js'
import { startZync } from './zync.js'

export interface StartOptions {
  /** base port of the demo; this part listens on the next one */
  port: number
  host?: string
  portalUrl?: string
  /** keeps the state over restarts; without it a restart begins anew */
  stateFile?: string
}

/** The Account Management API of a small tenant, as strict and as odd as porta's. */
export async function start({
  port,
  host = '127.0.0.1',
  stateFile,
}: StartOptions): Promise<{ close(): Promise<void> }> {
  let current: State =
    stateFile && existsSync(stateFile) ? (JSON.parse(readFileSync(stateFile, 'utf8')) as State) : seed(port)
  const state = () => current
  const replace = (next: State) => {
    current = next
  }
  const save = () => {
    // the folder of a test may be gone before its demo
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
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, parseForm(String(body))),
  )

  faultRoutes(app)
  const control = { state, replace, changed: save }
  controlRoutes(app, control, port)
  const api = createApi(app, control)
  catalogueRoutes(api)
  planRoutes(api)
  planRuleRoutes(api)
  metricRoutes(api)
  deploymentRoutes(api, port + 2)
  signupRoutes(api)
  accountRoutes(api)
  userRoutes(api)
  applicationRoutes(api)
  applicationChangeRoutes(api)
  applicationKeyRoutes(api)
  subscriptionRoutes(api)
  statsRoutes(api)
  tenantDetailRoutes(api)
  backendRoutes(app, state)

  await app.listen({ port: port + 1, host })
  const zync = startZync(state, port + 2)
  return {
    async close() {
      zync.stop()
      save()
      await app.close()
    },
  }
}
