import { presets, type Range } from './range.js'
import { dayOf } from './time-words.js'
import { commonZones, offsetWords, splitsHours } from './zones.js'

/** What was asked for, as it was asked. */
export interface Choice {
  /** of the page, without query */
  path: string
  query: Record<string, string>
  errors: Record<string, string>
  /** false: the time zone of the browser is not known yet */
  zoneKnown: boolean
}

/** The choice of a range, and where the days begin. */
export function choiceView(
  { range, tenantZone }: { range: Range; tenantZone: string | undefined },
  { path, query, errors, zoneKnown }: Choice,
) {
  const kept = Object.entries(query).filter(([name]) => name === 'metric' || name === 'model')
  const href = (extra: Record<string, string>) => `${path}?${new URLSearchParams([...kept, ...Object.entries(extra)])}`
  const field = (name: string, shown: string) => ({ value: query[name] ?? shown, error: errors[name] ?? '' })
  // a browser's date field empties itself of anything but a day
  const dayField = (name: string, shown: string) => {
    const { value, error } = field(name, shown)
    return { value, error, type: /^\d{4}-\d\d-\d\d$/.test(value) ? 'date' : 'text' }
  }
  return {
    path,
    presets: Object.entries(presets).map(([key, label]) => ({
      label,
      href: href({ range: key }),
      current: range.preset === key,
    })),
    since: dayField('since', dayOf(range.since, range.askedZone)),
    until: dayField('until', dayOf(Math.max(range.since, range.until - 1), range.askedZone)),
    tz: field('tz', range.askedZone),
    granularity: {
      error: errors.granularity ?? '',
      options: [
        { value: '', label: 'What fits', selected: !query.granularity },
        ...(['hour', 'day', 'month'] as const).map((value) => ({
          value,
          label: { hour: 'Hours', day: 'Days', month: 'Months' }[value],
          selected: query.granularity === value,
        })),
      ],
    },
    error: errors.range ?? errors.metric ?? '',
    hidden: kept.map(([name, value]) => ({ name, value })),
    zones: commonZones.map((value) => ({ value })),
    open: Object.keys(errors).length > 0 || range.preset === undefined,
    zone: range.askedZone,
    zoneKnown,
    zoneWords: zoneWords(range, tenantZone),
    downloads: downloads(path, range, [...kept, ...(query.page ? [['page', query.page] as [string, string]] : [])]),
  }
}

function zoneWords(range: Range, tenantZone: string | undefined): string {
  const { askedZone, zone, until } = range
  const at = Math.max(range.since, until - 1)
  const offset = offsetWords(askedZone, at)
  const own = `Times are those of ${askedZone}${offset === askedZone ? '' : ` (${offset})`}.`
  const utc =
    zone === askedZone ? '' : ' 3scale gives no hours for so long a range, so its days and months are those of UTC.'
  const tenant =
    tenantZone && tenantZone !== askedZone
      ? ` 3scale’s own pages show ${tenantZone} (${offsetWords(tenantZone, at)}).`
      : ''
  const split = splitsHours(zone, at)
    ? ' 3scale counts whole hours of UTC, so the hour around midnight counts for the new day.'
    : ''
  return own + utc + tenant + split
}

/** The range as it is shown, written out: what is downloaded later is the same piece of time. */
function downloads(path: string, range: Range, kept: [string, string][]) {
  const iso = (at: number) => new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z')
  const query = new URLSearchParams([
    ...kept,
    ['since', iso(range.since)],
    ['until', iso(range.until)],
    ['granularity', range.granularity],
    ['tz', range.askedZone],
  ])
  const sums = `${path}.csv?${query}&table=applications`
  const semicolons = (href: string) => `${href}&separator=semicolon`
  const csv = `${path}.csv?${query}`
  return { csv, csvSemicolons: semicolons(csv), json: `${path}.json?${query}`, sums, sumsSemicolons: semicolons(sums) }
}
