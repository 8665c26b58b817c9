import t from 'tap'
import { legacyAnchor, legacyUsername } from '../../src/features/account/legacy-names.js'
import { createNames, isServiceShaped, type Named, shapeOf } from '../../src/features/account/names.js'

const issuerId = 'https://sso.example.com/realms/maas'
const make = (...secrets: string[]) => createNames({ secrets, issuerIds: () => [issuerId] })
const one = make('first-secret-of-at-least-thirty-two-bytes')
const two = make('other-secret-of-at-least-thirty-two-bytes')
const both = make('other-secret-of-at-least-thirty-two-bytes', 'first-secret-of-at-least-thirty-two-bytes')

/** The same text with its character at this place changed to another one of the alphabet. */
const changed = (text: string, at: number) => text.slice(0, at) + (text[at] === 'b' ? 'c' : 'b') + text.slice(at + 1)

t.test('names of people, services and anchors verify under their secrets alone', async (t) => {
  const name = one.usernameOf('person', 'ada')
  t.match(name, /^sso-[a-z2-7]{32}$/)
  t.equal(name, one.usernameOf('person', 'ada'), 'the same each time')
  t.not(name, one.usernameOf('service', 'ada'))
  t.not(name, one.usernameOf('person', 'bob'))
  t.not(
    name,
    createNames({ secrets: ['first-secret-of-at-least-thirty-two-bytes'], issuerIds: () => ['x'] }).usernameOf(
      'person',
      'ada',
    ),
  )
  t.ok(one.isOurs(name))
  t.notOk(two.isOurs(name))
  t.same(both.usernamesOf('person', 'ada'), [two.usernameOf('person', 'ada'), name], 'the first secret first')
  for (let at = 4; at < name.length; at++) t.notOk(one.isOurs(changed(name, at)), `character ${at}`)

  const [anchor = ''] = one.anchorsOf('org', 'Acme')
  t.match(anchor, /^claim-[a-z2-7]{32}$/)
  t.same([one.isAnchor(anchor), one.isOurs(anchor), two.isAnchor(anchor)], [true, false, false])
  t.notOk(one.isOurs(anchor.replace('claim-', 'sso-')), 'a tag holds for its kind')
  t.notOk(one.isAnchor(name.replace('sso-', 'claim-')))

  for (const legacy of [legacyUsername('person', issuerId, 'ada'), legacyAnchor(issuerId, 'org', 'Acme')])
    t.same([one.isOurs(legacy), one.isAnchor(legacy)], [false, false], legacy)
  t.equal(one.replacing(legacyUsername('person', issuerId, 'ada')), name, 'made from the legacy name alone')
  t.equal(one.replacing(legacyAnchor(issuerId, 'org', 'Acme')), anchor)
  t.throws(() => make(), /no secret/)
})

t.test('an invitation holds for its account, role and address, and while it is pending', async (t) => {
  const of = { accountId: 7, email: 'ada@example.com', role: 'member', attempt: 'k' } as const
  const user: Named = { ...of, username: one.invitationName(of), state: 'pending' }
  t.match(user.username, /^invite-m-[a-z2-7]{31}$/)
  t.equal(one.invitedRole(user), 'member')
  t.equal(one.invitedRole({ ...user, email: 'Ada@Example.com' }), 'member', 'case is no other address')
  t.equal(both.invitedRole(user), 'member', 'under an older secret')
  const others: Record<string, Partial<Named>> = {
    'another account': { accountId: 8 },
    'another address': { email: 'eve@example.com' },
    'no address': { email: undefined },
    'another role': { username: user.username.replace('invite-m-', 'invite-a-') },
    'somebody active': { state: 'active' },
    'somebody suspended': { state: 'suspended' },
    'a name of an earlier build': { username: `invite-a-${'a'.repeat(31)}` },
  }
  for (const [what, change] of Object.entries(others)) t.equal(one.invitedRole({ ...user, ...change }), undefined, what)
  for (let at = 9; at < user.username.length; at++)
    t.equal(one.invitedRole({ ...user, username: changed(user.username, at) }), undefined, `character ${at}`)
  t.equal(two.invitedRole(user), undefined)

  t.same([one.requestedRole(user, 'k'), one.requestedRole(user, 'l')], ['member', undefined])
  const admin = { ...user, username: one.renamedInvitation(user, 'admin') }
  t.equal(one.invitedRole(admin), 'admin')
  t.equal(one.requestedRole(admin, 'k'), 'member', 'what was asked for at first')
  t.equal(both.invitedRole({ ...user, username: both.renamedInvitation(user, 'admin') }), 'admin')
  t.equal(both.requestedRole(user, 'k'), 'member')
  t.equal(one.requestedRole({ ...user, state: 'active' }, 'k'), undefined)
})

