/** Text of the sign-in pages and of the form that completes a first sign-in. */

export const completionMessages = {
  newAccount: {
    title: 'One more step',
    lead: 'Your account is created from your sign-in. You answer these questions only once.',
    label: 'New account',
    button: 'Create account',
  },
  newTerms: {
    title: 'New terms',
    lead: 'The terms have changed since you last signed in. Accept them to continue.',
    label: 'Terms',
    button: 'Accept terms',
  },
  link: {
    title: 'Link your existing account',
    lead: 'A user in 3scale has your e-mail address. Link it to your sign-in only if you recognize it.',
    label: 'Existing user',
    button: 'Link account',
    decline: 'Do not link',
  },
  offerChanged:
    'The account on this page has changed since you opened it. Nothing was changed. Review it and confirm again.',
  inputPreserved: 'Your input is preserved.',
  settingUp: 'Setting up your account',
  signingIn: 'Signing you in',
  facts: { organisation: 'Organisation', username: 'Username', role: 'Your role' },
  roles: { admin: 'Admin: also manages members and services', member: 'Member' },
}

export function joinMessages(organisation: string, basis: 'invitation' | 'claim') {
  const isInvitation = basis === 'invitation'
  return {
    title: `Join ${organisation}`,
    lead: isInvitation
      ? `${organisation} invites you to its account. Join it only if you recognize this organisation.`
      : `Your identity provider assigns you to ${organisation}, which already has an account.`,
    label: isInvitation ? 'Invitation' : 'Shared account',
    button: `Join ${organisation}`,
    decline: isInvitation ? 'Decline and create my own account' : '',
  }
}

export function firstMemberMessages(organisation: string) {
  return {
    title: `You are the first member of ${organisation}`,
    lead: `Your identity provider assigns you to ${organisation}. Continue to create its account.`,
    label: 'Shared account',
    button: `Create account of ${organisation}`,
    decline: '',
  }
}

/** What joining an account means for the reader. */
export const consequences = {
  shared: (organisation: string) =>
    `Everyone in ${organisation} can view and use the applications and keys that you create there.`,
  removal: (organisation: string) =>
    `Admins of ${organisation} can change your role and remove you. Applications and keys stay with the account.`,
  access: (organisation: string) => `You can view and use the applications and keys of ${organisation}.`,
  linkedApplications: (organisation: string) =>
    `The applications and keys of ${organisation} become available to you here and continue to work.`,
  linkedUsername: (username: string) =>
    `From now on you sign in here. The username ${username} and its password no longer work in the previous portal.`,
}

export const redirectMessages = {
  signIn: { title: 'Sign in', lead: 'You are being redirected to your identity provider.' },
  signOut: {
    title: 'Signing out',
    lead: 'You are signed out of the portal. Your session with your identity provider ends next.',
  },
}

/** By the `provider` parameter of /signed-out: why the session with the identity provider may still be open. */
const openProviderSession: Record<string, string> = {
  unavailable:
    'You are signed out of the portal. Your identity provider is not responding, so your session there may still be open. On a shared computer, close the browser.',
  no_sign_out:
    'You are signed out of the portal. Your session with your identity provider may still be open. On a shared computer, sign out there too, then close the browser.',
}

export function signedOutMessages(provider: string) {
  const lead = Object.hasOwn(openProviderSession, provider) ? openProviderSession[provider] : undefined
  return { title: 'You are signed out', lead: lead ?? 'Your applications and their keys continue to work.' }
}

export const termsMessages = {
  title: 'Terms',
  version: (version: string) => `Version ${version}`,
}

export const GROUPS_OMITTED =
  'Your identity provider omitted your groups because there are too many. Models that are limited to certain groups are not shown. Ask the operator of this portal.'

/** For the operator: the cause of a sign-in whose identity is unknown. */
export function missingSubjectClaim(claim: string): string {
  return `The sign-in has no usable claim ${claim}, which identity_provider.claims.subject in PORTAL_CONFIG names.`
}
