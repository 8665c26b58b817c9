/** Messages of rate and concurrency limits. */

import { plural } from '../pages/format.js'

export function tooManyRequests(seconds: number): string {
  return `Too many requests in the last minute. Try again in ${seconds === 1 ? 'a second' : plural(seconds, 'second')}.`
}

export function tooManyModelCalls(limit: number): string {
  return `You already have ${plural(limit, 'request')} in progress. Wait until one ends, or stop one, and try again.`
}

export const TOO_MANY_REPORTS =
  'Too many of your usage reports are being computed. Wait until they are done and try again.'
