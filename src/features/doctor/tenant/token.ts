import type { OwnToken } from '../../../clients/threescale/inspection/nouns.js'
import type { Find, Finding } from '../findings.js'
import { listed, type Tenant } from '../look.js'

const SCOPES = ['account_management', 'stats']
const SOON_MS = 30 * 86_400_000

/** What the access token may do. 3scale does not say which of its owner's tokens it is, so only what is true of all counts. */
export function token(find: Find, { isAdmin, tokens: own }: Tenant, now: number): Finding[] {
  const findings: Finding[] = []
  if (isAdmin === false) findings.push(find('token_owner'))
  if (!own || own.length === 0) return findings
  if (own.every(({ mayWrite }) => !mayWrite)) findings.push(find('token_read_only'))
  if (own.every((each) => expiresSoon(each, now))) {
    const last = own
      .map(({ expiresAt }) => expiresAt)
      .sort()
      .at(-1)
    findings.push(find('token_expires', { what: `It expires at ${last}.` }))
  }
  if (own.every(({ scopes }) => scopes.some((scope) => !SCOPES.includes(scope)))) {
    const more = [...new Set(own.flatMap(({ scopes }) => scopes))].filter((scope) => !SCOPES.includes(scope))
    findings.push(find('token_wide', { what: `It also has: ${listed(more)}.` }))
  }
  return findings
}

function expiresSoon({ expiresAt }: OwnToken, now: number): boolean {
  return expiresAt !== '' && Date.parse(expiresAt) - now < SOON_MS
}
