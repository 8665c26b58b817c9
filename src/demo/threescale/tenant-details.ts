import { type Answer, answers, page } from './answers.js'
import { tokens } from './auth.js'
import { withService } from './catalogue.js'
import { time } from './clock.js'
import type { Api, Call } from './router.js'
import type { Service } from './store.js'

interface Backend {
  id: number
  path: string
  private_endpoint: string
  service: Service
}

/** Backends, the tokens of whoever asks, and what webhooks could not deliver: read by who looks after a tenant. */
export function tenantDetailRoutes(api: Api): void {
  // pages, but no metadata (porta, app/controllers/admin/api/backend_apis_controller.rb)
  api.get('/admin/api/backend_apis', (call) => {
    const { rows } = page(call.state.services.flatMap(backendsOf), call.query)
    return answers.ok({ backend_apis: rows.map((row) => ({ backend_api: backendJson(row) })) })
  })
  // rules of backends are none here: a product's are its own
  api.get('/admin/api/backend_apis/:backend/mapping_rules', (call) =>
    call.state.services.flatMap(backendsOf).some(({ id }) => id === call.id('backend'))
      ? answers.ok({ mapping_rules: [] })
      : answers.notFound,
  )
  // a bare array, and the id under another name than it is written with (app/representers/backend_api_config_representer.rb)
  api.get('/admin/api/services/:service/backend_usages', (call) =>
    withService(call, (service) => {
      const { rows } = page(backendsOf(service), call.query)
      return answers.ok(
        rows.map(({ id, path }) => ({
          backend_usage: { id: 10 * id, path, service_id: service.id, backend_id: id },
        })),
      )
    }),
  )

  // of the one who asks, without values (app/controllers/admin/api/personal/access_tokens_controller.rb)
  api.get('/admin/api/personal/access_tokens', ({ token, query }) => {
    const all = Object.entries(tokens).filter(([value]) => value === token)
    const named = all.filter(([value]) => typeof query.name !== 'string' || value.includes(query.name))
    const access_tokens = named.map(([value, { scopes, permission, expires_at }], index) => ({
      access_token: { id: index + 1, name: value, scopes, permission, ...(expires_at ? { expires_at } : {}) },
    }))
    return answers.ok({ access_tokens })
  })

  // needs an owner who may manage webhooks: an admin (app/controllers/admin/api/web_hooks_failures_controller.rb)
  api.get('/admin/api/webhooks/failures', failures)
}

function failures(_call: Call): Answer {
  return answers.ok({ 'webhooks-failures': [] }, '<?xml version="1.0" encoding="UTF-8"?><webhooks-failures/>')
}

function backendsOf(service: Service): Backend[] {
  const backends = service.backends ?? [{ path: '/', private_endpoint: service.api_backend }]
  return backends.map((backend, index) => ({ ...backend, id: 10 * service.id + index, service }))
}

function backendJson({ id, private_endpoint, service }: Backend): object {
  return {
    id,
    name: `${service.name} backend`,
    system_name: `${service.system_name}_backend_${id}`,
    description: '',
    private_endpoint,
    annotations: {},
    account_id: 2,
    created_at: time(service.created_at),
    updated_at: time(service.updated_at),
  }
}
