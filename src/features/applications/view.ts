import { codeBlocks } from '../../web/code.js'
import { dateWords } from '../../web/words.js'
import type { Model, ModelPlan } from '../models/schemas.js'
import type { Snippet } from '../snippets/schemas.js'
import { keyDay } from './keys.js'
import type { Application } from './schemas.js'
import type { TestResult } from './trial.js'

const states: Record<Application['state'], { label: string; color: string; words: string }> = {
  live: { label: 'Live', color: 'green', words: '' },
  pending: {
    label: 'Waiting for approval',
    color: 'orange',
    words:
      'The operator of this model looks at new applications first. The key starts to work when it is approved; nothing is to be done until then.',
  },
  suspended: {
    label: 'Suspended',
    color: 'red',
    words: 'The gateway refuses the key of this application. Only the operator can resume it; ask the contact below.',
  },
  deprecated: { label: 'Deprecated', color: 'grey', words: 'This application is being replaced by its operator.' },
}

export function applicationListView({ applications, models }: { applications: Application[]; models: number }) {
  return {
    title: 'Applications',
    rows: applications.map((application) => ({
      name: application.name || `Application ${application.id}`,
      href: `/applications/${application.id}`,
      model: application.model_name || 'No longer offered',
      plan: application.plan_name,
      created: dateWords(application.created_at),
      ...states[application.state],
    })),
    empty: applications.length === 0,
    hasModels: models > 0,
  }
}

export function newApplicationView(i: {
  model: Model | undefined
  models: Model[]
  attempt: string
  values: Record<string, string>
  errors: Record<string, string>
  failure?: string | undefined
}) {
  const { model, values, errors } = i
  const choosesPlan = model?.can_select_plan && model.plans.length > 1
  return {
    title: 'Get a key',
    attempt: i.attempt,
    failure: i.failure ?? '',
    model: model && { name: model.name, systemName: model.system_name, summary: model.summary },
    models: i.models.map((one) => ({ name: one.name, systemName: one.system_name })),
    name: values.name ?? (model ? `My ${model.name}`.replace(/[<>"]/g, '').slice(0, 60) : ''),
    nameError: errors.name ?? '',
    description: values.description ?? '',
    descriptionError: errors.description ?? '',
    planError: errors.plan ?? errors.base ?? '',
    plans: choosesPlan
      ? model.plans.map((plan, index) => planChoice(plan, values.plan ?? defaultPlan(model.plans), index))
      : [],
    approval: model?.plans.some((plan) => plan.approval_required) === true && !choosesPlan,
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
  const price = plan.cost_per_month === 0 ? 'free' : `${plan.cost_per_month} a month`
  return {
    id: `plan-${index}`,
    systemName: plan.system_name,
    label: `${plan.name} (${price}${plan.approval_required ? ', needs approval' : ''})`,
    checked: plan.system_name === chosen,
  }
}

export function applicationView(i: {
  application: Application
  model: Model | undefined
  snippets: Snippet[]
  revealed: boolean
  test?: TestResult | undefined
  values?: Record<string, string> | undefined
  errors?: Record<string, string> | undefined
  editing?: boolean | undefined
}) {
  const { application, model } = i
  const base = `/applications/${application.id}`
  return {
    title: application.name || `Application ${application.id}`,
    base,
    name: i.values?.name ?? application.name,
    nameError: i.errors?.name ?? '',
    description: i.values?.description ?? application.description,
    descriptionError: i.errors?.description ?? '',
    shownName: application.name || `Application ${application.id}`,
    state: states[application.state],
    modelName: application.model_name || 'No longer offered',
    modelHref: model ? `/models/${encodeURIComponent(model.system_name)}` : '',
    plan: application.plan_name,
    created: dateWords(application.created_at),
    baseUrl: application.base_url ?? '',
    modelId: application.model_id ?? '',
    revealed: i.revealed,
    credentials: credentialRows(application, i.revealed),
    secretWord: application.credentials.mode === 'oidc' ? 'client secret' : 'key',
    code: codeBlocks(i.snippets),
    testable: model !== undefined && application.state === 'live',
    test: i.test && {
      kind: i.test.ok ? 'success' : 'danger',
      title: i.test.status === undefined ? 'No answer' : `${i.test.status} in ${i.test.ms} ms`,
      words: i.test.words,
      answer: i.test.answer,
    },
    open: i.editing === true,
  }
}

/** Ids are no secret; keys are shown on request only. */
function credentialRows({ credentials }: Application, revealed: boolean) {
  const hidden = '••••••••••••••••'
  const secret = (label: string, value: string | undefined) => ({
    label,
    value: revealed ? (value ?? '') : hidden,
    day: revealed && value ? made(value) : '',
  })
  switch (credentials.mode) {
    case 'user_key':
      return [secret('Key', credentials.user_key)]
    case 'app_id':
      return [
        { label: 'Application id', value: revealed ? (credentials.app_id ?? '') : hidden, day: '' },
        ...(revealed ? (credentials.app_keys ?? []) : ['']).map((key, index) =>
          secret(index === 0 ? 'Key' : `Key ${index + 1}`, key),
        ),
      ]
    default:
      return [
        { label: 'Client id', value: revealed ? (credentials.client_id ?? '') : hidden, day: '' },
        secret('Client secret', credentials.client_secret),
      ]
  }
}

function made(key: string): string {
  const day = keyDay(key)
  return day ? `made on ${dateWords(day)}` : ''
}

export function deleteView({ application, errors }: { application: Application; errors: Record<string, string> }) {
  return {
    title: `Delete ${application.name}`,
    name: application.name,
    base: `/applications/${application.id}`,
    model: application.model_name,
    error: errors.confirm ?? '',
  }
}
