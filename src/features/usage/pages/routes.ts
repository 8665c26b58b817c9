import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem } from '../../../errors.js'
import { CSV_TYPE, type CsvOptions } from '../../../web/api/csv.js'
import { idOf } from '../../../web/api/validation/ids.js'
import { defineCookie } from '../../../web/auth/cookies.js'
import { callerOf } from '../../../web/auth/guard.js'
import { reportWeight } from '../report-weight.js'
import { serializeAccountUsage, serializeApplicationUsage } from '../reports/serializers.js'
import { accountTables, applicationsToCsv, applicationTables, tablesToCsv } from '../reports/tables.js'
import { canonicalZone } from '../time-range/time-zones.js'
import { requireComplete, type UsageService } from '../usage.js'
import { accountUsageView } from './account-view.js'
import { applicationUsageView } from './application-view.js'
import type { RangeFormState } from './range-form.js'

export interface UsagePagesDeps {
  usage: UsageService
  modelIdLookups: {
    /** when the portal looked up the model ID with the key of this application */
    timeOf(applicationId: number): Promise<string | null>
  }
  /** true with HTTPS: the time zone cookie is then bound to the host */
  secure: boolean
}

const report = { config: { limit: 'reports', weight: reportWeight } } as const
const YEAR_SECONDS = 365 * 86_400

/** Forms of these pages use GET, so the address contains the whole selection. */
export async function usagePages(app: FastifyInstance, { usage, modelIdLookups, secure }: UsagePagesDeps) {
  // static/js/time-zone.js also writes this cookie.
  const { name: cookie, options } = defineCookie({ name: 'tz', secure, httpOnly: false })
  const pages = new WeakMap<object, Map<string, object>>()

  app.get('/usage', report, async (request, reply) => {
    const caller = callerOf(request)
    return renderReport(request, reply, async (query, form) => {
      const report = await usage.ofAccount(caller, accountQuery(query), 'page')
      const view = async () => accountUsageView(report, form, caller.orgName)
      return reply.page('usage/account', view, pageOptions(report, form, caller.orgName))
    })
  })

  app.get('/applications/:id/usage', report, async (request, reply) => {
    const [caller, id] = [callerOf(request), idOf(request)]
    return renderReport(request, reply, async (query, form) => {
      const report = await usage.ofApplication(caller, id, query, 'tenant')
      const lookup = await modelIdLookups.timeOf(id)
      const view = async () => applicationUsageView(report, form, lookup)
      return reply.page('usage/application', view, pageOptions(report, form, lookup ?? ''))
    })
  })

  app.get('/usage.csv', report, async (request, reply) => {
    const query = queryStrings(request)
    const report = requireComplete(await usage.ofAccount(callerOf(request), accountQuery(query)))
    if (query.table === 'applications')
      return download(reply, 'applications.csv', applicationsToCsv(report, csvOptions(query)))
    return download(reply, 'usage.csv', tablesToCsv(accountTables(report), report, csvOptions(query)))
  })

  app.get('/usage.json', report, async (request, reply) => {
    const report = requireComplete(await usage.ofAccount(callerOf(request), accountQuery(queryStrings(request))))
    return download(reply, 'usage.json', JSON.stringify(serializeAccountUsage(report), null, 2))
  })

  app.get('/applications/:id/usage.csv', report, async (request, reply) => {
    const query = queryStrings(request)
    const report = requireComplete(await usage.ofApplication(callerOf(request), idOf(request), query))
    const text = tablesToCsv(applicationTables(report), report, csvOptions(query))
    return download(reply, `usage-${report.application.id}.csv`, text)
  })

  app.get('/applications/:id/usage.json', report, async (request, reply) => {
    const report = requireComplete(await usage.ofApplication(callerOf(request), idOf(request), queryStrings(request)))
    return download(
      reply,
      `usage-${report.application.id}.json`,
      JSON.stringify(serializeApplicationUsage(report), null, 2),
    )
  })

  /** An invalid form renders the default report, with the submitted values and error messages. */
  async function renderReport(
    request: FastifyRequest,
    reply: FastifyReply,
    render: (query: Record<string, string>, form: RangeFormState) => Promise<FastifyReply>,
  ) {
    const query = queryStrings(request)
    const submitted = canonicalZone(query.tz)
    if (submitted) rememberZone(reply, submitted)
    const tz = submitted ?? canonicalZone(request.cookies[cookie])
    const form = { path: pathOf(request), query, errors: {}, isZoneKnown: tz !== undefined }
    try {
      return await render({ ...query, tz: query.tz || (tz ?? '') }, form)
    } catch (error) {
      if (!isProblem(error, 'invalid_fields')) throw error
      const { model = '', page = '' } = query
      return render({ tz: tz ?? '', model, page }, { ...form, errors: error.fields ?? {} })
    }
  }

  /** A report is rendered once for each address, organization name, and kind of form, unless a field is invalid. */
  function pageOptions(report: object, { errors, isZoneKnown }: RangeFormState, shown: string) {
    if (Object.keys(errors).length > 0) return { status: 422 }
    const key = JSON.stringify([isZoneKnown, shown])
    const variants = pages.get(report) ?? new Map<string, object>()
    pages.set(report, variants)
    const source = variants.get(key) ?? {}
    variants.set(key, source)
    return { source }
  }

  function rememberZone(reply: FastifyReply, zone: string): void {
    reply.setCookie(cookie, zone, { ...options, maxAge: YEAR_SECONDS })
  }
}

function accountQuery(query: Record<string, string>) {
  const page = /^[1-9]\d{0,5}$/.test(query.page ?? '') ? Number(query.page) : 1
  return { ...query, page }
}

/** The last value of each parameter, cut to a sensible length. */
function queryStrings({ query }: FastifyRequest): Record<string, string> {
  const entries = Object.entries(query as Record<string, unknown>).map(([name, value]) => {
    const last: unknown = Array.isArray(value) ? value.at(-1) : value
    return [name, typeof last === 'string' ? last.slice(0, 2000) : ''] as const
  })
  return Object.fromEntries(entries)
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?')[0] ?? ''
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
