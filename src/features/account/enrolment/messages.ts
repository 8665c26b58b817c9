import type { JoinOffer } from './join-offer.js'

/** Text of sign-up and of joining an account: errors, and how an API call accepts an offer. */

export const signUpErrors = {
  groupsOmitted:
    'Sign-up is limited to members of certain groups. Your identity provider omitted your groups because there are too many. Ask the operator of this portal.',
  malformedEmail:
    'Your e-mail address is not of the form name@example.com. Change it with your identity provider, then sign in again.',
  unknownVerification:
    'Your identity provider does not state whether your e-mail address is verified, so no account can be created or joined. The operator of this portal can correct this.',
  missingProfileFields: (labels: string[]) =>
    `Your profile lacks fields that this portal requires: ${labels.join(', ')}. Ask the contact of this portal for access.`,
  noDefaultPlan:
    'Sign-up is not available: the 3scale tenant has no default account plan. The operator of this portal must choose one.',
  fieldRequired: (label: string) => `${label} is required.`,
  fieldChoice: (label: string, choices: string[]) => `${label} must be one of: ${choices.join(', ')}.`,
  number: 'Use a number, such as 19 or 7.5.',
  organisationNotReady: 'The account of your organisation cannot be joined yet. Ask the operator of this portal.',
  accountChanged: 'The account that you were about to join has changed. Try again.',
}

export const apiSignUpErrors = {
  tokenWithoutEmail:
    'The access token has no e-mail address. Sign in to the portal in a browser once, or configure the identity provider to add the address to access tokens.',
  unknownField: 'This field does not exist.',
  notInvited: 'This account does not invite you. Omit `join`, or ask the admins of the account.',
  declineOwnAccount: (accountId: number) =>
    `You already belong to account ${accountId}, so its invitation cannot be declined. Leave the account instead.`,
  otherAccount: (accountId: number) =>
    `You already belong to account ${accountId}, and you can belong to only one account. Leave it before you join another.`,
  otherAnswers: 'You have already signed up with different answers.',
}

/** What an API call must send to join the account of this offer. */
export function joinInstructions({ basis, id, name, role, username = '' }: JoinOffer): string {
  const as = role === 'admin' ? 'an admin' : 'a member'
  if (basis === 'invitation')
    return `${name} (account ${id}) invites you as ${as}. Send "join": ${id} to join it, or "decline": true to remove the invitation and sign up with your own account.`
  if (basis === 'claim')
    return `Your identity provider assigns you to ${name} (account ${id}) as ${as}. Send "join": ${id} to join it.`
  return `The user ${username} of ${name} (account ${id}) has your e-mail address. Send "join": ${id} to link that user to your sign-in.`
}
