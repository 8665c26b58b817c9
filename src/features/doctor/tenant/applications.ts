import type { ApplicationCredentials, InspectedProduct } from '../../../clients/threescale/inspection/nouns.js'
import type { Find, Finding } from '../findings.js'
import { groups } from './people.js'

/** Applications of one product that share a credential, and those without a key: the gateway accepts any key for them. */
export function applications(find: Find, all: ApplicationCredentials[], products: InspectedProduct[]): Finding[] {
  return products.flatMap((product) => {
    const own = all.filter(({ productId }) => productId === product.id)
    const doubled = [
      ...groups(own, ({ userKey = '' }) => userKey).map((group) => ({ group, credential: 'user_key' })),
      ...groups(own, ({ appId = '' }) => appId).map((group) => ({ group, credential: 'application_id' })),
    ].map(({ group, credential }) =>
      find('key_doubled', {
        product,
        id: group.at(-1)?.id ?? 0,
        what: `Applications ${group.map(nameOf).join(' and ')} have the same ${credential}.`,
      }),
    )
    const open = product.authentication === '2' ? own.filter(({ keys }) => keys === 0) : []
    return [
      ...doubled,
      ...open.map((one) =>
        find('key_missing', {
          product,
          id: one.id,
          what: `Application ${nameOf(one)} has no key, so the gateway accepts any.`,
        }),
      ),
    ]
  })
}

function nameOf({ id, accountId }: ApplicationCredentials): string {
  return `${id} (account ${accountId})`
}
