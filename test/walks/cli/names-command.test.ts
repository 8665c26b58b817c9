import { spawn } from 'node:child_process'
import t from 'tap'
import { DEMO_USERNAME_SECRET, demoEnvironment } from '../../../src/cli/demo-settings.js'
import { legacyClaimAccountUsername, legacyUsername } from '../../../src/features/account/usernames/legacy-usernames.js'
import { createApi } from '../../helper/api.js'
import { cli, startStack } from '../../helper/stack.js'
import { namesOf } from '../../helper/usernames.js'

/** `maas-portal names`: users named by earlier builds or with a previous secret are renamed with the first secret. */
interface Renaming {
  kind: string
  account_id: number
  organisation: string
  user_id: number
  user_state: string
  created_at: string
  action: string
  reason: string | null
}
interface Report {
  complete: boolean
  failure: string | null
  counts: Record<string, number>
  users: Renaming[]
}

const OLD = 'an-older-username-secret-of-32-bytes-or-more'
const SECRETS = `${DEMO_USERNAME_SECRET},${OLD}`
const stack = await startStack(['threescale', 'identity'])
const portal = await stack.portal({ USERNAME_SECRET: SECRETS, API_CLIENTS: 'demo-service,robot' })
const api = createApi(stack)
t.teardown(() => stack.close())

const names = namesOf(stack, [DEMO_USERNAME_SECRET, OLD])
const older = namesOf(stack, [OLD])
const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
const ids: Record<string, number> = {}

async function command(args: string[] = [], env: Record<string, string> = {}) {
  const settings = demoEnvironment(stack.port, { USERNAME_SECRET: SECRETS, API_CLIENTS: 'demo-service,robot', ...env })
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [cli, 'names', ...args], { env: { PATH, HOME, ...settings } })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { status, stdout, stderr }
}

async function report(args: string[] = []) {
  const { status, stdout, stderr } = await command(['--json', ...args])
  if (!stdout.startsWith('{')) throw new Error(`${status}: ${stdout} ${stderr}`)
  return { status, ...(JSON.parse(stdout) as Report) }
}

const usernameOf = async (who: string) => (await stack.state()).users.find(({ id }) => id === ids[who])?.username
const subjectOf = (token: string) => (JSON.parse(atob(token.split('.')[1] ?? '')) as { sub: string }).sub
const writes = async () => Object.entries(await stack.calls()).filter(([call]) => !call.startsWith('GET ')).length

async function signedUp(who: string) {
  await api.person({ username: who })
  const token = await api.token({ username: who })
  const { status, body, text } = await api.post<{ account: { id: number } }>('/me', token, answers)
  if (status !== 201) throw new Error(`${who}: ${text}`)
  return { token, account: body.account.id }
}

