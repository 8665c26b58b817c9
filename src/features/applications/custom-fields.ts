import { attributeOf, isEditable, isVisible } from '../../clients/threescale/tenant-rules/built-in-fields.js'
import {
  COLUMN_CHARACTERS,
  extraFieldsTooLong,
  longestIfTooLong,
  textError,
} from '../../clients/threescale/tenant-rules/text-limits.js'
import type { FieldDefinition } from '../../clients/threescale/types.js'
import { enforce } from '../../policies.js'
import { fieldErrors } from './messages.js'
import { DESCRIPTION_CHARACTERS, FIELD_CHARACTERS } from './schemas.js'

export interface ApplicationTexts {
  name: string
  description: string
  fields: Record<string, string>
}

type Attribute = 'name' | 'description'
type Errors = Record<string, string>
interface TextLimit {
  max: number
  lines: boolean
}

const FIELD_LIMIT: TextLimit = { max: FIELD_CHARACTERS, lines: true }
const attributeLimits: Record<Attribute, TextLimit> = {
  name: { max: COLUMN_CHARACTERS, lines: false },
  description: { max: DESCRIPTION_CHARACTERS, lines: true },
}

/**
 * Validates and trims the texts of a new application. 3scale's API validates neither required, hidden and read-only fields
 * nor choices, and fails for text that it cannot store. Throws invalid_fields.
 */
export function validateTexts(
  definitions: FieldDefinition[],
  { name, description = '', fields = {} }: { name: string; description?: string; fields?: Record<string, string> },
): ApplicationTexts {
  const errors: Errors = {}
  const texts = {
    name: validateAttribute(definitions, 'name', name, errors),
    description: validateAttribute(definitions, 'description', description, errors),
    fields: validateFields(definitions, fields, errors),
  }
  enforce(['fields_definitions'], { errors })
  return texts
}

/** A JSON merge patch of texts: null removes a text, omitted members are unchanged. */
export interface TextChange {
  name?: string | undefined
  description?: string | null | undefined
  fields?: Record<string, string | null> | null | undefined
}

/**
 * Returns the texts that differ from the stored ones, validated like those of a new application. An unchanged text can
 * violate policies that were introduced later. `replaces`: omitted texts are removed if developers can write them.
 */
export function validateChange(
  definitions: FieldDefinition[],
  stored: ApplicationTexts,
  change: TextChange,
  { replaces = false } = {},
): Partial<ApplicationTexts> {
  const errors: Errors = {}
  const { name, description = replaces && isEditable(attributeOf(definitions, 'description')) ? null : undefined } =
    change
  const texts = {
    ...changedAttribute(definitions, 'name', stored.name, name, errors),
    ...changedAttribute(definitions, 'description', stored.description, description, errors),
    ...changedFields(definitions, stored.fields, withRemovals(definitions, change.fields, replaces), errors),
  }
  enforce(['fields_definitions'], { errors })
  return texts
}

function changedAttribute(
  definitions: FieldDefinition[],
  name: Attribute,
  stored: string,
  value: string | null | undefined,
  errors: Errors,
): { [key in Attribute]?: string } {
  const field = attributeOf(definitions, name)
  const current = isVisible(field) ? stored : ''
  if (value === undefined || isUnchanged(current, value ?? '')) return {}
  // a form sends an empty text for an attribute that cannot be written
  if (value === '' && !isEditable(field)) return {}
  if (value === null && !isEditable(field)) errors[name] = notSettable(field)
  return { [name]: validateAttribute(definitions, name, value ?? '', errors) }
}

/** Adds null for each omitted field that developers can write, if all fields are replaced. */
function withRemovals(
  definitions: FieldDefinition[],
  fields: TextChange['fields'],
  replaces: boolean,
): Record<string, string | null> {
  if (fields !== null && !replaces) return fields ?? {}
  const open = definitions.filter((field) => !field.builtIn && isEditable(field))
  return { ...Object.fromEntries(open.map(({ name }) => [name, null])), ...fields }
}

/** 3scale cannot remove a value. It stores an empty text, which is not shown. */
function changedFields(
  definitions: FieldDefinition[],
  stored: Record<string, string>,
  change: Record<string, string | null>,
  errors: Errors,
): { fields?: Record<string, string> } {
  const visible = definitions.filter((field) => !field.builtIn && isVisible(field))
  const changed: Record<string, string> = {}
  for (const [name, value] of Object.entries(change)) {
    const field = visible.find((one) => one.name === name)
    const text = (value ?? '').trim()
    const current = Object.hasOwn(stored, name) ? (stored[name] ?? '') : ''
    if (field ? isUnchanged(current, value ?? '') : value === null) continue
    const error = errorInChange(field, text)
    if (error) errors[`fields.${name}`] = error
    else changed[name] = text
  }
  if (Object.keys(changed).length === 0) return {}
  const longest = longestIfTooLong({ ...stored, ...changed })
  if (longest !== undefined)
    errors[`fields.${longest in changed ? longest : Object.keys(changed)[0]}`] = extraFieldsTooLong
  return { fields: changed }
}

function errorInChange(field: FieldDefinition | undefined, text: string): string | undefined {
  if (!field) return fieldErrors.unknown
  const { label } = field
  return isEditable(field) ? errorIn(field, text, FIELD_LIMIT) : fieldErrors.notEditable(label)
}

function isUnchanged(current: string, value: string): boolean {
  return value === current || value.trim() === current
}

function validateAttribute(definitions: FieldDefinition[], name: Attribute, text: string, errors: Errors): string {
  const field = attributeOf(definitions, name)
  const value = text.trim()
  const error = isEditable(field) ? errorIn(field, value, attributeLimits[name]) : value && notSettable(field)
  if (error) errors[name] = error
  return value
}

function notSettable(field: FieldDefinition | undefined): string {
  return isVisible(field) ? fieldErrors.notSettable(field.label) : fieldErrors.noDescription
}

function validateFields(
  definitions: FieldDefinition[],
  fields: Record<string, string>,
  errors: Errors,
): Record<string, string> {
  const open = definitions.filter((field) => !field.builtIn && isEditable(field))
  const values: Record<string, string> = {}
  for (const field of open) {
    const value = (fields[field.name] ?? '').trim()
    const error = errorIn(field, value, FIELD_LIMIT)
    if (error) errors[`fields.${field.name}`] = error
    else if (value !== '') values[field.name] = value
  }
  for (const name of Object.keys(fields)) {
    if (!open.some((field) => field.name === name)) errors[`fields.${name}`] = fieldErrors.unknown
  }
  const longest = longestIfTooLong(values)
  if (longest !== undefined) errors[`fields.${longest}`] = extraFieldsTooLong
  return values
}

function errorIn({ label, required, choices }: FieldDefinition, value: string, limit: TextLimit): string | undefined {
  if (value === '') return required ? fieldErrors.labelRequired(label) : undefined
  if (choices.length > 0) return choices.includes(value) ? undefined : fieldErrors.choices(label, choices)
  return textError(value, limit)
}
