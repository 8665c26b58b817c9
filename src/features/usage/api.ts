import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import { Type } from 'typebox'
import { problem } from '../../errors.js'
import { CSV_TYPE } from '../../web/api/csv.js'
import { checkModelFilter } from '../../web/api/model-filter.js'
import { operationsOf } from '../../web/api/openapi/operation.js'
import { byId, Page, Paging, paginate } from '../../web/api/pagination.js'
import { addVary } from '../../web/api/vary.js'
import type { Caller } from '../../web/auth/caller.js'
import { callerOf } from '../../web/auth/guard.js'
import { apiDescriptions, apiErrors } from './messages.js'
import {
  AccountUsageCsvQuery,
  AccountUsageQuery,
  ApplicationIdParameter,
  ApplicationUsageCsvQuery,
  ApplicationUsageQuery,
} from './query-schemas.js'
import { reportWeight } from './report-weight.js'
import {
  serializeAccountUsage,
  serializeApplicationCost,
  serializeApplicationLimits,
  serializeApplicationUsage,
  serializeLimit,
} from './reports/serializers.js'
import { accountTables, applicationsToCsv, applicationTables, tablesToCsv } from './reports/tables.js'
import { AccountUsage, ApplicationCost, ApplicationLimits, ApplicationUsage, LimitUse } from './schemas.js'
import { requireComplete, type UsageService } from './usage.js'

const operation = operationsOf('usage')

type ForApplication<Query> = { Params: { id: string }; Querystring: Query }

const report = { scope: 'maas:read', limit: 'reports', weight: reportWeight } as const
const { complete, alsoCsv, estimate } = apiDescriptions

const nextLink = {
  type: 'string',
  description: 'Address of the next page, with `rel="next"` (RFC 8288). Not sent with the last page.',
  examples: ['</api/v1/me/usage.csv?range=7d&cursor=WzFd>; rel="next"'],
}
const csv = {
  description: 'A table in UTF-8.',
  content: {
    'text/csv': {
      // Binary, because generated Java clients parse any text as JSON.
      schema: Type.String({
        format: 'binary',
        description:
          'RFC 4180 with a byte order mark for Excel. Every field is quoted. In Python, read it as `utf-8-sig`, or send `bom=false`. Unless `escape=none`, text that a spreadsheet would read as a formula, and text of more than 15 digits, starts with an apostrophe. Times are in the time zone `tz`.',
        examples: ['"start","end","hits"\r\n"2026-03-01T00:00:00+01:00","2026-03-02T00:00:00+01:00","42"\r\n'],
      }),
    },
  },
}

const newestFirst = byId(({ id }: { id: number }) => id, { descending: true })

