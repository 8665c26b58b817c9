import { type Answer, answers, type Errors } from './answers.js'
import { withService } from './catalogue.js'
import { type Params, textOf, wrapped } from './params.js'
import * as show from './represent/catalogue.js'
import type { Api, Call } from './router.js'
import { type Metric, nextId, type Service } from './store.js'

const base = '/admin/api/services/:service/metrics'
const ATTRIBUTES = ['friendly_name', 'system_name', 'unit', 'description']

/** Metrics, and methods, which are metrics below `hits` (porta, app/models/metric.rb). */
export function metricRoutes(api: Api): void {
  api.get(base, (call) =>
    withService(call, (service) =>
      answers.ok({ metrics: service.metrics.map((row) => ({ metric: show.metric(row, service, call.host) })) }),
    ),
  )
  api.get(`${base}/:metric`, (call) => withMetric(call, shown(call)))
  api.post(base, (call) => withService(call, (service) => create(call, service, undefined, shown(call))))

  api.get(`${base}/:metric/methods`, (call) =>
    withMetric(call, ({ id }, service) => {
      const methods = service.metrics.filter(({ parent_id }) => parent_id === id)
      return answers.ok({ methods: methods.map((row) => ({ method: show.method(row, service, call.host) })) })
    }),
  )
  api.post(`${base}/:metric/methods`, (call) =>
    withMetric(call, (parent, service) => {
      if (parent.system_name !== 'hits')
        return answers.invalid({ parent_id: ["You can only create methods under 'hits'"] })
      return create(call, service, parent, (row) => answers.ok({ method: show.method(row, service, call.host) }))
    }),
  )

  api.update(`${base}/:metric`, (call) =>
    withMetric(call, (metric, service) => {
      const given = wrapped(call, 'metric', ATTRIBUTES)
      if ('refusal' in given) return given.refusal
      const { system_name: _fixed, ...change } = textsOf(given.attributes)
      const errors = errorsOf({ ...metric, ...change }, service)
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      Object.assign(metric, change)
      return shown(call)(metric, service)
    }),
  )

  api.delete(`${base}/:metric`, (call) =>
    withMetric(call, (metric, service) => {
      if (metric.system_name === 'hits') return answers.refused({ base: ['The Hits metric cannot be deleted'] })
      if (service.rules.some((rule) => rule.metric === metric.system_name)) {
        const noun = metric.parent_id === undefined ? 'Metric' : 'Method'
        return answers.refused({
          base: [`${noun} is used by the latest gateway configuration and cannot be deleted`],
        })
      }
      service.metrics = service.metrics.filter(({ id }) => id !== metric.id)
      return answers.empty
    }),
  )
}

function create(
  call: Call,
  service: Service,
  parent: Metric | undefined,
  shownAs: (row: Metric, service: Service) => Answer,
): Answer {
  const given = wrapped(call, 'metric', ATTRIBUTES)
  if ('refusal' in given) return given.refusal
  const { friendly_name = '', system_name = '', unit = '', ...rest } = textsOf(given.attributes)
  const row: Metric = {
    id: 0,
    system_name: system_name || friendly_name.trim().toLowerCase().replace(/\W+/g, '_'),
    friendly_name,
    ...rest,
    unit: parent?.unit ?? unit,
    ...(parent ? { parent_id: parent.id } : {}),
  }
  const errors = errorsOf(row, service)
  if (Object.keys(errors).length > 0) return answers.invalid(errors)
  row.id = nextId(call.state, 'metric')
  service.metrics.push(row)
  return { ...shownAs(row, service), status: 201, id: row.id }
}

function errorsOf(row: Metric, service: Service): Errors {
  const others = service.metrics.filter(({ id }) => id !== row.id)
  const errors: Errors = {}
  if (row.friendly_name.trim() === '') errors.friendly_name = ["can't be blank"]
  else if (others.some(({ friendly_name }) => friendly_name === row.friendly_name))
    errors.friendly_name = ['has already been taken']
  if (row.unit.trim() === '') errors.unit = ["can't be blank"]
  if (others.some(({ system_name }) => system_name === row.system_name)) errors.system_name = ['has already been taken']
  return errors
}

function textsOf(
  attributes: Params,
): Partial<Record<'friendly_name' | 'system_name' | 'unit' | 'description', string>> {
  const pairs = ATTRIBUTES.map((name) => [name, textOf(attributes, name)] as const)
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined))
}

function withMetric(call: Call, work: (metric: Metric, service: Service) => Answer): Answer {
  return withService(call, (service) => {
    const metric = service.metrics.find(({ id }) => id === call.id('metric'))
    return metric ? work(metric, service) : answers.notFound
  })
}

function shown({ host }: Call): (row: Metric, service: Service) => Answer {
  return (row, service) => answers.ok({ metric: show.metric(row, service, host) })
}
