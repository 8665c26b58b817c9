import type { FindingType } from './finding-types.js'

/** Checks that a run could not complete. */
export const runFindings = {
  threescale_unreachable: {
    severity: 'error',
    title: '3scale is not responding',
    why: 'The tenant cannot be checked, and the portal serves its last catalogue.',
    fix: 'Check THREESCALE_ADMIN_URL, the network policy, HTTPS_PROXY and EXTRA_CA_FILE.',
    isIncomplete: true,
  },
  threescale_token_rejected: {
    severity: 'error',
    title: '3scale rejects the access token',
    why: 'The portal cannot work without a valid token: 3scale rejects every call with 403.',
    fix: 'Create a token in the admin portal of this tenant and set THREESCALE_ACCESS_TOKEN. Tokens can expire.',
    adminPage: 'tokens',
    isIncomplete: true,
  },
  threescale_token_scope_account: {
    severity: 'error',
    title: 'The 3scale access token lacks the scope account_management',
    why: 'Products, accounts and applications cannot be read.',
    fix: 'Create a token with the scopes “Account Management API” and “Analytics API”, Read & Write.',
    adminPage: 'tokens',
    isIncomplete: true,
  },
  call_failed: {
    severity: 'error',
    title: 'A call to 3scale failed',
    why: 'Checks that depend on its response were skipped. All other checks ran.',
    fix: 'Run the checks again. If the call fails again, search the log of 3scale (system-app) for it.',
    isIncomplete: true,
  },
  call_refused: {
    severity: 'warning',
    title: '3scale refused a call with this access token',
    why: 'Checks that depend on its response were skipped, and the portal may be refused the same call.',
    fix: 'Use a token with the scopes “Account Management API” and “Analytics API” that belongs to an admin.',
    adminPage: 'tokens',
    isIncomplete: true,
  },
  product_unreadable: {
    severity: 'error',
    title: 'The settings of the product could not be read',
    why: 'Mistakes in these settings are not detected. The other checks of the product ran.',
    fix: 'Run the checks again. If the call fails again, search the log of 3scale (system-app) for it.',
    adminPage: 'product',
    isIncomplete: true,
  },
  check_failed: {
    severity: 'error',
    title: 'A check ended with an internal error',
    why: 'This is a defect of the portal. The other checks ran.',
    fix: 'Report the names of the check and of the error to the maintainers of the portal.',
    isIncomplete: true,
  },
  run_timed_out: {
    severity: 'warning',
    title: 'The run ended before all checks were complete',
    why: 'Mistakes in the unchecked parts are not detected.',
    fix: 'Run `maas-portal doctor`, which takes up to ten minutes. A run from the page is limited to two.',
    isIncomplete: true,
  },
  tenant_limit_exceeded: {
    severity: 'info',
    title: 'The tenant has more accounts, applications or plans than a run reads',
    why: 'Duplicates and missing keys among the remaining records are not detected.',
    fix: 'No action is required. If you suspect duplicates, search the database of 3scale.',
  },
} as const satisfies Record<string, FindingType>