/** Every response is complete. If 3scale does not report a number, the response is 503 and the request can be repeated. */
export async function usageApi(
  app: FastifyInstance,
  { usage, models }: { usage: UsageService; models: { find(model: string, caller: Caller): Promise<unknown> } },
) {
  app.get<ForApplication<ApplicationUsageCsvQuery>>(
    '/applications/:id/usage',
    {
      config: { ...report, problems: [406] },
      schema: operation('readApplicationUsage', 'Read calls and tokens of an application', {
        description: `Values of each metric per hour, day, or month of the range, and of the previous period. ${complete} Times are in UTC. ${alsoCsv}`,
        params: ApplicationIdParameter,
        querystring: ApplicationUsageQuery,
        response: { 200: ApplicationUsage },
      }),
    },
    async (request, reply) =>
      formatOf(request, reply) === 'csv' ? applicationCsv(request, reply) : applicationJson(request),
  )

  app.get<ForApplication<ApplicationUsageCsvQuery>>(
    '/applications/:id/usage.csv',
    {
      config: report,
      schema: operation('downloadApplicationUsage', 'Download calls and tokens of an application as CSV', {
        description: `One row per hour, day, or month, with start, end, and one column per metric. ${complete} Start and end are in the requested time zone, with their offset.`,
        params: ApplicationIdParameter,
        querystring: ApplicationUsageCsvQuery,
        response: { 200: csv },
      }),
    },
    applicationCsv,
  )

  app.get<{ Querystring: AccountUsageCsvQuery }>(
    '/me/usage',
    {
      config: { ...report, problems: [406] },
      schema: operation('readUsage', 'Read calls and tokens of your account, by application and model', {
        description: `Applications are sorted newest first. Totals cover the applications on the page. ${complete} Times are in UTC. ${alsoCsv}`,
        querystring: AccountUsageQuery,
        response: { 200: AccountUsage },
      }),
    },
    async (request, reply) => (formatOf(request, reply) === 'csv' ? accountCsv(request, reply) : accountJson(request)),
  )

  app.get<{ Querystring: AccountUsageCsvQuery }>(
    '/me/usage.csv',
    {
      config: report,
      schema: operation('downloadUsage', 'Download calls and tokens of your account as CSV', {
        description: `Applications are sorted newest first. The \`Link\` header contains the address of the next page (\`rel="next"\`). ${complete} Start and end are in the requested time zone, with their offset.`,
        querystring: AccountUsageCsvQuery,
        response: { 200: { ...csv, headers: { Link: nextLink } } },
      }),
    },
    accountCsv,
  )

  app.get<{ Params: { id: string } }>(
    '/applications/:id/limits',
    {
      config: { scope: 'maas:read', limit: 'reports' },
      schema: operation('listApplicationLimits', 'List the limits of an application', {
        description: 'All limits of the plan, with their usage. `next_cursor` is always null. Periods are in UTC.',
        params: ApplicationIdParameter,
        response: { 200: Page(LimitUse) },
      }),
    },
    async (request) => {
      const { limits } = await usage.limitsOf(callerOf(request), idOf(request))
      return { items: limits.map((state) => serializeLimit(state, usage.now())), next_cursor: null }
    },
  )

  app.get<{ Querystring: Paging }>(
    '/me/limits',
    {
      config: { scope: 'maas:read', limit: 'reports' },
      schema: operation('listLimits', 'List the limits of all your applications', {
        description: 'Applications are sorted newest first, each with all limits of its plan. Periods are in UTC.',
        querystring: Paging,
        response: { 200: Page(ApplicationLimits) },
      }),
    },
    async (request) => {
      const caller = callerOf(request)
      const { items, next_cursor } = paginate(request, await usage.applications(caller), newestFirst)
      const limits = await usage.limitsOfEach(caller, items)
      return { items: limits.map((one) => serializeApplicationLimits(one, usage.now())), next_cursor }
    },
  )

  app.get<{ Params: { id: string } }>(
    '/applications/:id/costs',
    {
      config: { scope: 'maas:read', limit: 'reports' },
      schema: operation('readApplicationCosts', 'Estimate the cost of an application this month', {
        description: `${estimate} \`estimate\` is null if no price is known.`,
        params: ApplicationIdParameter,
        response: { 200: ApplicationCost },
      }),
    },
    async (request) => serializeApplicationCost(await usage.costOf(callerOf(request), idOf(request))),
  )

  app.get<{ Querystring: Paging }>(
    '/me/costs',
    {
      config: { scope: 'maas:read', limit: 'reports' },
      schema: operation('listCosts', 'Estimate the cost of each application this month', {
        description: `Applications are sorted newest first. ${estimate}`,
        querystring: Paging,
        response: { 200: Page(ApplicationCost) },
      }),
    },
    async (request) => {
      const caller = callerOf(request)
      const { items, next_cursor } = paginate(request, await usage.applications(caller), newestFirst)
      return { items: (await usage.costsOfEach(caller, items)).map(serializeApplicationCost), next_cursor }
    },
  )

  async function applicationJson(request: FastifyRequest<ForApplication<ApplicationUsageCsvQuery>>) {
    return serializeApplicationUsage(
      requireComplete(await usage.ofApplication(callerOf(request), idOf(request), request.query)),
    )
  }

  async function applicationCsv(
    request: FastifyRequest<ForApplication<ApplicationUsageCsvQuery>>,
    reply: FastifyReply,
  ) {
    const { query } = request
    const report = requireComplete(await usage.ofApplication(callerOf(request), idOf(request), query))
    return sendCsv(reply, `usage-${report.application.id}.csv`, tablesToCsv(applicationTables(report), report, query))
  }

  async function accountJson(request: FastifyRequest<{ Querystring: AccountUsageCsvQuery }>) {
    return serializeAccountUsage(await accountReport(request))
  }

  async function accountCsv(request: FastifyRequest<{ Querystring: AccountUsageCsvQuery }>, reply: FastifyReply) {
    const { query } = request
    const report = await accountReport(request)
    if (report.nextCursor !== null) reply.header('link', nextPage(request, report.nextCursor))
    if (query.table === 'applications') return sendCsv(reply, 'applications.csv', applicationsToCsv(report, query))
    return sendCsv(reply, 'usage.csv', tablesToCsv(accountTables(report), report, query))
  }

  async function accountReport(request: FastifyRequest<{ Querystring: AccountUsageCsvQuery }>) {
    const [caller, { query }] = [callerOf(request), request]
    const paginateNewest = <T extends { id: number }>(all: T[]) => paginate(request, all, newestFirst)
    const report = requireComplete(await usage.ofAccount(caller, { ...query, paginate: paginateNewest }))
    const inUse = report.modelOptions.some(({ model }) => model === query.model)
    await checkModelFilter(query.model, { inUse, find: (name) => models.find(name, caller) })
    return report
  }
}

function idOf({ params }: FastifyRequest): number {
  return Number((params as { id: string }).id)
}

const FORMATS = ['application/json', 'text/csv', 'application/problem+json']

/** The preferred format of the caller (RFC 9110, 12.5.1); JSON by default. */
function formatOf(request: FastifyRequest, reply: FastifyReply): 'json' | 'csv' {
  addVary(reply, 'accept')
  const preferred = new Negotiator(request).mediaType(FORMATS)
  if (preferred === undefined) throw problem('not_acceptable', { detail: apiErrors.notAcceptable })
  return preferred === 'text/csv' ? 'csv' : 'json'
}

/** CSV has no member for a cursor, so it is in the Link header (RFC 8288). */
function nextPage({ url, query }: FastifyRequest, cursor: string): string {
  const parameters = Object.entries(query as Record<string, unknown>).map(([name, value]) => [name, String(value)])
  return `<${url.split('?')[0]}?${new URLSearchParams([...parameters.filter(([name]) => name !== 'cursor'), ['cursor', cursor]])}>; rel="next"`
}

function sendCsv(reply: FastifyReply, name: string, text: string) {
  return reply.header('content-disposition', `attachment; filename="${name}"`).type(CSV_TYPE).send(text)
}
