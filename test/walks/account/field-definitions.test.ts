// Field definitions as tenants have them: built-in, relabeled, required, hidden and extra fields.
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createApi } from '../../helper/api.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor, formsOf } from '../../helper/visitor.js'

interface Definition {
  id: number
  target: 'Account' | 'User' | 'Cinstance'
  name: string
  label: string
  required: boolean
  hidden: boolean
  read_only: boolean
  choices: string[]
}

interface FieldSpec {
  name: string
  label: string
  required: boolean
  choices: string[]
}

interface Model {
  system_name: string
  credentials: { mode: string }
  plans: { system_name: string }[]
  plan_required: boolean
  application_attributes: FieldSpec[]
  application_fields: FieldSpec[]
}

type Created = Record<string, unknown> & { id: number; name: string; description: string; errors?: object }

const stack = await startStack(['threescale', 'identity'])
const { fields: seeded } = (await stack.state()) as unknown as { fields: Definition[] }
await stack.portal({ CATALOG_TTL: '1' })
const api = createApi(stack)
t.teardown(() => stack.close())

/** The default definitions that 3scale creates for each tenant. */
const builtIn = seeded.filter(({ name }) => /^(org_name|username|email|name|description)$/.test(name))
const change = (name: string, to: Partial<Definition>) => (field: Definition) =>
  field.name === name ? { ...field, ...to } : field

/** Sets the tenant's definitions, and waits until the catalogue has them. */
async function define(definitions: Definition[]): Promise<void> {
  // The catalogue is refreshed after each change: this marker identifies it and is not visible to users.
  const mark = { ...(seeded[0] as Definition), id: 900, target: 'Cinstance' as const, required: false, hidden: false }
  const name = `mark_${Math.random().toString(36).slice(2)}`
  await stack.put('/_demo/fields_definitions', [...definitions, { ...mark, name, label: 'Mark' }])
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(100)) {
    const { application_fields } = (await api.get<Model>('/models/granite-chat')).body
    if (application_fields.some((field) => field.name === name)) break
  }
  await stack.put('/_demo/fields_definitions', definitions)
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(100)) {
    const { application_fields } = (await api.get<Model>('/models/granite-chat')).body
    if (!application_fields.some((field) => field.name === name)) return
  }
  throw new Error('the catalogue does not follow')
}

await createVisitor(stack).signIn('mary')
const token = await api.token({ username: 'mary' })
const mary = createVisitor(stack)
await mary.signIn('mary')

/** The smallest body that the response of GET /models/{name} allows. */
function leastOf(model: Model): Record<string, unknown> {
  const input = ({ name, label, choices }: FieldSpec) => [name, choices[0] ?? `A ${label}`]
  const required = (fields: FieldSpec[]) => Object.fromEntries(fields.filter((field) => field.required).map(input))
  const fields = required(model.application_fields)
  return {
    model: model.system_name,
    ...(model.plan_required ? { plan: model.plans[0]?.system_name } : {}),
    ...required(model.application_attributes),
    ...(Object.keys(fields).length > 0 ? { fields } : {}),
  }
}

/** The form with its values, and a text in each field that is required and empty. */
async function createByPage(model: Model) {
  const page = await mary.get(`/applications/new?model=${model.system_name}`)
  const values = formsOf(page.text).find(({ action }) => action === '/applications')?.values ?? {}
  const inputs = [...page.text.matchAll(/<input id="([^"]+)"[^>]*\brequired\b/g)].map(([, id = '']) => id)
  const typed = inputs.filter((id) => values[id] === '').map((id) => [id, `Typed ${id}`])
  const created = await mary.submit(page, /^\/applications$/, Object.fromEntries(typed) as Record<string, string>)
  return { form: page.text, values, created }
}

const labelsOf = (html: string) =>
  [...html.matchAll(/<label for="([^"]+)">([^<]+?)( <span class="required">\(required\)<\/span>)?<\/label>/g)]
    .filter(([, id = '']) => /^(name|description|fields\.)/.test(id))
    .map(([, id, label, required]) => `${id}: ${label}${required ? ' *' : ''}`)

