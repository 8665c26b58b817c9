import { type Answer, answers, page } from './answers.js'
import { update } from './fields.js'
import { flagOf, textOf, wrapped } from './params.js'
import * as show from './represent/catalogue.js'
import { field } from './represent/people.js'
import type { Api, Call } from './router.js'
import type { Service } from './store.js'
import { servicesXml, serviceXml } from './xml.js'

/** Products, specs, fields and settings of the tenant. */
export function catalogueRoutes(api: Api): void {
  api.get('/admin/api/services', ({ state, query, host }) => {
    const { rows, metadata } = page(state.services, query)
    const json = { services: rows.map((row) => ({ service: show.service(row, host) })), ...(metadata && { metadata }) }
    return answers.ok(json, servicesXml(rows, metadata))
  })

  api.get('/admin/api/services/:service', (call) => withService(call, (service) => shown(service, call)))

  api.update('/admin/api/services/:service', (call) =>
    withService(call, (service) => {
      const given = wrapped(call, 'service', ['name', 'description', ...Object.keys(service.flags)])
      if ('refusal' in given) return given.refusal
      const name = textOf(given.attributes, 'name') ?? service.name
      if (name.trim() === '') return answers.invalid({ name: ["can't be blank"] })
      const flags = Object.fromEntries(
        Object.entries(service.flags).map(([flag, old]) => [
          flag,
          typeof old === 'boolean' ? (flagOf(given.attributes, flag) ?? old) : (textOf(given.attributes, flag) ?? old),
        ]),
      ) as Service['flags']
      update(service, { name, description: textOf(given.attributes, 'description') ?? service.description, flags })
      return shown(service, call)
    }),
  )

  api.get('/admin/api/services/:service/features', (call) =>
    withService(call, (service) => {
      const rows = call.state.features.filter(({ service_id }) => service_id === service.id)
      return answers.ok({ features: rows.map((row) => ({ feature: show.feature(row, service) })) })
    }),
  )

  api.get('/admin/api/active_docs', ({ state }) =>
    answers.ok({ api_docs: state.docs.map((row) => ({ api_doc: show.doc(row, state) })) }),
  )
  api.get('/admin/api/active_docs/:id', ({ state, id }) => {
    const row = state.docs.find((doc) => doc.id === id('id'))
    return row ? answers.ok({ api_doc: show.doc(row, state) }) : answers.notFound
  })

  api.get('/admin/api/fields_definitions', ({ state }) =>
    answers.ok({ fields_definitions: state.fields.map((row) => ({ fields_definition: field(row) })) }),
  )

  api.get('/admin/api/settings', ({ state }) => answers.ok({ settings: state.settings }))
  api.update('/admin/api/settings', (call) => {
    const given = wrapped(call, 'settings', Object.keys(call.state.settings))
    if ('refusal' in given) return given.refusal
    for (const [name, old] of Object.entries(call.state.settings)) {
      const value = typeof old === 'boolean' ? flagOf(given.attributes, name) : textOf(given.attributes, name)
      if (value !== undefined) call.state.settings[name] = value
    }
    return answers.ok({ settings: call.state.settings })
  })

  api.get('/admin/api/provider', ({ state }) => answers.ok({ account: state.provider }))
  api.get('/admin/api/authentication_providers', ({ state }) =>
    answers.ok({ authentication_providers: [{ authentication_provider: state.authenticationProvider }] }),
  )
}

export function withService(call: Call, work: (service: Service) => Answer): Answer {
  const service = call.state.services.find(({ id }) => id === call.id('service'))
  return service ? work(service) : answers.notFound
}

function shown(service: Service, { host }: Call): Answer {
  return answers.ok({ service: show.service(service, host) }, serviceXml(service))
}
