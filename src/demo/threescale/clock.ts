/** Instants of records: now, and never twice the same, so that a tag of times reflects every change. */
export function createClock() {
  let last = 0
  let fixed: number | undefined
  return {
    now: () => {
      last = Math.max(last + 1, fixed ?? Date.now())
      return last
    },
    /** Sets a past time for the records of a seed; undefined restores the current time. */
    set(at: number | undefined) {
      fixed = at
      last = 0
    },
  }
}

export type Clock = ReturnType<typeof createClock>

export interface Local {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** ISO 8601 as porta writes it: `2026-03-01T10:00:00+01:00`, `Z` for UTC. */
export function time(at: number, zone: string): string {
  const { timeZoneName = '', ...parts } = partsOf(at, zone)
  const offset = timeZoneName.replace('GMT', '').replace('+00:00', '') || 'Z'
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:${parts.second}${offset}`
}

export function localOf(at: number, zone: string): Local {
  const { year, month, day, hour, minute, second } = partsOf(at, zone)
  return {
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
  }
}

/** Months and days out of range roll over, as with `Date.UTC`. */
export function instantOf({ year, month, day, hour, minute, second }: Local, zone: string): number {
  const wall = Date.UTC(year, month - 1, day, hour, minute, second)
  const guess = wall - offsetAt(wall, zone)
  return wall - offsetAt(guess, zone)
}

/** A name of the tz database, or one of Rails' cities (`Madrid`); undefined for neither. */
export function zoneNamed(name: string): string | undefined {
  if (name === 'UTC') return 'Etc/UTC'
  const city = name.replaceAll(' ', '_')
  const known = Intl.supportedValuesOf('timeZone')
  return known.find((zone) => zone === name) ?? known.find((zone) => zone.split('/').at(-1) === city) ?? tryZone(name)
}

function tryZone(name: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) && name
  } catch {
    return undefined
  }
}

function offsetAt(at: number, zone: string): number {
  const { year, month, day, hour, minute, second } = localOf(at, zone)
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000
}

function partsOf(at: number, zone: string): Record<string, string> {
  const format = formats.get(zone) ?? formatOf(zone)
  formats.set(zone, format)
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'longOffset',
  })
}
