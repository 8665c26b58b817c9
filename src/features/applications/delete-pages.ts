import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem } from '../../errors.js'
import { check } from '../../rules.js'
import { audited } from '../../web/audit.js'
import { formValues } from '../../web/forms.js'
import { callerOf } from '../../web/guard.js'
import { idOf } from '../../web/ids.js'
import type { Waiting } from '../../web/waiting.js'
import type { Applications } from './applications.js'
import { guards } from './guards.js'
import { orAgain } from './requests.js'
import { deleteView } from './view.js'

const byId = '/applications/:id/delete'
const audit = { audit: 'application.delete' } as const

/** The deletion of an application, which is confirmed by its name. */
export function deletePages(
  app: FastifyInstance,
  { applications, waiting }: { applications: Pick<Applications, 'read' | 'remove'>; waiting: Waiting },
): void {
  app.get(byId, async (request, reply) => {
    const { application, product } = await applications.read(callerOf(request), idOf(request))
    if (product) check(guards.change, { product })
    return reply.page('applications/delete', deleteView({ application, errors: {} }))
  })

  app.post(byId, { config: audit }, async (request, reply) => remove(request, reply, formValues(request.body), false))

  app.get(`${byId}/pending`, { config: { ...audit, patient: true } }, async (request, reply) => {
    const values = waiting.read<Record<string, string>>(request, callerOf(request))
    audited(request, { quiet: !values })
    if (!values) return reply.redirect(`/applications/${idOf(request)}`, 303)
    return remove(request, reply, values, true)
  })

  async function remove(
    request: FastifyRequest,
    reply: FastifyReply,
    values: Record<string, string>,
    resumed: boolean,
  ) {
    const [caller, id] = [callerOf(request), idOf(request)]
    const back = `/applications/${id}`
    const action = `${back}/delete`
    const again = { title: 'Not deleted yet', back, button: 'Send it again', action, labels: {}, values }
    const form = { key: `delete ${id}`, path: `${action}/pending`, carry: values, resumed, caller }
    return orAgain(reply, again, async () => {
      const held = await waiting
        .hold(request, reply, { ...form, title: 'Deleting the application' }, async () => {
          const { application } = await applications.read(caller, id)
          const isConfirmed = values.confirm?.trim() === application.name.trim()
          if (isConfirmed) await applications.remove(caller, id)
          return { application, isConfirmed }
        })
        .catch((error: unknown) => {
          // another replica has deleted it meanwhile
          if (!resumed || !isProblem(error, 'not_found')) throw error
          return undefined
        })
      if (held && 'page' in held) return held.page
      if (held && !held.value.isConfirmed) {
        const { application } = held.value
        const errors = { confirm: `Type ${application.name} to delete it.` }
        return reply.page('applications/delete', deleteView({ application, errors }), { status: 422 })
      }
      const name = held?.value.application.name ?? 'The application'
      reply.flash('success', `${name} is deleted. The gateway refuses its key in a few seconds.`)
      return reply.redirect('/applications', 303)
    })
  }
}
