import type { FieldDefinition } from '../../clients/threescale/nouns.js'
import { check } from '../../rules.js'

/** Extra fields that 3scale's own API does not check: required, choices, hidden and read-only. Throws invalid_fields. */
export function checkFields(definitions: FieldDefinition[], given: Record<string, string>): Record<string, string> {
  const open = definitions.filter((field) => !field.hidden && !field.readOnly)
  const errors: Record<string, string> = {}
  const values: Record<string, string> = {}
  for (const field of open) {
    const value = (given[field.name] ?? '').trim()
    if (value === '' && field.required) errors[`fields.${field.name}`] = `${field.label} is needed.`
    else if (value !== '' && field.choices.length > 0 && !field.choices.includes(value)) {
      errors[`fields.${field.name}`] = `${field.label} is one of: ${field.choices.join(', ')}.`
    } else if (value !== '') values[field.name] = value
  }
  for (const name of Object.keys(given)) {
    if (!open.some((field) => field.name === name)) errors[`fields.${name}`] = 'There is no such field.'
  }
  check(['fields_definitions'], { errors })
  return values
}
