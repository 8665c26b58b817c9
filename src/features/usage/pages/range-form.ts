import { rangeDays } from '../time-range/format.js'
import { rangePresets, type UsageRange } from '../time-range/range.js'
import { commonZones, formatOffset, splitsHours } from '../time-range/time-zones.js'
import { rangeForm, zoneMessages } from './messages.js'

const zoneOptions = commonZones.map((value) => ({ value }))
const presetOptions = Object.entries(rangePresets)

/** The submitted form, with the messages of invalid fields. */
export interface RangeFormState {
  /** of the page, without query */
  path: string
  query: Record<string, string>
  errors: Record<string, string>
  /** false: the time zone of the browser is unknown */
  isZoneKnown: boolean
}

/** The form for a time range and its time zone. */
export function rangeFormView(
  { range, tenantZone }: { range: UsageRange; tenantZone: string | undefined },
  { path, query, errors, isZoneKnown }: RangeFormState,
) {
  const filters = Object.entries(query).filter(([name]) => name === 'metric' || name === 'model')
  const href = (extra: Record<string, string>) =>
    `${path}?${new URLSearchParams([...filters, ...Object.entries(extra)])}`
  const field = (name: string, fallback: string) => ({ value: query[name] ?? fallback, error: errors[name] ?? '' })
  // Browsers clear a date field whose value is not a day.
  const dayField = (name: string, fallback: string) => {
    const { value, error } = field(name, fallback)
    return { value, error, type: /^\d{4}-\d\d-\d\d$/.test(value) ? 'date' : 'text' }
  }
  const days = rangeDays(range)
  return {
    path,
    presets: presetOptions.map(([key, label]) => ({
      label,
      href: href({ range: key }),
      current: range.preset === key,
    })),
    since: dayField('since', days.first),
    until: dayField('until', days.last),
    tz: field('tz', range.requestedZone),
    granularity: {
      error: errors.granularity ?? '',
      options: [
        { value: '', label: rangeForm.automatic, selected: !query.granularity },
        ...(['hour', 'day', 'month'] as const).map((value) => ({
          value,
          label: rangeForm.granularities[value],
          selected: query.granularity === value,
        })),
      ],
    },
    error: errors.range ?? errors.metric ?? '',
    hidden: filters.map(([name, value]) => ({ name, value })),
    zones: zoneOptions,
    open: Object.keys(errors).length > 0 || range.preset === undefined,
    zone: range.requestedZone,
    isZoneKnown,
    zoneNote: describeZone(range, tenantZone),
    downloads: downloadLinks(path, range, [
      ...filters,
      ...(query.page ? [['page', query.page] as [string, string]] : []),
    ]),
  }
}

function describeZone(range: UsageRange, tenantZone: string | undefined): string {
  const { requestedZone, zone, until } = range
  const at = Math.max(range.since, until - 1)
  return [
    zoneMessages.displayed(requestedZone, formatOffset(requestedZone, at)),
    zone === requestedZone ? '' : zoneMessages.utcOnly,
    tenantZone && tenantZone !== requestedZone ? zoneMessages.tenant(tenantZone, formatOffset(tenantZone, at)) : '',
    splitsHours(zone, at) ? zoneMessages.splitHours : '',
  ]
    .filter(Boolean)
    .join(' ')
}

/** Links with the exact range, so that a later download covers the same time. */
function downloadLinks(path: string, range: UsageRange, filters: [string, string][]) {
  const iso = (at: number) => new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z')
  const query = new URLSearchParams([
    ...filters,
    ['since', iso(range.since)],
    ['until', iso(range.until)],
    ['granularity', range.granularity],
    ['tz', range.requestedZone],
  ])
  const sums = `${path}.csv?${query}&table=applications`
  const semicolons = (href: string) => `${href}&separator=semicolon`
  const csv = `${path}.csv?${query}`
  return { csv, csvSemicolons: semicolons(csv), json: `${path}.json?${query}`, sums, sumsSemicolons: semicolons(sums) }
}
