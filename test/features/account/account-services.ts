import { type AccountsDeps, createAccounts } from '../../../src/features/account/enrolment/accounts.js'
import { createClaimAccounts } from '../../../src/features/account/enrolment/claim-accounts.js'
import { createUsernames } from '../../../src/features/account/usernames/usernames.js'
import { createCache } from '../../../src/infra/cache.js'
import { createLock } from '../../../src/infra/lock.js'
import type { Identity } from '../../../src/web/auth/caller.js'
import { createInMemoryTenant } from './in-memory-tenant.js'

const ISSUER = 'https://sso.example.com'

export const log = { warn() {}, info() {} }

export const terms = { version: '2026-01', url: '/terms', title: 'Terms', field: 'terms_version' }

export function identity(details: Partial<Identity> & Pick<Identity, 'subject'>): Identity {
  const { subject } = details
  const email = `${subject}@example.com`
  return {
    ...{ kind: 'person', issuer: ISSUER, sid: undefined, name: subject, email, emailVerified: true, groups: [] },
    claims: { org_name: `${subject} Ltd` },
    ...details,
  }
}

/** The service of accounts on a tenant in memory. */
export function setUp(
  options: Partial<AccountsDeps> & { claimSettings?: { claim: string; admin_groups: string[] } } = {},
) {
  const { claimSettings, ...deps } = options
  const tenant = createInMemoryTenant()
  const { threescale } = tenant
  const cache = createCache({ prefix: 'test', log })
  const usernames = createUsernames({ secrets: ['x'.repeat(32)], issuerIds: () => [ISSUER] })
  const claims = createClaimAccounts({ threescale, cache, usernames, settings: claimSettings })
  const removed: string[] = []
  const repaired: number[] = []
  const accounts = createAccounts({
    threescale,
    cache,
    withLock: createLock(undefined),
    usernames,
    changes: {
      endUser: async () => {},
      recordChange: async () => {},
      recordAccountChange: async () => {},
      changedAt: () => -1,
      accountChangedAt: () => -1,
    },
    linkByEmail: true,
    policy: {},
    terms: undefined,
    claims,
    repairs: { all: async (id) => void repaired.push(id), recorded: async () => {} },
    duplicateRemoved: (kind) => void removed.push(kind),
    ...deps,
  })
  return { accounts, tenant, usernames, claims, removed, repaired }
}
