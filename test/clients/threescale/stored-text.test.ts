import t from 'tap'
import { textMessages } from '../../../src/clients/threescale/tenant-rules/messages.js'
import { type KnownTenants, rejectUnstorableText } from '../../../src/clients/threescale/tenant-rules/stored-text.js'
import { beyondBmp, textError, withoutBeyondBmp } from '../../../src/clients/threescale/tenant-rules/text-limits.js'
import type { Threescale } from '../../../src/clients/threescale/types.js'
import { isProblem } from '../../../src/errors.js'
import { ADMIN, type Said, scriptedApi } from '../../helper/account-api.js'

const failed = { status: 500, body: { status: 500, error: 'Internal Server Error' } }

function tenant(answers: Record<string, Said>, known: KnownTenants = memory()) {
  const { api, calls } = scriptedApi(answers)
  return { threescale: rejectUnstorableText(api, ADMIN, known), calls, known }
}

function memory(): KnownTenants & { all: Map<string, true> } {
  const all = new Map<string, true>()
  return {
    all,
    get: async (key) => ({ value: all.get(key) ?? null }),
    put: async (key, value) => void all.set(key, value),
  }
}

async function failureOf(
  work: Promise<unknown>,
): Promise<{ code: string; fields: Record<string, string> | undefined }> {
  try {
    await work
    return { code: 'none', fields: undefined }
  } catch (error) {
    if (!isProblem(error)) throw error
    return { code: error.code, fields: error.fields }
  }
}

const application = (change: object) => ({
  planId: 1,
  name: 'App',
  description: '',
  applicationId: 'abcd',
  userKey: 'key',
  fields: {},
  ...change,
})
const record = { id: 7, account_id: 5, service_id: 1, plan_id: 1, state: 'live' }
const user = '<account><id>5</id><users><user><id>9</id><username>sso-a</username></user></users></account>'

interface Case {
  write: (threescale: Threescale) => Promise<unknown>
  call: string
  /** The read that shows whether the text was stored, with its responses for both cases. */
  look: string
  empty: Said
  stored: Said
  field: string
}

const cases: Record<string, Case> = {
  'an application is created': {
    write: (threescale) => threescale.createApplication(5, application({ name: 'App 🚀' })),
    call: 'POST /accounts/5/applications',
    look: 'GET /accounts/5/applications',
    empty: { status: 200, body: { applications: [] } },
    stored: { status: 200, body: { applications: [{ application: { ...record, user_key: 'key' } }] } },
    field: 'name',
  },
  'an application is described': {
    write: (threescale) => threescale.updateApplication(5, 7, { description: 'To the 🌙' }),
    call: 'PUT /accounts/5/applications/7',
    look: 'GET /accounts/5/applications/7',
    empty: { status: 200, body: { application: record } },
    stored: { status: 200, body: { application: { ...record, description: 'To the 🌙' } } },
    field: 'description',
  },
  'somebody signs up': {
    write: (threescale) =>
      threescale.signUp({ orgName: 'Rockets 🚀', username: 'sso-a', email: 'a@example.com', fields: {} }),
    call: 'POST /signup',
    look: 'GET /accounts/find',
    empty: { status: 404, body: '' },
    stored: { status: 200, body: user },
    field: 'org_name',
  },
  'a user is created': {
    write: (threescale) =>
      threescale.createUser(5, { username: 'sso-a', email: 'a@example.com', fields: { first_name: 'Ada 🚀' } }),
    call: 'POST /accounts/5/users',
    look: 'GET /accounts/find',
    empty: { status: 404, body: '' },
    stored: { status: 200, body: user },
    field: 'first_name',
  },
  'a user is changed': {
    write: (threescale) => threescale.updateUser(5, 9, { username: 'sso-a', fields: { last_name: 'L 🚀' } }),
    call: 'PUT /accounts/5/users/9',
    look: 'GET /accounts/5/users',
    empty: { status: 200, body: { users: [{ user: { id: 9, username: 'old' } }] } },
    stored: { status: 200, body: { users: [{ user: { id: 9, username: 'sso-a', last_name: 'L 🚀' } }] } },
    field: 'last_name',
  },
  'an account is changed': {
    write: (threescale) => threescale.updateAccount(5, { org_name: 'Rockets 🚀' }),
    call: 'PUT /accounts/5',
    look: 'GET /accounts/5',
    empty: { status: 200, body: { account: { id: 5, org_name: 'Old' } } },
    stored: { status: 200, body: { account: { id: 5, org_name: 'Rockets 🚀' } } },
    field: 'org_name',
  },
}

