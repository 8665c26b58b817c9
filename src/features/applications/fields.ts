import { attributeOf, isOpen, isShown } from '../../clients/threescale/built-in-fields.js'
import type { FieldDefinition } from '../../clients/threescale/nouns.js'
import { COLUMN_CHARACTERS, extraFieldsTooLong, longestWhereTooLong, textFault } from '../../clients/threescale/text.js'
import { check } from '../../rules.js'
import { DESCRIPTION_CHARACTERS, FIELD_CHARACTERS } from './schemas.js'

export interface ApplicationTexts {
  name: string
  description: string
  fields: Record<string, string>
}

type Attribute = 'name' | 'description'
type Errors = Record<string, string>

/**
 * The texts of a new application, trimmed. 3scale's own API checks none of it: required, choices, hidden, read-only and
 * what it cannot store. Throws invalid_fields.
 */
export function checkTexts(
  definitions: FieldDefinition[],
  { name, description = '', fields = {} }: { name: string; description?: string; fields?: Record<string, string> },
): ApplicationTexts {
  const errors: Errors = {}
  const texts = {
    name: checkAttribute(definitions, 'name', name, errors),
    description: checkAttribute(definitions, 'description', description, errors),
    fields: checkFields(definitions, fields, errors),
  }
  check(['fields_definitions'], { errors })
  return texts
}

/** The same for a change; what is not changed is left out. */
export function checkChange(
  definitions: FieldDefinition[],
  { name, description }: { name?: string; description?: string },
): { name?: string; description?: string } {
  const errors: Errors = {}
  const change = {
    ...(name === undefined ? {} : { name: checkAttribute(definitions, 'name', name, errors) }),
    ...(description === undefined || isLeftOut(definitions, description)
      ? {}
      : { description: checkAttribute(definitions, 'description', description, errors) }),
  }
  check(['fields_definitions'], { errors })
  return change
}

/** An empty description where there is none to write changes nothing. */
function isLeftOut(definitions: FieldDefinition[], description: string): boolean {
  return description.trim() === '' && !isOpen(attributeOf(definitions, 'description'))
}

function checkAttribute(definitions: FieldDefinition[], name: Attribute, given: string, errors: Errors): string {
  const field = attributeOf(definitions, name)
  const value = given.trim()
  const fault = isOpen(field) ? faultOf(field, value, limits[name]) : value && closedWords(field)
  if (fault) errors[name] = fault
  return value
}

const limits = {
  name: { max: COLUMN_CHARACTERS, lines: false },
  description: { max: DESCRIPTION_CHARACTERS, lines: true },
}

function closedWords(field: FieldDefinition | undefined): string {
  return isShown(field)
    ? `${field.label} is set by the operator. Leave it out.`
    : 'Applications have no description here. Leave it out.'
}

/** Extra fields, by name. */
function checkFields(
  definitions: FieldDefinition[],
  given: Record<string, string>,
  errors: Errors,
): Record<string, string> {
  const open = definitions.filter((field) => !field.builtIn && isOpen(field))
  const values: Record<string, string> = {}
  for (const field of open) {
    const value = (given[field.name] ?? '').trim()
    const fault = faultOf(field, value, { max: FIELD_CHARACTERS, lines: true })
    if (fault) errors[`fields.${field.name}`] = fault
    else if (value !== '') values[field.name] = value
  }
  for (const name of Object.keys(given)) {
    if (!open.some((field) => field.name === name)) errors[`fields.${name}`] = 'There is no such field.'
  }
  const longest = longestWhereTooLong(values)
  if (longest !== undefined) errors[`fields.${longest}`] = extraFieldsTooLong
  return values
}

function faultOf(
  { label, required, choices }: FieldDefinition,
  value: string,
  limits: { max: number; lines: boolean },
): string | undefined {
  if (value === '') return required ? `${label} is required.` : undefined
  if (choices.length > 0) return choices.includes(value) ? undefined : `${label} is one of: ${choices.join(', ')}.`
  return textFault(value, limits)
}
