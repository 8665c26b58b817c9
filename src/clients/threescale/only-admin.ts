import { problem } from '../../errors.js'
import type { User } from './nouns.js'

/**
 * What a refused change of a role means, by the users of the account: porta forbids every change of the only admin's role,
 * also to what it is, and does not say why (config/abilities/admin.rb). Throws conflict for that one, else the `error`.
 */
export function roleKept(users: User[], userId: number, role: User['role'], error: unknown): User {
  const user = users.find(({ id }) => id === userId)
  if (user?.role === role) return user
  const hasOthers = users.some((other) => other.role === 'admin' && other.id !== userId)
  if (hasOthers || user?.role !== 'admin') throw error
  throw problem('conflict', { detail: 'The only admin of an account stays an admin.', cause: error })
}
