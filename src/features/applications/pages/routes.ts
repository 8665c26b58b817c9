import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { isProblem, problem } from '../../../errors.js'
import {
  afterFailure,
  attemptFrom,
  offerResubmission,
  redirectToRepair,
  submitOnce,
} from '../../../idempotency/form-resubmission.js'
import { newAttempt } from '../../../idempotency/idempotency-key.js'
import type { TestCall, TestResult } from '../../../model-calls/test-call.js'
import { enforce } from '../../../policies.js'
import { idOf, parseId } from '../../../web/api/validation/ids.js'
import { annotateAudit } from '../../../web/audit/audit.js'
import type { Caller } from '../../../web/auth/caller.js'
import { callerOf } from '../../../web/auth/guard.js'
import type { RateLimit } from '../../../web/limits/rate-limits.js'
import { fieldGroup, formValues, validateForm } from '../../../web/pages/forms.js'
import type { ProgressPages } from '../../../web/pages/progress-page.js'
import type { Model } from '../../models/schemas.js'
import type { Snippet } from '../../snippets/schemas.js'
import type { ApplicationCatalogue, Applications } from '../applications.js'
import { type ApplicationFilters, type ApplicationSort, applicationSorts, filterAndSort } from '../filters.js'
import type { RevocationChecks } from '../keys/revocation/revocation-checks.js'
import { requiredPolicies } from '../permissions.js'
import { type Application, NewApplication } from '../schemas.js'
import { deletePages } from './delete-routes.js'
import { applicationView } from './detail-view.js'
import { newApplicationView } from './form-view.js'
import { applicationListView, PER_PAGE, pageOf } from './list-view.js'
import { applicationResubmission, createPage, savePage } from './messages.js'

export interface ApplicationPagesDeps {
  applications: Applications
  revocationChecks: Pick<RevocationChecks, 'listRecent'>
  testCall: TestCall
  /** of calls to models */
  limit: RateLimit
  progressPages: ProgressPages
  models: Pick<ApplicationCatalogue, 'find'> & {
    list(filters: Record<string, never>, caller: Caller): Promise<{ models: Model[] }>
  }
  snippets: { forModel(model: Model, options?: { credentials?: Application['credentials']; only?: string }): Snippet[] }
}

const byId = '/applications/:id'
const pending = '/applications/pending'
/** While the complete list of an account with very many applications is read. */
const REFRESH_SECONDS = 5
const NEWEST = { filters: {}, page: 1 }

interface SubmittedForm {
  values: Record<string, string>
  attempt: string
}

