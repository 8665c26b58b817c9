import type { FindingType } from './finding-types.js'

/** Users and applications: duplicates that 3scale's own validation accepts, and keys that the gateway treats differently. */
export const userFindings = {
  user_duplicate: {
    severity: 'error',
    title: 'Two users have the same username or e-mail address',
    why: '3scale validates this before it writes, so two simultaneous requests can both succeed. The user may be refused at every sign-in, or see the other account.',
    fix: 'Keep the user whose account has the applications and delete the other one. Then ask the person to sign in again.',
    adminPage: 'account',
  },
  user_case_duplicate: {
    severity: 'warning',
    title: 'The usernames or e-mail addresses of two users differ only in case',
    why: '3scale treats them as two users. Which one a sign-in is linked to depends on how the identity provider spells the address.',
    fix: 'If both are the same person, keep the user whose account has the applications and delete the other one.',
    adminPage: 'account',
  },
  username_unverified: {
    severity: 'warning',
    title: 'Usernames in the format of the portal cannot be verified with USERNAME_SECRET',
    why: 'They may come from an earlier build or a lost secret, or were chosen in the built-in portal of 3scale. This portal does not accept them, so it does not find these users.',
    fix: 'If the secret was lost, restore it, and do not run `maas-portal names --apply`: the users would be rejected. For usernames of an earlier build, run `maas-portal names`, review the list, and run it again with `--apply` (docs/names.md).',
    adminPage: 'account',
  },
  username_older_secret: {
    severity: 'info',
    title: 'Usernames are signed with an older USERNAME_SECRET',
    why: 'Users are renamed at their next sign-in. Without the older secret, the portal cannot find them.',
    fix: 'Keep the older secret until this finding disappears. Run `maas-portal names --apply` to rename services and invitations.',
    adminPage: 'account',
  },
  key_duplicate: {
    severity: 'error',
    title: 'Two applications of one product have the same key or ID',
    why: 'The gateway knows only one of them and counts all usage there. When either is deleted, the key is refused for both.',
    fix: 'Delete the unused application. Then open the other one in the admin portal and save it: until then its key is refused.',
    adminPage: 'application',
  },
  key_missing: {
    severity: 'error',
    title: 'An application of an App_ID and App_Key product has no key',
    why: 'The gateway accepts any key for it, and also no key. Anyone with its ID can use the model at the expense of this application.',
    fix: 'Add a key in the portal or in the admin portal. If the application is not used, delete it.',
    adminPage: 'application',
  },
  key_refused: {
    severity: 'error',
    title: 'The gateway refuses a key that 3scale lists',
    why: '3scale stores a change before it notifies its backend, and does not repeat a failed notification. If the backend was down, the key is refused until it is written again.',
    fix: 'If the backend is down, start it first. Open the application in the portal, test it and choose Repair application (POST /applications/{id}/repair). Alternatively, save it in the admin portal. With App_ID and App_Key, also add a new key, then delete the refused one.',
    adminPage: 'application',
  },
  key_ignored: {
    severity: 'error',
    title: 'The gateway accepts any key for an application',
    why: 'Anyone with its ID can use the model at the expense of this application. With App_ID and App_Key, the backend of 3scale probably has none of its keys.',
    fix: 'With App_ID and App_Key, add a new key, then delete the others. With an API key, check the policies of the product and that its address leads to the gateway.',
    adminPage: 'application',
  },
  key_unverified: {
    severity: 'warning',
    title: 'The keys of an application could not be checked at the gateway',
    why: 'PORTAL_CONFIG names the application for this check (`model_server`). If the gateway refuses its keys, the doctor does not detect it.',
    fix: 'Check the application that PORTAL_CONFIG names, and that the gateway responds.',
    isIncomplete: true,
  },
  key_optional: {
    severity: 'warning',
    title: 'The product does not require an application key',
    why: 'Applications that are created in 3scale have no key, and the gateway accepts any key for them.',
    fix: 'Turn on “Require at least 1 application key” in the usage rules of the product.',
    adminPage: 'usage',
  },
} as const satisfies Record<string, FindingType>
