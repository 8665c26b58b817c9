import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem } from '../../errors.js'
import { cookieOf } from '../../web/cookies.js'
import { CSV_TYPE, type CsvOptions } from '../../web/csv.js'
import { callerOf } from '../../web/guard.js'
import { idOf } from '../../web/ids.js'
import { accountUsageView } from './account-view.js'
import { accountUsage, applicationUsage } from './answers.js'
import type { Choice } from './choice.js'
import { accountTables, applicationsCsv, applicationTables, tablesCsv } from './tables.js'
import { complete, type Usage } from './usage.js'
import { applicationUsageView } from './view.js'
import { reportWeight } from './weight.js'
import { knownZone } from './zones.js'

export interface UsagePagesDeps {
  usage: Usage
  /** on https the cookie of the time zone is for this host alone */
  secure: boolean
}

const report = { config: { limit: 'reports', weight: reportWeight } } as const
const YEAR_SECONDS = 365 * 86_400

/** Forms of these pages are sent by GET: the address holds the whole choice. */
export async function usagePages(app: FastifyInstance, { usage, secure }: UsagePagesDeps) {
  // written by static/js/usage-zone.js too
  const { name: cookie, options } = cookieOf({ name: 'tz', secure, httpOnly: false })

  app.get('/usage', report, async (request, reply) => {
    const caller = callerOf(request)
    return show(request, reply, async (query, choice) => {
      const report = await usage.ofAccount(caller, accountQuery(query), 'tenant')
      return reply.page('usage/account', accountUsageView(report, choice, caller.orgName), { status: statusOf(choice) })
    })
  })

  app.get('/applications/:id/usage', report, async (request, reply) => {
    const [caller, id] = [callerOf(request), idOf(request)]
    return show(request, reply, async (query, choice) => {
      const report = await usage.ofApplication(caller, id, query, 'tenant')
      return reply.page('usage/application', applicationUsageView(report, choice), { status: statusOf(choice) })
    })
  })

  app.get('/usage.csv', report, async (request, reply) => {
    const query = textsOf(request)
    const report = complete(await usage.ofAccount(callerOf(request), accountQuery(query)))
    if (query.table === 'applications')
      return download(reply, 'applications.csv', applicationsCsv(report, csvOptions(query)))
    return download(reply, 'usage.csv', tablesCsv(accountTables(report), report, csvOptions(query)))
  })

  app.get('/usage.json', report, async (request, reply) => {
    const report = complete(await usage.ofAccount(callerOf(request), accountQuery(textsOf(request))))
    return download(reply, 'usage.json', JSON.stringify(accountUsage(report), null, 2))
  })

  app.get('/applications/:id/usage.csv', report, async (request, reply) => {
    const query = textsOf(request)
    const report = complete(await usage.ofApplication(callerOf(request), idOf(request), query))
    const text = tablesCsv(applicationTables(report), report, csvOptions(query))
    return download(reply, `usage-${report.application.id}.csv`, text)
  })

  app.get('/applications/:id/usage.json', report, async (request, reply) => {
    const report = complete(await usage.ofApplication(callerOf(request), idOf(request), textsOf(request)))
    return download(reply, `usage-${report.application.id}.json`, JSON.stringify(applicationUsage(report), null, 2))
  })

  /** A bad choice shows the page of the usual one, with what was typed and a sentence beside it. */
  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    render: (query: Record<string, string>, choice: Choice) => Promise<FastifyReply>,
  ) {
    const query = textsOf(request)
    const typed = knownZone(query.tz)
    if (typed) remember(reply, typed)
    const tz = typed ?? knownZone(request.cookies[cookie])
    const choice = { path: pathOf(request), query, errors: {}, zoneKnown: tz !== undefined }
    try {
      return await render({ ...query, tz: query.tz || (tz ?? '') }, choice)
    } catch (error) {
      if (!isProblem(error, 'invalid_fields')) throw error
      const { model = '', page = '' } = query
      return render({ tz: tz ?? '', model, page }, { ...choice, errors: error.fields ?? {} })
    }
  }

  function remember(reply: FastifyReply, zone: string): void {
    reply.setCookie(cookie, zone, { ...options, maxAge: YEAR_SECONDS })
  }
}

function accountQuery(query: Record<string, string>) {
  const page = /^[1-9]\d{0,5}$/.test(query.page ?? '') ? Number(query.page) : 1
  return { ...query, page }
}

/** The last value of each name, shortened to what could mean something. */
function textsOf({ query }: FastifyRequest): Record<string, string> {
  const entries = Object.entries(query as Record<string, unknown>).map(([name, value]) => {
    const last: unknown = Array.isArray(value) ? value.at(-1) : value
    return [name, typeof last === 'string' ? last.slice(0, 2000) : ''] as const
  })
  return Object.fromEntries(entries)
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?')[0] ?? ''
}

function statusOf({ errors }: Choice): number {
  return Object.keys(errors).length > 0 ? 422 : 200
}

function csvOptions({ separator }: Record<string, string>): CsvOptions {
  return { separator: separator === 'semicolon' ? separator : 'comma' }
}

function download(reply: FastifyReply, name: string, text: string) {
  return reply
    .header('content-disposition', `attachment; filename="${name}"`)
    .header('cache-control', 'no-store')
    .type(name.endsWith('.csv') ? CSV_TYPE : 'application/json; charset=utf-8')
    .send(text)
}
