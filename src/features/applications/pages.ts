import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, problem } from '../../errors.js'
import { check } from '../../rules.js'
import { audited } from '../../web/audit.js'
import type { Caller } from '../../web/caller.js'
import { checked, formValues, group } from '../../web/forms.js'
import { callerOf } from '../../web/guard.js'
import { idFrom, idOf } from '../../web/ids.js'
import type { RateLimit } from '../../web/rate-limits.js'
import type { Waiting } from '../../web/waiting.js'
import type { Model } from '../models/schemas.js'
import type { Snippet } from '../snippets/schemas.js'
import type { Applications, Catalogue } from './applications.js'
import { deletePages } from './delete-pages.js'
import { guards } from './guards.js'
import { newAttempt } from './keys.js'
import { applicationListView } from './list-view.js'
import { arrange, type Filters, type Sort, sorts } from './listing.js'
import { newApplicationView } from './new-view.js'
import type { Receipts } from './receipts.js'
import { attemptIn, once, orAgain, toRepair } from './requests.js'
import { type Application, ApplicationChange, NewApplication } from './schemas.js'
import type { TestResult, Trial } from './trial.js'
import { applicationView } from './view.js'

export interface ApplicationPagesDeps {
  applications: Applications
  receipts: Pick<Receipts, 'listRecent'>
  trial: Trial
  /** of calls to models */
  limit: RateLimit
  waiting: Waiting
  models: Pick<Catalogue, 'find'> & {
    list(filters: Record<string, never>, caller: Caller): Promise<{ models: Model[] }>
  }
  snippets: { forModel(model: Model, options?: { credentials?: Application['credentials']; only?: string }): Snippet[] }
}

const byId = '/applications/:id'
const pending = '/applications/pending'

/** A form as it was sent. */
interface Typed {
  values: Record<string, string>
  attempt: string
}

