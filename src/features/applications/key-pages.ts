import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, problem } from '../../errors.js'
import { type Allowances, check } from '../../rules.js'
import { audited } from '../../web/audit.js'
import { checked, formValues } from '../../web/forms.js'
import { callerOf } from '../../web/guard.js'
import { idOf } from '../../web/ids.js'
import type { Seal } from '../../web/seal.js'
import type { Applications, ReadApplication } from './applications.js'
import type { CredentialVerbs } from './credentials.js'
import { guards, rotationGuards } from './guards.js'
import { newKeyView, retireView, rotateView } from './key-view.js'
import { newAttempt } from './keys.js'
import { receiptPages } from './receipt-pages.js'
import type { Receipts } from './receipts.js'
import { attemptIn, once, orAgain, toRepair } from './requests.js'
import { NewKey } from './schemas.js'

export interface KeyPagesDeps {
  applications: Pick<Applications, 'read' | 'repair'>
  credentials: CredentialVerbs
  allowances: Allowances
  receipts: Pick<Receipts, 'read'>
  /** of what a receipt needs in the browser */
  seal: Seal
  secure: boolean
}

const byId = '/applications/:id'

/** Keys of an application by page: add, retire, rotate, and the receipt that follows. */
export async function keyPages(app: FastifyInstance, deps: KeyPagesDeps) {
  const { applications, credentials, allowances } = deps
  const { show } = receiptPages(app, deps)

  app.post(`${byId}/repair`, { config: { audit: 'application.repair' } }, async (request, reply) => {
    try {
      const { id } = await applications.repair(callerOf(request), idOf(request))
      reply.flash('success', 'Repaired. Show the key and test it.')
      return reply.redirect(`/applications/${id}`, 303)
    } catch (error) {
      if (!isProblem(error, 'key_not_usable')) throw error
      reply.flash('danger', 'The gateway still cannot be reached. Nothing was changed; try again in a minute.')
      return toRepair(reply, error)
    }
  })

  app.get(`${byId}/rotate`, async (request, reply) => rotatePage(request, reply, {}, 200))

  app.post(`${byId}/rotate`, { config: { audit: 'key.rotate' } }, async (request, reply) => {
    const values = formValues(request.body)
    return orAgain(reply, form(request, 'Not rotated yet', '/rotate', values), async () => {
      try {
        const { value } = wantedOf(values)
        const rotated = await once(attemptIn(values), (attempt) =>
          credentials.rotate(callerOf(request), idOf(request), value, attempt),
        )
        audited(request, { target: { key_id: rotated.key.key_id } })
        const { id, name, credentials: shape, receipt } = rotated
        if (receipt) return show(request, reply, { receipt, name, mode: shape.mode, replaced: true })
        if (shape.mode !== 'app_id') {
          reply.flash('success', shape.mode === 'oidc' ? 'The secret is replaced.' : 'The key is replaced.')
          return reply.redirect(`/applications/${id}`, 303)
        }
        reply.flash('success', 'The new key is there, and works beside the old one. Put it into your code now.')
        return reply.redirect(`/applications/${id}/rotate`, 303)
      } catch (error) {
        if (!isProblem(error, 'invalid_fields')) throw error
        return rotatePage(request, reply, { ...values, errors: error.fields ?? {} }, 422)
      }
    })
  })

  app.get(`${byId}/keys/new`, async (request, reply) => newKeyPage(request, reply, {}, 200))

  app.post(`${byId}/keys`, { config: { audit: 'key.create' } }, async (request, reply) => {
    const values = formValues(request.body)
    return orAgain(reply, form(request, 'Not added yet', '/keys', values), async () => {
      try {
        const { value } = wantedOf(values)
        const key = await once(attemptIn(values), (attempt) =>
          credentials.add(callerOf(request), idOf(request), value, attempt),
        )
        audited(request, { target: { key_id: key.key_id } })
        reply.flash('success', 'The key is added. Show the keys to copy it.')
        return reply.redirect(`/applications/${idOf(request)}`, 303)
      } catch (error) {
        if (!isProblem(error, 'invalid_fields')) throw error
        return newKeyPage(request, reply, { ...values, errors: error.fields ?? {} }, 422)
      }
    })
  })

  app.get<{ Params: { key_id: string } }>(`${byId}/keys/:key_id/retire`, async (request, reply) => {
    const read = await readForKeys(request)
    const key = read.keys.find(({ key_id }) => key_id === request.params.key_id)
    if (!key) throw problem('not_found')
    const { application, keys } = read
    const { mode } = application.credentials
    check(['credential_mode'], { mode })
    check(['last_key'], { keys: keys.length, mode })
    return reply.page('applications/retire', retireView({ application, key, last: keys.length === 1 }))
  })

  app.post<{ Params: { key_id: string } }>(
    `${byId}/keys/:key_id/retire`,
    { config: { audit: 'key.delete' } },
    async (request, reply) => {
      const path = `/keys/${encodeURIComponent(request.params.key_id)}/retire`
      return orAgain(reply, form(request, 'Not retired yet', path, {}), async () => {
        const { application, receipt } = await credentials.retire(
          callerOf(request),
          idOf(request),
          request.params.key_id,
        )
        const { name, credentials: shape } = application
        return show(request, reply, { receipt, name, mode: shape.mode, replaced: false })
      })
    },
  )

  async function rotatePage(request: FastifyRequest, reply: FastifyReply, typed: Typed, status: number) {
    const { application, product, keys } = await applications.read(callerOf(request), idOf(request), { keys: true })
    const { mode } = application.credentials
    if (product) check(rotationGuards[mode], { product })
    const limits = { applications: [], allowances }
    const second =
      product && !limits.allowances.multipleApplications ? 'Your account may have one application here.' : ''
    const view = rotateView({ application, product, keys, form: formOf(typed), second: second || '' })
    return reply.header('cache-control', 'no-store').page('applications/rotate', view, { status })
  }

  async function newKeyPage(request: FastifyRequest, reply: FastifyReply, typed: Typed, status: number) {
    const { application, product, keys } = await readForKeys(request)
    const { mode } = application.credentials
    check(['credential_mode', 'key_limit'], { mode, keys: keys.length })
    const view = newKeyView({ application, product, form: formOf(typed) })
    return reply.header('cache-control', 'no-store').page('applications/new-key', view, { status })
  }

  async function readForKeys(request: FastifyRequest): Promise<ReadApplication> {
    const read = await applications.read(callerOf(request), idOf(request), { keys: true })
    if (read.product) check(guards.keys, { product: read.product })
    return read
  }
}

interface Typed {
  attempt?: string
  value?: string
  errors?: Record<string, string>
}

function formOf({ attempt, value = '', errors = {} }: Typed) {
  return { attempt: attempt ?? newAttempt(), value, errors }
}

/** An empty field is no value of one's own. */
function wantedOf({ value = '' }: Record<string, string>): NewKey {
  return checked<NewKey>(NewKey, value === '' ? {} : { value })
}

function form(request: FastifyRequest, title: string, path: string, values: Record<string, string>) {
  const back = `/applications/${idOf(request)}`
  return { title, back, action: `${back}${path}`, button: 'Send it again', labels: { value: 'Your own value' }, values }
}
