import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import Fastify, { type FastifyRequest } from 'fastify'
import { accountRoutes } from './accounts.js'
import { applicationRoutes } from './applications.js'
import { refuse } from './auth.js'
import { backendRoutes } from './backend.js'
import { catalogueRoutes } from './catalogue.js'
import { demoControl } from './control.js'
import { type Params, parseForm } from './params.js'
import { seed } from './seed.js'
import { statsRoutes } from './stats.js'
import type { State } from './store.js'
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
  const save = () => {
    if (stateFile) writeFileSync(stateFile, JSON.stringify(current))
  }
  const app = Fastify({
    logger: false,
    bodyLimit: 10 * 1024 * 1024,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 500 },
  })

  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, parseForm(String(body))),
  )
  demoControl(app, { state, replace: (next) => (current = next), changed: save }, port)
  app.addHook('preHandler', async (request, reply) => {
    if (!/^\/(admin|stats)\//.test(request.url)) return
    const refused = refuse(request, paramsOf(request))
    if (refused) return reply.code(403).send(refused)
  })
  app.addHook('onResponse', async (request) => {
    if (request.method !== 'GET' && request.url.startsWith('/admin/')) save()
  })
  app.setNotFoundHandler(async (request, reply) => {
    const refused = /^\/(admin|stats)\//.test(request.url) ? refuse(request, paramsOf(request)) : undefined
    if (refused) return reply.code(403).send(refused)
    const known = app.hasRoute({ method: request.method as 'GET', url: `${request.url.split('?')[0]}.json` })
    // without an extension the default format is xml, which most of these calls are not asked in
    if (known) return reply.code(406).type('text/plain').send('')
    return reply.code(404).send({ status: 'Not found' })
  })
  catalogueRoutes(app, state, port + 2)
  accountRoutes(app, state, paramsOf)
  applicationRoutes(app, state, paramsOf)
  backendRoutes(app, state)
  statsRoutes(app, state)
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

function paramsOf(request: FastifyRequest): Params {
  return { ...((request.body as Params | null | undefined) ?? {}), ...(request.query as Params) }
}
