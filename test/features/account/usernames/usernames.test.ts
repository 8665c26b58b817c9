import t from 'tap'
import {
  legacyClaimAccountUsername,
  legacyUsername,
} from '../../../../src/features/account/usernames/legacy-usernames.js'
import {
  createUsernames,
  isServiceAddressShape,
  type NamedUser,
  usernameShape,
} from '../../../../src/features/account/usernames/usernames.js'
import type { Secrets } from '../../../../src/infra/crypto/secrets.js'

const issuerId = 'https://sso.example.com/realms/maas'
const make = (...secrets: Secrets) => createUsernames({ secrets, issuerIds: () => [issuerId] })
const one = make('first-secret-of-at-least-thirty-two-bytes')
const two = make('other-secret-of-at-least-thirty-two-bytes')
const both = make('other-secret-of-at-least-thirty-two-bytes', 'first-secret-of-at-least-thirty-two-bytes')

/** The same text with the character at this position changed to another one of the alphabet. */
const changed = (text: string, at: number) => text.slice(0, at) + (text[at] === 'b' ? 'c' : 'b') + text.slice(at + 1)

t.test('usernames of people, services and claim accounts verify only with their own secret', async (t) => {
  const name = one.usernameFor('person', 'ada')
  t.match(name, /^sso-[a-z2-7]{32}$/)
  t.equal(name, one.usernameFor('person', 'ada'), 'the username is deterministic')
  t.not(name, one.usernameFor('service', 'ada'))
  t.not(name, one.usernameFor('person', 'bob'))
  t.not(
    name,
    createUsernames({ secrets: ['first-secret-of-at-least-thirty-two-bytes'], issuerIds: () => ['x'] }).usernameFor(
      'person',
      'ada',
    ),
  )
  t.ok(one.isPortalUsername(name))
  t.notOk(two.isPortalUsername(name))
  t.same(both.usernamesFor('person', 'ada'), [two.usernameFor('person', 'ada'), name], 'the first secret first')
  for (let at = 4; at < name.length; at++) t.notOk(one.isPortalUsername(changed(name, at)), `character ${at}`)

  const [anchor = ''] = one.claimAccountUsernames('org', 'Acme')
  t.match(anchor, /^claim-[a-z2-7]{32}$/)
  t.same(
    [one.isClaimAccountUsername(anchor), one.isPortalUsername(anchor), two.isClaimAccountUsername(anchor)],
    [true, false, false],
  )
  t.notOk(one.isPortalUsername(anchor.replace('claim-', 'sso-')), 'the tag of one kind is invalid for another')
  t.notOk(one.isClaimAccountUsername(name.replace('sso-', 'claim-')))

  for (const legacy of [legacyUsername('person', issuerId, 'ada'), legacyClaimAccountUsername(issuerId, 'org', 'Acme')])
    t.same([one.isPortalUsername(legacy), one.isClaimAccountUsername(legacy)], [false, false], legacy)
  t.equal(one.replacementFor(legacyUsername('person', issuerId, 'ada')), name, 'derived from the legacy username only')
  t.equal(one.replacementFor(legacyClaimAccountUsername(issuerId, 'org', 'Acme')), anchor)
})

