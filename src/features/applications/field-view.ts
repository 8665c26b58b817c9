import { COLUMN_CHARACTERS } from '../../clients/threescale/text.js'
import type { FieldSpec } from '../models/schemas.js'
import { DESCRIPTION_CHARACTERS } from './schemas.js'

/** The name and the description of an application as its tenant labels and requires them, for a form. */
export function attributesView({
  attributes,
  values,
  errors,
}: {
  attributes: FieldSpec[]
  values: Record<string, string>
  errors: Record<string, string>
}) {
  return attributes.map((field) =>
    fieldView(field, {
      id: field.name,
      value: values[field.name],
      error: errors[field.name],
      max: field.name === 'name' ? COLUMN_CHARACTERS : DESCRIPTION_CHARACTERS,
    }),
  )
}

/** One field of a form; a required choice begins with its first value. */
export function fieldView(
  { label, required, choices }: FieldSpec,
  given: { id: string; value: string | undefined; error: string | undefined; max: number },
) {
  const value = given.value ?? (required ? (choices[0] ?? '') : '')
  return {
    id: given.id,
    label,
    required,
    value,
    max: String(given.max),
    error: given.error ?? '',
    choices: choices.map((choice) => ({ value: choice, selected: choice === value })),
    isChoice: choices.length > 0,
  }
}
