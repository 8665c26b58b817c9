import type { InspectedCredentials, InspectedProduct } from '../../../../clients/threescale/inspection/types.js'
import type { CreateFinding, Finding } from '../../findings/findings.js'
import { duplicateGroups } from './duplicate-users.js'
import { applicationMessages } from './messages.js'

/** Finds applications of one product that share a credential, and those without a key. */
export function checkDuplicateCredentials(
  finding: CreateFinding,
  all: InspectedCredentials[],
  products: InspectedProduct[],
): Finding[] {
  return products.flatMap((product) => {
    const own = all.filter(({ productId }) => productId === product.id)
    const duplicates = [
      ...duplicateGroups(own, ({ userKey = '' }) => userKey).map((group) => ({ group, credential: 'user_key' })),
      ...duplicateGroups(own, ({ appId = '' }) => appId).map((group) => ({ group, credential: 'application_id' })),
    ].map(({ group, credential }) =>
      finding('key_duplicate', {
        product,
        id: group.at(-1)?.id ?? 0,
        what: applicationMessages.sharedCredential(group.map(nameOf), credential),
      }),
    )
    const open = product.authentication === '2' ? own.filter(({ keys }) => keys === 0) : []
    return [
      ...duplicates,
      ...open.map((one) =>
        finding('key_missing', {
          product,
          id: one.id,
          what: applicationMessages.noKey(nameOf(one)),
        }),
      ),
    ]
  })
}

function nameOf({ id, accountId }: InspectedCredentials): string {
  return applicationMessages.name(id, accountId)
}
