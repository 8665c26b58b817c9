import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Params, textOf } from './params.js'
import { answers, page } from './reply.js'
import * as show from './represent.js'
import { type Application, nextId, type Plan, type Service, type State, time } from './store.js'

const host = (request: FastifyRequest) => request.headers.host ?? ''
const idOf = (request: FastifyRequest, name: string) => Number((request.params as Record<string, string>)[name])
const hex = (bytes: number) => randomBytes(bytes).toString('hex')
const KEY = /^[\x21-\x7e]+$/

/** Applications and their keys (porta, app/controllers/admin/api/buyers_applications*_controller.rb, app/models/cinstance.rb). */
export function applicationRoutes(
  app: FastifyInstance,
  state: () => State,
  paramsOf: (request: FastifyRequest) => Params,
): void {
  const base = '/admin/api/accounts/:account/applications'
  const one = (record: Application, request: FastifyRequest) => ({
    application: show.application(record, state(), host(request)),
  })

  app.get(`${base}.json`, async (request, reply) => {
    if (!accountExists(request)) return answers.notFound(reply)
    const wanted = (request.query as Params).state
    const rows = ofAccount(request).filter((row) => wanted === undefined || row.state === wanted)
    return { applications: rows.map((row) => one(row, request)) }
  })

  app.get(`${base}/find.json`, async (request, reply) => {
    const { user_key, app_id } = request.query as Record<string, string>
    const found = ofAccount(request).find((row) => {
      const version = serviceOf(row)?.backend_version
      return user_key !== undefined
        ? version === '1' && row.user_key === user_key
        : app_id !== undefined && version !== '1' && row.application_id === app_id
    })
    return found ? one(found, request) : answers.notFound(reply)
  })

  app.get('/admin/api/applications.json', async (request) => {
    const query = request.query as Record<string, string>
    const all = state().applications.filter(
      (row) =>
        (query.service_id === undefined || row.service_id === Number(query.service_id)) &&
        (query.state === undefined || row.state === query.state) &&
        (query.account === undefined || row.account_id === Number(query.account)),
    )
    const { rows, metadata } = page(all, query)
    return { applications: rows.map((row) => one(row, request)), ...(metadata ? { metadata } : {}) }
  })

  app.post(`${base}.json`, async (request, reply) => {
    if (!accountExists(request)) return answers.notFound(reply)
    const params = paramsOf(request)
    const plan = state().plans.find(({ id }) => id === Number(textOf(params, 'plan_id')))
    const service = state().services.find(({ id }) => id === plan?.service_id)
    if (!plan || !service) return answers.notFound(reply)
    subscribe(idOf(request, 'account'), service)
    const wanted = newApplication(idOf(request, 'account'), params, plan, service)
    const errors = errorsOf(wanted, params)
    if (Object.keys(errors).length > 0) return answers.invalid(reply, errors)
    const record = { ...wanted, id: nextId(state(), 'cinstance') }
    state().applications.push(record)
    return answers.created(reply, one(record, request))
  })

  app.get(`${base}/:id.json`, async (request, reply) => {
    const record = recordOf(request)
    return record ? one(record, request) : answers.notFound(reply)
  })

  app.put(`${base}/:id.json`, async (request, reply) => {
    const record = recordOf(request)
    if (!record) return answers.notFound(reply)
    const params = paramsOf(request)
    const key = textOf(params, 'user_key')
    if (key !== undefined && key !== record.user_key) {
      const errors = userKeyErrors(key, record.service_id)
      if (errors) return answers.invalid(reply, { user_key: errors })
      record.user_key = key
    }
    for (const name of ['name', 'description'] as const) {
      const value = textOf(params, name)
      if (value !== undefined) record[name] = value
    }
    Object.assign(record.fields, definedFields(params))
    record.updated_at = Date.now()
    return one(record, request)
  })

  app.delete(`${base}/:id.json`, async (request, reply) => {
    const record = recordOf(request)
    if (!record) return answers.notFound(reply)
    state().applications = state().applications.filter(({ id }) => id !== record.id)
    return answers.empty(reply)
  })

  app.put(`${base}/:id/change_plan.json`, async (request, reply) => {
    const record = recordOf(request)
    const plan = state().plans.find(({ id }) => id === Number(textOf(paramsOf(request), 'plan_id')))
    if (!record || !plan) return answers.notFound(reply)
    if (plan.service_id !== record.service_id) return answers.invalid(reply, { plan: ['not allowed in this context'] })
    record.plan_id = plan.id
    return { application_plan: show.plan(plan, state(), host(request)) }
  })

  const moves = { accept: ['pending', 'live'], suspend: ['live', 'suspended'], resume: ['suspended', 'live'] } as const
  for (const [event, [from, to]] of Object.entries(moves)) {
    app.put(`${base}/:id/${event}.json`, async (request, reply) => {
      const record = recordOf(request)
      if (!record) return answers.notFound(reply)
      if (record.state !== from) return answers.invalid(reply, { state: [`cannot transition via "${event}"`] })
      record.state = to
      return one(record, request)
    })
  }

  app.get(`${base}/:id/keys.json`, async (request, reply) => {
    const record = recordOf(request)
    if (!record) return answers.notFound(reply)
    return {
      keys: record.keys.map(({ value, created_at }) => ({
        key: { value, created_at: time(created_at), updated_at: time(created_at) },
      })),
    }
  })

  app.post(`${base}/:id/keys.json`, async (request, reply) => {
    const record = recordOf(request)
    if (!record) return answers.notFound(reply)
    const value = textOf(paramsOf(request), 'key') ?? hex(16)
    const errors = keyErrors(value, record)
    if (errors) return answers.invalid(reply, errors)
    record.keys.push({ value, created_at: Date.now() })
    return answers.created(reply, one(record, request))
  })

  app.delete(`${base}/:id/keys/:key`, async (request, reply) => deleteKey(request, reply))

  app.get('/admin/api/accounts/:account/service_subscriptions.json', async (request, reply) => {
    if (!accountExists(request)) return answers.notFound(reply)
    const rows = state().subscriptions.filter(({ account_id }) => account_id === idOf(request, 'account'))
    return { service_subscriptions: rows.map((row) => ({ service_subscription: show.subscription(row) })) }
  })

  function deleteKey(request: FastifyRequest, reply: FastifyReply) {
    const record = recordOf(request)
    if (!record) return answers.notFound(reply)
    const inPath = decodeURIComponent((request.params as { key: string }).key).replace(/\.json$/, '')
    const value = textOf(paramsOf(request), 'key') ?? inPath
    if (!record.keys.some((key) => key.value === value)) return answers.notFound(reply)
    record.keys = record.keys.filter((key) => key.value !== value)
    return answers.empty(reply)
  }

  function newApplication(accountId: number, params: Params, plan: Plan, service: Service): Application {
    const now = Date.now()
    const given = params.application_key
    const keys = (Array.isArray(given) ? given.map(String) : given === undefined ? [] : [String(given)]).map(
      (value) => ({ value, created_at: now }),
    )
    const needsKey =
      service.backend_version === 'oidc' || (service.backend_version === '2' && service.flags.mandatory_app_key)
    if (keys.length === 0 && needsKey) keys.push({ value: hex(16), created_at: now })
    const name = textOf(params, 'name')
    const description = textOf(params, 'description')
    const redirect = textOf(params, 'redirect_url')
    return {
      id: 0,
      account_id: accountId,
      service_id: service.id,
      plan_id: plan.id,
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      ...(redirect === undefined ? {} : { redirect_url: redirect }),
      state: plan.approval_required ? 'pending' : 'live',
      user_key: textOf(params, 'user_key') ?? hex(16),
      application_id: textOf(params, 'application_id') ?? hex(4),
      keys,
      referrer_filters: [],
      fields: definedFields(params),
      created_at: now,
      updated_at: now,
    }
  }

  function errorsOf(wanted: Application, params: Params): Record<string, string[]> {
    const errors: Record<string, string[]> = {}
    const siblings = state().applications.filter(({ service_id }) => service_id === wanted.service_id)
    if (!KEY.test(wanted.application_id) || wanted.application_id.length < 4 || wanted.application_id.length > 255)
      errors.application_id = ['invalid']
    else if (siblings.some((row) => row.application_id === wanted.application_id))
      errors.application_id = ['has already been taken']
    const userKey = 'user_key' in params ? userKeyErrors(wanted.user_key, wanted.service_id) : undefined
    if (userKey) errors.user_key = userKey
    if (wanted.keys.some(({ value }) => value.length < 5 || value.length > 255 || !KEY.test(value)))
      errors.application_keys = ['invalid']
    return errors
  }

  function userKeyErrors(key: string, serviceId: number): string[] | undefined {
    if (key.length > 256 || !/^[A-Za-z0-9_.-]+$|^[A-Za-z0-9+]+={0,2}$/.test(key)) return ['invalid']
    const taken = state().applications.some((row) => row.service_id === serviceId && row.user_key === key)
    return taken ? ['has already been taken'] : undefined
  }

  function keyErrors(value: string, record: Application): Record<string, string[]> | undefined {
    if (value.length < 5) return { value: ['is too short (minimum is 5 characters)'] }
    if (value.length > 255 || !KEY.test(value)) return { value: ['invalid'] }
    if (record.keys.some((key) => key.value.toLowerCase() === value.toLowerCase()))
      return { value: ['has already been taken'] }
    const limit = serviceOf(record)?.backend_version === 'oidc' ? 1 : 5
    return record.keys.length >= limit ? { base: ['Limit reached'] } : undefined
  }

  function subscribe(accountId: number, service: Service): void {
    const known = state().subscriptions.some((row) => row.account_id === accountId && row.service_id === service.id)
    if (known) return
    state().subscriptions.push({
      id: nextId(state(), 'cinstance'),
      account_id: accountId,
      service_id: service.id,
      state: 'live',
      created_at: Date.now(),
    })
  }

  function definedFields(params: Params): Record<string, string> {
    const names = state()
      .fields.filter(({ target }) => target === 'Cinstance')
      .map(({ name }) => name)
    const pairs = names.map((name) => [name, textOf(params, name)] as const)
    return Object.fromEntries(pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined))
  }

  function accountExists(request: FastifyRequest): boolean {
    return state().accounts.some(({ id }) => id === idOf(request, 'account'))
  }

  function ofAccount(request: FastifyRequest): Application[] {
    return state().applications.filter(({ account_id }) => account_id === idOf(request, 'account'))
  }

  function recordOf(request: FastifyRequest): Application | undefined {
    return ofAccount(request).find(({ id }) => id === idOf(request, 'id'))
  }

  function serviceOf(record: Application): Service | undefined {
    return state().services.find(({ id }) => id === record.service_id)
  }
}
