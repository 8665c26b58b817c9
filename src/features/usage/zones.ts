import { DateTime } from 'luxon'

/**
 * The canonical name of the zone, or undefined: what people type and what cookies hold is checked here. Luxon and Intl keep data
 * for each spelling of a zone for as long as the process lives, so they are given no other spelling.
 */
export function knownZone(name: string | undefined): string | undefined {
  const key = name?.trim().toLowerCase() ?? ''
  if (!/^[a-z][a-z0-9_+\-/]{1,63}$/.test(key)) return undefined
  const zone = spellings.get(key) ?? canonical(key)
  if (zone) spellings.set(key, zone)
  return zone
}

/** Of an alias such as `US/Eastern`. There are some 200 aliases, so what is remembered of them is bounded. */
function canonical(key: string): string | undefined {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: key }).resolvedOptions()
    return spellings.get(timeZone.toLowerCase()) ?? timeZone
  } catch {
    return undefined
  }
}

/** `UTC+05:30` for that zone at that time. */
export function offsetWords(zone: string, at: number): string {
  const { offset } = DateTime.fromMillis(at, { zone })
  if (offset === 0) return 'UTC'
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60]
  const two = (value: number) => String(value).padStart(2, '0')
  return `UTC${offset < 0 ? '-' : '+'}${two(hours)}:${two(minutes)}`
}

const DAY_MS = 86_400_000

/**
 * Minutes that the zone is ahead of UTC at each of these times, which are in order. A zone does not change its offset twice
 * within a day, so times between two of the same offset are not looked up.
 */
export function offsetsAt(times: number[], zone: string): number[] {
  const offsetAt = (at: number) => DateTime.fromMillis(at, { zone }).offset
  const offsets: number[] = []
  for (let start = 0; start < times.length; ) {
    const from = times[start] ?? 0
    let end = start
    while (end + 1 < times.length && (times[end + 1] ?? 0) - from < DAY_MS) end++
    const [first, last] = [offsetAt(from), offsetAt(times[end] ?? from)]
    for (let index = start; index <= end; index++)
      offsets.push(first === last || index === start ? first : offsetAt(times[index] ?? from))
    start = end + 1
  }
  return offsets
}

/** 3scale's hours are hours of UTC: where a zone is half an hour beside them, days begin inside one. */
export function splitsHours(zone: string, at: number): boolean {
  return DateTime.fromMillis(at, { zone }).offset % 60 !== 0
}

/** Zones to pick from; every other one can be typed. */
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
