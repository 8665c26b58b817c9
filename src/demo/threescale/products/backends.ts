import { type Params, textOf, wrapped } from '../http/params.js'
import { update } from '../http/records.js'
import { type Answer, answers, type Errors, page } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import { listTag } from '../http/tags.js'
import * as show from '../represent/products.js'
import { viewOf } from '../represent/representation.js'
import { rowWith } from '../row-index.js'
import { type Backend, nextId, type Service } from '../store.js'
import { hitsOf } from './metrics.js'
import { withService } from './services.js'
import { withPort } from './with-port.js'

const base = '/admin/api/backend_apis'
const usages = '/admin/api/services/:service/backend_usages'
const ATTRIBUTES = ['name', 'system_name', 'description', 'private_endpoint']

/** Backends, and their paths in products (porta, app/models/backend_api.rb, backend_api_config.rb). */
export function backendApiRoutes(api: Api): void {
  // pages, but no metadata (app/controllers/admin/api/backend_apis_controller.rb)
  api.get(
    base,
    (call) => {
      const { rows } = page(call.state.backends, call.query)
      return answers.ok({ backend_apis: rows.map((row) => ({ backend_api: show.backend(row, viewOf(call)) })) })
    },
    (call) => listTag(page(call.state.backends, call.query).rows, call),
  )
  api.get(`${base}/:backend`, (call) => withBackend(call, (backend) => shown(backend, call)))

  api.post(base, async (call) => {
    const given = wrapped(call, 'backend_api', ATTRIBUTES)
    if ('refusal' in given) return given.refusal
    const values = valuesOf(given.attributes)
    const name = values.name ?? ''
    const system_name = textOf(given.attributes, 'system_name') || name.trim().toLowerCase().replace(/\W+/g, '_')
    const errors = errorsOf({ name, private_endpoint: values.private_endpoint ?? '' })
    if (call.state.backends.some((row) => row.system_name === system_name))
      errors.system_name = ['has already been taken']
    if (Object.keys(errors).length > 0) return answers.invalid(errors)
    return call.write(() => {
      const now = call.clock.now()
      const stamps = { created_at: now, updated_at: now }
      const id = nextId(call.state, 'backend')
      const backend: Backend = {
        id,
        private_endpoint: '',
        ...values,
        name,
        system_name,
        metrics: [hitsOf(nextId(call.state, 'metric'), stamps, `.${id}`)],
        rules: [],
        ...stamps,
      }
      call.state.backends.push(backend)
      return { ...shown(backend, call), status: 201, id }
    })
  })

  api.update(`${base}/:backend`, (call) =>
    withBackend(call, async (backend) => {
      const given = wrapped(call, 'backend_api', ATTRIBUTES)
      if ('refusal' in given) return given.refusal
      const change = valuesOf(given.attributes)
      const errors = errorsOf({ ...backend, ...change })
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      return call.write(() => {
        update(backend, change, call.clock)
        return shown(backend, call)
      })
    }),
  )

  api.delete(`${base}/:backend`, (call) =>
    withBackend(call, async (backend) => {
      if (call.state.services.some((service) => service.usages.some(({ backend_id }) => backend_id === backend.id)))
        return answers.refused({ base: ['cannot be deleted because it is used by at least one Product'] })
      return call.write(() => {
        call.state.backends = call.state.backends.filter(({ id }) => id !== backend.id)
        return answers.empty
      })
    }),
  )

  // a bare array
  api.get(usages, (call) =>
    withService(call, (service) => {
      const { rows } = page(service.usages, call.query)
      return answers.ok(rows.map((row) => ({ backend_usage: show.usage(row, service, viewOf(call)) })))
    }),
  )
  api.get(`${usages}/:usage`, (call) => withUsage(call, (usage, service) => shownUsage(usage, service, call)))

  api.post(usages, (call) =>
    withService(call, async (service) => {
      const given = wrapped(call, 'backend_api_config', ['path', 'backend_api_id'])
      if ('refusal' in given) return given.refusal
      const backend_id = Number(textOf(given.attributes, 'backend_api_id'))
      if (!call.state.backends.some(({ id }) => id === backend_id)) return answers.notFound
      const path = pathOf(given.attributes)
      const errors = usageErrors(service, path)
      if (service.usages.some((row) => row.backend_id === backend_id))
        errors.backend_api_id = ['has already been taken']
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      return call.write(() => {
        const usage = { id: nextId(call.state, 'usage'), backend_id, path }
        service.usages.push(usage)
        return { ...shownUsage(usage, service, call), status: 201, id: usage.id }
      })
    }),
  )

  api.update(`${usages}/:usage`, (call) =>
    withUsage(call, async (usage, service) => {
      const given = wrapped(call, 'backend_api_config', ['path'])
      if ('refusal' in given) return given.refusal
      const path = pathOf(given.attributes)
      const errors = path === usage.path ? {} : usageErrors(service, path)
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      return call.write(() => {
        usage.path = path
        return shownUsage(usage, service, call)
      })
    }),
  )

  api.delete(`${usages}/:usage`, (call) =>
    withUsage(call, async (usage, service) =>
      call.write(() => {
        service.usages.splice(service.usages.indexOf(usage), 1)
        return answers.empty
      }),
    ),
  )
}

function valuesOf(attributes: Params): Partial<Backend> {
  const pairs = (['name', 'description', 'private_endpoint'] as const).map((name) => {
    const text = textOf(attributes, name)
    return [name, name === 'private_endpoint' && text !== undefined ? withPort(text) : text] as const
  })
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined))
}

/** Backends on the machine of 3scale itself are refused by the real one; here all are on this machine. */
function errorsOf({ name, private_endpoint }: { name: string; private_endpoint: string }): Errors {
  const errors: Errors = {}
  if (name.trim() === '') errors.name = ["can't be blank"]
  if (private_endpoint === '') errors.private_endpoint = ["can't be blank"]
  else if (!/^(https?|wss?):\/\/[^\s?#]+$/.test(private_endpoint)) errors.private_endpoint = ['Invalid domain']
  return errors
}

/** One slash in front, none behind. */
function pathOf(attributes: Params): string {
  return `/${(textOf(attributes, 'path') ?? '').replace(/^\/+|\/+$/g, '')}`
}

function usageErrors(service: Service, path: string): Errors {
  const taken = service.usages.some((row) => row.path.toLowerCase() === path.toLowerCase())
  return taken ? { path: ['This path is already taken. Specify a different path.'] } : {}
}

function withBackend(call: Call, work: (backend: Backend) => Answer | Promise<Answer>): Answer | Promise<Answer> {
  const backend = rowWith(call.state.backends, 'id', call.id('backend'))
  return backend ? work(backend) : answers.notFound
}

function withUsage(
  call: Call,
  work: (usage: Service['usages'][number], service: Service) => Answer | Promise<Answer>,
): Answer | Promise<Answer> {
  return withService(call, (service) => {
    const usage = service.usages.find(({ id }) => id === call.id('usage'))
    return usage ? work(usage, service) : answers.notFound
  })
}

function shown(backend: Backend, call: Call): Answer {
  return answers.ok({ backend_api: show.backend(backend, viewOf(call)) })
}

function shownUsage(usage: Service['usages'][number], service: Service, call: Call): Answer {
  return answers.ok({ backend_usage: show.usage(usage, service, viewOf(call)) })
}
