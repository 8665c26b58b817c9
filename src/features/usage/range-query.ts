import { DateTime } from 'luxon'
import { problem } from '../../errors.js'
import { knownZone } from './zones.js'

export type Granularity = 'hour' | 'day' | 'month'

export const presets = { '24h': '24 hours', '7d': '7 days', '30d': '30 days', '90d': '90 days', '12m': '12 months' }
export type Preset = keyof typeof presets

/** Of pages and API alike, as it was typed. */
export interface RangeQuery {
  /** one of `presets`; `since` and `until` go before it */
  range?: string | undefined
  since?: string | undefined
  until?: string | undefined
  granularity?: string | undefined
  /** a zone of the tz database; days and months are those of this zone */
  tz?: string | undefined
}

export interface Asked {
  zone: string
  /** undefined where since or until say it */
  preset: Preset | undefined
  since: DateTime | undefined
  until: DateTime | undefined
  /** a day that is named as the end is in the range, a time is not */
  untilIsDay: boolean
  granularity: Granularity | undefined
}

/** What the fields mean, each by itself. Throws invalid_fields that names every field that means nothing. */
export function askedOf({ range, since, until, granularity, tz }: RangeQuery): Asked {
  const errors: Record<string, string> = {}
  const zone = tz ? knownZone(tz) : 'UTC'
  if (!zone) errors.tz = 'There is no such time zone. Write it like Europe/Madrid.'
  if (range && !Object.hasOwn(presets, range)) errors.range = `Use one of ${Object.keys(presets).join(', ')}.`
  if (granularity && !/^(hour|day|month)$/.test(granularity)) errors.granularity = 'Use hour, day or month.'
  const time = (field: 'since' | 'until', value: string | undefined) => {
    const found = value ? timeOf(value, zone ?? 'UTC') : undefined
    if (value && !found) errors[field] = 'Write a day like 2026-03-01, or a time like 2026-03-01T10:00:00Z.'
    return found
  }
  const [from, to] = [time('since', since), time('until', until)]
  if (!zone || Object.keys(errors).length > 0) throw problem('invalid_fields', { fields: errors })
  return {
    zone,
    preset: from || to ? undefined : ((range || '30d') as Preset),
    since: from,
    until: to,
    untilIsDay: until !== undefined && !/T/i.test(until),
    granularity: granularity ? (granularity as Granularity) : undefined,
  }
}

const shape = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?)?$/i

function timeOf(value: string, zone: string): DateTime | undefined {
  // a plus sign that was not escaped in the query arrives as a space
  const text = value.trim().replace(/ (\d{2}:\d{2})$/, '+$1')
  const time = shape.test(text) ? DateTime.fromISO(text.toUpperCase(), { zone }) : undefined
  return time?.isValid && time.year >= 2000 && time.year < 2200 ? time : undefined
}
