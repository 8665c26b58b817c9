import type { ErrorCode } from '../../errors.js'

export interface Stop {
  title: string
  /** a word or two, and PatternFly's colour for it */
  label: string
  tone: 'blue' | 'orange' | 'red' | 'grey'
  next: string[]
  /** what the button says that tries again; none where that changes nothing */
  retry?: string
}

const notSetUp: Stop = {
  title: 'The portal is not set up correctly',
  label: 'Not available',
  tone: 'red',
  next: ['The contact below can help. Give them the reference.'],
  retry: 'Try again',
}

const byCode: Partial<Record<ErrorCode, Stop>> = {
  account_pending: {
    title: 'Your account waits for approval',
    label: 'Waiting',
    tone: 'blue',
    next: [
      'An operator looks at every new account.',
      'You will receive an e-mail when it is decided. Then come back here, or check again now.',
    ],
    retry: 'Check again',
  },
  account_rejected: {
    title: 'Your account was not approved',
    label: 'Not approved',
    tone: 'red',
    next: ['If you think that this is a mistake, write to the contact below and give the reference.'],
  },
  account_suspended: {
    title: 'Your account is suspended',
    label: 'Suspended',
    tone: 'red',
    next: [
      'You cannot see or change your applications until it is resumed. Keys that are live may go on working.',
      'Ask the contact below to resume your access.',
    ],
  },
  email_not_verified: {
    title: 'Your e-mail address is not verified',
    label: 'Not verified',
    tone: 'orange',
    next: [
      'No account was created.',
      'If your profile in the sign-in service offers to verify the address, verify it, then sign in again.',
      'Otherwise the contact below can help. Give them the reference.',
    ],
    retry: 'Sign in again',
  },
  email_missing: {
    title: 'Your profile has no e-mail address',
    label: 'No e-mail address',
    tone: 'orange',
    next: [
      'No account was created.',
      'If your profile in the sign-in service has no e-mail address, add one, then sign in again.',
      'Otherwise the contact below can help. Give them the reference.',
    ],
    retry: 'Sign in again',
  },
  email_taken: {
    title: 'This address belongs to somebody else here',
    label: 'Address in use',
    tone: 'red',
    next: [
      'For your safety, accounts are not joined by themselves.',
      'The contact below can sort it out. Give them the reference.',
    ],
  },
  email_conflict: {
    title: 'Your address is in 3scale more than once',
    label: 'Address not unique',
    tone: 'orange',
    next: [
      'No account was linked or created.',
      'The contact below can correct one of the addresses. Give them the reference.',
      'Then sign in again.',
    ],
    retry: 'Sign in again',
  },
  link_declined: {
    title: 'The existing user was not linked',
    label: 'Not linked',
    tone: 'orange',
    next: [
      'The existing user keeps its applications and keys.',
      'When its address has been changed, sign in again to create your own account.',
    ],
    retry: 'Review the user again',
  },
  account_doubled: {
    title: 'You have more than one account',
    label: 'Account not unique',
    tone: 'orange',
    next: [
      'More than one of them holds applications, so none was removed.',
      'The contact below can remove the one that you do not need. Give them the reference.',
      'Then sign in again.',
    ],
    retry: 'Sign in again',
  },
  sign_up_closed: {
    title: 'Sign-up is closed',
    label: 'Closed',
    tone: 'grey',
    next: ['No account was made.', 'The contact below can tell you how to get access.'],
  },
  sign_up_refused: {
    title: 'This portal is not open to you yet',
    label: 'No access',
    tone: 'orange',
    next: [
      'Access depends on your organisation, your groups and your profile. No account was made.',
      'The contact below can help.',
    ],
  },
  sign_in_cancelled: {
    title: 'You were not signed in',
    label: 'Not signed in',
    tone: 'grey',
    next: [
      'If you cancelled, you can sign in again.',
      'If you did not, your sign-in service may not allow you to use this portal. The contact below can help. Give them the reference.',
    ],
    retry: 'Sign in',
  },
  sign_in_failed: {
    title: 'This sign-in is no longer valid',
    label: 'Sign-in',
    tone: 'orange',
    next: ['It may have taken too long, or the page was opened twice.', 'Start again. Cookies must be on for it.'],
    retry: 'Start again',
  },
  sign_in_too_large: {
    title: 'Your sign-in profile is too large',
    label: 'Sign-in',
    tone: 'red',
    next: ['Nothing was changed.', 'The contact below can help. Give them the reference.'],
  },
  identity_invalid: {
    title: 'The response of the sign-in service is not valid',
    label: 'Sign-in',
    tone: 'red',
    next: ['Start again.', 'If this happens again, the contact below can help. Give them the reference.'],
    retry: 'Start again',
  },
  clocks_differ: {
    title: 'The clocks of the portal and the sign-in service differ',
    label: 'Not available',
    tone: 'red',
    next: ['Nobody can sign in until the clocks are correct.', 'The contact below can help. Give them the reference.'],
    retry: 'Try again',
  },
  too_many_requests: {
    title: 'Too many sign-ins at once',
    label: 'Wait',
    tone: 'orange',
    next: ['Nothing was changed. Wait a moment, then sign in again.'],
    retry: 'Sign in',
  },
  identity_unavailable: {
    title: 'The sign-in service does not answer',
    label: 'Not available',
    tone: 'orange',
    next: ['Try again in a minute.', 'If you are signed in already, you can go on in that window.'],
    retry: 'Try again',
  },
  identity_denied: {
    title: 'Sign-in is not set up correctly',
    label: 'Not available',
    tone: 'red',
    next: ['Nobody can sign in at the moment.', 'The contact below can help. Give them the reference.'],
    retry: 'Try again',
  },
  conflict: {
    title: 'Something changed while you signed in',
    label: 'Changed',
    tone: 'orange',
    next: ['You do not have to sign in again.', 'Try again, and you see how it is now.'],
    retry: 'Try again',
  },
  threescale_unavailable: {
    title: 'Your account cannot be read at the moment',
    label: 'Not available',
    tone: 'orange',
    next: ['Nothing is lost, and you do not have to sign in again.', 'Try again in a minute.'],
    retry: 'Try again',
  },
  threescale_busy: {
    title: 'Many people are signing in at the moment',
    label: 'Busy',
    tone: 'orange',
    next: ['Nothing was changed, and you do not have to sign in again.', 'Try again in a moment.'],
    retry: 'Try again',
  },
  threescale_denied: notSetUp,
  threescale_scope: notSetUp,
}

const unknown: Stop = {
  title: 'Sign-in did not work',
  label: 'Sign-in',
  tone: 'red',
  next: ['Start again. If this happens again, the contact below can help. Give them the reference.'],
  retry: 'Start again',
}

/** What to say where a sign-in ends without a session. */
export function stopFor(code: ErrorCode): Stop {
  return byCode[code] ?? unknown
}
