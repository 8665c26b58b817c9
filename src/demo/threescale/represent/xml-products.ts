import { rowWith } from '../row-index.js'
import type { Metric, Plan, Service, ServicePlan, State } from '../store.js'
import type { View } from './representation.js'
import { document, type Element, element, elements, listDocument } from './xml.js'

export function plansXml(plans: readonly Plan[], { state }: View): string {
  return listDocument(
    'plans',
    plans.map((row) => planElement(row, state)),
  )
}

export function planXml(plan: Plan, { state }: View): string {
  return document(planElement(plan, state))
}

export function servicesXml(services: Service[], view: View, metadata: object | undefined): string {
  return listDocument(
    'services',
    services.map((row) => serviceElement(row, view)),
    metadata,
  )
}

export function serviceXml(service: Service, view: View): string {
  return document(serviceElement(service, view))
}

export function planElement(plan: Plan, state: State): Element {
  const owner = rowWith(state.services, 'id', plan.service_id)
  return element(
    'plan',
    elements({
      ...ofPlan(plan, 'application_plan'),
      setup_fee: decimal(plan.setup_fee),
      cost_per_month: decimal(plan.cost_per_month),
      trial_period_days: plan.trial_period_days || null,
      cancellation_period: 0,
      service_id: plan.service_id,
    }),
    { custom: String(plan.custom), default: String(owner?.default_plan_id === plan.id) },
  )
}

export function servicePlanElement(plan: ServicePlan, state: State): Element {
  const owner = rowWith(state.services, 'id', plan.service_id)
  return element('plan', elements({ ...ofPlan(plan, 'service_plan'), ...free, service_id: plan.service_id }), {
    default: String(owner?.default_service_plan_id === plan.id),
  })
}

export function accountPlanElement(plan: ServicePlan & { default: boolean }): Element {
  return element('plan', elements({ ...ofPlan(plan, 'account_plan'), ...free }), { default: String(plan.default) })
}

const free = { setup_fee: '0.0', cost_per_month: '0.0', trial_period_days: null, cancellation_period: 0 }

function ofPlan({ id, name, state, approval_required }: ServicePlan | Plan, type: string) {
  return { id, name, type, state, approval_required }
}

function serviceElement(service: Service, { state }: View): Element {
  const metrics = service.metrics.filter(({ parent_id }) => parent_id === undefined)
  const methods = service.metrics.filter(({ parent_id }) => parent_id !== undefined)
  return element(
    'service',
    elements({
      id: service.id,
      account_id: Number(state.provider.id),
      name: service.name,
      state: 'incomplete',
      system_name: service.system_name,
      backend_version: service.backend_version,
      description: service.description ?? null,
      intentions_required: service.intentions_required,
      ...service.flags,
      annotations: [],
      deployment_option: service.deployment_option,
      support_email: String(state.provider.support_email),
      metrics: [
        ...metrics.map((row) => metricElement('metric', row, service)),
        ...methods.map((row) => metricElement('method', row, service)),
      ],
    }),
  )
}

function metricElement(name: string, metric: Metric, service: Service): Element {
  const { id, system_name, friendly_name, description, parent_id, unit } = metric
  return element(
    name,
    elements({
      id,
      name: system_name,
      system_name,
      friendly_name,
      service_id: service.id,
      description: description ?? null,
      ...(parent_id === undefined ? { unit } : { metric_id: parent_id }),
    }),
  )
}

function decimal(amount: number): string {
  return Number.isInteger(amount) ? amount.toFixed(1) : String(amount)
}
