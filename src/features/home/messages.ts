import { formatNumber, plural } from '../../web/pages/format.js'

export const titles = {
  visitor: 'Welcome',
  dashboard: 'Home',
  greeting: (name: string) => `Welcome back, ${name}`,
  firstVisit: (name: string) => `Welcome, ${name}`,
}

export const seeAllModels = (count: number) => `View all ${plural(count, 'model')}`
export const seeAllApplications = (count: number) =>
  count === 1 ? 'View all applications' : `View all ${plural(count, 'application')}`

/** The period that the last 24 hours are compared with. */
export const PREVIOUS_DAY = 'the previous 24 hours'

export const tiles = {
  calls: 'Calls, last 24 hours',
  tokens: 'Tokens, last 24 hours',
  limit: 'Closest limit',
  limitUsed: (share: number) => (share < 0.01 && share > 0 ? 'under 1%' : `${Math.floor(share * 100)}%`),
}

export const callsOf = (count: number) => plural(count, 'call')

export const remarks = {
  incomplete: '3scale did not return all numbers. Reload the page in a minute.',
  coverage: (shown: number, inUse: number) =>
    `These totals cover the ${formatNumber(shown)} most recently used of ${plural(inUse, 'application')} in use.`,
}
