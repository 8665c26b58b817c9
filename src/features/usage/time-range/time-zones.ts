import { zoneNamed } from './zone-offsets.js'

/**
 * The canonical name of a zone from user input, or undefined. Luxon and Intl cache data per spelling for the lifetime of the
 * process, so they receive canonical names only.
 */
export function canonicalZone(name: string | undefined): string | undefined {
  const key = name?.trim().toLowerCase() ?? ''
  if (!/^[a-z][a-z0-9_+\-/]{1,63}$/.test(key)) return undefined
  const zone = spellings.get(key) ?? lookUpZone(key)
  if (zone) spellings.set(key, zone)
  return zone
}

/** Resolves an alias such as `US/Eastern`. There are about 200 aliases, so the cache is bounded. */
function lookUpZone(key: string): string | undefined {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: key }).resolvedOptions()
    return spellings.get(timeZone.toLowerCase()) ?? timeZone
  } catch {
    return undefined
  }
}

/** `UTC+05:30` for this zone at this time. */
export function formatOffset(zone: string, at: number): string {
  const offset = zoneNamed(zone).offset(at)
  if (offset === 0) return 'UTC'
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60]
  const two = (value: number) => String(value).padStart(2, '0')
  return `UTC${offset < 0 ? '-' : '+'}${two(hours)}:${two(minutes)}`
}

/** 3scale counts full hours in UTC. In a zone with a half-hour offset, a day starts within such an hour. */
export function splitsHours(zone: string, at: number): boolean {
  return zoneNamed(zone).offset(at) % 60 !== 0
}

/** Suggestions of the form; any other zone can be entered. */
export const commonZones = [
  'UTC',
  'Africa/Cairo',
  'Africa/Johannesburg',
  'Africa/Lagos',
  'America/Bogota',
  'America/Chicago',
  'America/Denver',
  'America/Los_Angeles',
  'America/New_York',
  'America/Sao_Paulo',
  'America/Toronto',
  'Asia/Dubai',
  'Asia/Hong_Kong',
  'Asia/Jerusalem',
  'Asia/Kolkata',
  'Asia/Seoul',
  'Asia/Shanghai',
  'Asia/Singapore',
  'Asia/Tokyo',
  'Australia/Sydney',
  'Europe/Berlin',
  'Europe/Istanbul',
  'Europe/London',
  'Europe/Madrid',
  'Europe/Paris',
  'Europe/Warsaw',
  'Europe/Zurich',
  'Pacific/Auckland',
]

/** Names in lower case. Those offered above keep their spelling where Intl still has an older name: Asia/Kolkata. */
const spellings = new Map(
  [...Intl.supportedValuesOf('timeZone'), ...commonZones].map((zone): [string, string] => [zone.toLowerCase(), zone]),
)
