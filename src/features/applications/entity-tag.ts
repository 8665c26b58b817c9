import { entityTag } from '../../web/api/preconditions.js'
import type { Application } from './schemas.js'

/**
 * Entity tag of an application, whether its secrets are included or not. The first part covers what its owner or the operator
 * can change, the second part what follows the catalogue. Keys are not covered.
 */
export function applicationEtag({ credentials: { mode, location, names }, ...application }: Application): string {
  const { id, name, description, state, model, plan, fields, created_at, ...rest } = application
  const values = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))
  return entityTag([id, name, description, state, model, plan, values, created_at], [rest, mode, location, names])
}

/** Name of the lock that serializes changes of an application and of its keys. */
export function changeLockName(accountId: number, id: number): string {
  return `changes:${accountId}/${id}`
}
