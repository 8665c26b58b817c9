import type { OwnToken } from '../../../../clients/threescale/inspection/types.js'
import type { CreateFinding, Finding } from '../../findings/findings.js'
import { formatList, type Tenant } from '../../product-context.js'
import { accessTokenMessages } from './messages.js'

const SCOPES = ['account_management', 'stats']
const SOON_MS = 30 * 86_400_000

/** Checks the access token. 3scale does not report which of its owner's tokens it is, so a finding must apply to all of them. */
export function checkAccessToken(finding: CreateFinding, { isAdmin, tokens: own }: Tenant, now: number): Finding[] {
  const findings: Finding[] = []
  if (isAdmin === false) findings.push(finding('threescale_token_owner'))
  if (!own || own.length === 0) return findings
  if (own.every(({ mayWrite }) => !mayWrite)) findings.push(finding('threescale_token_read_only'))
  if (own.every((each) => expiresSoon(each, now))) {
    const last = own
      .map(({ expiresAt }) => expiresAt)
      .sort()
      .at(-1)
    findings.push(finding('threescale_token_expires', { what: accessTokenMessages.expires(String(last)) }))
  }
  if (own.every(({ scopes }) => scopes.some((scope) => !SCOPES.includes(scope)))) {
    const more = [...new Set(own.flatMap(({ scopes }) => scopes))].filter((scope) => !SCOPES.includes(scope))
    findings.push(
      finding('threescale_token_excess_scopes', { what: accessTokenMessages.excessScopes(formatList(more)) }),
    )
  }
  return findings
}

function expiresSoon({ expiresAt }: OwnToken, now: number): boolean {
  return expiresAt !== '' && Date.parse(expiresAt) - now < SOON_MS
}