const variants: [title: string, definitions: Definition[], labels: string[]][] = [
  ['as 3scale makes them', builtIn, ['name: Name *', 'description: Description']],
  ['with extra fields', seeded, ['name: Name *', 'fields.purpose: Purpose *', 'description: Description']],
  [
    'with other labels',
    builtIn.map(change('name', { label: 'Titel' })).map(change('description', { label: 'Zweck' })),
    ['name: Titel *', 'description: Zweck'],
  ],
  [
    'with a required description',
    builtIn.map(change('description', { required: true })),
    ['name: Name *', 'description: Description *'],
  ],
  [
    'with choices for both',
    builtIn
      .map(change('name', { choices: ['Test', 'Production'] }))
      .map(change('description', { required: true, choices: ['Research', 'Sales'] })),
    ['name: Name *', 'description: Description *'],
  ],
  ['with a hidden description', builtIn.map(change('description', { hidden: true })), ['name: Name *']],
  ['with a read-only description', builtIn.map(change('description', { read_only: true })), ['name: Name *']],
  ['without a description', builtIn.filter(({ name }) => name !== 'description'), ['name: Name *']],
  [
    'with a name that is hidden and read-only, which 3scale does not let a tenant do',
    builtIn.map(change('name', { hidden: true, read_only: true, required: false })),
    ['name: Name *', 'description: Description'],
  ],
  ['without a definition', [], ['name: Name *']],
]

for (const [title, definitions, labels] of variants) {
  t.test(
    `definitions ${title}: an application is created with the fields that GET /models/{name} requires`,
    async (t) => {
      await define(definitions)
      for (const system_name of ['granite-chat', 'llama-chat', 'oidc-chat', 'two-plans-noselect']) {
        const { body: model } = await api.get<Model>(`/models/${system_name}`)
        const builtInNames = model.application_fields.filter(({ name }) => ['name', 'description'].includes(name))
        t.same(builtInNames, [], `${system_name}: an attribute is not an extra field`)
        const body = leastOf(model)
        const result = await api.post<Created>('/applications', token, body)
        t.equal(result.status, 201, `${system_name}, ${model.credentials.mode}: ${result.text}`)
        t.equal(result.body.name, body.name)
        t.equal(result.body.description, body.description ?? '')
        for (const { name, required } of model.application_attributes.filter((field) => field.required)) {
          const { [name]: _left, ...without } = body
          const refused = await api.post<Created>('/applications', token, without)
          t.same([refused.status, Object.keys(refused.body.errors ?? {})], [422, [name]], `${name} is ${required}`)
        }
        const { form, created } = await createByPage(model)
        t.same(labelsOf(form), labels, `${system_name}: each once, with the tenant's label`)
        t.match(created.url, /\/applications\/\d+$/, `${system_name} by page: ${created.status}`)
        t.same(
          labelsOf(created.text),
          labels.filter((label) => !label.startsWith('fields.')),
          'renaming works in the same way',
        )
      }
    },
  )
}

t.test('a read-only description is rejected, and shown only where the tenant makes it visible', async (t) => {
  await define(builtIn)
  const requirement = { model: 'mistral-chat', name: 'closed', description: 'Seen by some' }
  const { body: result } = await api.post<Created>('/applications', token, requirement)
  const path = `/applications/${result.id}`
  const closings: [Partial<Definition>, RegExp, boolean][] = [
    [{ hidden: true }, /does not store descriptions/, false],
    [{ read_only: true, label: 'Purpose' }, /Purpose is set by the operator/, true],
  ]
  for (const [to, sentence, seen] of closings) {
    await define(builtIn.map(change('description', to)))
    const answers = [
      await api.post<Created>('/applications', token, requirement),
      await api.call<Created>('PATCH', path, { token, body: { description: 'Other' } }),
    ]
    for (const { status, body } of answers) {
      t.equal(status, 422)
      t.match((body.errors as Record<string, string>).description, sentence)
    }
    const page = await mary.get(path)
    t.equal(page.text.includes('Seen by some'), seen)
    t.notMatch(page.text, 'name="description"')
    t.equal((await api.get<Created>(path, token)).body.description, seen ? 'Seen by some' : '')
    t.equal((await mary.post(path, { name: 'renamed' })).status, 303)
    const record = (await stack.state()).applications.find(({ id }) => id === result.id) as { description?: string }
    t.equal(record.description, 'Seen by some', 'a form without it does not change it')
  }
})

