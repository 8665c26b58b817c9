const LONGEST_S = 24 * 3600

/** Whole seconds, up to a day, that an answer asks to wait (RFC 9110, 10.2.3); undefined where it does not, or for a date. */
export function retryAfterIn(headers: Record<string, string>): number | undefined {
  const seconds = Number(headers['retry-after'])
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(Math.ceil(seconds), LONGEST_S) : undefined
}
