import type { ThreescaleApplication } from '../../../clients/threescale/types.js'
import { fingerprintOf, type IdempotencyScope } from '../../../idempotency/fingerprint.js'
import { isApplicationIdOf, isKeyOfAttempt, isKeyOfRequest } from '../keys/key-format.js'

/** A validated request for a new application. */
export type CreateRequest = Pick<ThreescaleApplication, 'productId' | 'planId' | 'name' | 'description' | 'fields'>

export function createScope(account: number, attempt: string, request: CreateRequest): IdempotencyScope {
  return { account, attempt, fingerprint: fingerprintOf(request) }
}

/**
 * Finds the applications that requests of this scope created, oldest first. With a single key per application, only that key
 * identifies the scope. There can be more than one, because 3scale accepts concurrent requests.
 */
export function findCreated(scope: IdempotencyScope, records: ThreescaleApplication[]): ThreescaleApplication[] {
  return records
    .filter(({ appId, userKey }) => isApplicationIdOf(appId, scope) || isKeyOfAttempt(userKey, scope))
    .sort((one, other) => one.id - other.id)
}

/**
 * Whether the same request created this application. Its key contains a tag of the request, so later changes do not matter.
 * If that key was deleted, the application itself is compared.
 */
export function matchesRequest(
  scope: IdempotencyScope,
  request: CreateRequest,
  record: ThreescaleApplication,
  keys: { value: string }[],
): boolean {
  const key = keys.find(({ value }) => isKeyOfAttempt(value, scope))?.value
  if (key !== undefined) return isKeyOfRequest(key, scope)
  const { fields, ...rest } = request
  return (
    Object.entries(rest).every(([name, value]) => record[name as keyof typeof rest] === value) &&
    Object.entries(fields).every(([name, value]) => record.fields[name] === value)
  )
}