t.test('a required description cannot be cleared, with or without a plan change', async (t) => {
  await define(builtIn.map(change('description', { required: true })))
  const requirement = { model: 'two-plans-noselect', name: 'kept', description: 'first' }
  const { body: result } = await api.post<Created & { plan: string }>('/applications', token, requirement)
  const path = `/applications/${result.id}`
  for (const body of [{ description: ' ' }, { description: '', plan: 'department' }]) {
    const refused = await api.call<Created>('PATCH', path, { token, body })
    t.same([refused.status, refused.body.errors], [422, { description: 'Description is required.' }])
  }
  const page = await mary.post(path, { name: 'kept', description: '' })
  t.equal(page.status, 422)
  t.match(page.text, 'Description is required.')
  const after = await api.get<Created & { plan: string }>(path, token)
  t.same([after.body.description, after.body.plan], ['first', result.plan], 'neither the text nor the plan was changed')
  t.equal((await api.call('PATCH', path, { token, body: { name: 'other' } })).status, 200)
})

t.test('a hidden extra field is in no response', async (t) => {
  const extra = { ...(seeded[0] as Definition), target: 'Cinstance' as const, required: false }
  const definitions = [
    ...builtIn,
    { ...extra, id: 801, name: 'tier', label: 'Tier', hidden: true },
    { ...extra, id: 802, name: 'seat', label: 'Seat', read_only: true },
  ]
  await define(definitions)
  const { body: result } = await api.post<Created>('/applications', token, { model: 'mistral-chat', name: 'tiered' })
  await stack.put(`/_demo/applications/${result.id}`, { fields: { tier: 'LEAK-gold', seat: '4B' } })
  const one = await api.get<Created>(`/applications/${result.id}`, token)
  t.same(one.body.fields, { seat: '4B' })
  t.notMatch((await api.get('/applications?limit=100', token)).text, 'LEAK-gold')
  t.notMatch((await mary.get(`/applications/${result.id}`)).text, 'LEAK-gold')
  for (const name of ['tier', 'seat', 'name', 'description']) {
    const body = { model: 'mistral-chat', name: 'x', fields: { [name]: 'y' } }
    const refused = await api.post<Created>('/applications', token, body)
    t.same([refused.status, Object.keys(refused.body.errors ?? {})], [422, [`fields.${name}`]])
  }
})

interface Me {
  joining_account: { id: number } | null
  signed_up: boolean
  account: { id: number; name: string } | null
  required: { fields: (FieldSpec & { target: string })[]; terms: { version: string } | null }
}

let people = 0
async function newcomer(claims: object = {}): Promise<{ username: string; email: string; token: string }> {
  const username = `fields-${++people}`
  await api.person({ username, ...claims })
  return { username, email: `${username}@example.com`, token: await api.token({ username }) }
}

/** The smallest sign-up that the response of GET /me allows. */
function leastSignUp({ required }: Me): object {
  const input = ({ label, choices }: FieldSpec) => choices[0] ?? `A ${label}`
  return {
    fields: Object.fromEntries(required.fields.map((field) => [field.name, input(field)])),
    ...(required.terms ? { accept_terms: required.terms.version } : {}),
  }
}

const own = (target: 'Account' | 'User', name: string, label: string, more: Partial<Definition> = {}): Definition => ({
  ...{ id: 600 + people++, target, name, label, required: false, hidden: false, read_only: false, choices: [] },
  ...more,
})
const terms = seeded.filter(({ name }) => name === 'terms_version')
const signUps: [title: string, definitions: Definition[], asked: string[]][] = [
  ['as 3scale makes them', [...builtIn, ...terms], []],
  ['with extra fields', seeded, ['department', 'job_title']],
  [
    'with other built-in ones that are required',
    [
      ...builtIn.map(change('org_name', { label: 'Firma' })).map(change('email', { hidden: true, required: false })),
      ...terms,
      own('User', 'first_name', 'Vorname', { required: true }),
      own('Account', 'telephone_number', 'Telephone', { required: true }),
      own('Account', 'primary_business', 'Business', { required: true, choices: ['Health', 'Energy'] }),
      own('User', 'job_role', 'Role'),
      own('Account', 'po_number', 'PO number', { hidden: true }),
      own('Account', 'fiscal_code', 'Fiscal code', { read_only: true }),
      own('Account', 'billing_address', 'Billing address', { read_only: true }),
    ],
    ['first_name', 'telephone_number', 'primary_business'],
  ],
]

