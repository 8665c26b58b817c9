import type { Account, User } from '../../clients/threescale/types.js'
import type { Caller } from '../../web/auth/caller.js'
import { initials } from '../../web/pages/format.js'
import { profileMessages } from './messages.js'

interface ProfileViewInput {
  caller: Caller
  account: Account | undefined
  user: User | undefined
}

export function profileView({ caller, account, user }: ProfileViewInput) {
  const { labels, roles } = profileMessages
  const email = caller.email ?? user?.email
  return {
    title: profileMessages.title,
    name: caller.name,
    initials: initials(caller.name),
    email: email ?? '',
    person: [
      { label: labels.name, value: caller.name },
      { label: labels.email, value: email ?? profileMessages.noEmail },
      ...(caller.groups.length > 0 ? [{ label: labels.groups, value: caller.groups.join(', ') }] : []),
    ],
    account: [
      { label: labels.organisation, value: account?.orgName ?? caller.orgName },
      { label: labels.role, value: roles[caller.role] },
      { label: labels.accountId, value: String(caller.accountId) },
      { label: labels.username, value: caller.username },
    ],
    access: profileMessages.access[caller.role],
  }
}
