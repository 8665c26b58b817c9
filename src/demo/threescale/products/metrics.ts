import { type Params, textOf, wrapped } from '../http/params.js'
import { update } from '../http/records.js'
import { type Answer, answers, type Errors } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import * as show from '../represent/products.js'
import { viewOf } from '../represent/representation.js'
import { rowWith } from '../row-index.js'
import { type Metric, nextId, type Stamped } from '../store.js'
import { presentService } from './services.js'

const ATTRIBUTES = ['friendly_name', 'system_name', 'unit', 'description']

/** What metrics hang on: a product or a backend. */
interface Owner {
  /** `/services/7` or `/backend_apis/3` */
  path: string
  metrics: Metric[]
  /** behind each name of a backend's metric */
  suffix: string
  isUsed(metric: Metric): boolean
}

/** Metrics, and methods, which are metrics below `hits` (porta, app/models/metric.rb, app/lib/backend_api_logic). */
export function metricRoutes(api: Api): void {
  addRoutes(api, '/admin/api/services/:service/metrics', serviceOf)
  addRoutes(api, '/admin/api/backend_apis/:backend/metrics', backendOf)
}

/** The metric that every product and backend has. */
export function hitsOf(id: number, { created_at, updated_at }: Stamped, suffix = ''): Metric {
  return {
    id,
    system_name: `hits${suffix}`,
    friendly_name: 'Hits',
    description: 'Number of API hits',
    unit: 'hit',
    created_at,
    updated_at,
  }
}

function addRoutes(api: Api, base: string, ownerOf: (call: Call) => Owner | undefined): void {
  const withOwner = (call: Call, work: (owner: Owner) => Answer | Promise<Answer>) => {
    const owner = ownerOf(call)
    return owner ? work(owner) : answers.notFound
  }
  const withMetric = (call: Call, work: (metric: Metric, owner: Owner) => Answer | Promise<Answer>) =>
    withOwner(call, (owner) => {
      const metric = owner.metrics.find(({ id }) => id === call.id('metric'))
      return metric ? work(metric, owner) : answers.notFound
    })
  const shown = (call: Call) => (row: Metric, owner: Owner) =>
    answers.ok({ metric: show.metric(row, owner.path, viewOf(call)) })
  const shownMethod = (call: Call) => (row: Metric, owner: Owner) =>
    answers.ok({ method: show.method(row, owner.path, viewOf(call)) })

  api.get(base, (call) =>
    withOwner(call, ({ metrics, path }) =>
      answers.ok({ metrics: metrics.map((row) => ({ metric: show.metric(row, path, viewOf(call)) })) }),
    ),
  )
  api.get(`${base}/:metric`, (call) => withMetric(call, shown(call)))
  api.post(base, (call) => withOwner(call, (owner) => create(call, owner, undefined, shown(call))))

  api.get(`${base}/:metric/methods`, (call) =>
    withMetric(call, ({ id }, { metrics, path }) => {
      const methods = metrics.filter(({ parent_id }) => parent_id === id)
      return answers.ok({ methods: methods.map((row) => ({ method: show.method(row, path, viewOf(call)) })) })
    }),
  )
  api.post(`${base}/:metric/methods`, (call) =>
    withMetric(call, (parent, owner) => {
      if (parent.system_name !== `hits${owner.suffix}`)
        return answers.invalid({ parent_id: ["You can only create methods under 'hits'"] })
      return create(call, owner, parent, shownMethod(call))
    }),
  )

  api.update(`${base}/:metric`, (call) =>
    withMetric(call, async (metric, owner) => {
      const given = wrapped(call, 'metric', ATTRIBUTES)
      if ('refusal' in given) return given.refusal
      const { system_name: _fixed, ...change } = textsOf(given.attributes)
      const errors = errorsOf({ ...metric, ...change }, owner)
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      return call.write(() => {
        update(metric, change, call.clock)
        return shown(call)(metric, owner)
      })
    }),
  )

  api.delete(`${base}/:metric`, (call) =>
    withMetric(call, async (metric, owner) => {
      if (metric.system_name === `hits${owner.suffix}`)
        return answers.refused({ base: ['The Hits metric cannot be deleted'] })
      if (owner.isUsed(metric)) {
        const noun = metric.parent_id === undefined ? 'Metric' : 'Method'
        return answers.refused({ base: [`${noun} is used by the latest gateway configuration and cannot be deleted`] })
      }
      return call.write(() => {
        owner.metrics.splice(owner.metrics.indexOf(metric), 1)
        return answers.empty
      })
    }),
  )
}

function serviceOf(call: Call): Owner | undefined {
  const service = presentService(call.state, call.id('service'))
  return (
    service && {
      path: `/services/${service.id}`,
      metrics: service.metrics,
      suffix: '',
      isUsed: ({ id }) => service.rules.some(({ metric_id }) => metric_id === id),
    }
  )
}

function backendOf(call: Call): Owner | undefined {
  const backend = rowWith(call.state.backends, 'id', call.id('backend'))
  return (
    backend && {
      path: `/backend_apis/${backend.id}`,
      metrics: backend.metrics,
      suffix: `.${backend.id}`,
      isUsed: ({ id }) => backend.rules.some(({ metric_id }) => metric_id === id),
    }
  )
}

async function create(
  call: Call,
  owner: Owner,
  parent: Metric | undefined,
  shownAs: (row: Metric, owner: Owner) => Answer,
): Promise<Answer> {
  const given = wrapped(call, 'metric', ATTRIBUTES)
  if ('refusal' in given) return given.refusal
  const { friendly_name = '', system_name = '', unit = '', ...rest } = textsOf(given.attributes)
  const now = call.clock.now()
  const row: Metric = {
    id: 0,
    system_name: `${system_name || friendly_name.trim().toLowerCase().replace(/\W+/g, '_')}${owner.suffix}`,
    friendly_name,
    ...rest,
    unit: parent?.unit ?? unit,
    ...(parent ? { parent_id: parent.id } : {}),
    created_at: now,
    updated_at: now,
  }
  const errors = errorsOf(row, owner)
  if (Object.keys(errors).length > 0) return answers.invalid(errors)
  return call.write(() => {
    row.id = nextId(call.state, 'metric')
    owner.metrics.push(row)
    return { ...shownAs(row, owner), status: 201, id: row.id }
  })
}

function errorsOf(row: Metric, { metrics }: Owner): Errors {
  const others = metrics.filter(({ id }) => id !== row.id)
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
