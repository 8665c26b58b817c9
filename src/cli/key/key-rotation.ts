import type { ListedApplication } from './application.js'
import { KeyFailure } from './key-failure.js'
import { rotationMessages as messages } from './messages.js'
import type { PortalApi } from './portal-api.js'

/** The credentials to write and their key. */
export interface CurrentKey {
  credentials: ListedApplication['credentials']
  keyId: string
  value: string
}

/** The current key and the changes of this run. */
export interface KeyState {
  current: CurrentKey
  rotated: boolean
  removed: string[]
}

/** When the consumer received the key. */
export interface InUse {
  keyId: string
  since: Date
}

export interface KeyRotation {
  afterMs: number | undefined
  overlapMs: number
  now: Date
  /** Undefined: there is no record, so a key counts as in use since its creation. */
  inUse?: InUse | 'none'
}

interface Key {
  key_id: string
  created_on: string | null
  created_at: string | null
  value?: string
}

const DAY_MS = 86_400_000
const SAME_TIME_MS = 10 * 60_000

/**
 * Reads the newest key of an application and, if `afterMs` is set, rotates it: a key is added when the newest reaches that age, and
 * older keys are removed when it has been in use for `overlapMs`. A single key or client secret is replaced immediately. Rejects with
 * KeyFailure.
 */
export async function ensureKey(
  api: PortalApi,
  application: ListedApplication,
  rotation: KeyRotation,
): Promise<KeyState> {
  const { id, created_at: bornAt } = application
  const { body } = await api.get<{ items: Key[] }>(`/applications/${id}/keys?reveal=true`)
  const keys = [...body.items].sort((one, other) => createdAt(other) - createdAt(one))
  const [newest, ...older] = keys
  // A rotation of a client secret deletes it first, and was interrupted.
  if (newest === undefined) return { current: await rotate(api, id, 'none', rotation.now), rotated: true, removed: [] }
  if (newest.value === undefined) throw new KeyFailure('rejected', messages.keyNotReturned(id))
  const current = { credentials: await credentialsOf(api, application), keyId: newest.key_id, value: newest.value }
  if (rotation.afterMs === undefined) return { current, rotated: false, removed: [] }

  const settled = isSettled(newest, rotation)
  const removed = settled ? await remove(api, id, older) : []
  const age = rotation.now.getTime() - (createdAt(newest) || Date.parse(bornAt))
  const left = older.length - removed.length
  if (age < rotation.afterMs || left > 0) return { current, rotated: false, removed }
  return { current: await rotate(api, id, newest.key_id, rotation.now), rotated: true, removed }
}

/** Simultaneous runs create one key. A later run uses another request, because the same one would restore a key deleted after a leak. */
async function rotate(api: PortalApi, id: number, replaces: string, now: Date): Promise<CurrentKey> {
  const name = `key-rotate-${replaces}-${Math.floor(now.getTime() / SAME_TIME_MS)}`
  const { body } = await api.post<ListedApplication & { key: Key }>(`/applications/${id}/rotate`, { name })
  const { key, credentials } = body
  if (key.value === undefined) throw new KeyFailure('rejected', messages.newKeyNotReturned(id))
  return { credentials, keyId: key.key_id, value: key.value }
}

/** For an application with a single key, the list of keys is sufficient. */
async function credentialsOf(api: PortalApi, { id, credentials }: ListedApplication) {
  if (credentials.mode === 'user_key') return credentials
  return (await api.get<ListedApplication>(`/applications/${id}?reveal=true`)).body.credentials
}

/** Whether the newest key has been in use long enough to remove older ones. */
function isSettled(newest: Key, { inUse, overlapMs, now }: KeyRotation): boolean {
  if (inUse === 'none') return false
  if (inUse && inUse.keyId !== newest.key_id) return false
  const since = inUse ? inUse.since.getTime() : createdAt(newest)
  return now.getTime() - since >= overlapMs
}

async function remove(api: PortalApi, id: number, keys: Key[]): Promise<string[]> {
  for (const { key_id: keyId } of keys) await api.remove(`/applications/${id}/keys/${keyId}`)
  return keys.map(({ key_id: keyId }) => keyId)
}

/** In milliseconds. If only the day is known, its end is used, so that no key seems older than it is. 0: unknown. */
function createdAt({ created_at: at, created_on: day }: Key): number {
  if (at !== null) return Date.parse(at)
  return day === null ? 0 : Date.parse(day) + DAY_MS
}
