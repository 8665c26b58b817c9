import { flagOf, type Params, textOf, wrapped } from '../http/params.js'
import { type Answer, answers, type Errors } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import { listTag } from '../http/tags.js'
import { field } from '../represent/accounts.js'
import { viewOf } from '../represent/representation.js'
import { type FieldDefinition, nextId, type State } from '../store.js'
import { BUILT_IN, REQUIRED_BY_3SCALE } from './built-in.js'

type Target = FieldDefinition['target']

const base = '/admin/api/fields_definitions'
const ATTRIBUTES = ['target', 'name', 'label', 'required', 'hidden', 'read_only', 'choices', 'position']
const RESERVED = ['id', 'state', 'created_at', 'updated_at', 'tenant_id', 'account_id', 'plan_id', 'service_id']

/** Field definitions (porta, app/models/fields_definition.rb). */
export function fieldRoutes(api: Api): void {
  api.get(
    base,
    (call) =>
      answers.ok({
        fields_definitions: inOrder(call.state).map((row) => ({ fields_definition: field(row, viewOf(call)) })),
      }),
    (call) => listTag(call.state.fields, call),
  )
  api.get(`${base}/:id`, (call) => withField(call, (row) => shown(row, call)))

  api.post(base, async (call) => {
    const given = wrapped(call, 'fields_definition', ATTRIBUTES)
    if ('refusal' in given) return given.refusal
    const row = { ...newField(call), ...valuesOf(given.attributes) }
    const errors = errorsOf(row, call.state)
    if (Object.keys(errors).length > 0) return answers.invalid(errors)
    return call.write(() => {
      const position = Math.max(0, ...ofTarget(call.state, row.target).map((other) => other.position)) + 1
      const record: FieldDefinition = { ...row, id: nextId(call.state, 'field'), position }
      call.state.fields.push(record)
      return { ...shown(record, call), status: 201, id: record.id }
    })
  })

  api.update(`${base}/:id`, (call) =>
    withField(call, async (row) => {
      const given = wrapped(call, 'fields_definition', ATTRIBUTES)
      if ('refusal' in given) return given.refusal
      const { target: _target, name: _name, ...change } = valuesOf(given.attributes)
      const errors = errorsOf({ ...row, ...change }, call.state)
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      return call.write(() => {
        Object.assign(row, change, { updated_at: call.clock.now() })
        return shown(row, call)
      })
    }),
  )

  api.delete(`${base}/:id`, (call) =>
    withField(call, async (row) => {
      if (REQUIRED_BY_3SCALE[row.target].includes(row.name)) return answers.refused({})
      return call.write(() => {
        call.state.fields = call.state.fields.filter(({ id }) => id !== row.id)
        return answers.empty
      })
    }),
  )
}

/**
 * The values of defined fields that were sent, next to the columns that every record has: flat, and extra fields also as
 * `extra_fields[name]`. Nothing else is taken.
 */
export function definedFields(state: State, target: Target, params: Params): Record<string, string> {
  const nested = typeof params.extra_fields === 'object' ? ((params.extra_fields ?? {}) as Params) : {}
  const pairs = storedApart(state, target).map(
    ({ name }) => [name, textOf(params, name) ?? (isExtra(target, name) ? textOf(nested, name) : undefined)] as const,
  )
  return Object.fromEntries(pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined))
}

/** Required fields are enforced only at sign-up; choices only for built-in fields, and only if they are required. */
export function fieldErrors(state: State, target: Target, params: Params): Errors {
  const errors: Errors = {}
  const given = definedFields(state, target, params)
  for (const { name, required, choices } of storedApart(state, target)) {
    if (!required) continue
    const value = given[name] ?? ''
    if (value.trim() === '') errors[name] = ["can't be blank"]
    else if (!isExtra(target, name) && choices.length > 0 && !choices.includes(value)) errors[name] = ['illegal value']
  }
  return errors
}

