import type { FastifyInstance, FastifyRequest } from 'fastify'
import { answers, page } from './reply.js'
import * as show from './represent.js'
import type { State } from './store.js'
import { plansXml } from './xml.js'

type Query = Record<string, unknown>

const host = (request: FastifyRequest) => request.headers.host ?? ''
const queryOf = (request: FastifyRequest) => request.query as Query
const idOf = (request: FastifyRequest, name = 'id') => Number((request.params as Record<string, string>)[name])

/** Products, plans, limits, metrics, deployed configurations, specs and the tenant's settings: reads only. */
export function catalogueRoutes(app: FastifyInstance, state: () => State, identityPort: number): void {
  app.get('/admin/api/services.json', async (request) => {
    const { rows, metadata } = page(state().services, queryOf(request))
    return {
      services: rows.map((row) => ({ service: show.service(row, host(request)) })),
      ...(metadata ? { metadata } : {}),
    }
  })

  app.get('/admin/api/services/:id.json', async (request, reply) => {
    const service = find(idOf(request))
    return service ? { service: show.service(service, host(request)) } : answers.notFound(reply)
  })

  app.get('/admin/api/application_plans.json', async (request) => ({
    plans: state().plans.map((row) => ({ application_plan: show.plan(row, state(), host(request)) })),
  }))

  app.get('/admin/api/application_plans.xml', async (_request, reply) =>
    reply.type('application/xml').send(plansXml(state().plans)),
  )

  app.get('/admin/api/services/:id/application_plans.json', async (request, reply) => {
    const service = find(idOf(request))
    if (!service) return answers.notFound(reply)
    const plans = state().plans.filter((plan) => plan.service_id === service.id)
    return { plans: plans.map((row) => ({ application_plan: show.plan(row, state(), host(request)) })) }
  })

  app.get('/admin/api/application_plans/:id/limits.json', async (request, reply) => {
    const plan = state().plans.find(({ id }) => id === idOf(request))
    if (!plan) return answers.notFound(reply)
    const { rows, metadata } = page(plan.limits, queryOf(request))
    return { limits: rows.map((row) => ({ limit: show.limit(row, plan) })), ...(metadata ? { metadata } : {}) }
  })

  app.get('/admin/api/application_plans/:id/pricing_rules.json', async (request, reply) =>
    state().plans.some(({ id }) => id === idOf(request)) ? { pricing_rules: [] } : answers.notFound(reply),
  )

  app.get('/admin/api/services/:id/metrics.json', async (request, reply) => {
    const service = find(idOf(request))
    if (!service) return answers.notFound(reply)
    return { metrics: service.metrics.map((row) => ({ metric: show.metric(row, service) })) }
  })

  app.get('/admin/api/account/proxy_configs/:environment', async (request, reply) => {
    const [environment, format = 'xml'] = (request.params as { environment: string }).environment.split('.')
    if (format !== 'json') return answers.notAcceptable(reply, format)
    if (environment === 'sandbox' || environment === 'staging') return { proxy_configs: [] }
    if (environment !== 'production') return reply.code(422).send({ error: 'invalid environment' })
    const { rows, metadata } = page(
      state().services.filter(({ promoted }) => promoted),
      queryOf(request),
    )
    const latest = rows.map((row) => ({ proxy_config: show.proxyConfig(row, identityPort) }))
    const all = latest.flatMap((row) => [{ proxy_config: { ...row.proxy_config, version: 3 } }, row])
    return { proxy_configs: queryOf(request).version === 'latest' ? latest : all, ...(metadata ? { metadata } : {}) }
  })

  app.get('/admin/api/active_docs.json', async () => ({
    api_docs: state().docs.map((row) => ({ api_doc: show.doc(row) })),
  }))

  app.get('/admin/api/fields_definitions.json', async () => ({
    fields_definitions: state().fields.map((row) => ({ fields_definition: show.field(row) })),
  }))

  app.get('/admin/api/settings.json', async () => ({ settings: state().settings }))

  app.get('/admin/api/provider.json', async () => ({ account: state().provider }))

  app.get('/admin/api/authentication_providers.json', async () => ({
    authentication_providers: [{ authentication_provider: state().authenticationProvider }],
  }))

  app.get('/admin/api/service_plans.json', async (request) => ({
    plans: state().services.map((row) => ({
      service_plan: {
        id: 10_000 + row.id,
        name: 'Default',
        state: 'published',
        setup_fee: 0,
        cost_per_month: 0,
        default: false,
        links: [{ rel: 'service', href: `https://${host(request)}/admin/api/services/${row.id}` }],
      },
    })),
  }))

  function find(id: number) {
    return state().services.find((service) => service.id === id)
  }
}
