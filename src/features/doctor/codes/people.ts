import type { Rule } from './shape.js'

/** Duplicates that 3scale's own checks accept, applications that accept any key, and keys that the gateway refuses. */
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
  name_unverified: {
    severity: 'warning',
    title: 'Users have names that look like the portal’s and that USERNAME_SECRET does not verify',
    why: 'An earlier build named them, the secret was lost, or somebody chose the name in 3scale’s own portal. The portal does not accept these names, so it does not find these users.',
    fix: 'If the secret was lost, restore it, and do not run maas-portal names --apply for its names: their users would be refused. For names of an earlier build, run maas-portal names, review its list, and run it again with --apply (docs/names.md).',
    place: 'account',
  },
  name_older_secret: {
    severity: 'info',
    title: 'Users have names that an older USERNAME_SECRET verifies',
    why: 'People are renamed at their next sign-in. Without the older secret they are not found.',
    fix: 'Keep the older secret until this finding is no longer reported. Run maas-portal names --apply to rename services and invitations.',
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
  key_refused: {
    severity: 'error',
    title: 'The gateway refuses a key that 3scale lists',
    why: '3scale stores a change before it reaches its back-end, and does not repeat it. If the back-end was down at that moment, the key stays refused until it is written again.',
    fix: 'If the back-end is down, start it first. Open the application in the portal, test it and choose Repair (POST /applications/{id}/repair). Or save it in the admin portal; with App_ID and App_Key also add a new key, then delete the refused one.',
    place: 'application',
  },
  key_ignored: {
    severity: 'error',
    title: 'The gateway accepts any key for an application',
    why: 'Everybody who knows its id can use the model, and the calls count as its own. With App_ID and App_Key, 3scale’s back-end probably knows none of its keys.',
    fix: 'With App_ID and App_Key add a new key, then delete the others. With an API key check the policies of the product, and that its address leads to the gateway.',
    place: 'application',
  },
  key_unverified: {
    severity: 'warning',
    title: 'Whether the gateway accepts the keys of an application is not known',
    why: 'PORTAL_CONFIG names the application for this (`model_server`). If the gateway refuses its keys, it is not found.',
    fix: 'Check the application that PORTAL_CONFIG names, and whether the gateway answers.',
    hides: true,
  },
  key_optional: {
    severity: 'warning',
    title: 'The product does not require an application key',
    why: 'Applications that are created in 3scale have no key then, and the gateway accepts any key for them.',
    fix: 'Turn on “Require at least 1 application key” in the usage rules of the product.',
    place: 'usage',
  },
} as const satisfies Record<string, Rule>
