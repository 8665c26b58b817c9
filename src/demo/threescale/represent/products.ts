import { rowWith } from '../row-index.js'
import type {
  ApiDoc,
  Backend,
  Feature,
  Limit,
  MappingRule,
  Metric,
  Plan,
  PricingRule,
  Service,
  ServicePlan,
} from '../store.js'
import { filled, href, type Json, stamps, type View } from './representation.js'

export function service(record: Service, view: View): Json {
  const to = (path = '') => href(view, `/services/${record.id}${path}`)
  return filled({
    id: record.id,
    name: record.name,
    state: 'incomplete',
    system_name: record.system_name,
    backend_version: record.backend_version,
    deployment_option: record.deployment_option,
    support_email: view.state.provider.support_email,
    description: record.description,
    intentions_required: record.intentions_required,
    ...record.flags,
    annotations: {},
    ...stamps(record, view),
    links: [
      { rel: 'metrics', href: to('/metrics') },
      { rel: 'self', href: to() },
      { rel: 'service_plans', href: to('/service_plans') },
      { rel: 'application_plans', href: to('/application_plans') },
      { rel: 'features', href: to('/features') },
    ],
  })
}

/** No product id but in the links, no description. */
export function plan(record: Plan, view: View): Json {
  const owner = rowWith(view.state.services, 'id', record.service_id)
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
    ...stamps(record, view),
    custom: record.custom,
    system_name: record.system_name,
    links: [
      { rel: 'service', href: href(view, `/services/${record.service_id}`) },
      { rel: 'self', href: href(view, `/services/${record.service_id}/application_plans/${record.id}`) },
    ],
  }
}

export function servicePlan(record: ServicePlan, view: View): Json {
  const owner = rowWith(view.state.services, 'id', record.service_id)
  return {
    ...freePlan(record, owner?.default_service_plan_id === record.id, view),
    links: [
      { rel: 'service', href: href(view, `/services/${record.service_id}`) },
      { rel: 'self', href: href(view, `/services/${record.service_id}/service_plans/${record.id}`) },
    ],
  }
}

export function accountPlan(record: ServicePlan & { default: boolean }, view: View): Json {
  return freePlan(record, record.default, view)
}

function freePlan(record: ServicePlan, isDefault: boolean, view: View): Json {
  return {
    id: record.id,
    name: record.name,
    state: record.state,
    setup_fee: 0,
    cost_per_month: 0,
    trial_period_days: 0,
    cancellation_period: 0,
    approval_required: record.approval_required,
    default: isDefault,
    ...stamps(record, view),
  }
}

/** A method among the metrics: with the unit of its parent. `owner` is `/services/7` or `/backend_apis/3`. */
export function metric(record: Metric, owner: string, view: View): Json {
  const rel = owner.startsWith('/services') ? 'service' : 'backend_api'
  return filled({
    id: record.id,
    name: record.system_name,
    system_name: record.system_name,
    friendly_name: record.friendly_name,
    description: record.description,
    unit: record.unit,
    parent_id: record.parent_id,
    ...stamps(record, view),
    links: [
      { rel, href: href(view, owner) },
      { rel: 'self', href: href(view, `${owner}/metrics/${record.id}`) },
    ],
  })
}

/** A method for itself: without a unit. */
export function method(record: Metric, owner: string, view: View): Json {
  const { unit: _unit, ...rest } = metric(record, owner, view)
  const parent = `${owner}/metrics/${record.parent_id}`
  return {
    ...rest,
    links: [
      { rel: 'parent', href: href(view, parent) },
      { rel: 'self', href: href(view, `${parent}/methods?id=${record.id}`) },
    ],
  }
}

export function limit(record: Limit, owner: Plan, view: View): Json {
  const { id, metric_id, period, value } = record
  return {
    id,
    period,
    value,
    metric_id,
    plan_id: owner.id,
    ...stamps(record, view),
    links: [
      { rel: 'metric', href: href(view, `/services/${owner.service_id}/metrics/${metric_id}`) },
      { rel: 'self', href: href(view, `/application_plans/${owner.id}/metrics/${metric_id}/limits?id=${id}`) },
      { rel: 'plan', href: href(view, `/services/${owner.service_id}/application_plans/${owner.id}`) },
    ],
  }
}

/** The cost is a text; no `max` is no end. */
export function pricingRule(record: PricingRule, owner: Plan, view: View): Json {
  return {
    ...record,
    ...stamps(record, view),
    links: [
      { rel: 'metric', href: href(view, `/services/${owner.service_id}/metrics/${record.metric_id}`) },
      { rel: 'plan', href: href(view, `/services/${owner.service_id}/application_plans/${owner.id}`) },
    ],
  }
}

export function feature({ service_id: _service, ...record }: Feature, view: View): Json {
  return { ...record, ...stamps(record, view) }
}

export function doc({ service_id, ...record }: ApiDoc, view: View): Json {
  return filled({
    ...record,
    service_id: Number.isInteger(service_id) ? service_id : undefined,
    ...stamps(record, view),
  })
}

/** Links of rules and settings are paths, without a host. */
export function mappingRule(record: MappingRule, owner: string, view: View): Json {
  const { id, metric_id, pattern, http_method, delta, position, last } = record
  const base = `/admin/api${owner}`
  const links = owner.startsWith('/services')
    ? [
        { rel: 'self', href: `${base}/proxy/mapping_rules/${id}` },
        { rel: 'service', href: base },
        { rel: 'proxy', href: `${base}/proxy` },
      ]
    : [
        { rel: 'self', href: `${base}/mapping_rules/${id}` },
        { rel: 'backend_api', href: base },
      ]
  return { id, metric_id, pattern, http_method, delta, position, last, ...stamps(record, view), links }
}

export function backend(record: Backend, view: View): Json {
  const { id, name, system_name, description, private_endpoint } = record
  return filled({
    id,
    name,
    system_name,
    description,
    private_endpoint,
    annotations: {},
    account_id: view.state.provider.id,
    ...stamps(record, view),
    links: [
      { rel: 'metrics', href: `/admin/api/backend_apis/${id}/metrics` },
      { rel: 'mapping_rules', href: `/admin/api/backend_apis/${id}/mapping_rules` },
    ],
  })
}

/** The backend's id has another name than it is written with (app/representers/backend_api_config_representer.rb). */
export function usage({ id, path, backend_id }: Service['usages'][number], owner: Service, view: View): Json {
  return {
    id,
    path,
    service_id: owner.id,
    backend_id,
    links: [
      { rel: 'service', href: href(view, `/services/${owner.id}`) },
      { rel: 'backend_api', href: href(view, `/backend_apis/${backend_id}`) },
    ],
  }
}
