/** Text that the parts of the account share, and that of the account page. */

export const profileMessages = {
  title: 'Account',
  noEmail: 'None',
  labels: {
    name: 'Name',
    email: 'E-mail',
    groups: 'Groups',
    organisation: 'Organisation',
    role: 'Your role',
    accountId: 'Account ID',
    username: '3scale username',
  },
  roles: { admin: 'Admin', member: 'Member' },
  access: {
    admin: [
      'Every member of this account can view and use all of its applications and keys.',
      'As an admin, you can also invite, change and remove members and services.',
      'Removed members lose access immediately. Applications stay with the account.',
    ],
    member: [
      'Every member of this account can view and use all of its applications and keys.',
      'Admins can also invite, change and remove members and services.',
      'Removed members lose access immediately. Applications stay with the account.',
    ],
  },
}

export const ACCEPT_TERMS = 'Accept the terms to continue.'

/** What 3scale rejected of a sign-in; `reason` is a sentence of 3scale's or of the portal's checks. */
export const threescaleRefusals = {
  email: (reason: string) =>
    `3scale does not accept your e-mail address. ${reason} Change it with your identity provider, then sign in again.`,
  storedEmail: (reason: string) =>
    `3scale does not accept the e-mail address that it has for you. ${reason} Ask the contact of this portal to correct it there.`,
  country: 'Use the English name of a country, such as Germany.',
}

export const clientIdErrors = {
  characters: 'Use printable ASCII characters without spaces.',
  length: (max: number) => `Use at most ${max} characters.`,
}

/** For operators: why `maas-portal names` does not rename a user. */
export const migrationReasons = {
  nextSignIn: 'The user is renamed at the next sign-in.',
  unlistedClient: 'No client in API_CLIENTS has this name. List the client, or remove the user.',
  unexpectedEmail: 'The user has an e-mail address, so the portal did not create it. Remove the user.',
  closedInvitation: 'The user has the name of an invitation but is not pending. Remove or rename the user.',
  changed: 'The user has changed, or another user has the same name. Run the command again.',
  rejected: '3scale does not accept a change of this user.',
  signedUpAgain: (userId: number, accountId: number) =>
    `User ${userId} of account ${accountId} has the new name: the person signed up again. Keep one of the two.`,
}
