import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, problem } from '../../../errors.js'
import {
  attemptFrom,
  offerResubmission,
  redirectToRepair,
  resubmissionMessages,
  submitOnce,
} from '../../../idempotency/form-resubmission.js'
import { newAttempt } from '../../../idempotency/idempotency-key.js'
import type { Seal } from '../../../infra/crypto/seal.js'
import { type Allowances, enforce } from '../../../policies.js'
import { idOf } from '../../../web/api/validation/ids.js'
import { annotateAudit } from '../../../web/audit/audit.js'
import { callerOf } from '../../../web/auth/guard.js'
import { formValues, validateForm } from '../../../web/pages/forms.js'
import type { Applications, ReadApplication } from '../applications.js'
import { requiredPolicies, rotationPolicies } from '../permissions.js'
import { type Key, NewKey } from '../schemas.js'
import type { KeyManagement } from './key-management.js'
import { keyErrors, keyFlash, keyResubmission } from './messages.js'
import { revocationCheckPages } from './revocation/pages.js'
import type { RevocationChecks } from './revocation/revocation-checks.js'
import { newKeyView, revokeView, rotateView } from './view.js'

export interface KeyPagesDeps {
  applications: Pick<Applications, 'read' | 'repair'>
  keyManagement: KeyManagement
  allowances: Allowances
  revocationChecks: Pick<RevocationChecks, 'read'>
  /** seals the pending revocation check that the browser stores */
  seal: Seal
  secure: boolean
}

const byId = '/applications/:id'

