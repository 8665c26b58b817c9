import { DateTime } from 'luxon'
import { problem } from '../../../errors.js'
import { presetLabels, rangeErrors } from './messages.js'
import { canonicalZone } from './time-zones.js'
import { zoneNamed } from './zone-offsets.js'

export type UsageGranularity = 'hour' | 'day' | 'month'

export const rangePresets = presetLabels
export type RangePreset = keyof typeof rangePresets

/** The query of pages and API, unvalidated. */
export interface RangeQuery {
  /** one of `rangePresets`; not together with `since` or `until` */
  range?: string | undefined
  since?: string | undefined
  until?: string | undefined
  granularity?: string | undefined
  /** name in the tz database, for days and months */
  tz?: string | undefined
}

export interface ParsedRangeQuery {
  zone: string
  /** undefined if since or until is present */
  preset: RangePreset | undefined
  since: DateTime | undefined
  until: DateTime | undefined
  /** an end that is a day is included in the range; a time is not */
  untilIsDay: boolean
  granularity: UsageGranularity | undefined
}

/** Validates each field. Throws invalid_fields with a message for every invalid field. */
export function parseRangeQuery({ range, since, until, granularity, tz }: RangeQuery): ParsedRangeQuery {
  const errors: Record<string, string> = {}
  const zone = tz ? canonicalZone(tz) : 'UTC'
  if (!zone) errors.tz = rangeErrors.zone
  if (range && !Object.hasOwn(rangePresets, range))
    errors.range = rangeErrors.preset(Object.keys(rangePresets).join(', '))
  if (range && (since || until)) errors.range ??= rangeErrors.conflict
  if (granularity && !/^(hour|day|month)$/.test(granularity)) errors.granularity = rangeErrors.granularity
  const time = (field: 'since' | 'until', value: string | undefined) => {
    const parsed = value ? parseTime(value, zone ?? 'UTC') : undefined
    if (value && !parsed) errors[field] = rangeErrors.time
    return parsed
  }
  const [from, to] = [time('since', since), time('until', until)]
  if (!zone || Object.keys(errors).length > 0) throw problem('invalid_fields', { fields: errors })
  return {
    zone,
    preset: from || to ? undefined : ((range || '30d') as RangePreset),
    since: from,
    until: to,
    untilIsDay: until !== undefined && !/T/i.test(until),
    granularity: granularity ? (granularity as UsageGranularity) : undefined,
  }
}

const TIME_PATTERN = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?)?$/i

function parseTime(value: string, zone: string): DateTime | undefined {
  // An unescaped plus sign in a query is decoded as a space.
  const text = value.trim().replace(/ (\d{2}:\d{2})$/, '+$1')
  const time = TIME_PATTERN.test(text) ? DateTime.fromISO(text.toUpperCase(), { zone: zoneNamed(zone) }) : undefined
  return time?.isValid && time.year >= 2000 && time.year < 2200 ? time : undefined
}