/** A user of an account, as an earlier build created it in 3scale. */
async function left(who: string, account_id: number, record: object) {
  const answer = await fetch(`${stack.threescale}/admin/api/accounts/${account_id}/users.json`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('demo-token:')}` },
    body: new URLSearchParams({ username: `left-${who}`, email: `${who}@example.com` }),
  })
  const { user } = (await answer.json()) as { user: { id: number } }
  await stack.put(`/_demo/users/${user.id}`, record)
  ids[who] = user.id
}

t.test('without an option, the command lists its findings and writes nothing', async (t) => {
  t.equal((await command([], { USERNAME_SECRET: 'short' })).status, 2)
  t.equal((await command(['--except', 'ada'])).status, 1)
  const none = await command()
  t.match([none.status, none.stdout], [0, '0 to rename with --apply, 0 excluded'], none.stderr)

  const lea = await signedUp('lea')
  const home = lea.account
  const user = (await stack.state()).users.find(({ email }) => email === 'lea@example.com')
  ids.lea = user?.id ?? 0
  await stack.put(`/_demo/users/${ids.lea}`, {
    username: legacyUsername('person', stack.identity, subjectOf(lea.token)),
  })
  await stack.put(`/_demo/accounts/${home}`, { org_name: 'Lea \u001b[31mred' })
  const active = { state: 'active' }
  await left('squatter', home, { ...active, username: legacyUsername('person', stack.identity, 'somebody') })
  await left('older', home, { ...active, username: older.usernameFor('person', 'older') })
  const shaped = (letter: string) => `${letter.repeat(31)}@service.invalid`
  await left('robot', home, {
    ...active,
    username: legacyUsername('service', stack.identity, 'robot'),
    email: shaped('a'),
  })
  await left('unlisted', home, {
    ...active,
    username: legacyUsername('service', stack.identity, 'unlisted'),
    email: shaped('b'),
  })
  const anchor = { ...active, username: legacyClaimAccountUsername(stack.identity, 'org', 'Acme') }
  await left('anchor', home, { ...anchor, email: null, minimal: true })
  await left('stolen', home, { ...anchor, username: legacyClaimAccountUsername(stack.identity, 'org', 'Beta') })
  await left('invited', home, { username: `invite-a-${'d'.repeat(31)}` })
  await left('halfway', home, { ...active, username: `invite-m-${'e'.repeat(31)}` })
  const required = { accountId: home, email: 'again@example.com', role: 'member', idempotencyKey: 'k' } as const
  await left('again', home, { username: older.invitationUsername(required) })
  await left('waiting', home, {
    email: older.serviceAddress(home, 'demo-service'),
    username: older.invitationUsername({ ...required, email: older.serviceAddress(home, 'demo-service') }),
  })
  await left('plain', home, { ...active, username: 'sso-plain' })

  await stack.resetCalls()
  const dry = await report([])
  t.equal(dry.status, 1)
  t.same(await writes(), 0, 'nothing is written')
  t.same((await stack.calls())['GET /admin/api/accounts.xml'], 1, 'one call for a page of accounts')
  const seen = Object.fromEntries(
    Object.entries(ids).map(([who, id]) => [who, dry.users.find(({ user_id }) => user_id === id)]),
  )
  t.match(seen.lea, {
    kind: 'user',
    account_id: home,
    organisation: 'Lea \u001b[31mred',
    action: 'rename',
    reason: null,
  })
  t.match(seen.lea?.created_at, /^\d{4}-\d\d-\d\dT/)
  t.match(seen, {
    squatter: { kind: 'user', action: 'rename' },
    older: { kind: 'user', action: 'pending_sign_in', reason: /next sign-in/ },
    robot: { kind: 'service', action: 'rename' },
    unlisted: { kind: 'service', action: 'review', reason: /API_CLIENTS/ },
    anchor: { kind: 'claim_account', action: 'rename' },
    stolen: { kind: 'claim_account', action: 'review', reason: /e-mail address/ },
    invited: { kind: 'invitation', user_state: 'pending', action: 'rename' },
    halfway: { kind: 'invitation', action: 'review', reason: /is not pending/ },
    again: { kind: 'invitation', action: 'rename' },
    waiting: { kind: 'invitation', action: 'rename' },
  })
  t.equal(seen.plain, undefined)
  t.same(dry.counts, { rename: 7, renamed: 0, excluded: 0, pending_sign_in: 1, review: 3 })

  const text = await command()
  t.match(
    text.stdout,
    /^rename {10}user .*user \d+ \(active admin, created .*\), account \d+ \(approved\) "Lea \ufffd\[31mred"$/m,
  )
  t.match(text.stdout, '7 to rename with --apply, 0 excluded, 1 renamed at the next sign-in, 3 to review.')
  t.same((await report(['--only', 'claim_account', 'invitation'])).users.map(({ kind }) => kind).sort(), [
    'claim_account',
    'claim_account',
    'invitation',
    'invitation',
    'invitation',
    'invitation',
  ])
})

t.test('the command renames users, resumes after an interruption, and then has no more findings', async (t) => {
  await stack.faults([{ match: 'PUT /admin/api/accounts/*/users/*.json', drop: 'before', times: 100 }])
  const down = await report(['--apply'])
  t.match([down.status, down.complete, typeof down.failure], [2, false, 'string'])
  await stack.faults([{ match: 'PUT /admin/api/accounts/*/users/*.json', drop: 'after', times: 1 }])
  const some = await report(['--apply', '--only', 'service'])
  t.same([some.counts.renamed, some.counts.review], [1, 1], 'a lost response is not an error')
  await stack.faults([])
  t.match(
    (await command(['--apply', '--only', 'user', '--except', String(ids.squatter)])).stdout,
    /^renamed .*\nexcluded/m,
  )
  const all = await report(['--apply', '--except', `${ids.squatter},${ids.halfway}`])
  t.match([all.status, all.complete], [1, true])
  t.same(all.counts, { rename: 0, renamed: 4, excluded: 2, pending_sign_in: 1, review: 2 })

  const home = all.users[0]?.account_id ?? 0
  t.equal(await usernameOf('lea'), names.usernameFor('person', subjectOf(await api.token({ username: 'lea' }))))
  t.equal(
    await usernameOf('squatter'),
    legacyUsername('person', stack.identity, 'somebody'),
    'an exception is unchanged',
  )
  t.equal(await usernameOf('robot'), names.usernameFor('service', 'robot'))
  t.equal(await usernameOf('anchor'), names.claimAccountUsernames('org', 'Acme')[0])
  const { users } = await stack.state()
  const state = (who: string) => {
    const { account_id: accountId = 0, ...user } = users.find(({ id }) => id === ids[who]) ?? { username: '' }
    return {
      accountId,
      username: user.username,
      email: 'email' in user ? user.email : undefined,
      state: 'pending' as const,
    }
  }
  t.equal(state('robot').email, names.serviceAddress(home, 'robot'))
  t.equal(state('waiting').email, names.serviceAddress(home, 'demo-service'))
  const first = namesOf(stack)
  t.same(
    ['invited', 'again', 'waiting'].map((who) => first.invitedRole(state(who))),
    ['admin', 'member', 'member'],
  )
  const me = await api.get<{ account: { id: number } }>('/me', await api.token({ username: 'lea' }))
  t.equal(me.body.account.id, home, 'found by the new name')

  await stack.resetCalls()
  const repeated = await report(['--apply', '--except', `${ids.squatter},${ids.halfway}`])
  t.same(repeated.counts, { rename: 0, renamed: 0, excluded: 2, pending_sign_in: 1, review: 2 })
  t.equal(await writes(), 0, 'a repeat writes nothing')
})

t.test('a person who signed up again has both users until an operator chooses one', async (t) => {
  const max = await signedUp('max')
  await left('maxbefore', max.account, {
    state: 'active',
    username: legacyUsername('person', stack.identity, subjectOf(max.token)),
  })
  await left('bad', max.account, {
    state: 'active',
    username: legacyUsername('person', stack.identity, 'bad'),
    email: 'x',
  })
  const found = await report(['--apply', '--only', 'user', '--except', String(ids.squatter)])
  const reasonOf = (who: string) => found.users.find(({ user_id }) => user_id === ids[who])?.reason
  t.match(reasonOf('maxbefore'), new RegExp(`of account ${max.account} has the new name`))
  t.match(reasonOf('bad'), /does not accept/)
  t.equal(found.status, 1)
  await portal.stop()
})
