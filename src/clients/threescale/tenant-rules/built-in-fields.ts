import type { FieldDefinition } from '../types.js'

interface BuiltIn {
  /** 3scale keeps their definitions required, visible and writable, and they cannot be deleted */
  always: string[]
  /** the tenant can define them as required, hidden or read-only like any other field */
  optional: string[]
}

/**
 * Attributes of the records that a tenant has definitions of, in addition to its extra fields (porta,
 * app/models/{account,user,cinstance}.rb: `required_fields_are`, `optional_fields_are`, `internal_fields_are`). They are
 * sent and returned flat, and are columns of the database, which extra fields are not.
 */
const builtIn: Record<FieldDefinition['target'], BuiltIn> = {
  account: {
    always: ['org_name'],
    optional:
      `billing_address business_category city country fiscal_code org_legaladdress org_legaladdress_cont po_number
      primary_business state_region telephone_number vat_code vat_rate zip`.split(/\s+/),
  },
  user: { always: ['username', 'email'], optional: ['first_name', 'job_role', 'last_name', 'title'] },
  application: { always: ['name'], optional: ['description'] },
}

export function isBuiltIn(target: FieldDefinition['target'], name: string): boolean {
  return isAlwaysDefined(target, name) || builtIn[target].optional.includes(name)
}

/** 3scale keeps these definitions required (porta, app/models/fields_definition.rb). */
export function isAlwaysDefined(target: FieldDefinition['target'], name: string): boolean {
  return builtIn[target].always.includes(name)
}

/** The definitions of an application's attributes in a new tenant (porta, account/provider_methods.rb). */
export const applicationDefaults: FieldDefinition[] = [
  attribute('name', 'Name', true),
  attribute('description', 'Description', false),
]

/**
 * The tenant's definition of an application's name or description; undefined if the tenant deleted the definition of the description,
 * which 3scale then does not return.
 */
export function attributeOf(definitions: FieldDefinition[], name: 'name' | 'description'): FieldDefinition | undefined {
  const defined = definitions.find((field) => field.target === 'application' && field.builtIn && field.name === name)
  return defined ?? applicationDefaults.find((field) => field.required && field.name === name)
}

/** True if developers may see the value. */
export function isVisible(field: FieldDefinition | undefined): field is FieldDefinition {
  return field !== undefined && !field.hidden
}

/** True if developers may also change the value. */
export function isEditable(field: FieldDefinition | undefined): field is FieldDefinition {
  return isVisible(field) && !field.readOnly
}

function attribute(name: string, label: string, required: boolean): FieldDefinition {
  return {
    target: 'application',
    name,
    label,
    builtIn: true,
    required,
    hidden: false,
    readOnly: false,
    choices: [],
  }
}
