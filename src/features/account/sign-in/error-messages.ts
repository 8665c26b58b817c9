import type { ErrorCode } from '../../../errors.js'

/** The text of an error page; its lead is the sentence of the error itself. */
export interface SignInErrorMessage {
  title: string
  /** One or two words. */
  label: string
  /** PatternFly's colour of the label. */
  tone: 'blue' | 'orange' | 'red' | 'grey'
  nextSteps: string[]
  /** Label of the button that tries again; absent where trying again changes nothing. */
  retry?: string
}

const CONTACT = 'Contact support below and include the request ID.'

const configurationError: SignInErrorMessage = {
  title: 'The portal is not configured correctly',
  label: 'Unavailable',
  tone: 'red',
  nextSteps: [CONTACT],
  retry: 'Try again',
}

const messages: Partial<Record<ErrorCode, SignInErrorMessage>> = {
  account_pending: {
    title: 'Your account is pending approval',
    label: 'Pending',
    tone: 'blue',
    nextSteps: [
      'An operator reviews every new account.',
      'You will receive an e-mail when your account is reviewed. You can also check again here.',
    ],
    retry: 'Check again',
  },
  account_rejected: {
    title: 'Your account was not approved',
    label: 'Not approved',
    tone: 'red',
    nextSteps: ['If you think this is a mistake, contact support below and include the request ID.'],
  },
  account_suspended: {
    title: 'Your account is suspended',
    label: 'Suspended',
    tone: 'red',
    nextSteps: [
      'You cannot view or change your applications until your account is resumed. Existing keys may continue to work.',
      'To restore your access, contact support below.',
    ],
  },
  email_not_verified: {
    title: 'Your e-mail address is not verified',
    label: 'Not verified',
    tone: 'orange',
    nextSteps: [
      'No account was created.',
      'Verify your e-mail address with your identity provider, then sign in again.',
      `If you cannot verify it there: ${CONTACT}`,
    ],
    retry: 'Sign in again',
  },
  email_missing: {
    title: 'Your profile has no e-mail address',
    label: 'No e-mail address',
    tone: 'orange',
    nextSteps: [
      'No account was created.',
      'Add an e-mail address to your profile with your identity provider, then sign in again.',
      `If you cannot add one there: ${CONTACT}`,
    ],
    retry: 'Sign in again',
  },
  email_taken: {
    title: 'This e-mail address is already in use',
    label: 'Address in use',
    tone: 'red',
    nextSteps: ['For security, accounts are never merged automatically.', CONTACT],
  },
  email_conflict: {
    title: 'Several users have your e-mail address',
    label: 'Address not unique',
    tone: 'orange',
    nextSteps: [
      'No account was linked or created.',
      `An operator must correct one of the addresses. ${CONTACT}`,
      'Then sign in again.',
    ],
    retry: 'Sign in again',
  },
  link_declined: {
    title: 'The existing user was not linked',
    label: 'Not linked',
    tone: 'orange',
    nextSteps: [
      'The existing user keeps its applications and keys.',
      'Once its e-mail address is changed, sign in again to create your own account.',
    ],
    retry: 'Review the user again',
  },
  duplicate_accounts: {
    title: 'You have more than one account',
    label: 'Account not unique',
    tone: 'orange',
    nextSteps: [
      'More than one of these accounts has applications, so none was removed.',
      `An operator must remove the account that you do not use. ${CONTACT}`,
      'Then sign in again.',
    ],
    retry: 'Sign in again',
  },
  sign_up_closed: {
    title: 'Sign-up is closed',
    label: 'Closed',
    tone: 'grey',
    nextSteps: ['No account was created.', 'To request access, contact support below.'],
  },
  sign_up_refused: {
    title: 'You do not have access to this portal',
    label: 'No access',
    tone: 'orange',
    nextSteps: ['No account was created.', `To request access: ${CONTACT}`],
  },
  sign_in_cancelled: {
    title: 'You are not signed in',
    label: 'Not signed in',
    tone: 'grey',
    nextSteps: [
      'If you cancelled the sign-in, you can sign in again.',
      `If you did not, your identity provider may not allow you to use this portal. ${CONTACT}`,
    ],
    retry: 'Sign in',
  },
  sign_in_failed: {
    title: 'This sign-in is no longer valid',
    label: 'Sign-in failed',
    tone: 'orange',
    nextSteps: [
      'The sign-in took too long, or its page was opened twice.',
      'Sign in again. Your browser must accept cookies from this site.',
    ],
    retry: 'Sign in again',
  },
  sign_in_too_large: {
    title: 'Your profile is too large',
    label: 'Sign-in failed',
    tone: 'red',
    nextSteps: ['Nothing was changed.', CONTACT],
  },
  identity_invalid: {
    title: 'The response of your identity provider is not valid',
    label: 'Sign-in failed',
    tone: 'red',
    nextSteps: ['Sign in again.', `If the problem persists: ${CONTACT}`],
    retry: 'Sign in again',
  },
  clock_skew: {
    title: 'The clocks of the portal and your identity provider differ',
    label: 'Unavailable',
    tone: 'red',
    nextSteps: ['No one can sign in until the clocks are correct.', CONTACT],
    retry: 'Try again',
  },
  too_many_requests: {
    title: 'Too many sign-ins',
    label: 'Try later',
    tone: 'orange',
    nextSteps: ['Nothing was changed. Wait a moment, then sign in again.'],
    retry: 'Sign in again',
  },
  identity_unavailable: {
    title: 'Your identity provider is not responding',
    label: 'Unavailable',
    tone: 'orange',
    nextSteps: ['Try again in a minute.', 'If you are already signed in elsewhere, you can keep working there.'],
    retry: 'Try again',
  },
  identity_denied: { ...configurationError, title: 'Sign-in is not configured correctly' },
  conflict: {
    title: 'Something changed while you signed in',
    label: 'Changed',
    tone: 'orange',
    nextSteps: ['You do not have to sign in again.', 'Try again to see the current state.'],
    retry: 'Try again',
  },
  threescale_unavailable: {
    title: 'Your account cannot be loaded',
    label: 'Unavailable',
    tone: 'orange',
    nextSteps: ['Nothing is lost, and you do not have to sign in again.', 'Try again in a minute.'],
    retry: 'Try again',
  },
  threescale_busy: {
    title: 'Many people are signing in right now',
    label: 'Busy',
    tone: 'orange',
    nextSteps: ['Nothing was changed, and you do not have to sign in again.', 'Try again in a moment.'],
    retry: 'Try again',
  },
  threescale_denied: configurationError,
  threescale_scope: configurationError,
}

const defaultMessage: SignInErrorMessage = {
  title: 'Sign-in failed',
  label: 'Sign-in failed',
  tone: 'red',
  nextSteps: [`Sign in again. If the problem persists: ${CONTACT}`],
  retry: 'Sign in again',
}

export function signInErrorMessage(code: ErrorCode): SignInErrorMessage {
  return messages[code] ?? defaultMessage
}
