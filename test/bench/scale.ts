import { creates } from './scale/creates.js'
import { MEASURED_COSTS } from './scale/crowd.js'
import { largeAccounts, largeTenant } from './scale/large-tenant.js'
import { signIns } from './scale/sign-ins.js'
import type { Row } from './table.js'

/** `npm run bench -- --scale`: what grows with the tenant and with the number of people, simulated in the demo's 3scale. */
export const scale: Record<string, { title: string; run: () => Promise<Row[]> }> = {
  tenant: {
    title:
      '2,000 products, 4,000 plans, 10,000 accounts, 100,000 applications; 3scale with two workers at measured costs',
    run: () => largeTenant({ windowSeconds: 300 }),
  },
  accounts: {
    title: 'Accounts with very many applications, 3scale 50 ms away',
    run: () => largeAccounts({ latency_ms: 50 }),
  },
  'slow-accounts': {
    title: 'Accounts with very many applications, 3scale with two workers at measured costs',
    run: () => largeAccounts(MEASURED_COSTS),
  },
  'sign-ins': {
    title: 'Signing in on three replicas, 3scale 50 ms away, the same tenant',
    run: () => signIns({ people: 2000, seconds: 300 }),
  },
  creates: {
    title: 'Creating an application within ten seconds on three replicas, 3scale with two workers at measured costs',
    run: () =>
      creates([
        { people: 60, areNew: false, defaultPlans: 1 },
        { people: 40, areNew: true, defaultPlans: 4 },
        { people: 60, areNew: true, defaultPlans: 4 },
      ]),
  },
}
