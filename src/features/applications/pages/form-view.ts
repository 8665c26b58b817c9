import { defaultPlanOf } from '../../../clients/threescale/tenant-rules/available-plans.js'
import type { Plan } from '../../../clients/threescale/types.js'
import { policyMessage } from '../../../policies.js'
import { limitLabels, shortPriceLabel, stateMessage } from '../../models/messages.js'
import type { Model, ModelPlan } from '../../models/schemas.js'
import { FIELD_CHARACTERS } from '../schemas.js'
import { attributesView, fieldView } from './field-view.js'
import { formPage } from './messages.js'

export function newApplicationView(i: {
  model: Model | undefined
  /** available to the caller */
  plans: Plan[]
  models: Model[]
  /** the model to use instead */
  successor: Model | undefined
  attempt: string
  values: Record<string, string>
  errors: Record<string, string>
  failure?: string | undefined
}) {
  const { model, values, errors } = i
  const standard = defaultPlanOf(i.plans)
  const choosesPlan = model?.can_select_plan && model.plans.length > 1
  const fields = model ? fieldsOf(model, values, errors) : []
  return {
    title: values.from ? formPage.secondTitle : formPage.title,
    attempt: i.attempt,
    from: values.from ?? '',
    failure: i.failure ?? otherErrors(errors, fields),
    model: model && { name: model.name, systemName: model.system_name, summary: model.summary },
    modelHref: model ? `/models/${encodeURIComponent(model.system_name)}` : '',
    ...lifecycleView(model, i.successor, values.from !== undefined),
    models: i.models
      .filter(({ state }) => state !== 'retired')
      .map((one) => ({ name: one.name, systemName: one.system_name })),
    planError: errors.plan ?? errors.base ?? '',
    plans: choosesPlan
      ? model.plans.map((plan, index) => planChoice(plan, values.plan ?? presetPlan(model.plans), index))
      : [],
    plan: model && !choosesPlan ? onlyPlan(model) : '',
    approval: standard && !choosesPlan ? policyMessage('plan_approval', { plan: standard }) : '',
    fields,
  }
}

/** A retired model gets no new applications, except to move an existing one. */
function lifecycleView(model: Model | undefined, successor: Model | undefined, isMove: boolean) {
  return {
    isRetired: model?.state === 'retired' && !isMove,
    notice: model ? stateMessage(model) : '',
    successor: successor && {
      name: successor.name,
      href: `/applications/new?model=${encodeURIComponent(successor.system_name)}`,
    },
  }
}

/** Name, fields of the tenant, description. */
function fieldsOf(model: Model, values: Record<string, string>, errors: Record<string, string>) {
  const [name, ...rest] = attributesView({
    attributes: model.application_attributes,
    values: { name: suggestedName(model, values.from !== undefined), ...values },
    errors,
  })
  const extraFields = model.application_fields.map((field) => {
    const id = `fields.${field.name}`
    return fieldView(field, { id, value: values[id], error: errors[id] ?? errors[field.name], max: FIELD_CHARACTERS })
  })
  return [...(name ? [name] : []), ...extraFields, ...rest]
}

/** Errors in values that this form does not show. */
function otherErrors(errors: Record<string, string>, fields: { id: string }[]): string {
  const shown = ['plan', 'base', ...fields.flatMap(({ id }) => [id, id.replace(/^fields\./, '')])]
  const others = Object.entries(errors).filter(([name]) => !shown.includes(name))
  return others.map(([, message]) => message).join(' ')
}

/** The first choice, or a suggestion if developers can choose the name freely. */
function suggestedName({ name, application_attributes }: Model, isSecond: boolean): string {
  const choices = application_attributes.find((field) => field.name === 'name')?.choices ?? []
  const suggestion = isSecond ? formPage.secondName(name) : formPage.name(name)
  return choices[0] ?? suggestion.replace(/[<>"]/g, '').slice(0, 60)
}

function presetPlan(plans: ModelPlan[]): string {
  return (plans.find((plan) => plan.default) ?? plans[0])?.system_name ?? ''
}

/** What the key costs, and its limits, where no plan can be chosen. */
function onlyPlan({ plans }: Model): string {
  const plan = plans.find((one) => one.default) ?? plans[0]
  if (!plan) return ''
  const label = formPage.plan(plan.name, shortPriceLabel(plan), false)
  return formPage.planWithLimits(label, limitLabels(plan))
}

function planChoice(plan: ModelPlan, chosen: string, index: number) {
  return {
    id: `plan-${index}`,
    systemName: plan.system_name,
    label: formPage.plan(plan.name, shortPriceLabel(plan), plan.approval_required),
    limits: limitLabels(plan).join(', '),
    checked: plan.system_name === chosen,
  }
}
