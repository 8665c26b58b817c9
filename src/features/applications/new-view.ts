import type { Plan } from '../../clients/threescale/nouns.js'
import { standardOf } from '../../clients/threescale/offered.js'
import { words } from '../../rules.js'
import type { Model, ModelPlan } from '../models/schemas.js'
import { limitsWords, shortPrice } from '../models/words.js'
import { attributesView, fieldView } from './field-view.js'
import { FIELD_CHARACTERS } from './schemas.js'

export function newApplicationView(i: {
  model: Model | undefined
  /** that can be taken */
  plans: Plan[]
  models: Model[]
  attempt: string
  values: Record<string, string>
  errors: Record<string, string>
  failure?: string | undefined
}) {
  const { model, values, errors } = i
  const standard = standardOf(i.plans)
  const choosesPlan = model?.can_select_plan && model.plans.length > 1
  const fields = model ? fieldsOf(model, values, errors) : []
  return {
    title: values.from ? 'Make a second application' : 'Get a key',
    attempt: i.attempt,
    from: values.from ?? '',
    failure: i.failure ?? elsewhere(errors, fields),
    model: model && { name: model.name, systemName: model.system_name, summary: model.summary },
    models: i.models.map((one) => ({ name: one.name, systemName: one.system_name })),
    planError: errors.plan ?? errors.base ?? '',
    plans: choosesPlan
      ? model.plans.map((plan, index) => planChoice(plan, values.plan ?? defaultPlan(model.plans), index))
      : [],
    approval: standard && !choosesPlan ? words('plan_approval', { plan: standard }) : '',
    fields,
  }
}

/** The name, what the tenant adds, the description. */
function fieldsOf(model: Model, values: Record<string, string>, errors: Record<string, string>) {
  const [name, ...rest] = attributesView({
    attributes: model.application_attributes,
    values: { name: nameFor(model, values.from !== undefined), ...values },
    errors,
  })
  const added = model.application_fields.map((field) => {
    const id = `fields.${field.name}`
    return fieldView(field, { id, value: values[id], error: errors[id] ?? errors[field.name], max: FIELD_CHARACTERS })
  })
  return [...(name ? [name] : []), ...added, ...rest]
}

/** What is wrong with something that this form does not show. */
function elsewhere(errors: Record<string, string>, fields: { id: string }[]): string {
  const shown = ['plan', 'base', ...fields.flatMap(({ id }) => [id, id.replace(/^fields\./, '')])]
  const others = Object.entries(errors).filter(([name]) => !shown.includes(name))
  return others.map(([, sentence]) => sentence).join(' ')
}

/** A name to begin with, where the tenant lets people choose it freely. */
function nameFor({ name, application_attributes }: Model, isSecond: boolean): string {
  const choices = application_attributes.find((field) => field.name === 'name')?.choices ?? []
  return choices[0] ?? `${isSecond ? 'Second' : 'My'} ${name}`.replace(/[<>"]/g, '').slice(0, 60)
}

function defaultPlan(plans: ModelPlan[]): string {
  return (plans.find((plan) => plan.default) ?? plans[0])?.system_name ?? ''
}

function planChoice(plan: ModelPlan, chosen: string, index: number) {
  return {
    id: `plan-${index}`,
    systemName: plan.system_name,
    label: `${plan.name} (${shortPrice(plan)}${plan.approval_required ? ', needs approval' : ''})`,
    limits: limitsWords(plan).join(', '),
    checked: plan.system_name === chosen,
  }
}
