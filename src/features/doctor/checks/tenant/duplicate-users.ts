import type { AccountUsers, InspectionPage } from '../../../../clients/threescale/inspection/types.js'
import type { CreateFinding, Finding } from '../../findings/findings.js'
import { userMessages } from './messages.js'

interface NamedUser {
  id: number
  accountId: number
  names: Record<'username' | 'e-mail address', string>
}

/**
 * Finds users whose usernames or addresses are equal or differ only in case. Findings contain ids, not names: a report may be
 * written to the log of a pipeline.
 */
export function checkDuplicateUsers(finding: CreateFinding, accounts: InspectionPage<AccountUsers>['rows']): Finding[] {
  const users = accounts.flatMap((account) =>
    account.users.map(({ id, username, email }) => ({
      id,
      accountId: account.id,
      names: { username, 'e-mail address': email },
    })),
  )
  const found = new Map<string, { users: NamedUser[]; same: string[]; similar: string[] }>()
  for (const name of ['username', 'e-mail address'] as const) {
    for (const group of duplicateGroups(users, ({ names }) => names[name].toLowerCase())) {
      const key = group.map(({ id }) => id).join()
      const entry = found.get(key) ?? { users: group, same: [], similar: [] }
      const isSame = new Set(group.map(({ names }) => names[name])).size < group.length
      entry[isSame ? 'same' : 'similar'].push(name)
      found.set(key, entry)
    }
  }
  return [...found.values()].map(({ users, same, similar }) => {
    const names = users.map(({ id, accountId }) => userMessages.name(id, accountId))
    const id = users.at(-1)?.accountId ?? 0
    return same.length > 0
      ? finding('user_duplicate', { id, what: userMessages.same(names, same) })
      : finding('user_case_duplicate', { id, what: userMessages.caseOnly(names, similar) })
  })
}

/** Groups records with the same non-empty key. */
export function duplicateGroups<T>(all: T[], keyOf: (one: T) => string): T[][] {
  const byKey = new Map<string, T[]>()
  for (const one of all) {
    const key = keyOf(one)
    if (key !== '') byKey.set(key, [...(byKey.get(key) ?? []), one])
  }
  return [...byKey.values()].filter((group) => group.length > 1)
}
