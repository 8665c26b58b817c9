import type { PortalError } from '../../../errors.js'
import { formatDate } from '../../../web/pages/format.js'
import type { Member } from '../schemas.js'
import {
  claimedElsewhere,
  invitationMessages,
  lastAdminMessages,
  memberLabels,
  membersMessages,
  removalMessages,
} from './messages.js'

/** The values of one of the two forms, and the error that they caused. */
export interface SubmittedMemberForm {
  values: Record<string, string>
  error: PortalError
}

const stateColors: Record<Member['state'], string> = {
  invited: 'blue',
  pending: 'orange',
  active: 'green',
  suspended: 'red',
}

export function memberName(member: Member): string {
  return member.email ?? member.client_id ?? membersMessages.unnamed(member)
}

interface MembersViewInput {
  /** Undefined: 3scale does not respond. */
  members: Member[] | undefined
  isAdmin: boolean
  /** Why no one can be invited; undefined where the caller can. */
  invitesClosed: string | undefined
  /** Why no member can be changed; undefined where they can. */
  changesClosed: string | undefined
  orgName: string
  accountId: number
  publicUrl: string
  sendsMail: boolean
  submitted: SubmittedMemberForm | undefined
}

export function membersView(input: MembersViewInput) {
  const { isAdmin, invitesClosed, changesClosed, accountId, publicUrl, submitted } = input
  const members = input.members ?? []
  const errors = submitted?.error.fields ?? {}
  const values = submitted?.values ?? {}
  const note = isAdmin ? [invitesClosed, changesClosed].filter(Boolean).join(' ') : membersMessages.readOnly
  return {
    isUnavailable: input.members === undefined,
    count: membersMessages.count(members.length),
    rows: members.map((member) => ({
      ...summaryOf(member, input.orgName),
      href: isAdmin || member.you ? pathOf(member) : '',
      action: member.you ? memberLabels.leave : memberLabels.change,
    })),
    warning: input.members === undefined || activeAdmins(members).length > 0 ? '' : membersMessages.noAdmin,
    note,
    showsForms: isAdmin && invitesClosed === undefined,
    personHint: invitationMessages.personHint(publicUrl, input.sendsMail),
    serviceHint: invitationMessages.serviceHint(publicUrl, accountId),
    failure: submitted && Object.keys(errors).length === 0 ? submitted.error.message : '',
    email: values.email ?? '',
    emailError: errors.email ?? '',
    clientId: values.client_id ?? '',
    clientIdError: errors.client_id ?? '',
    roles: roleOptions(values.role === 'admin' ? 'admin' : 'member'),
  }
}

/** For an admin, after an invitation. */
export function invitedMessage(i: { member: Member; isMailed: boolean; publicUrl: string; accountId: number }): string {
  const { member, isMailed, publicUrl, accountId } = i
  const name = memberName(member)
  if (member.state !== 'invited') return invitationMessages.alreadyMember(name)
  return member.kind === 'service'
    ? invitationMessages.serviceInvited(name, publicUrl, accountId)
    : invitationMessages.personInvited(name, publicUrl, isMailed)
}

interface MemberViewInput {
  member: Member
  members: Member[]
  isAdmin: boolean
  /** Why this member cannot be changed; undefined where the caller can. */
  changesClosed: string | undefined
  failure: PortalError | undefined
}

export function memberView({ member, members, isAdmin, changesClosed, failure }: MemberViewInput) {
  const otherAdmins = activeAdmins(members).filter(({ id }) => id !== member.id).length
  const isLastAdmin = member.role === 'admin' && member.state !== 'invited' && otherAdmins === 0
  const { title, titleForYou, text, textForYou } = lastAdminMessages
  return {
    ...summaryOf(member, 'this account'),
    title: memberName(member),
    base: pathOf(member),
    changesClosed: changesClosed ?? '',
    lastAdminTitle: member.you ? titleForYou : title,
    lastAdmin: isLastAdmin && !changesClosed ? (member.you ? textForYou : text) : '',
    canChangeRole: isAdmin && !changesClosed && !isLastAdmin,
    canRemove: !changesClosed && !isLastAdmin,
    roles: roleOptions(member.role),
    error: failure?.message ?? '',
    ...removalView(member, otherAdmins),
  }
}

function summaryOf(member: Member, here: string) {
  const { kind, role, state, you, created_at, claimed_organisation: claimed } = member
  return {
    name: memberName(member),
    you,
    kind: memberLabels.kinds[kind],
    role: memberLabels.roles[role],
    state: { label: memberLabels.states[state], color: stateColors[state] },
    since: formatDate(created_at ?? ''),
    claimNote: claimed === null ? '' : claimedElsewhere(claimed, here),
  }
}

function removalView({ state, you }: Member, otherAdmins: number) {
  if (state === 'invited') return removalMessages.invitation
  return you ? removalMessages.you(otherAdmins) : removalMessages.member
}

function activeAdmins(members: Member[]): Member[] {
  return members.filter(({ role, state }) => role === 'admin' && state === 'active')
}

function roleOptions(selected: Member['role']) {
  return (['member', 'admin'] as const).map((value) => ({
    value,
    label: memberLabels.roleChoices[value],
    selected: value === selected,
  }))
}

function pathOf({ id }: Member): string {
  return `/account/members/${id}`
}
