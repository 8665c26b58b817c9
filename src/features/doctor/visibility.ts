import { availablePlans } from '../../clients/threescale/tenant-rules/available-plans.js'
import type { Threescale } from '../../clients/threescale/types.js'
import type { PortalConfig } from '../../config/portal-config.js'
import { visibilityMessages as text } from './messages.js'

export interface VisibilityLookupDeps {
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
  overrides: NonNullable<PortalConfig['products']>
  ttlSeconds: number
}

export type VisibilityLookup = ReturnType<typeof createVisibility>

const MAX_SIMILAR = 5

/** Explains to operators why a user does not see a model, with four calls for the model and up to two for the user. */
export function createVisibility({ threescale, overrides, ttlSeconds }: VisibilityLookupDeps) {
  return {
    /** `user` is an e-mail address or a 3scale username. Rejects as the calls to 3scale do. */
    async explain(systemName: string, user: string | undefined): Promise<string[]> {
      const [products, configs, plans, settings] = await Promise.all([
        threescale.listProducts(),
        threescale.listGatewayConfigs(),
        threescale.listPlans(),
        threescale.readSettings({ isBackground: true }),
      ])
      const product = products.find((each) => each.systemName === systemName)
      if (!product) {
        const names = products.map((each) => each.systemName)
        return [text.unknownProduct(systemName, similarNames(systemName, names))]
      }
      const override = overrides[systemName] ?? {}
      const offered = availablePlans(plans.filter(({ productId }) => productId === product.id))
      const reasons = []
      if (!configs.some(({ productId }) => productId === product.id)) reasons.push(text.notPromoted)
      if (offered.length === 0) reasons.push(text.noPlan)
      if (override.hidden) reasons.push(text.hidden)
      if (override.visible_to) reasons.push(text.groups(override.visible_to.join(', ')))
      if (settings.servicePlansVisible && !user) reasons.push(text.servicePlans)
      if (user) reasons.push(...(await reasonsForUser(user, product.id, settings.servicePlansVisible)))
      return reasons.length > 0 ? reasons : [text.visible(ttlSeconds)]
    },
  }

  async function reasonsForUser(name: string, productId: number, servicePlans: boolean): Promise<string[]> {
    const accountUser = name.includes('@') ? await threescale.findByEmail(name) : await threescale.findByUsername(name)
    if (!accountUser) return [text.noUser(name)]
    const { account, user } = accountUser
    const reasons = []
    if (account.state !== 'approved') reasons.push(text.accountState(account.orgName, account.state))
    if (user.state !== 'active') reasons.push(text.userState(user.state))
    if (!servicePlans) return reasons
    const subscriptions = await threescale.listSubscriptions(account.id)
    const subscription = subscriptions.find((each) => each.productId === productId)
    return subscription?.state === 'live' ? reasons : [...reasons, text.subscription(subscription?.state)]
  }
}

function similarNames(systemName: string, names: string[]): string[] {
  const normalized = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '')
  const searched = normalized(systemName)
  if (searched === '') return []
  return names
    .filter((name) => normalized(name).includes(searched) || searched.includes(normalized(name)))
    .slice(0, MAX_SIMILAR)
}
