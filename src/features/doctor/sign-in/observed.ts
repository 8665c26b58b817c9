import type { Find, Finding } from '../findings.js'

export interface ObservedDeps {
  issuer: string
  /** claims that settings of PORTAL_CONFIG name, as names or paths */
  used: { setting: string; claim: string }[]
  /** identity_provider.trust_email */
  trustEmail: boolean
  /** what sign-ins and access tokens lacked, with the time of the last one in ms */
  notes(): Promise<Record<string, number>>
}

const DAY_MS = 86_400_000
/** What is older may be corrected already. */
const RECENT_MS = 7 * DAY_MS

/** What only sign-ins and access tokens of the last days show. A process without Redis knows its own alone. */
export async function observed(find: Find, deps: ObservedDeps, now: number): Promise<Finding[]> {
  const notes = Object.entries(await deps.notes()).filter(([, at]) => now - at < RECENT_MS)
  const last = new Map(notes)
  const when = (what: string) => {
    const at = last.get(what)
    return at === undefined ? undefined : `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  }
  const ofClaims = deps.used.flatMap(({ setting, claim }) => {
    const omitted = when(`omitted ${claim}`)
    const absent = last.has(`present ${claim}`) ? undefined : when(`absent ${claim}`)
    return [
      ...(omitted
        ? [find('claim_omitted', { what: `${setting} names “${claim}”. It was left out at ${omitted}.` })]
        : []),
      ...(absent
        ? [
            find('claim_not_seen', {
              what: `${setting} names “${claim}”. No sign-in of the last seven days had it; the most recent one was at ${absent}.`,
            }),
          ]
        : []),
    ]
  })
  const unverified = deps.trustEmail ? undefined : when('unverified')
  const refused = notes
    .filter(([what]) => what.startsWith('refused '))
    .map(([what]) => find('token_form', { what: `At ${when(what)}: ${what.slice('refused '.length)}` }))
  return [
    ...ofClaims,
    ...(unverified
      ? [
          find('email_not_stated', {
            what: `A sign-in at ${unverified} had an address and no claim that states whether it is verified.`,
          }),
        ]
      : []),
    ...refused,
  ]
}

/** Where addresses are trusted although the provider states verification itself, or other organisations set them. */
export function trusted(find: Find, { issuer, trustEmail }: ObservedDeps, claimsSupported: unknown): Finding[] {
  if (!trustEmail) return []
  if (
    /\/realms\/[^/]+\/?$/.test(issuer) ||
    (Array.isArray(claimsSupported) && claimsSupported.includes('email_verified'))
  )
    return [find('email_trusted', { what: 'The provider sends email_verified itself.' })]
  if (/^https:\/\/login\.microsoftonline\.[a-z]+\/(common|organizations|consumers)\//.test(issuer))
    return [find('email_trusted', { what: 'Administrators of other tenants set the addresses of their people.' })]
  return []
}
