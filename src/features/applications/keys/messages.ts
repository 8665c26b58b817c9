import { MAX_APPLICATION_KEYS } from '../../../policies.js'
import { formatDate, plural } from '../../../web/pages/format.js'
import type { Application } from '../schemas.js'

type Mode = Application['credentials']['mode']

export function credentialNoun(mode: Mode): 'key' | 'client secret' {
  return mode === 'oidc' ? 'client secret' : 'key'
}

export const keyErrors = {
  tooShort: (characters: number) => `Use at least ${characters} characters.`,
  tooUniform: (characters: number) => `Use at least ${characters} different characters.`,
  tooLong: (characters: number) => `Use at most ${characters} characters.`,
  userKeyCharacters: 'Use only A–Z, a–z, 0–9, _ . and -.',
  applicationKeyCharacters: 'Use only ASCII characters without spaces.',
  queryCharacters: 'This model expects the key in the URL. Use only A–Z, a–z, 0–9, . _ ~ and -.',
  colon: 'Do not use a colon: the gateway would split the key there.',
  similarKey: 'Another key of this application differs only in upper and lower case. Use another value.',
  taken: (message: string) => `${message} Use another value.`,
  replacedConcurrently:
    'Another request replaced the key of this application at the same time. Read the application to get the current key.',
  notListed:
    'The key created with this Idempotency-Key is not listed. It was deleted or is being repaired. Try again later, or use a new Idempotency-Key.',
  oneApplication: 'Your account can have only one application.',
}

export const keyFlash = {
  repaired: 'Application repaired. Show the key and test it.',
  repairedUnusable: 'Application repaired.',
  gatewayUnreachable: 'The gateway is still unreachable. Nothing was changed. Try again in a minute.',
  added: 'Key added. Show the keys to copy it.',
  rotated: {
    user_key: 'Key rotated.',
    oidc: 'Client secret rotated.',
  } satisfies Record<Exclude<Mode, 'app_id'>, string>,
}

/** Titles of the page that offers to send a form again. */
export const keyResubmission = {
  button: 'Try again',
  customValue: 'Custom value',
  rotate: 'Key not rotated',
  add: 'Key not added',
  revoke: 'Key not revoked',
}

export const rotationPage: Record<Mode, { lead: string; button: string; after: string }> = {
  user_key: {
    lead: 'The new key replaces the current one immediately. Clients with the current key stop working until you update them.',
    button: 'Rotate key',
    after: 'Afterwards, show the new key on the application page and update your clients.',
  },
  app_id: {
    lead: 'Create a new key first. The previous key works until you revoke it, so there is no downtime.',
    button: 'Create key',
    after: '',
  },
  oidc: {
    lead: 'An application has one client secret, so it is deleted before the new one is created. Until you update your code, it cannot obtain access tokens. Existing tokens remain valid until they expire.',
    button: 'Rotate client secret',
    after: 'If the rotation is interrupted, the application has no client secret. Open this page and rotate it again.',
  },
}

export const keyPage = {
  rotateTitle: (mode: Mode, application: string) => `Rotate ${credentialNoun(mode)} of ${application}`,
  create: (mode: Mode) => `Create ${credentialNoun(mode)}`,
  started: (keys: number) =>
    `This application already has ${plural(keys, 'key')}. If you created the new one before, continue with step 2.`,
  full: `The application has ${plural(MAX_APPLICATION_KEYS, 'key')}, which is the maximum. Revoke one below before you create another.`,
  addTitle: (application: string) => `Add key to ${application}`,
  revokeTitle: (mode: Mode) => `Revoke ${credentialNoun(mode)}`,
  onlySecret: 'This is the only client secret. Without it, the application cannot obtain access tokens.',
  /** When a revocation takes effect. */
  effect: {
    user_key: 'The gateway rejects the key within seconds.',
    app_id:
      'After you revoke the key, the gateway may accept it for about a minute. The portal then tests it and shows you the result.',
    oidc: 'Access tokens issued with it remain valid until they expire. The portal tests that the client secret is rejected and shows you the result.',
  } satisfies Record<Mode, string>,
}

export const keyRowLabels = {
  /** `at` has the time of day, in UTC. */
  created: (date: string | null, at: string | null) => {
    const time = at && date && at.startsWith(date.slice(0, 10)) ? `, ${at.slice(11, 16)} UTC` : ''
    return date ? `Created on ${formatDate(date)}${time}` : 'Creation date unknown'
  },
  current: 'Current key',
  newest: 'Newest key',
  previous: 'Previous key',
  byPortal: 'by the portal',
  elsewhere: 'outside the portal',
}

export const keyPanel = {
  title: { user_key: 'Key', app_id: 'Keys', oidc: 'Client secret' } satisfies Record<Mode, string>,
  noCredential: (mode: Mode) =>
    `This application has no ${credentialNoun(mode)}, so every request is rejected. Create one now.`,
  create: (mode: Mode) => `Create ${credentialNoun(mode)}`,
  rotate: (mode: Mode) => `Rotate ${credentialNoun(mode)}`,
  summary: (mode: Mode, count: number) => {
    if (mode === 'app_id') return `${count} of ${MAX_APPLICATION_KEYS} keys. Each works with the application ID.`
    if (mode === 'oidc') return 'Rotation deletes the current client secret before it creates a new one.'
    return 'Rotation replaces the key immediately.'
  },
}
