import type { Threescale } from '../../clients/threescale/nouns.js'
import { offeredOf } from '../../clients/threescale/offered.js'

export interface MissingDeps {
  threescale: Pick<
    Threescale,
    | 'listProducts'
    | 'listGatewayConfigs'
    | 'listPlans'
    | 'readSettings'
    | 'findByUsername'
    | 'findByEmail'
    | 'listSubscriptions'
  >
  notes: Record<string, { hidden?: boolean; visible_to?: string[] }>
  ttlSeconds: number
}

export type Missing = ReturnType<typeof createMissing>

/** Why somebody does not see a model, told to operators; four bulk calls, and up to two for a person. */
export function createMissing({ threescale, notes, ttlSeconds }: MissingDeps) {
  return {
    /** The reasons in order; `person` is an e-mail address or a user name of 3scale. Rejects as 3scale's calls do. */
    async explain(systemName: string, person: string | undefined): Promise<string[]> {
      const [products, configs, plans, settings] = await Promise.all([
        threescale.listProducts(),
        threescale.listGatewayConfigs(),
        threescale.listPlans(),
        threescale.readSettings({ patient: true }),
      ])
      const product = products.find((each) => each.systemName === systemName)
      if (!product)
        return [
          unknown(
            systemName,
            products.map((each) => each.systemName),
          ),
        ]
      const note = notes[systemName] ?? {}
      const offered = offeredOf(plans.filter(({ productId }) => productId === product.id))
      const reasons = []
      if (!configs.some(({ productId }) => productId === product.id))
        reasons.push(
          'It has no usable production configuration: never promoted, no public address, or an old authentication.',
        )
      if (offered.length === 0) reasons.push('It has no published application plan.')
      if (note.hidden) reasons.push('PORTAL_CONFIG hides it (`hidden: true`).')
      if (note.visible_to)
        reasons.push(
          `PORTAL_CONFIG shows it to members of ${note.visible_to.join(', ')} only. The sign-in service states groups at sign-in: after a change, sign out and in again. It may leave them out where there are too many; the doctor then reports claim_omitted.`,
        )
      if (settings.servicePlansVisible && !person)
        reasons.push('The tenant shows service plans: only accounts with a live subscription to the product see it.')
      if (person) reasons.push(...(await aboutPerson(person, product.id, settings.servicePlansVisible)))
      return reasons.length > 0
        ? reasons
        : [`Nothing hides it. A change in 3scale is here within ${ttlSeconds} s; a search may have filtered it out.`]
    },
  }

  async function aboutPerson(person: string, productId: number, servicePlans: boolean): Promise<string[]> {
    const found = person.includes('@') ? await threescale.findByEmail(person) : await threescale.findByUsername(person)
    if (!found) return [`3scale has no user “${person}”: whoever signs in for the first time is asked to sign up.`]
    const { account, user } = found
    const reasons = []
    if (account.state !== 'approved')
      reasons.push(`The account “${account.orgName}” is ${account.state}, not approved.`)
    if (user.state !== 'active') reasons.push(`The user is ${user.state}, not active.`)
    if (!servicePlans) return reasons
    const own = (await threescale.listSubscriptions(account.id)).find((each) => each.productId === productId)
    if (own?.state === 'live') return reasons
    const state = own ? `is ${own.state}` : 'is missing'
    return [...reasons, `The tenant shows service plans, and the account’s subscription to the product ${state}.`]
  }
}

function unknown(systemName: string, names: string[]): string {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '')
  const wanted = plain(systemName)
  const alike =
    wanted === '' ? [] : names.filter((name) => plain(name).includes(wanted) || wanted.includes(plain(name)))
  const meant = alike.length > 0 ? ` Similar: ${alike.slice(0, 5).join(', ')}.` : ''
  return `3scale has no product with the system name “${systemName}”.${meant}`
}
