import type { PortalError } from '../../errors.js'
import { dateWords } from '../../web/words.js'
import type { Member } from './schemas.js'

/** What was typed into one of the two forms, and what is wrong with it. */
export interface PeopleTyped {
  values: Record<string, string>
  error: PortalError
}

const states: Record<Member['state'], { label: string; color: string }> = {
  invited: { label: 'Invited', color: 'blue' },
  pending: { label: 'Not yet active', color: 'orange' },
  active: { label: 'Active', color: 'green' },
  suspended: { label: 'Suspended', color: 'red' },
}

const roles: Record<Member['role'], string> = { admin: 'Admin', member: 'Member' }

/** A service of an earlier version that this portal does not list has no name here. */
export function nameOf({ email, client_id, kind, id }: Member): string {
  return email ?? client_id ?? `${kind === 'service' ? 'Service' : 'Person'} ${id}`
}

export function peopleView(i: {
  /** undefined: 3scale does not answer */
  all: Member[] | undefined
  isAdmin: boolean
  /** why nobody can be invited; undefined: they can */
  closed: string | undefined
  /** why nobody can be changed */
  fixed: string | undefined
  orgName: string
  accountId: number
  publicUrl: string
  mails: boolean
  typed: PeopleTyped | undefined
}) {
  const all = i.all ?? []
  const errors = i.typed?.error.fields ?? {}
  const values = i.typed?.values ?? {}
  return {
    unreadable: i.all === undefined,
    count: all.length === 1 ? 'Only you so far' : `${all.length} people and services`,
    rows: all.map((member) => ({
      name: nameOf(member),
      you: member.you,
      kind: member.kind === 'service' ? 'Service' : 'Person',
      role: roles[member.role],
      state: states[member.state],
      since: dateWords(member.created_at ?? ''),
      href: i.isAdmin || member.you ? `/account/members/${member.id}` : '',
      action: member.you ? 'Leave' : 'Change',
      elsewhere: elsewhereWords(member, i.orgName),
    })),
    notice: i.all === undefined ? '' : adminWords(all),
    words: wordsFor(i),
    invites: i.isAdmin && i.closed === undefined,
    inviteWords: `They join when they sign in at ${i.publicUrl} with this verified address. ${i.mails ? 'The portal sends them an e-mail.' : 'The portal sends no e-mail, so tell them yourself.'}`,
    serviceWords: `A program with its own client at the sign-in service, which calls the REST API for this account. ${serviceJoins(i)}`,
    failure: i.typed && Object.keys(errors).length === 0 ? i.typed.error.message : '',
    email: values.email ?? '',
    emailError: errors.email ?? '',
    clientId: values.client_id ?? '',
    clientIdError: errors.client_id ?? '',
    roles: roleChoices(values.role === 'admin' ? 'admin' : 'member'),
  }
}

/** What an admin reads after an invitation. */
export function invitedText(i: { member: Member; mailed: boolean; publicUrl: string; accountId: number }): string {
  const name = nameOf(i.member)
  if (i.member.state !== 'invited') return `${name} is already in this account.`
  if (i.member.kind === 'service') return `${name} is invited. ${serviceJoins(i)}`
  const how = i.mailed ? 'An e-mail explains how to join.' : `Tell them to sign in at ${i.publicUrl} with that address.`
  return `${name} is invited. ${how}`
}

/** The service has to agree with its own token, and nothing else tells it which account it is. */
function serviceJoins({ publicUrl, accountId }: { publicUrl: string; accountId: number }): string {
  return `To join, it sends POST ${publicUrl}/api/v1/me with "join": ${accountId}.`
}

export function memberView(i: {
  member: Member
  all: Member[]
  isAdmin: boolean
  /** why this one stays as they are */
  fixed: string | undefined
  failure: PortalError | undefined
}) {
  const { member, all } = i
  const name = nameOf(member)
  const others = admins(all).filter(({ id }) => id !== member.id).length
  const isLast = member.role === 'admin' && member.state !== 'invited' && others === 0
  return {
    title: name,
    base: `/account/members/${member.id}`,
    name,
    kind: member.kind === 'service' ? 'Service' : 'Person',
    you: member.you,
    state: states[member.state],
    role: roles[member.role],
    since: dateWords(member.created_at ?? ''),
    elsewhere: elsewhereWords(member, 'this account'),
    fixed: i.fixed ?? '',
    lastTitle: member.you ? 'You are the last admin' : 'The last admin',
    last: isLast && !i.fixed ? lastWords(member) : '',
    changes: i.isAdmin && !i.fixed && !isLast,
    removes: !i.fixed && !isLast,
    roles: roleChoices(member.role),
    error: i.failure?.message ?? '',
    ...removalWords(member, others),
  }
}

function lastWords({ you }: Member): string {
  return you
    ? 'You stay an admin, and here, until somebody else is an admin too. Without one, nobody could invite or remove people.'
    : 'They stay an admin, and here, until somebody else is an admin too.'
}

function removalWords(member: Member, otherAdmins: number) {
  if (member.state === 'invited')
    return {
      removeTitle: 'Withdraw',
      removeLabel: 'Withdraw the invitation',
      removal: 'Nobody can join by it any more.',
    }
  const stay = 'The applications and keys belong to the account: they stay, and go on working.'
  if (!member.you) {
    const back = 'Who has seen a key can go on using it: rotate the keys where that matters.'
    return { removeTitle: 'Remove', removeLabel: 'Remove', removal: `${stay} ${back}` }
  }
  const left = otherAdmins === 1 ? 'one admin is' : `${otherAdmins} admins are`
  return {
    removeTitle: 'Leave',
    removeLabel: 'Leave this account',
    removal: `${stay} You lose access to them at once; ${left} left to manage the account.`,
  }
}

function elsewhereWords({ claim_elsewhere }: Member, here: string): string {
  if (claim_elsewhere === null) return ''
  return claim_elsewhere === ''
    ? `The sign-in service does not say any more that they belong to ${here}. They stay until you remove them.`
    : `The sign-in service says now: ${claim_elsewhere}. They stay in ${here} until you remove them.`
}

function adminWords(all: Member[]): string {
  if (admins(all).length > 0) return ''
  return 'This account has no admin at the moment, so nobody can invite, change or remove people. The operator of this portal can make somebody an admin.'
}

function wordsFor({
  isAdmin,
  closed,
  fixed,
}: {
  isAdmin: boolean
  closed: string | undefined
  fixed: string | undefined
}) {
  if (!isAdmin) return 'Admins invite, change and remove people. You see who is here.'
  return [closed, fixed].filter(Boolean).join(' ')
}

function admins(all: Member[]): Member[] {
  return all.filter(({ role, state }) => role === 'admin' && state === 'active')
}

function roleChoices(selected: Member['role']) {
  return (['member', 'admin'] as const).map((value) => ({
    value,
    label: value === 'admin' ? 'Admin: manages people too' : 'Member',
    selected: value === selected,
  }))
}
