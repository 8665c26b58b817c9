import { answers, type Errors } from './answers.js'
import { hex, one, withApplication } from './applications.js'
import { time } from './clock.js'
import { textOf } from './params.js'
import * as show from './represent/people.js'
import type { Api, Call } from './router.js'
import { type Application, nextId, type State } from './store.js'
import { applicationXml, keysXml } from './xml.js'

const base = '/admin/api/accounts/:account/applications/:id'
const PRINTABLE = /^[\x21-\x7e]+$/
const FILTERS_LIMIT = 5

/** Application keys and referrer filters; making one answers with the application, without the key's value. */
export function applicationKeyRoutes(api: Api): void {
  api.get(`${base}/keys`, (call) =>
    withApplication(call, (record) => answers.ok({ keys: show.keys(record, call.host) }, keysXml(record))),
  )

  api.post(`${base}/keys`, (call) =>
    withApplication(call, (record) => {
      const value = textOf(call.params, 'key') ?? hex(16)
      const errors = keyErrors(call.state, value, record)
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      record.keys.push({ value, created_at: Date.now() })
      return created(record, call)
    }),
  )

  // the parameter wins over the path; the last key may go, whatever `mandatory_app_key` says
  api.delete(`${base}/keys/:key`, (call) =>
    withApplication(call, (record) => {
      const value = textOf(call.params, 'key') ?? call.piece('key')
      const named = record.keys.some((key) => key.value === value)
      if (!named || (!('key' in call.params) && value.includes('/'))) return answers.notFound
      record.keys = record.keys.filter((key) => key.value !== value)
      return answers.empty
    }),
  )

  api.get(`${base}/referrer_filters`, (call) =>
    withApplication(call, (record) => {
      const at = time(record.updated_at)
      const rows = record.referrer_filters.map((row) => ({ ...row, created_at: at, updated_at: at }))
      return answers.ok({ referrer_filters: rows.map((row) => ({ referrer_filter: row })) })
    }),
  )

  api.post(`${base}/referrer_filters`, (call) =>
    withApplication(call, (record) => {
      const value = textOf(call.params, 'referrer_filter') ?? ''
      const errors = filterErrors(value, record)
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      record.referrer_filters.push({ id: nextId(call.state, 'referrer_filter'), value })
      return created(record, call)
    }),
  )

  api.delete(`${base}/referrer_filters/:filter`, (call) =>
    withApplication(call, (record) => {
      if (!record.referrer_filters.some(({ id }) => id === call.id('filter'))) return answers.notFound
      record.referrer_filters = record.referrer_filters.filter(({ id }) => id !== call.id('filter'))
      return answers.empty
    }),
  )
}

function created(record: Application, call: Call) {
  return answers.created(record.id, one(record, call), applicationXml(record, call.state))
}

/** porta, app/models/application_key.rb: five keys, one for OpenID Connect; alike but for the letters' case is taken. */
function keyErrors(state: State, value: string, record: Application): Errors {
  const errors: Errors = {}
  const service = state.services.find(({ id }) => id === record.service_id)
  const wrong = [
    ...(PRINTABLE.test(value) ? [] : ['invalid']),
    ...(value.length < 5 ? ['is too short (minimum is 5 characters)'] : []),
    ...(value.length > 255 ? ['is too long (maximum is 255 characters)'] : []),
    ...(record.keys.some((key) => key.value.toLowerCase() === value.toLowerCase()) ? ['has already been taken'] : []),
  ]
  if (wrong.length > 0) errors.value = wrong
  if (record.keys.length >= (service?.backend_version === 'oidc' ? 1 : 5)) errors.base = ['Limit reached']
  return errors
}

function filterErrors(value: string, record: Application): Errors {
  const errors: Errors = {}
  if (value === '') errors.value = ["can't be blank", 'invalid']
  else if (record.referrer_filters.some((filter) => filter.value === value)) errors.value = ['has already been taken']
  else if (!/^[a-zA-Z0-9*.-]+$/.test(value)) errors.value = ['invalid']
  if (record.referrer_filters.length >= FILTERS_LIMIT) errors.base = ['Limit reached']
  return errors
}
