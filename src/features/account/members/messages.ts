import { plural } from '../../../web/pages/format.js'
import type { Member } from '../schemas.js'

/** Text of the list of members, of the page of one member, and of the messages after a change. */

export const memberLabels = {
  states: { invited: 'Invited', pending: 'Not yet active', active: 'Active', suspended: 'Suspended' },
  roles: { admin: 'Admin', member: 'Member' },
  roleChoices: { admin: 'Admin: manages members and services', member: 'Member' },
  kinds: { person: 'Person', service: 'Service' },
  change: 'Change',
  leave: 'Leave',
} satisfies Record<string, string | Record<string, string>>

export const membersMessages = {
  count: (members: number) => (members === 1 ? 'Only you so far' : plural(members, 'member')),
  noAdmin:
    'This account has no active admin, so no one can invite, change or remove members. The operator of this portal can assign the admin role.',
  readOnly: 'Only admins can invite, change and remove members.',
  /** A member without address and client ID: a service that API_CLIENTS does not list. */
  unnamed: ({ kind, id }: Pick<Member, 'kind' | 'id'>) => `${memberLabels.kinds[kind]} ${id}`,
}

export const invitationMessages = {
  personHint: (publicUrl: string, sendsMail: boolean) =>
    `To join, the person signs in at ${publicUrl} with this verified address. ${
      sendsMail
        ? 'The portal sends an invitation e-mail.'
        : 'The portal does not send e-mail, so notify the person yourself.'
    }`,
  serviceHint: (publicUrl: string, accountId: number) =>
    `A service is a program with its own client at your identity provider that calls the REST API for this account. ${serviceStep(publicUrl, accountId)}`,
  alreadyMember: (name: string) => `${name} is already in this account.`,
  personInvited: (name: string, publicUrl: string, isMailed: boolean) =>
    isMailed
      ? `${name} is invited. An e-mail explains how to join.`
      : `${name} is invited. Ask them to sign in at ${publicUrl} with that address.`,
  serviceInvited: (name: string, publicUrl: string, accountId: number) =>
    `${name} is invited. ${serviceStep(publicUrl, accountId)}`,
}

/** A service accepts with its own token, and only the admin can pass the account id on to it. */
function serviceStep(publicUrl: string, accountId: number): string {
  return `To join, the service sends POST ${publicUrl}/api/v1/me with "join": ${accountId}.`
}

export const changeMessages = {
  roleChanged: (name: string, role: Member['role']) => `${name} is now ${role === 'admin' ? 'an admin' : 'a member'}.`,
  removed: (name: string) => `${name} was removed. The applications and keys of the account are unchanged.`,
}

/** For admins, where the identity provider last assigned a member to another organisation, or to none. */
export function claimedElsewhere(claimed: string, here: string): string {
  return claimed === ''
    ? `The identity provider no longer lists this person under ${here}. They keep access until you remove them.`
    : `The identity provider now lists this person under ${claimed}. They keep access to ${here} until you remove them.`
}

export const lastAdminMessages = {
  title: 'The last admin',
  titleForYou: 'You are the last admin',
  text: 'An account needs at least one admin. Assign the admin role to another member before you change or remove this one.',
  textForYou:
    'An account needs at least one admin. Assign the admin role to another member before you change your role or leave.',
}

const APPLICATIONS_STAY = 'The applications and keys belong to the account and continue to work.'

export const removalMessages = {
  invitation: {
    removeTitle: 'Withdraw invitation',
    removeLabel: 'Withdraw invitation',
    removal: 'The invitation can no longer be accepted.',
  },
  member: {
    removeTitle: 'Remove member',
    removeLabel: 'Remove member',
    removal: `${APPLICATIONS_STAY} This member may still know keys: rotate them if that is a risk.`,
  },
  you: (remainingAdmins: number) => ({
    removeTitle: 'Leave account',
    removeLabel: 'Leave account',
    removal: `${APPLICATIONS_STAY} You lose access immediately. The account keeps ${
      remainingAdmins === 1 ? 'one admin' : plural(remainingAdmins, 'admin')
    }.`,
  }),
}

/** Errors of invitations and of changes of members. */
export const memberErrors = {
  emailOrClientId: 'Specify either an e-mail address or a client ID.',
  cannotInvite:
    'This address cannot be invited. Invite another address, or ask its owner to contact the operator of this portal.',
  rejectedAddress: (reason: string) => `3scale does not accept this address. ${reason}`,
  email: 'Enter an e-mail address.',
  emailMax: 'Use at most 255 characters.',
  emailMin: 'Use at least 6 characters.',
  emailLocalPart: `Use only a-z, 0-9 and . _ % + - ' before the @.`,
  emailDomain: 'Enter a domain such as example.com. Enter an internationalized domain in its xn-- form.',
  conflictingRole: (kind: Member['kind'], isInvited: boolean, role: Member['role']) =>
    `This ${kind} ${isInvited ? 'has already been invited' : 'is already in this account'} as ${
      role === 'admin' ? 'an admin' : 'a member'
    }. Change the role instead.`,
  notAMember: 'You no longer belong to this account. Sign in again.',
  dailyLimit: (max: number) => `An account can invite at most ${max} people and services a day. Try again tomorrow.`,
}

/** The inviter chooses the name of the account, so the subject does not contain it. */
export function invitationMail(brand: string, accountName: string, publicUrl: string) {
  const paragraphs = [
    `You have been invited to join an account at ${brand}. Account name: ${accountName}`,
    `To accept or decline, sign in at ${publicUrl}/account with this e-mail address.`,
    'If you do not know the sender, ignore this e-mail.',
  ]
  return { subject: `Invitation to join an account at ${brand}`, text: paragraphs.join('\n\n') }
}
