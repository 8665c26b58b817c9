import type { Sync } from '../backend/sync.js'
import { textOf } from '../http/params.js'
import { answers, type Errors, Refusal } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import { listTag } from '../http/tags.js'
import * as show from '../represent/accounts.js'
import { viewOf } from '../represent/representation.js'
import { applicationXml, keysXml } from '../represent/xml-people.js'
import { rowWith } from '../row-index.js'
import { hex } from '../secrets.js'
import { type Application, nextId, type State } from '../store.js'
import { applicationOf, keysLimit, one, withApplication } from './applications.js'

const base = '/admin/api/accounts/:account/applications/:id'
const PRINTABLE = /^[\x21-\x7e]+$/
const FILTERS_LIMIT = 5

/** Application keys and referrer filters. Creating one returns the application, without the value of the key. */
export function applicationKeyRoutes(api: Api, sync: Sync): void {
  api.get(
    `${base}/keys`,
    (call) =>
      withApplication(call, (record) =>
        answers.ok({ keys: show.keys(record, viewOf(call)) }, keysXml(record, viewOf(call))),
      ),
    (call) => {
      const record = applicationOf(call)
      return record && listTag(record.keys, call)
    },
  )

  api.post(`${base}/keys`, (call) =>
    withApplication(call, async (record) => {
      const value = textOf(call.params, 'key') ?? hex(16)
      refuseErrors(keyErrors(call.state, value, record))
      const key = await call.write(() => {
        // The index of the table accepts a value only once. The limit is checked while the row is locked.
        if (isTaken(record, value)) throw new Refusal(answers.conflict)
        refuseErrors(keyErrors(call.state, value, record))
        const stored = { id: nextId(call.state, 'key'), value, created_at: call.clock.now() }
        record.keys.push(stored)
        return stored
      })
      sync.saveKey(record, value)
      call.fire({ type: 'application', action: 'key_created', record })
      return created(record, key.id, call)
    }),
  )

  // the parameter wins over the path; the last key may go, whatever `mandatory_app_key` says
  api.delete(`${base}/keys/:key`, (call) =>
    withApplication(call, async (record) => {
      const value = textOf(call.params, 'key') ?? call.piece('key')
      const named = record.keys.some((key) => key.value === value)
      if (!named || (!('key' in call.params) && value.includes('/'))) return answers.notFound
      await call.write(() => {
        record.keys = record.keys.filter((key) => key.value !== value)
      })
      sync.removeKey(record, value)
      call.fire({ type: 'application', action: 'key_deleted', record })
      return answers.empty
    }),
  )

  api.get(`${base}/referrer_filters`, (call) =>
    withApplication(call, (record) => answers.ok({ referrer_filters: show.referrerFilters(record, viewOf(call)) })),
  )

  api.post(`${base}/referrer_filters`, (call) =>
    withApplication(call, async (record) => {
      const value = textOf(call.params, 'referrer_filter') ?? ''
      refuseErrors(filterErrors(value, record))
      const filter = await call.write(() => {
        const stored = { id: nextId(call.state, 'referrer_filter'), value, created_at: call.clock.now() }
        record.referrer_filters.push(stored)
        return stored
      })
      return created(record, filter.id, call)
    }),
  )

  api.delete(`${base}/referrer_filters/:filter`, (call) =>
    withApplication(call, async (record) => {
      const requested = call.id('filter')
      if (!record.referrer_filters.some(({ id }) => id === requested)) return answers.notFound
      return call.write(() => {
        record.referrer_filters = record.referrer_filters.filter(({ id }) => id !== requested)
        return answers.empty
      })
    }),
  )
}

function created(record: Application, id: number, call: Call) {
  return answers.created(id, one(record, call), applicationXml(record, viewOf(call)))
}

function refuseErrors(errors: Errors): void {
  if (Object.keys(errors).length > 0) throw new Refusal(answers.invalid(errors))
}

/** The comparison ignores case. */
function isTaken({ keys }: Application, value: string): boolean {
  return keys.some((key) => key.value.toLowerCase() === value.toLowerCase())
}

function keyErrors(state: State, value: string, record: Application): Errors {
  const errors: Errors = {}
  const service = rowWith(state.services, 'id', record.service_id)
  const wrong = [
    ...(PRINTABLE.test(value) ? [] : ['invalid']),
    ...(value.length < 5 ? ['is too short (minimum is 5 characters)'] : []),
    ...(value.length > 255 ? ['is too long (maximum is 255 characters)'] : []),
    ...(isTaken(record, value) ? ['has already been taken'] : []),
  ]
  if (wrong.length > 0) errors.value = wrong
  if (record.keys.length >= keysLimit(service)) errors.base = ['Limit reached']
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
