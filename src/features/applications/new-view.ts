import type { Plan } from '../../clients/threescale/nouns.js'
import { words } from '../../rules.js'
import type { Model, ModelPlan } from '../models/schemas.js'
import { limitsWords, shortPrice } from '../models/words.js'

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
  const choosesPlan = model?.can_select_plan && model.plans.length > 1
  return {
    title: values.from ? 'Make a second application' : 'Get a key',
    attempt: i.attempt,
    from: values.from ?? '',
    failure: i.failure ?? '',
    model: model && { name: model.name, systemName: model.system_name, summary: model.summary },
    models: i.models.map((one) => ({ name: one.name, systemName: one.system_name })),
    name:
      values.name ?? (model ? `${values.from ? 'Second' : 'My'} ${model.name}`.replace(/[<>"]/g, '').slice(0, 60) : ''),
    nameError: errors.name ?? '',
    description: values.description ?? '',
    descriptionError: errors.description ?? '',
    planError: errors.plan ?? errors.base ?? '',
    plans: choosesPlan
      ? model.plans.map((plan, index) => planChoice(plan, values.plan ?? defaultPlan(model.plans), index))
      : [],
    approval: choosesPlan ? '' : (i.plans.map((plan) => words('plan_approval', { plan })).find(Boolean) ?? ''),
    fields: (model?.application_fields ?? []).map((field) => {
      const value = values[`fields.${field.name}`] ?? (field.required ? (field.choices[0] ?? '') : '')
      return {
        id: `fields.${field.name}`,
        label: field.label,
        required: field.required,
        value,
        error: errors[`fields.${field.name}`] ?? errors[field.name] ?? '',
        choices: field.choices.map((choice) => ({ value: choice, selected: choice === value })),
        isChoice: field.choices.length > 0,
      }
    }),
  }
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
