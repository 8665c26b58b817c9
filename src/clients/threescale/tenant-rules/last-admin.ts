import { problem } from '../../../errors.js'
import type { User } from '../types.js'
import { LAST_ADMIN } from './messages.js'

/**
 * Explains a rejected change of a role. porta rejects every change of the only admin's role, even to the same role, without a reason
 * (config/abilities/admin.rb). Throws conflict in that case, else the original `error`.
 */
export function explainRejectedRole(users: User[], userId: number, role: User['role'], error: unknown): User {
  const user = users.find(({ id }) => id === userId)
  if (user?.role === role) return user
  const hasOtherAdmins = users.some((other) => other.role === 'admin' && other.id !== userId)
  if (hasOtherAdmins || user?.role !== 'admin') throw error
  throw problem('conflict', { detail: LAST_ADMIN, cause: error })
}
