import type { Errors } from './answers.js'
import { type Params, textOf } from './params.js'
import type { FieldDefinition, State } from './store.js'

type Target = FieldDefinition['target']

/** Columns of the record itself, which every tenant has definitions of (porta, app/models/fields_definition.rb). */
const BUILT_IN: Record<Target, string[]> = {
  Account: ['org_name'],
  User: ['username', 'email'],
  Cinstance: ['name', 'description'],
}

/** The defined extra fields that were sent: flat, or as `extra_fields[name]`. Nothing else is taken. */
export function definedFields(state: State, target: Target, params: Params): Record<string, string> {
  const nested = typeof params.extra_fields === 'object' && params.extra_fields ? (params.extra_fields as Params) : {}
  const pairs = state.fields
    .filter((field) => field.target === target && !BUILT_IN[target].includes(field.name))
    .map(({ name }) => [name, textOf(params, name) ?? textOf(nested, name)] as const)
  return Object.fromEntries(pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined))
}

/** Required fields and choices are enforced at sign-up, and nowhere else. */
export function fieldErrors(state: State, target: Target, params: Params): Errors {
  const errors: Errors = {}
  const given = definedFields(state, target, params)
  for (const field of state.fields) {
    if (field.target !== target || BUILT_IN[target].includes(field.name)) continue
    const value = given[field.name] ?? ''
    if (field.required && value === '') errors[field.name] = ["can't be blank"]
    else if (value !== '' && field.choices.length > 0 && !field.choices.includes(value))
      errors[field.name] = ['is not included in the list']
  }
  return errors
}

/** Writes what differs; `updated_at` moves only then, as with an ActiveRecord save. */
export function update<T extends { updated_at: number }>(record: T, change: Partial<T>): void {
  const differs = Object.entries(change).some(
    ([name, value]) => JSON.stringify(record[name as keyof T]) !== JSON.stringify(value),
  )
  if (differs) Object.assign(record, change, { updated_at: Date.now() })
}
