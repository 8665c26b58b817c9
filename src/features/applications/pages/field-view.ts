import { COLUMN_CHARACTERS } from '../../../clients/threescale/tenant-rules/text-limits.js'
import type { FieldSpec } from '../../models/schemas.js'
import { DESCRIPTION_CHARACTERS } from '../schemas.js'

/** Form fields for name and description, as the tenant labels and requires them. */
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

/** A form field. A required choice is preset to its first value. */
export function fieldView(
  { label, required, choices }: FieldSpec,
  field: { id: string; value: string | undefined; error: string | undefined; max: number },
) {
  const value = field.value ?? (required ? (choices[0] ?? '') : '')
  return {
    id: field.id,
    label,
    required,
    value,
    max: String(field.max),
    error: field.error ?? '',
    choices: choices.map((choice) => ({ value: choice, selected: choice === value })),
    isChoice: choices.length > 0,
  }
}
