import type { CreateFinding, Finding } from '../../findings/findings.js'
import { claimMessages, emailMessages, rejectedTokenMessage } from './messages.js'

export interface ObservedTokensDeps {
  issuer: string
  /** Claims in PORTAL_CONFIG, as names or paths. */
  configuredClaims: { setting: string; claim: string }[]
  /** identity_provider.trust_email */
  trustEmail: boolean
  /** What sign-ins and access tokens lacked, with the time of the last occurrence in ms. */
  observations(): Promise<Record<string, number>>
}

const DAY_MS = 86_400_000
/** Older problems may already be fixed. */
const RECENT_MS = 7 * DAY_MS

/** Reports problems that recent sign-ins and access tokens revealed. Without Redis, only those of this process are known. */
export async function checkObservedTokens(
  finding: CreateFinding,
  deps: ObservedTokensDeps,
  now: number,
): Promise<Finding[]> {
  const recent = Object.entries(await deps.observations()).filter(([, at]) => now - at < RECENT_MS)
  const last = new Map(recent)
  const when = (what: string) => {
    const at = last.get(what)
    return at === undefined ? undefined : `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  }
  const ofClaims = deps.configuredClaims.flatMap(({ setting, claim }) => {
    const omitted = when(`omitted ${claim}`)
    const absent = last.has(`present ${claim}`) ? undefined : when(`absent ${claim}`)
    return [
      ...(omitted ? [finding('claim_omitted', { what: claimMessages.omitted(setting, claim, omitted) })] : []),
      ...(absent
        ? [
            finding('claim_absent', {
              what: claimMessages.absent(setting, claim, absent),
            }),
          ]
        : []),
    ]
  })
  const unverified = deps.trustEmail ? undefined : when('unverified')
  const rejected = recent
    .filter(([what]) => what.startsWith('refused '))
    .map(([what]) =>
      finding('access_token_format', { what: rejectedTokenMessage(String(when(what)), what.slice('refused '.length)) }),
    )
  return [
    ...ofClaims,
    ...(unverified
      ? [
          finding('email_verification_missing', {
            what: emailMessages.notStated(unverified),
          }),
        ]
      : []),
    ...rejected,
  ]
}

/** Reports trust in addresses although the provider states verification, or other organisations set the addresses. */
export function checkTrustedEmail(
  finding: CreateFinding,
  { issuer, trustEmail }: ObservedTokensDeps,
  claimsSupported: unknown,
): Finding[] {
  if (!trustEmail) return []
  if (
    /\/realms\/[^/]+\/?$/.test(issuer) ||
    (Array.isArray(claimsSupported) && claimsSupported.includes('email_verified'))
  )
    return [finding('email_trusted', { what: emailMessages.statesVerification })]
  if (/^https:\/\/login\.microsoftonline\.[a-z]+\/(common|organizations|consumers)\//.test(issuer))
    return [finding('email_trusted', { what: emailMessages.otherTenants })]
  return []
}
