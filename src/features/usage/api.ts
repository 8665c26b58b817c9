import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import { type Static, Type } from 'typebox'
import { problem } from '../../errors.js'
import { CSV_TYPE } from '../../web/csv.js'
import { callerOf } from '../../web/guard.js'
import { idPattern } from '../../web/ids.js'
import { Paging, pageOf } from '../../web/paging.js'
import { accountUsage, applicationCost, applicationLimits, applicationUsage, limitUse } from './answers.js'
import {
  AccountUsage,
  ApplicationCost,
  ApplicationLimits,
  ApplicationUsage,
  CsvQuery,
  LimitUse,
  UsageQuery,
} from './schemas.js'
import { accountTables, applicationsCsv, applicationTables, tablesCsv } from './tables.js'
import { complete, type Usage } from './usage.js'
import { reportWeight } from './weight.js'

const Id = Type.Object({ id: Type.String({ pattern: idPattern, examples: ['3001'] }) })
const Listed = <T extends typeof ApplicationLimits | typeof ApplicationCost>(item: T) =>
  Type.Object({ items: Type.Array(item), next_cursor: Type.Union([Type.String(), Type.Null()]) })

const OfApplication = Type.Intersect([
  UsageQuery,
  CsvQuery,
  Type.Object({ metric: Type.Optional(Type.String({ maxLength: 2000, description: 'system names, with commas' })) }),
])
type OfApplication = Static<typeof OfApplication>

const OfAccount = Type.Intersect([
  UsageQuery,
  CsvQuery,
  Type.Object({
    model: Type.Optional(Type.String({ maxLength: 255, description: 'system_name: only its applications' })),
    page: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'of ten applications each' })),
    table: Type.Optional(Type.String({ maxLength: 20, description: 'applications: their sums instead, CSV only' })),
  }),
])
type OfAccount = Static<typeof OfAccount>

/** Complete or not at all: a number that 3scale did not tell makes the whole answer a 503, and it is safe to ask again. */
export async function usageApi(app: FastifyInstance, { usage }: { usage: Usage }) {
  app.get<{ Params: { id: string }; Querystring: OfApplication }>(
    '/applications/:id/usage',
    {
      config: { scope: 'maas:read', limit: 'reports', weight: reportWeight },
      schema: operation('readApplicationUsage', 'Calls and tokens of an application', {
        params: Id,
        querystring: OfApplication,
        response: { 200: jsonOrCsv(ApplicationUsage) },
      }),
    },
    async (request, reply) => {
      const wanted = formOf(request)
      const report = complete(await usage.ofApplication(callerOf(request), idOf(request), request.query))
      if (wanted === 'csv')
        return sendCsv(
          reply,
          `usage-${report.application.id}.csv`,
          tablesCsv(applicationTables(report), report, request.query),
        )
      return applicationUsage(report)
    },
  )

  app.get<{ Querystring: OfAccount }>(
    '/me/usage',
    {
      config: { scope: 'maas:read', limit: 'reports', weight: reportWeight },
      schema: operation('readUsage', 'Calls and tokens of your account, by application and model', {
        querystring: OfAccount,
        response: { 200: jsonOrCsv(AccountUsage) },
      }),
    },
    async (request, reply) => {
      const wanted = formOf(request)
      const report = complete(await usage.ofAccount(callerOf(request), request.query))
      if (wanted === 'json') return accountUsage(report)
      const { query } = request
      if (query.table === 'applications') return sendCsv(reply, 'applications.csv', applicationsCsv(report, query))
      return sendCsv(reply, 'usage.csv', tablesCsv(accountTables(report), report, query))
    },
  )

  app.get<{ Params: { id: string } }>(
    '/applications/:id/limits',
    {
      config: { scope: 'maas:read', limit: 'reports' },
      schema: operation('listApplicationLimits', 'What is left of the limits of an application', {
        params: Id,
        response: { 200: Type.Object({ items: Type.Array(LimitUse), next_cursor: Type.Null() }) },
      }),
    },
    async (request) => {
      const { limits } = await usage.limitsOf(callerOf(request), idOf(request))
      return { items: limits.map((state) => limitUse(state, usage.now())), next_cursor: null }
    },
  )

  app.get<{ Querystring: Paging }>(
    '/me/limits',
    {
      config: { scope: 'maas:read', limit: 'reports' },
      schema: operation('listLimits', 'What is left of the limits of all your applications', {
        querystring: Paging,
        response: { 200: Listed(ApplicationLimits) },
      }),
    },
    async (request) => {
      const caller = callerOf(request)
      const { items, next_cursor } = pageOf(await usage.applications(caller), request.query, ({ id }) => id)
      const limits = await usage.limitsOfEach(caller, items)
      return { items: limits.map((one) => applicationLimits(one, usage.now())), next_cursor }
    },
  )

  app.get<{ Params: { id: string } }>(
    '/applications/:id/costs',
    {
      config: { scope: 'maas:read', limit: 'reports' },
      schema: operation('readApplicationCosts', 'An estimate of what an application costs this month', {
        params: Id,
        response: { 200: ApplicationCost },
      }),
    },
    async (request) => applicationCost(await usage.costOf(callerOf(request), idOf(request))),
  )

  app.get<{ Querystring: Paging }>(
    '/me/costs',
    {
      config: { scope: 'maas:read', limit: 'reports' },
      schema: operation('listCosts', 'An estimate of what each application costs this month', {
        querystring: Paging,
        response: { 200: Listed(ApplicationCost) },
      }),
    },
    async (request) => {
      const caller = callerOf(request)
      const { items, next_cursor } = pageOf(await usage.applications(caller), request.query, ({ id }) => id)
      return { items: (await usage.costsOfEach(caller, items)).map(applicationCost), next_cursor }
    },
  )
}

function idOf({ params }: FastifyRequest): number {
  return Number((params as { id: string }).id)
}

/** What the caller likes best of the two (RFC 9110, 12.5.1); one that does not say gets JSON. */
function formOf({ headers }: FastifyRequest): 'json' | 'csv' {
  const accepted = (headers.accept ?? '*/*')
    .split(',')
    .map((part) => ({
      type: (part.split(';')[0] ?? '').trim().toLowerCase(),
      weight: Number(/;\s*q=([\d.]+)/i.exec(part)?.[1] ?? 1),
    }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
  for (const { type } of accepted) {
    if (type === 'text/csv' || type === 'text/*') return 'csv'
    if (type === '*/*' || /^application\/(\*|json|problem\+json)$/.test(type)) return 'json'
  }
  throw problem('not_acceptable', { detail: 'This is given as application/json or text/csv.' })
}

function sendCsv(reply: FastifyReply, name: string, text: string) {
  return reply.header('content-disposition', `attachment; filename="${name}"`).type(CSV_TYPE).send(text)
}

function jsonOrCsv(schema: typeof ApplicationUsage | typeof AccountUsage) {
  return {
    description: 'JSON, or a table for Accept: text/csv',
    content: {
      'application/json': { schema },
      'text/csv': {
        schema: Type.String({
          description:
            'RFC 4180 in UTF-8 with a byte order mark, so that Excel reads every name; every field quoted; start and end of each row, then its numbers. Read it as `utf-8-sig` in Python, or send `bom=false`. Text that a spreadsheet would take for a formula, and text of more than 15 digits, begins with an apostrophe',
        }),
      },
    },
  }
}

function operation(operationId: string, summary: string, parts: FastifySchema): FastifySchema {
  return { operationId, summary, tags: ['usage'], ...parts }
}
