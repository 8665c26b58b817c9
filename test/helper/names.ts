import { DEMO_USERNAME_SECRET } from '../../src/cli/demo-settings.js'
import { createNames } from '../../src/features/account/names.js'
import type { Stack } from './stack.js'

/** The names that a portal of this stack gives users, under the demo's secret or others. */
export function namesOf({ identity }: Stack, secrets = [DEMO_USERNAME_SECRET]) {
  return createNames({ secrets, issuerIds: () => [identity] })
}
