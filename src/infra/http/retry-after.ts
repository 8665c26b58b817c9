const MAX_SECONDS = 24 * 3600

/** The seconds in Retry-After (RFC 9110 section 10.2.3), at most a day; undefined without the header or for a date. */
export function retryAfterIn(headers: Record<string, string>): number | undefined {
  const seconds = Number(headers['retry-after'])
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(Math.ceil(seconds), MAX_SECONDS) : undefined
}