/** Values whose field is still defined: others are stored and not shown. */
export function shownFields(state: State, target: Target, fields: Record<string, string>): Record<string, string> {
  const names = storedApart(state, target).map(({ name }) => name)
  return Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)))
}

/** Texts of built-in columns, which MySQL refuses with a character beyond the BMP; extra fields are stored escaped. */
export function columnTexts(target: Target, fields: Record<string, string>): string[] {
  return Object.entries(fields)
    .filter(([name]) => !isExtra(target, name))
    .map(([, value]) => value)
}

/** On MySQL, the column of all extra fields holds 65,535 bytes. A longer text causes a database error. */
export function overflows(target: Target, fields: Record<string, string>): boolean {
  const extra = Object.entries(fields).filter(([name]) => isExtra(target, name))
  return Buffer.byteLength(JSON.stringify(Object.fromEntries(extra))) > 65_535
}

function isExtra(target: Target, name: string): boolean {
  return !BUILT_IN[target].includes(name)
}

/** Definitions of the values in `fields` of a record: all except those of built-in columns. */
function storedApart(state: State, target: Target): FieldDefinition[] {
  const columns: Record<Target, string[]> = {
    Account: ['org_name'],
    User: ['username', 'email'],
    Cinstance: ['name', 'description'],
  }
  return ofTarget(state, target).filter(({ name }) => !columns[target].includes(name))
}

function ofTarget(state: State, target: Target | undefined): FieldDefinition[] {
  return state.fields.filter((row) => row.target === target)
}

function inOrder({ fields }: State): FieldDefinition[] {
  return [...fields].sort((a, b) => a.position - b.position || a.id - b.id)
}

type Draft = Omit<FieldDefinition, 'target' | 'id' | 'position'> & { target: Target }

function newField({ clock }: Call): Draft {
  const now = clock.now()
  return {
    target: '' as Target,
    name: '',
    label: '',
    required: false,
    hidden: false,
    read_only: false,
    choices: [],
    created_at: now,
    updated_at: now,
  }
}

function valuesOf(attributes: Params): Partial<Draft> {
  const target = textOf(attributes, 'target') as Target | undefined
  const flags = (['required', 'hidden', 'read_only'] as const).map((name) => [name, flagOf(attributes, name)] as const)
  const texts = (['name', 'label'] as const).map((name) => [name, textOf(attributes, name)] as const)
  return {
    // another target than these is as none
    ...(target !== undefined && target in BUILT_IN ? { target } : {}),
    ...Object.fromEntries([...flags, ...texts].filter(([, value]) => value !== undefined)),
    ...(Array.isArray(attributes.choices) ? { choices: attributes.choices.map(String) } : {}),
  }
}

function errorsOf(row: Draft & { id?: number }, state: State): Errors {
  const errors: Errors = {}
  const add = (name: string, message: string) => {
    errors[name] = [...(errors[name] ?? []), message]
  }
  if (row.label.trim() === '') add('label', "can't be blank")
  if (!row.target) add('target', "can't be blank")
  if (row.name.trim() === '') add('name', "can't be blank")
  if (!/^[A-Za-z][A-Za-z\d_-]*$/.test(row.name))
    add('name', 'Name should start with letters, and can contain numbers, - and _')
  if (ofTarget(state, row.target).some((other) => other.name === row.name && other.id !== row.id))
    add('name', 'has already been taken')
  if (row.target && RESERVED.includes(row.name)) add('name', 'Field name is not allowed')
  if (row.target && row.required && (row.hidden || row.read_only))
    add('required', 'Fields cannot be required AND hidden/read_only')
  return errors
}

function withField(call: Call, work: (row: FieldDefinition) => Answer | Promise<Answer>): Answer | Promise<Answer> {
  const row = call.state.fields.find(({ id }) => id === call.id('id'))
  return row ? work(row) : answers.notFound
}

function shown(row: FieldDefinition, call: Call): Answer {
  return answers.ok({ fields_definition: field(row, viewOf(call)) })
}
