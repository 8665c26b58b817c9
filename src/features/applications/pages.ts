import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, problem } from '../../errors.js'
import { audited } from '../../web/audit.js'
import type { Caller } from '../../web/caller.js'
import { checked, formValues, group } from '../../web/forms.js'
import { callerOf } from '../../web/guard.js'
import type { Model } from '../models/schemas.js'
import type { Snippet } from '../snippets/schemas.js'
import type { Applications } from './applications.js'
import { newAttempt } from './keys.js'
import { type Application, ApplicationChange, NewApplication } from './schemas.js'
import type { TestResult, Trial } from './trial.js'
import { applicationListView, applicationView, deleteView, newApplicationView } from './view.js'

export interface ApplicationPagesDeps {
  applications: Applications
  trial: Trial
  models: {
    list(filters: Record<string, never>, caller: Caller): Promise<{ models: Model[] }>
  }
  snippets: { forModel(model: Model, options?: { credentials?: Application['credentials']; only?: string }): Snippet[] }
}

const byId = '/applications/:id'

export async function applicationsPages(
  app: FastifyInstance,
  { applications, trial, models, snippets }: ApplicationPagesDeps,
) {
  app.get('/applications', async (request, reply) => {
    const caller = callerOf(request)
    const [mine, offered] = await Promise.all([applications.list(caller), models.list({}, caller)])
    return reply.page('applications/index', applicationListView({ applications: mine, models: offered.models.length }))
  })

  app.get<{ Querystring: { model?: string } }>('/applications/new', async (request, reply) => {
    return newPage(
      request,
      reply,
      { values: { model: String(request.query.model ?? '') }, errors: {}, attempt: newAttempt() },
      200,
    )
  })

  app.post('/applications', { config: { audit: 'application.create' } }, async (request, reply) => {
    const caller = callerOf(request)
    const values = formValues(request.body)
    const attempt = /^[0-9a-f]{32}$/.test(values.attempt ?? '') ? (values.attempt ?? '') : newAttempt()
    try {
      const application = await create(caller, wantedOf(values), attempt)
      audited(request, { target: { application: application.id } })
      reply.flash('success', `${application.name} is ready. Copy the code below and run it.`)
      return reply.redirect(`/applications/${application.id}`, 303)
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'threescale_unavailable')) throw error
      const failure = error.code === 'threescale_unavailable' ? error.message : undefined
      return newPage(request, reply, { values, errors: error.fields ?? {}, attempt, failure }, error.status)
    }
  })

  app.get(byId, async (request, reply) => show(request, reply, {}))

  app.post(byId, { config: { audit: 'application.update' } }, async (request, reply) => {
    const values = formValues(request.body)
    try {
      const change = checked<ApplicationChange>(ApplicationChange, {
        name: values.name,
        description: values.description ?? '',
      })
      await applications.update(callerOf(request), idOf(request), change)
    } catch (error) {
      if (!isProblem(error, 'invalid_fields')) throw error
      return show(request, reply, { values, errors: error.fields ?? {}, editing: true }, 422)
    }
    reply.flash('success', 'Saved.')
    return reply.redirect(`/applications/${idOf(request)}`, 303)
  })

  app.post(`${byId}/reveal`, { config: { audit: 'key.reveal' } }, async (request, reply) => {
    const { application, model } = await load(request, true)
    reply.header('cache-control', 'no-store')
    if (request.headers.accept?.startsWith('application/json')) {
      const code = model ? snippets.forModel(model, { credentials: application.credentials }) : []
      return reply.send({
        credentials: application.credentials,
        snippets: code.map(({ client, with_key }) => ({ client, with_key })),
      })
    }
    return render(reply, { application, model, revealed: true })
  })

  app.post(`${byId}/test`, { config: { audit: 'application.test' } }, async (request, reply) => {
    const { application, model } = await load(request, true)
    if (!model) throw problem('not_found')
    const test = await trial.run(model, application)
    return show(request, reply, { test })
  })

  app.get(`${byId}/notebook.ipynb`, async (request, reply) => {
    const { model } = await load(request, false)
    const notebook = model && snippets.forModel(model, { only: 'jupyter' })[0]
    if (!notebook) throw problem('not_found')
    return reply
      .header('content-disposition', `attachment; filename="${notebook.filename ?? 'model.ipynb'}"`)
      .type('application/x-ipynb+json')
      .send(notebook.code)
  })

  app.get(`${byId}/delete`, async (request, reply) => {
    const { application } = await load(request, false)
    return reply.page('applications/delete', deleteView({ application, errors: {} }))
  })

  app.post(`${byId}/delete`, { config: { audit: 'application.delete' } }, async (request, reply) => {
    const { application } = await load(request, false)
    if (formValues(request.body).confirm?.trim() !== application.name.trim()) {
      const errors = { confirm: `Type ${application.name} to delete it.` }
      return reply.page('applications/delete', deleteView({ application, errors }), { status: 422 })
    }
    await applications.remove(callerOf(request), application.id)
    reply.flash('success', `${application.name} is deleted. Its key no longer works.`)
    return reply.redirect('/applications', 303)
  })

  /** A form brought back by the Back button and changed is a new wish. */
  async function create(caller: Caller, wanted: NewApplication, attempt: string): Promise<Application> {
    try {
      return await applications.create(caller, wanted, attempt)
    } catch (error) {
      if (!isProblem(error, 'attempt_reused')) throw error
      return applications.create(caller, wanted, newAttempt())
    }
  }

  interface Extra {
    values?: Record<string, string>
    errors?: Record<string, string>
    editing?: boolean
    test?: TestResult
  }

  async function show(request: FastifyRequest, reply: FastifyReply, extra: Extra, status = 200) {
    const { application, model } = await load(request, false)
    return render(reply, { application, model, revealed: false, ...extra }, status)
  }

  async function load(request: FastifyRequest, reveal: boolean) {
    return applications.read(callerOf(request), idOf(request), { reveal })
  }

  function render(
    reply: FastifyReply,
    state: { application: Application; model: Model | undefined; revealed: boolean } & Extra,
    status = 200,
  ) {
    const { application, model, revealed } = state
    const code = model ? snippets.forModel(model, revealed ? { credentials: application.credentials } : {}) : []
    return reply
      .header('cache-control', 'no-store')
      .page('applications/show', applicationView({ ...state, snippets: code }), { status })
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
    const offered = (await models.list({}, callerOf(request))).models
    const wanted = form.values.model
    const model = offered.find((candidate) => candidate.system_name === wanted)
    if (wanted && !model) throw problem('not_found')
    return reply.page('applications/new', newApplicationView({ ...form, model, models: offered }), { status })
  }
}

/** Ids are numbers; anything else is nobody's application. */
function idOf(request: FastifyRequest): number {
  const { id } = request.params as { id: string }
  if (!/^[1-9][0-9]{0,14}$/.test(id)) throw problem('not_found')
  return Number(id)
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
