import { DateTime, IANAZone } from 'luxon'

/** The zone as the tz database names it, or undefined: what people type and what cookies hold is checked here. */
export function knownZone(name: string | undefined): string | undefined {
  const trimmed = name?.trim() ?? ''
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]{1,63}$/.test(trimmed) || !IANAZone.isValidZone(trimmed)) return undefined
  return trimmed === 'Etc/UTC' || trimmed === 'utc' ? 'UTC' : trimmed
}

/** `UTC+05:30` for that zone at that time. */
export function offsetWords(zone: string, at: number): string {
  const { offset } = DateTime.fromMillis(at, { zone })
  if (offset === 0) return 'UTC'
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60]
  const two = (value: number) => String(value).padStart(2, '0')
  return `UTC${offset < 0 ? '-' : '+'}${two(hours)}:${two(minutes)}`
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
