import type { Rule } from './shape.js'

/** Duplicates and open doors among accounts and applications, which 3scale's own checks let through. */
export const people = {
  user_doubled: {
    severity: 'error',
    title: 'Two users have the same user name or e-mail address',
    why: '3scale checks this before it writes, so two requests at once pass. The person may be refused at every sign-in, or see the other account.',
    fix: 'Keep the user whose account has the applications, delete the other one, and ask the person to sign in again.',
    place: 'account',
  },
  user_case: {
    severity: 'warning',
    title: 'Two users differ only in the case of their user name or e-mail address',
    why: 'To 3scale they are two people. Which of them a sign-in is linked to depends on how the sign-in service writes the address.',
    fix: 'If it is one person, keep the user whose account has the applications and delete the other one.',
    place: 'account',
  },
  key_doubled: {
    severity: 'error',
    title: 'Two applications of one product have the same key or id',
    why: 'The gateway knows one of them and counts all usage there. When either is deleted, the key is refused for both.',
    fix: 'Delete the one that is not used. Then open the other in the admin portal and save it: until then its key is refused.',
    place: 'application',
  },
  key_missing: {
    severity: 'error',
    title: 'An application of an App_ID and App_Key product has no key',
    why: 'The gateway accepts any key for it, and none: everybody who knows its id can use the model, and the calls count as its own.',
    fix: 'Add a key in the portal or in the admin portal. Delete the application if it is not used.',
    place: 'application',
  },
  key_optional: {
    severity: 'warning',
    title: 'The product does not require an application key',
    why: 'Applications that are created in 3scale have no key then, and the gateway accepts any key for them.',
    fix: 'Turn on “Require at least 1 application key” in the usage rules of the product.',
    place: 'usage',
  },
} as const satisfies Record<string, Rule>