export async function applicationsPages(
  app: FastifyInstance,
  { applications, receipts, trial, models, snippets, limit, waiting }: ApplicationPagesDeps,
) {
  app.get('/applications', async (request, reply) => {
    const caller = callerOf(request)
    const [all, offered] = await Promise.all([applications.list(caller), models.list({}, caller)])
    const { filters, page } = listQuery(request.query as Record<string, unknown>)
    const shown = arrange(all, filters)
    return reply.page(
      'applications/index',
      applicationListView({ all, shown, filters, page, models: offered.models.length }),
    )
  })

  app.get('/applications/new', async (request, reply) => {
    const { model = '', plan = '', from = '' } = texts(request.query)
    const values = { model, ...(plan ? { plan } : {}), ...(idFrom(from) ? { from } : {}) }
    return newPage(request, reply, { values, errors: {}, attempt: newAttempt() }, 200)
  })

  app.post('/applications', { config: { audit: 'application.create' } }, async (request, reply) => {
    const values = formValues(request.body)
    return create(request, reply, { values, attempt: attemptIn(values) }, false)
  })

  app.get(`${pending}/:attempt`, { config: { audit: 'application.create', patient: true } }, async (request, reply) => {
    const typed = waiting.read<Typed>(request, callerOf(request))
    audited(request, { quiet: !typed })
    if (!typed) return reply.redirect('/applications', 303)
    return create(request, reply, typed, true)
  })

  app.get(byId, async (request, reply) => show(request, reply, { from: texts(request.query).from }))

  app.post(byId, { config: { audit: 'application.update' } }, async (request, reply) => {
    const values = formValues(request.body)
    const base = `/applications/${idOf(request)}`
    const labels = { name: 'Name', description: 'Description' }
    return orAgain(reply, { ...again('Not saved yet', base), action: base, labels, values }, async () => {
      try {
        const { name, description = '' } = values
        const change = checked<ApplicationChange>(ApplicationChange, { name, description })
        await applications.update(callerOf(request), idOf(request), change)
      } catch (error) {
        if (!isProblem(error, 'invalid_fields')) throw error
        return show(request, reply, { values, errors: error.fields ?? {} }, 422)
      }
      reply.flash('success', 'Saved.')
      return reply.redirect(base, 303)
    })
  })

  app.post(`${byId}/reveal`, { config: { audit: 'key.reveal', patient: false } }, async (request, reply) => {
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

  app.post(`${byId}/test`, { config: { audit: 'application.test', patient: false } }, async (request, reply) => {
    await limit(request, reply)
    const { application, model } = await applications.read(callerOf(request), idOf(request), { reveal: true })
    if (!model) throw problem('not_found')
    const test = await trial.run(model, application)
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

  deletePages(app, { applications, waiting })

  /** Also where that is not done at once: the same attempt leaves one application. */
  async function create(request: FastifyRequest, reply: FastifyReply, typed: Typed, resumed: boolean) {
    const { values, attempt } = typed
    const caller = callerOf(request)
    try {
      const wanted = wantedOf(values)
      const form = { key: `create ${attempt}`, path: `${pending}/${attempt}`, carry: typed, resumed, note: noteOf }
      const held = await waiting.hold(request, reply, { ...form, caller, title: 'Creating your application' }, () =>
        once(attempt, (one) => applications.create(caller, wanted, one), values),
      )
      if ('page' in held) return held.page
      const application = held.value
      audited(request, noteOf(application))
      reply.flash('success', `${application.name} was created. Copy the code below and run it.`)
      const from = idFrom(values.from) ? `?from=${values.from}` : ''
      return reply.redirect(`/applications/${application.id}${from}`, 303)
    } catch (error) {
      if (isProblem(error, 'key_not_usable')) return toRepair(reply, error)
      if (!isProblem(error, 'invalid_fields', 'threescale_unavailable', 'threescale_busy')) throw error
      const failure = error.code === 'invalid_fields' ? undefined : error.message
      if (error.retryAfter) reply.header('retry-after', String(error.retryAfter))
      return newPage(request, reply, { values, errors: error.fields ?? {}, attempt, failure }, error.status)
    }
  }

  interface Extra {
    values?: Record<string, string>
    errors?: Record<string, string>
    test?: TestResult
    from?: string | undefined
  }

  async function show(request: FastifyRequest, reply: FastifyReply, extra: Extra, status = 200) {
    const read = await applications.read(callerOf(request), idOf(request), { keys: true })
    return render(request, reply, { ...read, revealed: false, ...extra }, status)
  }

  async function render(
    request: FastifyRequest,
    reply: FastifyReply,
    state: Awaited<ReturnType<Applications['read']>> & { revealed: boolean } & Extra,
    status = 200,
  ) {
    const { application, model, revealed } = state
    const code = model ? snippets.forModel(model, revealed ? { credentials: application.credentials } : {}) : []
    const from = idFrom(state.from) ? state.from : undefined
    const recent = await receipts.listRecent(callerOf(request), application.id)
    return reply
      .header('cache-control', 'no-store')
      .page('applications/show', applicationView({ ...state, from, snippets: code, receipts: recent }), { status })
  }

  async function newPage(
    request: FastifyRequest,
    reply: FastifyReply,
    form: {
      values: Record<string, string>
      errors: Record<string, string>
      attempt: string
      failure?: string | undefined
    },
    status: number,
  ) {
    const caller = callerOf(request)
    const { models: offered } = await models.list({}, caller)
    const wanted = form.values.model
    const found = wanted ? await models.find(wanted, caller) : undefined
    if (found) check(guards.change, { product: found.product })
    return reply.page(
      'applications/new',
      newApplicationView({ ...form, model: found?.model, plans: found?.plans ?? [], models: offered }),
      {
        status,
      },
    )
  }
}

function noteOf({ id }: Application) {
  return { target: { application: id } }
}

function again(title: string, back: string) {
  return { title, back, button: 'Send it again' }
}

function texts(query: unknown): Record<string, string | undefined> {
  return formValues(query)
}

function listQuery(query: Record<string, unknown>): { filters: Filters; page: number } {
  const { q = '', model = '', state = '', sort = '', page = '' } = texts(query)
  const known = sorts.includes(sort as Sort) ? { sort: sort as Sort } : {}
  return { filters: { q: q.slice(0, 200), model, state, ...known }, page: Number(page) || 1 }
}

function wantedOf(values: Record<string, string>): NewApplication {
  return checked<NewApplication>(NewApplication, {
    model: values.model ?? '',
    ...(values.plan ? { plan: values.plan } : {}),
    name: values.name ?? '',
    description: values.description ?? '',
    fields: group(values, 'fields'),
  })
}
