import { DEMO_USERNAME_SECRET } from '../../src/cli/demo-settings.js'
import { createUsernames } from '../../src/features/account/usernames/usernames.js'
import type { Secrets } from '../../src/infra/crypto/secrets.js'
import type { Stack } from './stack.js'

/** The usernames that a portal of this stack generates, with the secret of the demo or with others. */
export function namesOf({ identity }: Stack, secrets: Secrets = [DEMO_USERNAME_SECRET]) {
  return createUsernames({ secrets, issuerIds: () => [identity] })
}
