import { time } from '../clock.js'
import type { ApiDoc, Feature, Metric, Plan, Service, ServicePlan, State } from '../store.js'

/** porta's JSON representers: nulls left out (with its exceptions), ids as integers, links with https and no extension. */
export type Json = Record<string, unknown>

export function service(record: Service, host: string): Json {
  const href = (path = '') => `https://${host}/admin/api/services/${record.id}${path}`
  return {
    id: record.id,
    name: record.name,
    state: record.state,
    system_name: record.system_name,
    backend_version: record.backend_version,
    deployment_option: 'self_managed',
    support_email: 'support@example.com',
    description: record.description,
    intentions_required: false,
    ...record.flags,
    annotations: {},
    created_at: time(record.created_at),
    updated_at: time(record.updated_at),
    links: [
      { rel: 'metrics', href: href('/metrics') },
      { rel: 'self', href: href() },
      { rel: 'service_plans', href: href('/service_plans') },
      { rel: 'application_plans', href: href('/application_plans') },
      { rel: 'features', href: href('/features') },
    ],
  }
}

/** No product id but in the links, no description. */
export function plan(record: Plan, state: State, host: string): Json {
  const owner = state.services.find(({ id }) => id === record.service_id)
  const base = `https://${host}/admin/api/services/${record.service_id}`
  return {
    id: record.id,
    name: record.name,
    state: record.state,
    setup_fee: record.setup_fee,
    cost_per_month: record.cost_per_month,
    trial_period_days: record.trial_period_days,
    cancellation_period: 0,
    approval_required: record.approval_required,
    default: owner?.default_plan_id === record.id,
    created_at: time(record.created_at),
    updated_at: time(record.updated_at),
    custom: record.custom,
    system_name: record.system_name,
    links: [
      { rel: 'service', href: base },
      { rel: 'self', href: `${base}/application_plans/${record.id}` },
    ],
  }
}

export function servicePlan(record: ServicePlan, state: State, host: string): Json {
  const owner = state.services.find(({ id }) => id === record.service_id)
  const base = `https://${host}/admin/api/services/${record.service_id}`
  return {
    id: record.id,
    name: record.name,
    state: record.state,
    setup_fee: 0,
    cost_per_month: 0,
    trial_period_days: 0,
    cancellation_period: 0,
    approval_required: record.approval_required,
    default: owner?.default_service_plan_id === record.id,
    created_at: time(record.created_at),
    updated_at: time(record.updated_at),
    links: [
      { rel: 'service', href: base },
      { rel: 'self', href: `${base}/service_plans/${record.id}` },
    ],
  }
}

/** A method among the metrics: with the unit of its parent. */
export function metric(record: Metric, { id, created_at, updated_at }: Service, host: string): Json {
  const base = `https://${host}/admin/api/services/${id}`
  return {
    id: record.id,
    name: record.system_name,
    system_name: record.system_name,
    friendly_name: record.friendly_name,
    ...(record.description === undefined ? {} : { description: record.description }),
    unit: record.unit,
    ...(record.parent_id === undefined ? {} : { parent_id: record.parent_id }),
    created_at: time(created_at),
    updated_at: time(updated_at),
    links: [
      { rel: 'service', href: base },
      { rel: 'self', href: `${base}/metrics/${record.id}` },
    ],
  }
}

/** A method for itself: without a unit. */
export function method(record: Metric, owner: Service, host: string): Json {
  const { unit: _unit, ...rest } = metric(record, owner, host)
  const base = `https://${host}/admin/api/services/${owner.id}/metrics/${record.parent_id}`
  return {
    ...rest,
    links: [
      { rel: 'parent', href: base },
      { rel: 'self', href: `${base}/methods?id=${record.id}` },
    ],
  }
}

export function limit(record: Plan['limits'][number], owner: Plan, host: string): Json {
  const base = `https://${host}/admin/api`
  return {
    ...record,
    plan_id: owner.id,
    created_at: time(owner.created_at),
    updated_at: time(owner.updated_at),
    links: [
      { rel: 'metric', href: `${base}/services/${owner.service_id}/metrics/${record.metric_id}` },
      { rel: 'self', href: `${base}/application_plans/${owner.id}/metrics/${record.metric_id}/limits?id=${record.id}` },
      { rel: 'plan', href: `${base}/services/${owner.service_id}/application_plans/${owner.id}` },
    ],
  }
}

/** The cost is a text; no `max` is no end. */
export function pricingRule(record: Plan['pricing_rules'][number], owner: Plan): Json {
  return { ...record, created_at: time(owner.created_at), updated_at: time(owner.updated_at) }
}

export function feature({ service_id: _service, ...record }: Feature, owner: Service): Json {
  return { ...record, created_at: time(owner.created_at), updated_at: time(owner.updated_at) }
}

export function doc({ service_id, ...record }: ApiDoc, state: State): Json {
  const owner = state.services.find(({ id }) => id === service_id)
  const at = time(owner?.created_at ?? 0)
  return {
    ...record,
    description: '',
    skip_swagger_validations: false,
    ...(Number.isInteger(service_id) ? { service_id } : {}),
    created_at: at,
    updated_at: at,
  }
}
