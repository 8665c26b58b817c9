import type { AccountUsers, Page } from '../../../clients/threescale/inspection/nouns.js'
import type { Find, Finding } from '../findings.js'

interface User {
  id: number
  accountId: number
  names: Record<'user name' | 'e-mail address', string>
}

/**
 * Users that are one person twice: the same user name or address, or one that differs in case alone. They are named by their
 * ids: a report may end in the log of a pipeline.
 */
export function doubledUsers(find: Find, accounts: Page<AccountUsers>['rows']): Finding[] {
  const users = accounts.flatMap((account) =>
    account.users.map(({ id, username, email }) => ({
      id,
      accountId: account.id,
      names: { 'user name': username, 'e-mail address': email },
    })),
  )
  const found = new Map<string, { users: User[]; same: string[]; alike: string[] }>()
  for (const name of ['user name', 'e-mail address'] as const) {
    for (const group of groups(users, ({ names }) => names[name].toLowerCase())) {
      const key = group.map(({ id }) => id).join()
      const entry = found.get(key) ?? { users: group, same: [], alike: [] }
      const isSame = new Set(group.map(({ names }) => names[name])).size < group.length
      entry[isSame ? 'same' : 'alike'].push(name)
      found.set(key, entry)
    }
  }
  return [...found.values()].map(({ users, same, alike }) => {
    const who = `Users ${users.map(({ id, accountId }) => `${id} (account ${accountId})`).join(' and ')}`
    const id = users.at(-1)?.accountId ?? 0
    return same.length > 0
      ? find('user_doubled', { id, what: `${who} have the same ${same.join(' and ')}.` })
      : find('user_case', { id, what: `${who} have a ${alike.join(' and ')} that differs in case only.` })
  })
}

/** Those of a list that share a key; what has none is nobody's. */
export function groups<T>(all: T[], keyOf: (one: T) => string): T[][] {
  const byKey = new Map<string, T[]>()
  for (const one of all) {
    const key = keyOf(one)
    if (key !== '') byKey.set(key, [...(byKey.get(key) ?? []), one])
  }
  return [...byKey.values()].filter((group) => group.length > 1)
}
