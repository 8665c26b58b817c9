import { flagOf, type Params, textOf, wrapped } from '../http/params.js'
import { update } from '../http/records.js'
import { type Answer, answers, type Errors } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import { listTag } from '../http/tags.js'
import { doc as show } from '../represent/products.js'
import { viewOf } from '../represent/representation.js'
import { type ApiDoc, nextId } from '../store.js'

const base = '/admin/api/active_docs'
const ATTRIBUTES = ['name', 'body', 'description', 'published', 'skip_swagger_validations', 'service_id']

/** ActiveDocs: API documents as operators upload them (porta, app/models/api_docs/service.rb). */
export function activeDocRoutes(api: Api): void {
  api.get(
    base,
    (call) => answers.ok({ api_docs: call.state.docs.map((row) => ({ api_doc: show(row, viewOf(call)) })) }),
    (call) => listTag(call.state.docs, call),
  )
  api.get(`${base}/:id`, (call) => withDoc(call, (doc) => shown(doc, call)))

  api.post(base, async (call) => {
    const given = wrapped(call, 'api_docs_service', [...ATTRIBUTES, 'system_name'])
    if ('refusal' in given) return given.refusal
    const values = valuesOf(given.attributes)
    const name = values.name ?? ''
    const requested = textOf(given.attributes, 'system_name')
    const system_name = requested || unused(name.trim().toLowerCase().replace(/\W+/g, '_'), call)
    const errors = errorsOf({ name, body: values.body ?? '' })
    if (call.state.docs.some((row) => row.system_name === system_name)) errors.system_name = ['has already been taken']
    if (Object.keys(errors).length > 0) return answers.invalid(errors)
    return call.write(() => {
      const now = call.clock.now()
      const doc: ApiDoc = {
        id: nextId(call.state, 'doc'),
        published: false,
        skip_swagger_validations: false,
        body: '',
        ...values,
        name,
        system_name,
        created_at: now,
        updated_at: now,
      }
      call.state.docs.push(doc)
      return { ...shown(doc, call), status: 201, id: doc.id }
    })
  })

  api.update(`${base}/:id`, (call) =>
    withDoc(call, async (doc) => {
      const given = wrapped(call, 'api_docs_service', ATTRIBUTES)
      if ('refusal' in given) return given.refusal
      const change = valuesOf(given.attributes)
      const errors = errorsOf({ ...doc, ...change })
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      return call.write(() => {
        update(doc, change, call.clock)
        return shown(doc, call)
      })
    }),
  )

  api.delete(`${base}/:id`, (call) =>
    withDoc(call, async (doc) =>
      call.write(() => {
        call.state.docs = call.state.docs.filter(({ id }) => id !== doc.id)
        return answers.empty
      }),
    ),
  )
}

function valuesOf(attributes: Params): Partial<ApiDoc> {
  const texts = (['name', 'body', 'description'] as const).map((name) => [name, textOf(attributes, name)] as const)
  const flags = (['published', 'skip_swagger_validations'] as const).map(
    (name) => [name, flagOf(attributes, name)] as const,
  )
  const service = textOf(attributes, 'service_id')
  return {
    ...Object.fromEntries([...texts, ...flags].filter(([, value]) => value !== undefined)),
    ...(service ? { service_id: Number(service) } : {}),
  }
}

/** YAML is no JSON, and a document without a version of Swagger or OpenAPI is none (three_scale/swagger/validator.rb). */
function errorsOf({ name, body }: Pick<ApiDoc, 'name' | 'body'>): Errors {
  const errors: Errors = {}
  if (name.trim() === '') errors.name = ["can't be blank"]
  if (body === '') errors.body = ["can't be blank"]
  else if (!isJson(body)) errors.body = ['Invalid JSON']
  return errors
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}

/** A name that was derived from another gets a suffix until it is free. */
function unused(name: string, { state }: Call): string {
  const taken = (requested: string) => state.docs.some(({ system_name }) => system_name === requested)
  for (let n = 1; ; n++) {
    const requested = n === 1 ? name : `${name}_${n}`
    if (!taken(requested)) return requested
  }
}

function withDoc(call: Call, work: (doc: ApiDoc) => Answer | Promise<Answer>): Answer | Promise<Answer> {
  const doc = call.state.docs.find(({ id }) => id === call.id('id'))
  return doc ? work(doc) : answers.notFound
}

function shown(doc: ApiDoc, call: Call): Answer {
  return answers.ok({ api_doc: show(doc, viewOf(call)) })
}
