import { type Static, Type } from 'typebox'
import { Paging } from '../../web/api/pagination.js'
import { idParameter } from '../../web/api/validation/ids.js'
import { MAX_APPLICATIONS_PER_PAGE } from './reports/application-selection.js'
import { granularities, presetNames } from './schemas.js'

/** For the document only; the messages of the parser are more helpful than a failed pattern. */
const DAY_OR_TIME = '^\\d{4}-\\d{2}-\\d{2}([Tt]\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?([Zz]|[+ -]\\d{2}:\\d{2})?)?$'

/** Query parameters of all usage reports. */
const range = {
  since: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 40,
      'x-pattern': DAY_OR_TIME,
      description: 'A day, or a time (RFC 3339). Default: 30 days before `until`. Cannot be combined with `range`.',
    }),
  ),
  until: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 40,
      'x-pattern': DAY_OR_TIME,
      description: 'An inclusive day, or an exclusive time. Default: now. Cannot be combined with `range`.',
    }),
  ),
  granularity: Type.Optional(
    Type.Unsafe<(typeof granularities)[number]>({
      type: 'string',
      enum: [...granularities],
      description: '`hour`: at most 90 days. `day`: at most one year. Default: depends on the range.',
    }),
  ),
  tz: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      'x-pattern': '^[A-Za-z0-9_+/-]+$',
      description: 'Time zone of days and months, as a name in the tz database. Default: UTC.',
      examples: ['Europe/Madrid'],
    }),
  ),
  range: Type.Optional(
    Type.Unsafe<(typeof presetNames)[number]>({
      type: 'string',
      enum: [...presetNames],
      description: 'The last hours, days, or months, instead of `since` and `until`. Default: 30d.',
    }),
  ),
}

const metric = Type.Optional(Type.String({ maxLength: 2000, description: 'Comma-separated system names.' }))
const model = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 255,
    description: '`system_name` of a model, to include only its applications.',
  }),
)

const page = {
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_APPLICATIONS_PER_PAGE,
      default: MAX_APPLICATIONS_PER_PAGE,
      description: 'Applications per page. Each requires up to four requests to 3scale.',
    }),
  ),
  cursor: Paging.properties.cursor,
}

/** Format of CSV. */
const csv = {
  separator: Type.Optional(
    Type.Unsafe<'comma' | 'semicolon'>({
      type: 'string',
      enum: ['comma', 'semicolon'],
      default: 'comma',
      description: 'Use `semicolon` for Excel with a comma as decimal separator.',
    }),
  ),
  bom: Type.Optional(
    Type.Boolean({
      default: true,
      description: 'False omits the byte order mark, which some programs read as part of the first header.',
    }),
  ),
  escape: Type.Optional(
    Type.Unsafe<'formulas' | 'none'>({
      type: 'string',
      enum: ['formulas', 'none'],
      default: 'formulas',
      description:
        '`formulas` puts an apostrophe before text that a spreadsheet would read as a formula, and before text of more than 15 digits. `none` returns text unchanged.',
    }),
  ),
}
const table = Type.Optional(
  Type.Unsafe<'time' | 'applications'>({
    type: 'string',
    enum: ['time', 'applications'],
    default: 'time',
    description:
      '`time`: one row per hour, day, or month. `applications`: one row with the totals of each application.',
  }),
)

/** Also accepted with `Accept: text/csv` at the path of the JSON; documented at the path of the CSV only. */
const undocumented = <T extends object>(properties: T): T =>
  Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, { ...schema, 'x-internal': true }])) as T

export const ApplicationIdParameter = idParameter('application', '3001')

export const ApplicationUsageCsvQuery = Type.Object({ ...range, metric, ...csv })
export type ApplicationUsageCsvQuery = Static<typeof ApplicationUsageCsvQuery>
export const ApplicationUsageQuery = Type.Object({ ...range, metric, ...undocumented(csv) })
export type ApplicationUsageQuery = Static<typeof ApplicationUsageQuery>

export const AccountUsageCsvQuery = Type.Object({ ...range, model, ...page, table, ...csv })
export type AccountUsageCsvQuery = Static<typeof AccountUsageCsvQuery>
export const AccountUsageQuery = Type.Object({ ...range, model, ...page, ...undocumented({ table, ...csv }) })
export type AccountUsageQuery = Static<typeof AccountUsageQuery>
