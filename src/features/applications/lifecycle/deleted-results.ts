import type { ThreescaleApplication } from '../../../clients/threescale/types.js'
import { problem } from '../../../errors.js'
import type { IdempotencyScope } from '../../../idempotency/fingerprint.js'
import { attemptDigest, attemptDigestIn, attemptTag, readAttemptTag } from '../keys/key-format.js'

/** The part of a cache that is used; null is never stored. */
export interface ResultStore<T> {
  sync(key: string): Promise<void>
  peek(key: string): { value: T | null; ageSeconds: number } | undefined
  put(key: string, value: T): Promise<void>
  remove(key: string): Promise<void>
}

/** The result of an attempt. */
export interface CreatedResult {
  result: string
  attempt: string
  /** `key_id` of the key that it replaced */
  replaced?: string | undefined
}

/** A key that an attempt created, and the key that it replaced. */
export interface CreatedKey {
  keyId: string
  replaced?: string | undefined
}

export interface IdentifiedKey {
  value: string
  keyId: string
}

export interface DeletedResultsDeps {
  /** stored for a month */
  created: ResultStore<CreatedResult>
  /** stored for a day */
  deleted: ResultStore<true>
}

/** How long the deletion of a result is known, in seconds. */
export const DELETION_SECONDS = 86_400

export type DeletedResults = ReturnType<typeof createDeletedResults>

/**
 * Records deleted results of attempts. Existing results are found in 3scale by the tag of their attempt (`key-format.ts`).
 * A deleted one leaves no trace there, and a late repeat would create it again. Therefore each deletion is recorded for a day
 * under the tags of the result, and each creation under the digest of its attempt: a custom key has no tag, nor has an
 * application whose key was replaced. A record counts only if the result is not found.
 *
 * A created application that is not listed was deleted in 3scale. This does not hold for keys: a repair by another replica
 * removes keys and restores replaced ones for a moment (`key-rewrites.ts`).
 */
export function createDeletedResults({ created, deleted }: DeletedResultsDeps) {
  return {
    async applicationCreated(scope: IdempotencyScope, id: number): Promise<void> {
      await record({ attempt: attemptDigest(scope), result: applicationResult(scope.account, id) })
    },

    /** Must be called before the application is deleted, so that a crash in between does not lose it. */
    async applicationDeleted(application: ThreescaleApplication): Promise<void> {
      const { id, accountId: account, appId, userKey } = application
      const tag = userKey === undefined ? undefined : readAttemptTag(userKey)
      await recordDeletion(applicationResult(account, id), [
        ...(appId === undefined ? [] : [applicationDigestMark(account, attemptDigestIn(appId))]),
        ...(tag === undefined ? [] : [applicationTagMark(account, tag)]),
      ])
    },

    /** Rejects with result_deleted if the application of this attempt was deleted. `records` are those of the account. */
    async checkApplication(scope: IdempotencyScope, records: ThreescaleApplication[]): Promise<void> {
      const { account } = scope
      const attempt = attemptDigest(scope)
      const marks = [
        applicationDigestMark(account, attemptDigestIn(attempt)),
        applicationTagMark(account, attemptTag(scope)),
      ]
      const earlier = await read(created, `by ${attempt}`, DELETION_SECONDS)
      const exists = records.some(({ id }) => applicationResult(account, id) === earlier?.result)
      if (!exists && (earlier || (await isDeleted(attempt, marks)))) throw problem('result_deleted')
    },

    async keyCreated(scope: IdempotencyScope, application: number, { keyId, replaced }: CreatedKey): Promise<void> {
      await record({ attempt: attemptDigest(scope), result: keyResult(scope.account, application, keyId), replaced })
    },

    /** Must be called before the key is deleted or replaced. */
    async keyDeleted(account: number, application: number, key: IdentifiedKey): Promise<void> {
      await recordDeletion(keyResult(account, application, key.keyId), marksOfKey(account, key))
    },

    /** Must be called after 3scale rejected a recorded deletion. */
    async keyDeletionFailed(account: number, application: number, key: IdentifiedKey): Promise<void> {
      const marks = await withAttemptMark(keyResult(account, application, key.keyId), marksOfKey(account, key))
      await Promise.all(marks.map((mark) => deleted.remove(mark)))
    },

    /** Rejects with result_deleted if the key of this attempt was deleted or replaced. It must not be among the current keys. */
    async checkKey(scope: IdempotencyScope): Promise<void> {
      const marks = [keyTagMark(scope.account, attemptTag(scope))]
      if (await isDeleted(attemptDigest(scope), marks)) throw problem('result_deleted')
    },

    /** The key that an earlier request of this attempt created; undefined if none is recorded. */
    async findKey(scope: IdempotencyScope, application: number): Promise<CreatedKey | undefined> {
      const earlier = await read(created, `by ${attemptDigest(scope)}`, DELETION_SECONDS)
      const prefix = keyResult(scope.account, application, '')
      if (!earlier?.result.startsWith(prefix)) return undefined
      return { keyId: earlier.result.slice(prefix.length), replaced: earlier.replaced }
    },
  }

  async function record(result: CreatedResult): Promise<void> {
    await Promise.all([created.put(`by ${result.attempt}`, result), created.put(`of ${result.result}`, result)])
  }

  async function recordDeletion(result: string, marks: string[]): Promise<void> {
    const all = await withAttemptMark(result, marks)
    await Promise.all(all.map((mark) => deleted.put(mark, true)))
  }

  async function withAttemptMark(result: string, marks: string[]): Promise<string[]> {
    const origin = await read(created, `of ${result}`)
    return origin === undefined ? marks : [...marks, attemptMark(origin.attempt)]
  }

  async function isDeleted(attempt: string, marks: string[]): Promise<boolean> {
    for (const mark of [...marks, attemptMark(attempt)])
      if ((await read(deleted, mark, DELETION_SECONDS)) !== undefined) return true
    return false
  }
}

async function read<T>(store: ResultStore<T>, key: string, seconds = Number.POSITIVE_INFINITY): Promise<T | undefined> {
  await store.sync(key)
  const copy = store.peek(key)
  return copy && copy.ageSeconds < seconds ? (copy.value ?? undefined) : undefined
}

function marksOfKey(account: number, { value }: IdentifiedKey): string[] {
  const tag = readAttemptTag(value)
  return tag === undefined ? [] : [keyTagMark(account, tag)]
}

const attemptMark = (attempt: string) => `attempt ${attempt}`
const applicationDigestMark = (account: number, digest: string) => `application ${account} named ${digest}`
const applicationTagMark = (account: number, tag: string) => `application ${account} tagged ${tag}`
const keyTagMark = (account: number, tag: string) => `key ${account} tagged ${tag}`
const applicationResult = (account: number, id: number) => `application ${account}/${id}`
const keyResult = (account: number, application: number, keyId: string) => `key ${account}/${application}/${keyId}`
