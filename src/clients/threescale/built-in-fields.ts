import type { FieldDefinition } from './nouns.js'

interface BuiltIn {
  /** 3scale keeps their definitions required, visible and writable, and lets nobody delete them */
  always: string[]
  /** attributes that are defined like any other field: required, hidden or read-only as the tenant wants */
  optional: string[]
}

/**
 * Attributes of the records themselves that a tenant has definitions of, beside its extra fields (porta,
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

/** True for those whose definition 3scale itself keeps required (porta, app/models/fields_definition.rb). */
export function isAlwaysDefined(target: FieldDefinition['target'], name: string): boolean {
  return builtIn[target].always.includes(name)
}

/** The definitions of an application's own attributes that every tenant begins with (porta, account/provider_methods.rb). */
export const applicationDefaults: FieldDefinition[] = [
  attribute('name', 'Name', true),
  attribute('description', 'Description', false),
]

/**
 * The name or the description of an application as the tenant defines it; undefined where the tenant deleted the definition
 * of the description: 3scale does not return one then.
 */
export function attributeOf(definitions: FieldDefinition[], name: 'name' | 'description'): FieldDefinition | undefined {
  const defined = definitions.find((field) => field.target === 'application' && field.builtIn && field.name === name)
  return defined ?? applicationDefaults.find((field) => field.required && field.name === name)
}

/** True where developers may see what it holds. */
export function isShown(field: FieldDefinition | undefined): field is FieldDefinition {
  return field !== undefined && !field.hidden
}

/** True where they may write it too. */
export function isOpen(field: FieldDefinition | undefined): field is FieldDefinition {
  return isShown(field) && !field.readOnly
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