for (const [title, definitions, requested] of signUps) {
  t.test(`definitions ${title}: a sign-up is accepted with the fields that GET /me requires`, async (t) => {
    await stack.put('/_demo/fields_definitions', definitions)
    const there = await stack.portal({ PORT: String(stack.port + 50) })
    const { get, post } = createApi(stack, there.url)
    const { token, email } = await newcomer()
    const me = (await get<Me>('/me', token)).body
    t.same(me.required.fields.map(({ name }) => name).sort(), [...requested].sort())
    for (const name of requested) {
      const least = leastSignUp(me) as { fields: Record<string, string> }
      const refused = await post<Created>('/me', token, { ...least, fields: { ...least.fields, [name]: ' ' } })
      t.same([refused.status, Object.keys(refused.body.errors ?? {})], [422, [`fields.${name}`]])
    }
    const result = await post<Me>('/me', token, leastSignUp(me))
    t.equal(result.status, 201, result.text)
    t.equal((await post<Me>('/me', token, leastSignUp(me))).status, 200, 'stored as it was sent')
    const user = (await stack.state()).users.find((each) => each.email === email)
    const account = (await stack.state()).accounts.find(({ id }) => id === user?.account_id)
    const stored = { ...account?.fields, ...user?.fields }
    for (const { name, label, choices } of me.required.fields) t.equal(stored[name], choices[0] ?? `A ${label}`)

    const invited = await newcomer()
    const asAdmin = await post('/members', token, { email: invited.email, role: 'member' })
    t.equal(asAdmin.status, 201)
    const before = (await get<Me>('/me', invited.token)).body
    const ofUsers = definitions.filter(({ target, name }) => target === 'User' && requested.includes(name))
    t.same(
      before.required.fields.map(({ name }) => name),
      ofUsers.map(({ name }) => name),
      'fields of the person who joins',
    )
    const agreed = { ...leastSignUp(before), join: before.joining_account?.id }
    t.equal((await post<Me>('/me', invited.token, agreed)).status, 201)
    await there.stop()
  })
}

t.test('the sign-up form has other built-in fields, and validates what 3scale does not', async (t) => {
  const [, , [, definitions]] = signUps as [unknown, unknown, [string, Definition[]]]
  const rate = own('Account', 'vat_rate', 'VAT rate')
  const country = own('Account', 'country', 'Country')
  await stack.put('/_demo/fields_definitions', [...definitions, rate, country])
  const there = await stack.portal({ PORT: String(stack.port + 51) })
  const { username } = await newcomer()
  const visitor = createVisitor(stack)
  await visitor.submit(await visitor.get('/login'), /interaction/, { username, password: 'demo' })
  const at = visitor.at(there.url)
  const form = await at('/sign-up')
  const ids = [...form.text.matchAll(/<label for="((?:account|user)\.[^"]+)">/g)].map(([, id]) => id)
  t.same(
    ids.sort(),
    [
      'account.country',
      'account.primary_business',
      'account.telephone_number',
      'account.vat_rate',
      'user.first_name',
      'user.job_role',
    ],
    'neither fields that every sign-in sets, nor hidden or read-only ones',
  )
  const values: Record<string, string> = {
    'account.primary_business': 'Health',
    'account.telephone_number': '1',
    'user.first_name': 'Ada',
    accept_terms: '2026-01',
  }
  const send = (more: Record<string, string>) =>
    at('/sign-up', { method: 'POST', body: new URLSearchParams({ ...values, ...more }) })
  for (const [id, value, sentence] of [
    ['account.primary_business', 'Cooking', 'Business must be one of: Health, Energy.'],
    ['account.vat_rate', 'a fifth', 'Use a number, such as 19 or 7.5.'],
    ['account.vat_rate', '7,5', 'Use a number, such as 19 or 7.5.'],
    ['user.job_role', 'x'.repeat(256), 'Use at most 255 characters.'],
    ['user.first_name', 'a\u0000b', 'Remove the control character U+0000.'],
  ] as const) {
    const page = await send({ [id]: value })
    t.equal(page.status, 422, value.slice(0, 20))
    t.match(page.text, `id="${id}-error">${sentence}`)
  }
  t.equal((await send({ 'account.vat_rate': '7.5', 'user.job_role': 'Chef' })).status, 303)
  await stack.put('/_demo/fields_definitions', seeded)
  await there.stop()
})
