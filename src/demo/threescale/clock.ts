/** The tenant's zone; times are written in it, without a fraction. */
export const ZONE = 'Europe/Madrid'

const zoned = new Intl.DateTimeFormat('sv-SE', {
  timeZone: ZONE,
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'longOffset',
})

export function time(at: number): string {
  const parts = Object.fromEntries(zoned.formatToParts(at).map(({ type, value }) => [type, value]))
  const offset = (parts.timeZoneName ?? '').replace('GMT', '') || 'Z'
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:${parts.second}${offset}`
}