export async function applicationsPages(
  app: FastifyInstance,
  { applications, revocationChecks, testCall, models, snippets, limit, progressPages }: ApplicationPagesDeps,
) {
  app.get('/applications', async (request, reply) => {
    const { listing } = applications
    const { rows: all, total, isComplete } = await listing.rowsSoon(callerOf(request), PER_PAGE)
    const { filters, page } = isComplete ? listQuery(request.query as Record<string, unknown>) : NEWEST
    const shown = filterAndSort(all, filters)
    const range = pageOf(shown.length, page)
    const rows = await listing.complete(shown.slice(range.first, range.last))
    if (!isComplete) reply.header('refresh', String(REFRESH_SECONDS))
    return reply.page(
      'applications/index',
      applicationListView({
        all,
        matching: shown.length,
        rows,
        range,
        filters,
        ...(isComplete ? {} : { loading: total }),
      }),
    )
  })

  app.get('/applications/new', async (request, reply) => {
    const { model = '', plan = '', from = '' } = queryOf(request.query)
    const values = { model, ...(plan ? { plan } : {}), ...(parseId(from) ? { from } : {}) }
    return renderForm(request, reply, { values, errors: {}, attempt: newAttempt() }, 200)
  })

  app.post('/applications', { config: { audit: 'application.create' } }, async (request, reply) => {
    const values = formValues(request.body)
    return create(request, reply, { values, attempt: attemptFrom(values) }, false)
  })

  app.get<{ Params: { attempt: string } }>(
    `${pending}/:attempt`,
    { config: { audit: 'application.create', deadline: false } },
    async (request, reply) => {
      const caller = callerOf(request)
      const form = progressPages.read<SubmittedForm>(request, caller)
      if (form) return create(request, reply, form, true)
      annotateAudit(request, { quiet: true })
      // Another tab, or the same one before it was reloaded, may have received the result.
      const created = await applications.findCreated(caller, request.params.attempt)
      return reply.redirect(created === undefined ? '/applications' : `/applications/${created}`, 303)
    },
  )

  app.get(byId, async (request, reply) => show(request, reply, { from: queryOf(request.query).from }))

  app.post(byId, { config: { audit: 'application.update' } }, async (request, reply) => {
    const values = formValues(request.body)
    const back = `/applications/${idOf(request)}`
    const { labels, button, save: title } = applicationResubmission
    return offerResubmission(reply, { title, back, button, action: back, labels, values }, async () => {
      try {
        const { name = '', description = '' } = values
        await applications.update(callerOf(request), idOf(request), { name, description })
      } catch (error) {
        if (!isProblem(error, 'invalid_fields')) throw error
        return show(request, reply, { values, errors: error.fields ?? {} }, 422)
      }
      reply.flash('success', savePage.saved)
      return reply.redirect(back, 303)
    })
  })

  app.post(`${byId}/reveal`, { config: { audit: 'key.reveal', deadline: true } }, async (request, reply) => {
    const read = await applications.read(callerOf(request), idOf(request), { reveal: true })
    const { application, model } = read
    reply.header('cache-control', 'no-store')
    if (request.headers.accept?.startsWith('application/json')) {
      const code = model ? snippets.forModel(model, { credentials: application.credentials }) : []
      return reply.send({
        credentials: application.credentials,
        snippets: code.map(({ client, with_key }) => ({ client, with_key })),
      })
    }
    return render(request, reply, { ...read, revealed: true })
  })

  app.post(`${byId}/test`, { config: { audit: 'application.test', deadline: true } }, async (request, reply) => {
    limit(request, reply)
    const { application, model } = await applications.read(callerOf(request), idOf(request), { reveal: true })
    if (!model) throw problem('not_found')
    const test = await testCall.run(model, application)
    return show(request, reply, { test })
  })

  app.get(`${byId}/notebook.ipynb`, async (request, reply) => {
    const { model } = await applications.read(callerOf(request), idOf(request))
    const notebook = model && snippets.forModel(model, { only: 'jupyter' })[0]
    if (!notebook) throw problem('not_found')
    return reply
      .header('content-disposition', `attachment; filename="${notebook.filename ?? 'model.ipynb'}"`)
      .type('application/x-ipynb+json')
      .send(notebook.code)
  })

  deletePages(app, { applications, progressPages })

  /** Can be repeated after a progress page: one attempt leaves one application. */
  async function create(request: FastifyRequest, reply: FastifyReply, submitted: SubmittedForm, resumed: boolean) {
    const { values, attempt } = submitted
    const caller = callerOf(request)
    try {
      const body = newApplicationIn(values)
      const form = {
        key: `create ${attempt}`,
        path: `${pending}/${attempt}`,
        input: submitted,
        resumed,
        caller,
        title: createPage.progress,
        note: auditNote,
      }
      const outcome = await progressPages.run(request, reply, form, () =>
        submitOnce(attempt, async (one) => (await applications.create(caller, body, one)).application, values),
      )
      if ('page' in outcome) return outcome.page
      const application = outcome.value
      annotateAudit(request, auditNote(application))
      reply.flash('success', createPage.created(application))
      const from = parseId(values.from) ? `?from=${values.from}` : ''
      return reply.redirect(`/applications/${application.id}${from}`, 303)
    } catch (error) {
      if (isProblem(error, 'key_not_usable')) return redirectToRepair(reply, error)
      if (!isProblem(error, 'invalid_fields', 'result_deleted', 'threescale_unavailable', 'threescale_busy'))
        throw error
      if (error.retryAfter) reply.header('retry-after', String(error.retryAfter))
      const form = { values, errors: error.fields ?? {}, ...afterFailure(error, attempt) }
      return renderForm(request, reply, form, error.status)
    }
  }

  interface PageState {
    values?: Record<string, string>
    errors?: Record<string, string>
    test?: TestResult
    from?: string | undefined
  }

  async function show(request: FastifyRequest, reply: FastifyReply, state: PageState, status = 200) {
    const read = await applications.read(callerOf(request), idOf(request), { keys: true })
    return render(request, reply, { ...read, revealed: false, ...state }, status)
  }

  async function render(
    request: FastifyRequest,
    reply: FastifyReply,
    state: Awaited<ReturnType<Applications['read']>> & { revealed: boolean } & PageState,
    status = 200,
  ) {
    const { application, model, revealed } = state
    const code = model ? snippets.forModel(model, revealed ? { credentials: application.credentials } : {}) : []
    const from = parseId(state.from) ? state.from : undefined
    const recent = await revocationChecks.listRecent(callerOf(request), application.id)
    const view = applicationView({ ...state, from, snippets: code, revocationChecks: recent })
    return reply.header('cache-control', 'no-store').page('applications/show', view, { status })
  }

  async function renderForm(
    request: FastifyRequest,
    reply: FastifyReply,
    form: SubmittedForm & { errors: Record<string, string>; failure?: string | undefined },
    status: number,
  ) {
    const caller = callerOf(request)
    const { models: offered } = await models.list({}, caller)
    const { model } = form.values
    const entry = model ? await models.find(model, caller) : undefined
    if (entry) enforce(requiredPolicies.change, { product: entry.product })
    const successor = offered.find(({ system_name }) => system_name === entry?.model.successor)
    const view = newApplicationView({
      ...form,
      model: entry?.model,
      plans: entry?.plans ?? [],
      models: offered,
      successor,
    })
    return reply.page('applications/new', view, { status })
  }
}

function auditNote({ id }: Application) {
  return { target: { application: id } }
}

function queryOf(query: unknown): Record<string, string | undefined> {
  return formValues(query)
}

function listQuery(query: Record<string, unknown>): { filters: ApplicationFilters; page: number } {
  const { q = '', model = '', state = '', sort = '', page = '' } = queryOf(query)
  const validSort = applicationSorts.find((one): one is ApplicationSort => one === sort)
  return {
    filters: { q: q.slice(0, 200), model, state, ...(validSort ? { sort: validSort } : {}) },
    page: Number(page) || 1,
  }
}

/** The texts are validated with the fields of the tenant, so that all errors are reported at once. */
const NewApplicationChoice = Type.Pick(NewApplication, ['model', 'plan'])

function newApplicationIn(values: Record<string, string>): NewApplication {
  const choice = { model: values.model ?? '', ...(values.plan ? { plan: values.plan } : {}) }
  return {
    ...validateForm<Static<typeof NewApplicationChoice>>(NewApplicationChoice, choice),
    name: values.name ?? '',
    description: values.description ?? '',
    fields: fieldGroup(values, 'fields'),
  }
}
