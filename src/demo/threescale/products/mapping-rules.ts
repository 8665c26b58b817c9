import { flagOf, type Params, textOf, wrapped } from '../http/params.js'
import { update } from '../http/records.js'
import { type Answer, answers, type Errors } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import { listTag } from '../http/tags.js'
import * as show from '../represent/products.js'
import { viewOf } from '../represent/representation.js'
import { rowWith } from '../row-index.js'
import { type MappingRule, type Metric, nextId } from '../store.js'
import { present } from './services.js'

const ATTRIBUTES = ['http_method', 'pattern', 'delta', 'metric_id', 'position', 'last']
const METHODS = ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'HEAD', 'OPTIONS']

interface Owner {
  path: string
  rules: MappingRule[]
  metrics: Metric[]
}

/** Mapping rules of products and of backends (porta, app/models/proxy_rule.rb). */
export function mappingRuleRoutes(api: Api): void {
  addRoutes(api, '/admin/api/services/:service/proxy/mapping_rules', serviceOf)
  addRoutes(api, '/admin/api/backend_apis/:backend/mapping_rules', backendOf)
}

function addRoutes(api: Api, base: string, ownerOf: (call: Call) => Owner | undefined): void {
  const withOwner = (call: Call, work: (owner: Owner) => Answer | Promise<Answer>) => {
    const owner = ownerOf(call)
    return owner ? work(owner) : answers.notFound
  }
  const withRule = (call: Call, work: (rule: MappingRule, owner: Owner) => Answer | Promise<Answer>) =>
    withOwner(call, (owner) => {
      const rule = owner.rules.find(({ id }) => id === call.id('rule'))
      return rule ? work(rule, owner) : answers.notFound
    })
  const shown = (rule: MappingRule, owner: Owner, call: Call) =>
    answers.ok({ mapping_rule: show.mappingRule(rule, owner.path, viewOf(call)) })

  api.get(
    base,
    (call) =>
      withOwner(call, ({ rules, path }) =>
        answers.ok({
          mapping_rules: rules.map((row) => ({ mapping_rule: show.mappingRule(row, path, viewOf(call)) })),
        }),
      ),
    (call) => {
      const owner = ownerOf(call)
      return owner && listTag(owner.rules, call)
    },
  )
  api.get(`${base}/:rule`, (call) => withRule(call, (rule, owner) => shown(rule, owner, call)))

  api.post(base, (call) =>
    withOwner(call, async (owner) => {
      const given = wrapped(call, 'mapping_rule', ATTRIBUTES)
      if ('refusal' in given) return given.refusal
      const now = call.clock.now()
      const rule: MappingRule = {
        id: 0,
        http_method: '',
        pattern: '',
        metric_id: 0,
        delta: 1,
        last: false,
        position: Math.max(0, ...owner.rules.map(({ position }) => position)) + 1,
        created_at: now,
        updated_at: now,
        ...valuesOf(given.attributes),
      }
      const errors = errorsOf(rule, owner)
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      return call.write(() => {
        rule.id = nextId(call.state, 'rule')
        owner.rules.push(rule)
        owner.rules.sort((a, b) => a.position - b.position)
        return { ...shown(rule, owner, call), status: 201, id: rule.id }
      })
    }),
  )

  api.update(`${base}/:rule`, (call) =>
    withRule(call, async (rule, owner) => {
      const given = wrapped(call, 'mapping_rule', ATTRIBUTES)
      if ('refusal' in given) return given.refusal
      const change = valuesOf(given.attributes)
      const errors = errorsOf({ ...rule, ...change }, owner)
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      return call.write(() => {
        update(rule, change, call.clock)
        owner.rules.sort((a, b) => a.position - b.position)
        return shown(rule, owner, call)
      })
    }),
  )

  api.delete(`${base}/:rule`, (call) =>
    withRule(call, async (rule, owner) =>
      call.write(() => {
        owner.rules.splice(owner.rules.indexOf(rule), 1)
        owner.rules.forEach((row, index) => {
          row.position = index + 1
        })
        return answers.empty
      }),
    ),
  )
}

function serviceOf(call: Call): Owner | undefined {
  const service = present(call.state).find(({ id }) => id === call.id('service'))
  return service && { path: `/services/${service.id}`, rules: service.rules, metrics: service.metrics }
}

function backendOf(call: Call): Owner | undefined {
  const backend = rowWith(call.state.backends, 'id', call.id('backend'))
  return backend && { path: `/backend_apis/${backend.id}`, rules: backend.rules, metrics: backend.metrics }
}

function valuesOf(attributes: Params): Partial<MappingRule> {
  const texts = (['http_method', 'pattern'] as const).map((name) => [name, textOf(attributes, name)] as const)
  const numbers = (['delta', 'metric_id', 'position'] as const).map((name) => {
    const text = textOf(attributes, name)
    return [name, text === undefined ? undefined : Number(text)] as const
  })
  const all = [...texts, ...numbers, ['last', flagOf(attributes, 'last')] as const]
  return Object.fromEntries(all.filter(([, value]) => value !== undefined))
}

function errorsOf({ http_method, pattern, metric_id, delta }: MappingRule, { metrics }: Owner): Errors {
  const errors: Errors = {}
  if (http_method === '') errors.http_method = ["can't be blank"]
  else if (!METHODS.includes(http_method)) errors.http_method = ['is not included in the list']
  if (pattern === '') errors.pattern = ["can't be blank"]
  else if (!/^\/[^\s$?]*\$?(\?\S*)?$/.test(pattern)) errors.pattern = ['is invalid']
  if (!metrics.some(({ id }) => id === metric_id)) errors.metric_id = ["can't be blank"]
  if (!Number.isInteger(delta) || delta < 1) errors.delta = ['must be greater than 0']
  return errors
}