t.test('the address of a service holds for its account', async (t) => {
  const email = one.serviceAddress(7, 'robot')
  t.match(email, /^[a-z2-7]{31}@[a-z2-7.]+\.service\.invalid$/)
  t.ok(one.isServiceAddress({ accountId: 7, email }))
  t.ok(both.isServiceAddress({ accountId: 7, email }))
  t.same(both.serviceAddressesOf(7, 'robot'), [two.serviceAddress(7, 'robot'), email])
  t.notOk(one.isServiceAddress({ accountId: 8, email }), 'another account')
  t.notOk(two.isServiceAddress({ accountId: 7, email }), 'another secret')
  t.notOk(one.isServiceAddress({ accountId: 7, email: undefined }))
  t.notOk(one.isServiceAddress({ accountId: 7, email: changed(email, 3) }))
  const invitation = { accountId: 7, email, role: 'admin', attempt: 'k' } as const
  t.equal(one.invitedRole({ ...invitation, username: one.invitationName(invitation), state: 'pending' }), 'admin')
})

t.test('who made a name, by which secret', async (t) => {
  const of = { accountId: 7, email: 'ada@example.com', role: 'member', attempt: 'k' } as const
  const named = (username: string, change: Partial<Named> = {}): Named => ({
    ...{ accountId: 7, username, email: 'ada@example.com', state: 'active' },
    ...change,
  })
  const robot = { email: both.serviceAddress(7, 'robot') }
  const rows: [Named, string | undefined, string | undefined][] = [
    [named(two.usernameOf('person', 'ada')), 'user', 'first'],
    [named(one.usernameOf('person', 'ada')), 'user', 'older'],
    [named(legacyUsername('person', issuerId, 'ada')), 'user', 'none'],
    [named(one.usernameOf('service', 'robot'), robot), 'service', 'older'],
    [named(legacyAnchor(issuerId, 'org', 'Acme')), 'anchor', 'none'],
    [named(one.anchorsOf('org', 'Acme')[0] ?? ''), 'anchor', 'older'],
    [named(two.invitationName(of), { state: 'pending' }), 'invitation', 'first'],
    [named(one.invitationName(of), { state: 'pending' }), 'invitation', 'older'],
    [named(one.invitationName(of)), 'invitation', 'none'],
    [named('ada'), undefined, undefined],
  ]
  for (const [user, kind, secret] of rows) {
    const made = both.madeBy(user)
    t.same([made?.kind, made?.secret], [kind, secret], user.username)
  }
})

t.test('how a name looks', async (t) => {
  const rows = [
    [`sso-${'a'.repeat(32)}`, 'user'],
    [`claim-${'a'.repeat(32)}`, 'anchor'],
    [`invite-a-${'a'.repeat(31)}`, 'invitation'],
    [`sso-${'a'.repeat(31)}`, undefined],
    [`SSO-${'a'.repeat(32)}`, undefined],
    ['ada', undefined],
  ] as const
  for (const [username, shape] of rows) t.equal(shapeOf({ username }), shape, username)
  t.same([isServiceShaped(`${'a'.repeat(31)}@service.invalid`), isServiceShaped(undefined)], [true, false])
})

t.test('a name of another spelling of the issuer is found, and the announced spelling makes new ones', async (t) => {
  const secrets = ['first-secret-of-at-least-thirty-two-bytes', 'older-secret-of-at-least-thirty-two-bytes']
  const [bare, slashed] = ['https://sso.example.com', 'https://sso.example.com/']
  const both = createNames({ secrets, issuerIds: () => [slashed, bare] })
  const [before, after] = [bare, slashed].map((id) => createNames({ secrets, issuerIds: () => [id] }))
  t.equal(both.usernameOf('person', 'ada'), after?.usernameOf('person', 'ada'))
  t.same(
    both.usernamesOf('person', 'ada'),
    [after, before].flatMap((names) => names?.usernamesOf('person', 'ada')),
  )
  t.same(
    both.anchorsOf('org', 'Acme'),
    [after, before].flatMap((names) => names?.anchorsOf('org', 'Acme')),
  )
  t.equal(both.serviceAddress(7, 'svc'), after?.serviceAddress(7, 'svc'))
  t.same(
    both.serviceAddressesOf(7, 'svc'),
    [after, before].flatMap((names) => names?.serviceAddressesOf(7, 'svc')),
  )
  for (const names of [before, after])
    t.equal(both.clientOf({ accountId: 7, email: names?.serviceAddress(7, 'svc') ?? '' }), 'svc')
  t.not(before?.usernameOf('person', 'ada'), after?.usernameOf('person', 'ada'))
})
