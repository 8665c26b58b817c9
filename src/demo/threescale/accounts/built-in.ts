import type { FieldDefinition } from '../store.js'

type Target = FieldDefinition['target']

/** Columns that a definition may name; `default` ones have a definition in every tenant (porta, user.rb, account.rb, cinstance.rb). */
export const BUILT_IN: Record<Target, string[]> = {
  Account: [
    'org_name',
    'org_legaladdress',
    'org_legaladdress_cont',
    'city',
    'state_region',
    'zip',
    'country',
    'telephone_number',
    'primary_business',
    'business_category',
    'po_number',
    'vat_code',
    'vat_rate',
    'fiscal_code',
  ],
  User: ['username', 'email', 'title', 'first_name', 'last_name', 'job_role'],
  Cinstance: ['name', 'description'],
}

export const DEFAULT_FIELDS: { target: Target; name: string; label: string; required: boolean }[] = [
  { target: 'Account', name: 'org_name', label: 'Organization/Group Name', required: true },
  { target: 'User', name: 'username', label: 'Username', required: true },
  { target: 'User', name: 'email', label: 'Email', required: true },
  { target: 'Cinstance', name: 'name', label: 'Name', required: true },
  { target: 'Cinstance', name: 'description', label: 'Description', required: false },
]

/** Fields that a record is not without, whatever its definition says: their definitions cannot be deleted. */
export const REQUIRED_BY_3SCALE: Record<Target, string[]> = {
  Account: ['org_name'],
  User: ['username', 'email'],
  Cinstance: ['name'],
}
