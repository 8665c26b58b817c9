/** Formats of times, numbers and amounts in pages. */

export function formatAge(seconds: number): string {
  if (seconds < 90) return plural(Math.round(seconds), 'second')
  if (seconds < 5400) return plural(Math.round(seconds / 60), 'minute')
  if (seconds < 129_600) return plural(Math.round(seconds / 3600), 'hour')
  return plural(Math.round(seconds / 86_400), 'day')
}

// Formatters are created once, because their creation takes much longer than their use.
const grouped = new Intl.NumberFormat('en-US')
const money = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const smallMoney = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 4 })
const tinyMoney = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 2 })
const dates = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })

/** Tables of usage have thousands of whole numbers, for which this takes a tenth of the time of Intl. */
export function formatNumber(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) return grouped.format(value)
  let text = String(value)
  for (let at = text.length - 3; at > 0; at -= 3) text = `${text.slice(0, at)},${text.slice(at)}`
  return text
}

/** `1 call`, `1,200 calls`. */
export function plural(count: number, one: string, several = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : several}`
}

/** The text with its first character in upper case. */
export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

export function formatDate(iso: string): string {
  const date = new Date(iso)
  return Number.isNaN(date.getTime()) ? '' : dates.format(date)
}

/** The initials of a name. */
export function initials(name: string): string {
  const parts = name.split(/\s+/).filter(Boolean)
  return ((parts[0]?.[0] ?? '') + (parts.length > 1 ? (parts.at(-1)?.[0] ?? '') : '')).toUpperCase() || '?'
}

/** A price: `EUR 12.34`. Small ones have more decimals. */
export function formatMoney(amount: number, currency: string | null): string {
  const isSmall = amount !== 0 && Math.abs(amount) < 0.1
  const format = isSmall && Math.abs(amount) < 0.0001 ? tinyMoney : isSmall ? smallMoney : money
  return withCurrency(format.format(amount), currency)
}

/** A cost: `EUR 12.34`, and `< EUR 0.01` for what is less than that. */
export function formatCost(amount: number, currency: string | null): string {
  if (amount > 0 && amount < 0.01) return `< ${withCurrency(money.format(0.01), currency)}`
  return withCurrency(money.format(amount), currency)
}

function withCurrency(amount: string, currency: string | null): string {
  return currency === null ? amount : `${currency} ${amount}`
}