t.test('on MySQL, text that cannot be stored is reported at its field and the limitation is cached', async (t) => {
  for (const [title, { write, call, look, empty, field }] of Object.entries(cases)) {
    const { threescale, calls, known } = tenant({ [call]: failed, [look]: empty })
    const first = await failureOf(write(threescale))
    t.equal(first.code, 'invalid_fields', title)
    t.same(Object.keys(first.fields ?? {}), [field], title)
    t.match(first.fields?.[field], /^3scale cannot store this character: (🚀|🌙)\. Remove it\.$/u, title)
    t.same(calls, [call, look, 'GET /accounts/find NUL'], `${title}: two reads find the reason`)
    calls.length = 0
    t.same(await failureOf(write(threescale)), first, `${title}: cached`)
    t.same(calls, [], `${title}: without a call`)
    const replica = tenant({ [call]: failed, [look]: empty }, known)
    t.same(await failureOf(write(replica.threescale)), first, `${title}: shared with another replica`)
    t.same(replica.calls, [])
    t.equal((await failureOf(threescale.checkTexts({ name: 'x 🚀' }))).code, 'invalid_fields')
    t.equal((await failureOf(threescale.checkTexts({ name: 'Zoë 株式会社 ❤' }))).code, 'none')
    t.same(calls, [])
  }
})

t.test('a 500 for another reason is returned unchanged, and nothing is cached', async (t) => {
  for (const [title, { write, call, look, empty, stored }] of Object.entries(cases)) {
    const others: [string, Record<string, Said>, number][] = [
      ['PostgreSQL', { [look]: empty, 'GET /accounts/find NUL': failed }, 3],
      ['the back-end is stopped, the row was stored', { [look]: stored }, 2],
      ['3scale is down', { [look]: failed }, 2],
    ]
    for (const [reason, answers, count] of others) {
      const { threescale, calls, known } = tenant({ [call]: failed, ...answers })
      t.equal((await failureOf(write(threescale))).code, 'threescale_unavailable', `${title}, ${reason}`)
      t.equal(calls.length, count, `${title}, ${reason}: ${calls.join(', ')}`)
      t.equal((await known.get(ADMIN)).value, null)
    }
    for (const status of [502, 503, 429]) {
      const { threescale, calls } = tenant({ [call]: { status, body: '' } })
      t.equal((await failureOf(write(threescale))).code, 'threescale_unavailable', `${title}, ${status}`)
      t.same(calls, [call], 'no read')
    }
  }
  const plain = tenant({ 'POST /accounts/5/applications': failed })
  const write = plain.threescale.createApplication(5, application({ name: 'Zoë 株式会社 ❤' }))
  t.equal((await failureOf(write)).code, 'threescale_unavailable')
  t.equal(plain.calls.length, 1, 'such text is never the reason')
})

t.test('extra fields are stored as YAML, which escapes such characters', async (t) => {
  const { threescale, calls } = tenant({ 'POST /accounts/5/applications': failed }, memory())
  const required = application({ fields: { purpose: 'x 🚀', title: '🚀' } })
  t.equal((await failureOf(threescale.createApplication(5, required))).code, 'threescale_unavailable')
  t.equal(calls.length, 1)
})

t.test('U+0000 is rejected in front of 3scale: the reason is found because 3scale responds', async (t) => {
  const call = 'POST /accounts/5/applications'
  const look = { 'GET /accounts/5/applications': { status: 200, body: { applications: [] } } }
  for (const status of [400, 403]) {
    const filtered = { [call]: failed, ...look, 'GET /accounts/find NUL': { status, body: 'blocked' } }
    const up = tenant({ ...filtered, 'GET /settings': { status: 200, body: { settings: {} } } })
    const write = up.threescale.createApplication(5, application({ name: '🚀' }))
    t.equal((await failureOf(write)).code, 'invalid_fields', String(status))
    const down = tenant({ ...filtered, 'GET /settings': failed })
    const lost = down.threescale.createApplication(5, application({ name: '🚀' }))
    t.equal((await failureOf(lost)).code, 'threescale_unavailable', String(status))
  }
})

t.test('the message, and the text without the unsupported characters', async (t) => {
  t.same(beyondBmp('a🚀b🚀c😀 ❤️ 株'), ['🚀', '😀'])
  t.equal(textMessages.unsupportedCharacters(['🚀']), '3scale cannot store this character: 🚀. Remove it.')
  t.equal(textMessages.unsupportedCharacters(['🚀', '😀']), '3scale cannot store these characters: 🚀 😀. Remove them.')
  t.match(textMessages.unsupportedCharacters(['🚀', '😀', '😃', '😄', '😁', '😆']), '🚀 😀 😃 😄 😁 and others')
  for (const [text, left] of [
    ['Rockets 🚀', 'Rockets'],
    ['🚀 Rockets', 'Rockets'],
    ['A 👩‍🚀 B', 'A B'],
    ['🚀', ''],
    ['Zoë', 'Zoë'],
  ] as const)
    t.equal(withoutBeyondBmp(text), left, text)
  t.equal(textError('x'.repeat(255), { max: 255 }), undefined)
  t.equal(textError('a\tb', { max: 255 }), 'Remove the control character U+0009.')
})
