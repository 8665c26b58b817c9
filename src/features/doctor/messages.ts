import { plural } from '../../web/pages/format.js'
import type { Severity } from './findings/finding-types.js'

/** Text of the doctor's pages and reports. Findings have theirs in findings/ and checks/. */
export const doctorPageMessages = {
  title: 'Doctor',
  run: 'Run checks',
  runAgain: 'Run again',
  severities: {
    error: { section: 'Errors', label: 'Error', color: 'red' },
    warning: { section: 'Warnings', label: 'Warning', color: 'orange' },
    info: { section: 'Information', label: 'Info', color: 'blue' },
  } satisfies Record<Severity, object>,
  more: (count: number) => `Show ${count} more`,
  ofProduct: (product: string | null) => (product === null ? '' : ` (${product})`),
  summary: (counts: string, products: number, calls: number, age: string) =>
    `${counts}. ${plural(products, 'product')}, ${plural(calls, 'call')}, ${age} ago.`,
}

export function countOf(severity: Severity, count: number): string {
  return plural(count, severity, severity === 'info' ? severity : `${severity}s`)
}

export const textReportMessages = {
  heading: (tenant: string, products: number, calls: number) =>
    `${tenant}: ${plural(products, 'product')}, ${plural(calls, 'call')}`,
  incomplete: ' Some checks could not run.',
  why: 'Why',
  fix: 'Fix',
  more: (count: number) => `${count} more (use --json)`,
}

export const runMessages = {
  productsInTime: (checked: number, all: number) => `${checked} of ${all} products were checked in time.`,
  redis: (reason: string) => `Redis: ${reason}.`,
  clock: (host: string, seconds: number) =>
    `The clock of ${host} is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'behind'}.`,
  checkFailed: (check: string, error: string) => `The check “${check}” ended with ${error}.`,
  unknownError: 'an error',
  unchecked: (reason: string, unchecked: string) => `${reason} Not checked: ${unchecked}.`,
}

export const visibilityMessages = {
  title: 'Why can’t I see this model?',
  /** Shown to every user, whatever the model. */
  general: [
    'The name is different. Models are identified by the name in their address; search for a part of it.',
    'The model is not published yet. It appears within a minute after it is promoted and has a published plan.',
    'The model was withdrawn, permanently or temporarily.',
    'The model is limited to certain groups. If you were added to a group, sign out and sign in again.',
    'Your organisation does not have access to the model. The operator of this portal can grant it.',
  ],
  unknownProduct: (systemName: string, similar: string[]) =>
    `3scale has no product with the system name “${systemName}”.${
      similar.length > 0 ? ` Similar: ${similar.join(', ')}.` : ''
    }`,
  notPromoted:
    'It has no usable production configuration: it was never promoted, has no public base URL, or uses an unsupported authentication mode.',
  noPlan: 'It has no published application plan.',
  hidden: 'PORTAL_CONFIG excludes it (`hidden: true`).',
  groups: (groups: string) =>
    `PORTAL_CONFIG shows it to members of ${groups} only. Groups are read at sign-in: after a change, sign out and sign in again. If a user has too many groups, the identity provider may omit them; the doctor then reports claim_omitted.`,
  servicePlans: 'The tenant shows service plans: only accounts with a live subscription to the product see it.',
  noUser: (user: string) => `3scale has no user “${user}”. A new user must sign up first.`,
  accountState: (account: string, state: string) => `The account “${account}” is ${state}, not approved.`,
  userState: (state: string) => `The user is ${state}, not active.`,
  subscription: (state: string | undefined) =>
    `The tenant shows service plans, and the account’s subscription to the product ${
      state === undefined ? 'is missing' : `is ${state}`
    }.`,
  visible: (seconds: number) =>
    `The model is visible. A change in 3scale takes effect within ${seconds} s, and a search may exclude it.`,
}
