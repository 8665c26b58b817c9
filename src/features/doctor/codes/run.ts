import type { Rule } from './shape.js'

/** What a run could not check, and why. */
export const run = {
  threescale_unreachable: {
    severity: 'error',
    title: '3scale does not answer',
    why: 'Nothing of the tenant can be checked, and the portal shows its last catalogue only.',
    fix: 'Check THREESCALE_ADMIN_URL, the network policy, HTTPS_PROXY and EXTRA_CA_FILE.',
    hides: true,
  },
  token_refused: {
    severity: 'error',
    title: '3scale does not accept the access token',
    why: 'Nothing works without it: 3scale answers 403 to everything.',
    fix: 'Create a token in the admin portal of this tenant and set THREESCALE_ACCESS_TOKEN; tokens can expire.',
    place: 'tokens',
    hides: true,
  },
  token_scope_account: {
    severity: 'error',
    title: 'The access token lacks the scope account_management',
    why: 'Products, accounts and applications cannot be read.',
    fix: 'Create a token with the scopes “Account Management API” and “Analytics API”, Read & Write.',
    place: 'tokens',
    hides: true,
  },
  call_failed: {
    severity: 'error',
    title: 'A call to 3scale failed',
    why: 'The checks that need its answer were not made. All others were.',
    fix: 'Run the checks again. If the call fails again, look for it in the log of 3scale (system-app).',
    hides: true,
  },
  call_refused: {
    severity: 'warning',
    title: '3scale refuses a call to the access token',
    why: 'The checks that need its answer were not made, and the portal may be refused the same call.',
    fix: 'Use a token with the scopes “Account Management API” and “Analytics API” whose owner is an admin.',
    place: 'tokens',
    hides: true,
  },
  product_unread: {
    severity: 'error',
    title: 'The settings of the product could not be read',
    why: 'Mistakes in these settings are not found. The other checks of the product were made.',
    fix: 'Run the checks again. If the call fails again, look for it in the log of 3scale (system-app).',
    place: 'product',
    hides: true,
  },
  check_failed: {
    severity: 'error',
    title: 'A check stopped with an error of its own',
    why: 'This is a defect of the portal. The other checks were made.',
    fix: 'Report the name of the check and of the error to the maintainers of the portal.',
    hides: true,
  },
  run_cut_off: {
    severity: 'warning',
    title: 'The run ended before everything was checked',
    why: 'Mistakes in what was not checked are not found.',
    fix: 'Run `maas-portal doctor`, which takes ten minutes at most; the page takes two.',
    hides: true,
  },
  tenant_beyond_budget: {
    severity: 'info',
    title: 'The tenant has more accounts, applications or plans than a run reads',
    why: 'Duplicates and missing keys among those that were not read are not found.',
    fix: 'Nothing is wrong. Where you suspect duplicates, look for them in 3scale’s database.',
  },
} as const satisfies Record<string, Rule>