t.test('an invitation is valid for its account, role and address, and while it is pending', async (t) => {
  const of = { accountId: 7, email: 'ada@example.com', role: 'member', idempotencyKey: 'k' } as const
  const user: NamedUser = { ...of, username: one.invitationUsername(of), state: 'pending' }
  t.match(user.username, /^invite-m-[a-z2-7]{31}$/)
  t.equal(one.invitedRole(user), 'member')
  t.equal(one.invitedRole({ ...user, email: 'Ada@Example.com' }), 'member', 'addresses are compared without case')
  t.equal(both.invitedRole(user), 'member', 'signed with an older secret')
  const others: Record<string, Partial<NamedUser>> = {
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
  const admin = { ...user, username: one.invitationUsernameWithRole(user, 'admin') }
  t.equal(one.invitedRole(admin), 'admin')
  t.equal(one.requestedRole(admin, 'k'), 'member', 'the role of the original request')
  t.equal(both.invitedRole({ ...user, username: both.invitationUsernameWithRole(user, 'admin') }), 'admin')
  t.equal(both.requestedRole(user, 'k'), 'member')
  t.equal(one.requestedRole({ ...user, state: 'active' }, 'k'), undefined)
})

t.test('the address of a service is valid for its account', async (t) => {
  const email = one.serviceAddress(7, 'robot')
  t.match(email, /^[a-z2-7]{31}@[a-z2-7.]+\.service\.invalid$/)
  t.ok(one.isServiceAddress({ accountId: 7, email }))
  t.ok(both.isServiceAddress({ accountId: 7, email }))
  t.same(both.serviceAddresses(7, 'robot'), [two.serviceAddress(7, 'robot'), email])
  t.notOk(one.isServiceAddress({ accountId: 8, email }), 'another account')
  t.notOk(two.isServiceAddress({ accountId: 7, email }), 'another secret')
  t.notOk(one.isServiceAddress({ accountId: 7, email: undefined }))
  t.notOk(one.isServiceAddress({ accountId: 7, email: changed(email, 3) }))
  const invitation = { accountId: 7, email, role: 'admin', idempotencyKey: 'k' } as const
  t.equal(one.invitedRole({ ...invitation, username: one.invitationUsername(invitation), state: 'pending' }), 'admin')
})

t.test('the kind and the secret of a username are detected', async (t) => {
  const of = { accountId: 7, email: 'ada@example.com', role: 'member', idempotencyKey: 'k' } as const
  const named = (username: string, change: Partial<NamedUser> = {}): NamedUser => ({
    ...{ accountId: 7, username, email: 'ada@example.com', state: 'active' },
    ...change,
  })
  const robot = { email: both.serviceAddress(7, 'robot') }
  const rows: [NamedUser, string | undefined, string | undefined][] = [
    [named(two.usernameFor('person', 'ada')), 'user', 'first'],
    [named(one.usernameFor('person', 'ada')), 'user', 'older'],
    [named(legacyUsername('person', issuerId, 'ada')), 'user', 'none'],
    [named(one.usernameFor('service', 'robot'), robot), 'service', 'older'],
    [named(legacyClaimAccountUsername(issuerId, 'org', 'Acme')), 'claim_account', 'none'],
    [named(one.claimAccountUsernames('org', 'Acme')[0] ?? ''), 'claim_account', 'older'],
    [named(two.invitationUsername(of), { state: 'pending' }), 'invitation', 'first'],
    [named(one.invitationUsername(of), { state: 'pending' }), 'invitation', 'older'],
    [named(one.invitationUsername(of)), 'invitation', 'none'],
    [named('ada'), undefined, undefined],
  ]
  for (const [user, kind, secret] of rows) {
    const created = both.originOf(user)
    t.same([created?.kind, created?.secret], [kind, secret], user.username)
  }
})

t.test('the kind of a username is recognized by its format', async (t) => {
  const rows = [
    [`sso-${'a'.repeat(32)}`, 'user'],
    [`claim-${'a'.repeat(32)}`, 'claim_account'],
    [`invite-a-${'a'.repeat(31)}`, 'invitation'],
    [`sso-${'a'.repeat(31)}`, undefined],
    [`SSO-${'a'.repeat(32)}`, undefined],
    ['ada', undefined],
  ] as const
  for (const [username, shape] of rows) t.equal(usernameShape({ username }), shape, username)
  t.same([isServiceAddressShape(`${'a'.repeat(31)}@service.invalid`), isServiceAddressShape(undefined)], [true, false])
})

t.test('usernames of another spelling of the issuer are found, and new ones use the announced spelling', async (t) => {
  const secrets: Secrets = ['first-secret-of-at-least-thirty-two-bytes', 'older-secret-of-at-least-thirty-two-bytes']
  const [bare, slashed] = ['https://sso.example.com', 'https://sso.example.com/']
  const both = createUsernames({ secrets, issuerIds: () => [slashed, bare] })
  const [before, after] = [bare, slashed].map((id) => createUsernames({ secrets, issuerIds: () => [id] }))
  t.equal(both.usernameFor('person', 'ada'), after?.usernameFor('person', 'ada'))
  t.same(
    both.usernamesFor('person', 'ada'),
    [after, before].flatMap((names) => names?.usernamesFor('person', 'ada')),
  )
  t.same(
    both.claimAccountUsernames('org', 'Acme'),
    [after, before].flatMap((names) => names?.claimAccountUsernames('org', 'Acme')),
  )
  t.equal(both.serviceAddress(7, 'svc'), after?.serviceAddress(7, 'svc'))
  t.same(
    both.serviceAddresses(7, 'svc'),
    [after, before].flatMap((names) => names?.serviceAddresses(7, 'svc')),
  )
  for (const names of [before, after])
    t.equal(both.clientIdOf({ accountId: 7, email: names?.serviceAddress(7, 'svc') ?? '' }), 'svc')
  t.not(before?.usernameFor('person', 'ada'), after?.usernameFor('person', 'ada'))
})
