import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem } from '../../../errors.js'
import { offerResubmission } from '../../../idempotency/form-resubmission.js'
import { enforce } from '../../../policies.js'
import { idOf } from '../../../web/api/validation/ids.js'
import { annotateAudit } from '../../../web/audit/audit.js'
import { callerOf } from '../../../web/auth/guard.js'
import { formValues } from '../../../web/pages/forms.js'
import type { ProgressPages } from '../../../web/pages/progress-page.js'
import type { Applications } from '../applications.js'
import { requiredPolicies } from '../permissions.js'
import { deleteView } from './detail-view.js'
import { applicationResubmission, deletePage } from './messages.js'

const byId = '/applications/:id/delete'
const audit = { audit: 'application.delete' } as const

/** Deletes an application after the user typed its name. */
export function deletePages(
  app: FastifyInstance,
  {
    applications,
    progressPages,
  }: { applications: Pick<Applications, 'read' | 'remove'>; progressPages: ProgressPages },
): void {
  app.get(byId, async (request, reply) => {
    const { application, product } = await applications.read(callerOf(request), idOf(request))
    if (product) enforce(requiredPolicies.change, { product })
    return reply.page('applications/delete', deleteView({ application, errors: {} }))
  })

  app.post(byId, { config: audit }, async (request, reply) => remove(request, reply, formValues(request.body), false))

  app.get(`${byId}/pending`, { config: { ...audit, deadline: false } }, async (request, reply) => {
    const values = progressPages.read<Record<string, string>>(request, callerOf(request))
    annotateAudit(request, { quiet: !values })
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
    const { button, delete: title } = applicationResubmission
    const form = { key: `delete ${id}`, path: `${action}/pending`, input: values, resumed, caller }
    return offerResubmission(reply, { title, back, button, action, labels: {}, values }, async () => {
      const outcome = await progressPages
        .run(request, reply, { ...form, title: deletePage.progress }, async () => {
          const { application } = await applications.read(caller, id)
          const isConfirmed = values.confirm?.trim() === application.name.trim()
          if (isConfirmed) await applications.remove(caller, id)
          return { application, isConfirmed }
        })
        .catch((error: unknown) => {
          // another replica deleted the application
          if (!resumed || !isProblem(error, 'not_found')) throw error
          return undefined
        })
      if (outcome && 'page' in outcome) return outcome.page
      if (outcome && !outcome.value.isConfirmed) {
        const { application } = outcome.value
        const errors = { confirm: deletePage.confirm(application.name) }
        return reply.page('applications/delete', deleteView({ application, errors }), { status: 422 })
      }
      reply.flash('success', deletePage.deleted(outcome?.value.application.name ?? deletePage.unnamed))
      return reply.redirect('/applications', 303)
    })
  }
}