/** Pages that add, rotate and revoke keys, repair an application, and show revocation checks. */
export async function keyPages(app: FastifyInstance, deps: KeyPagesDeps) {
  const { applications, keyManagement, allowances } = deps
  const { show } = revocationCheckPages(app, deps)

  app.post(`${byId}/repair`, { config: { audit: 'application.repair' } }, async (request, reply) => {
    try {
      const { id, state } = await applications.repair(callerOf(request), idOf(request))
      reply.flash('success', state === 'live' ? keyFlash.repaired : keyFlash.repairedUnusable)
      return reply.redirect(`/applications/${id}`, 303)
    } catch (error) {
      if (!isProblem(error, 'key_not_usable')) throw error
      reply.flash('danger', keyFlash.gatewayUnreachable)
      return redirectToRepair(reply, error)
    }
  })

  app.get(`${byId}/rotate`, async (request, reply) => renderRotate(request, reply, {}, 200))

  app.post(`${byId}/rotate`, { config: { audit: 'key.rotate' } }, async (request, reply) => {
    const values = formValues(request.body)
    return offerResubmission(reply, resubmission(request, keyResubmission.rotate, '/rotate', values), async () => {
      try {
        const { value } = newKeyIn(values)
        const { rotation } = await submitOnce(attemptFrom(values), (attempt) =>
          keyManagement.rotate(callerOf(request), idOf(request), { value, attempt }),
        )
        const { id, name, credentials, key, revocation_check: check } = rotation
        annotateAudit(request, { target: { key_id: key.key_id } })
        if (check) return show(request, reply, { check, name, mode: credentials.mode, replaced: true })
        // The page shows the new key, which a redirect cannot carry. A repeated form returns the same key.
        if (credentials.mode === 'app_id') return renderRotate(request, reply, { created: key }, 200)
        reply.flash('success', keyFlash.rotated[credentials.mode])
        return reply.redirect(`/applications/${id}`, 303)
      } catch (error) {
        if (isProblem(error, 'result_deleted')) return warnOfDeletion(reply, `/applications/${idOf(request)}/rotate`)
        if (!isProblem(error, 'invalid_fields')) throw error
        return renderRotate(request, reply, { ...values, errors: error.fields ?? {} }, 422)
      }
    })
  })

  app.get(`${byId}/keys/new`, async (request, reply) => renderNewKey(request, reply, {}, 200))

  app.post(`${byId}/keys`, { config: { audit: 'key.create' } }, async (request, reply) => {
    const values = formValues(request.body)
    return offerResubmission(reply, resubmission(request, keyResubmission.add, '/keys', values), async () => {
      try {
        const { value } = newKeyIn(values)
        const { key } = await submitOnce(attemptFrom(values), (attempt) =>
          keyManagement.add(callerOf(request), idOf(request), { value, attempt }),
        )
        annotateAudit(request, { target: { key_id: key.key_id } })
        reply.flash('success', keyFlash.added)
        return reply.redirect(`/applications/${idOf(request)}`, 303)
      } catch (error) {
        if (isProblem(error, 'result_deleted')) return warnOfDeletion(reply, `/applications/${idOf(request)}/keys/new`)
        if (!isProblem(error, 'invalid_fields')) throw error
        return renderNewKey(request, reply, { ...values, errors: error.fields ?? {} }, 422)
      }
    })
  })

  app.get<{ Params: { key_id: string } }>(`${byId}/keys/:key_id/revoke`, async (request, reply) => {
    const { application, keys } = await readForKeys(request)
    const key = keys.find(({ key_id }) => key_id === request.params.key_id)
    if (!key) throw problem('not_found')
    const { mode } = application.credentials
    enforce(['credential_mode'], { mode })
    enforce(['last_key'], { keys: keys.length, mode })
    return reply.page('applications/revoke', revokeView({ application, key, isLast: keys.length === 1 }))
  })

  app.post<{ Params: { key_id: string } }>(
    `${byId}/keys/:key_id/revoke`,
    { config: { audit: 'key.delete' } },
    async (request, reply) => {
      const path = `/keys/${encodeURIComponent(request.params.key_id)}/revoke`
      return offerResubmission(reply, resubmission(request, keyResubmission.revoke, path, {}), async () => {
        const { application, check } = await keyManagement.revoke(
          callerOf(request),
          idOf(request),
          request.params.key_id,
        )
        const { name, credentials } = application
        return show(request, reply, { check, name, mode: credentials.mode, replaced: false })
      })
    },
  )

  async function renderRotate(request: FastifyRequest, reply: FastifyReply, submitted: Submitted, status: number) {
    const { application, product, keys } = await applications.read(callerOf(request), idOf(request), { keys: true })
    if (product) enforce(rotationPolicies[application.credentials.mode], { product })
    const secondApplicationError = product && !allowances.multipleApplications ? keyErrors.oneApplication : ''
    const { created } = submitted
    const view = rotateView({ application, product, keys, created, form: formOf(submitted), secondApplicationError })
    return reply.header('cache-control', 'no-store').page('applications/rotate', view, { status })
  }

  async function renderNewKey(request: FastifyRequest, reply: FastifyReply, submitted: Submitted, status: number) {
    const { application, product, keys } = await readForKeys(request)
    const { mode } = application.credentials
    enforce(['credential_mode', 'key_limit'], { mode, keys: keys.length })
    const view = newKeyView({ application, product, form: formOf(submitted) })
    return reply.header('cache-control', 'no-store').page('applications/new-key', view, { status })
  }

  async function readForKeys(request: FastifyRequest): Promise<ReadApplication> {
    const read = await applications.read(callerOf(request), idOf(request), { keys: true })
    if (read.product) enforce(requiredPolicies.keys, { product: read.product })
    return read
  }
}

/** The key that this form created was deleted; a new form creates another one. */
function warnOfDeletion(reply: FastifyReply, form: string) {
  reply.flash('warning', resubmissionMessages.resultDeleted)
  return reply.redirect(form, 303)
}

interface Submitted {
  /** the new key, with its value */
  created?: Key
  attempt?: string
  value?: string
  errors?: Record<string, string>
}

function formOf({ attempt, value = '', errors = {} }: Submitted) {
  return { attempt: attempt ?? newAttempt(), value, errors }
}

/** An empty field means that the portal generates the key. */
function newKeyIn({ value = '' }: Record<string, string>): NewKey {
  return validateForm<NewKey>(NewKey, value === '' ? {} : { value })
}

function resubmission(request: FastifyRequest, title: string, path: string, values: Record<string, string>) {
  const back = `/applications/${idOf(request)}`
  const { button, customValue } = keyResubmission
  return { title, back, action: `${back}${path}`, button, labels: { value: customValue }, values }
}
