/** Words that several pages share: times, numbers, periods. */

export function ageWords(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} seconds`
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes`
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} hours`
  return `${Math.round(seconds / 86_400)} days`
}

const grouped = new Intl.NumberFormat('en-US')

export function number(value: number): string {
  return grouped.format(value)
}

export function dateWords(iso: string): string {
  const date = new Date(iso)
  return Number.isNaN(date.getTime())
    ? ''
    : date.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })
}

/** Two letters for somebody without a picture. */
export function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean)
  return ((words[0]?.[0] ?? '') + (words.length > 1 ? (words.at(-1)?.[0] ?? '') : '')).toUpperCase() || '?'
}

/** `EUR 12.34`; small sums keep the digits that tell something. */
export function money(amount: number, currency: string | null): string {
  if (amount > 0 && amount < 0.0001) return `less than ${money(0.0001, currency)}`
  const digits = amount !== 0 && Math.abs(amount) < 0.1 ? 4 : 2
  const text = amount.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: digits })
  return currency === null ? text : `${currency} ${text}`
}
