import { setTimeout as sleep } from 'node:timers/promises'

import type {
  ApplicationDraft as NewThreescaleApplication,
  Plan,
  Product,
  ThreescaleApplication,
} from '../../../clients/threescale/types.js'
import { isProblem, problem } from '../../../errors.js'
import type { IdempotencyScope } from '../../../idempotency/fingerprint.js'
import type { LockStatus } from '../../../infra/lock.js'
import { enforce } from '../../../policies.js'
import type { Caller } from '../../../web/auth/caller.js'
import type { ApplicationsDeps, CatalogueModel } from '../applications.js'
import { type CurrentKeysReader, revealKeys } from '../keys/current-keys.js'
import { applicationIdOf, generateKey, type StoredKey } from '../keys/key-format.js'
import { applicationErrors } from '../messages.js'
import type { Application } from '../schemas.js'
import { toApplication } from '../to-application.js'
import { type CreateRequest, findCreated, matchesRequest } from './create-request.js'

export interface ApplicationCreatorDeps
  extends Pick<
    ApplicationsDeps,
    'threescale' | 'models' | 'allowances' | 'readiness' | 'repair' | 'results' | 'duplicateRemoved' | 'learn' | 'now'
  > {
  readCurrentKeys: CurrentKeysReader
}

/** A validated request and its caller. */
export interface CreationContext {
  caller: Caller
  entry: CatalogueModel
  scope: IdempotencyScope
  request: CreateRequest
  plan: Plan
}

/** `isNew`: created by this request, not by an earlier or concurrent one of the same attempt. */
export interface CreatedApplication {
  application: Application
  isNew: boolean
}

interface Stored {
  record: ThreescaleApplication
  /** by this request, not by another one of the same attempt */
  isOwn: boolean
  /** 3scale failed after it stored the application */
  hasFailed: boolean
}

/** Delay before 3scale is read again after a failure: a concurrent write may be stored only then. */
const REREAD_MS = 200

/** Creates exactly one application per attempt, whichever replicas its requests reach and however often. */
export function createApplicationCreator(deps: ApplicationCreatorDeps) {
  const { threescale, models, allowances, readiness, repair, results, duplicateRemoved, learn, now, readCurrentKeys } =
    deps
  return create

  async function create(context: CreationContext, lock: LockStatus): Promise<CreatedApplication> {
    const { caller, entry, scope, plan } = context
    const { product } = entry
    const [applications, subscription] = await readAccount(caller, product)
    const earlier = findCreated(scope, applications)
    if (earlier.length > 0)
      return { application: await replay(context, await removeDuplicates(caller, earlier)), isNew: false }
    await results.checkApplication(scope, applications)
    enforce(['service_subscription', 'one_application_per_plan', 'multiple_applications', 'multiple_services'], {
      subscription,
      applications,
      product,
      plan,
      allowances,
    })
    if (await lock.isLost()) return create(context, { isLost: async () => false })
    const key = generateKey(scope, now())
    const stored = await store(context, key)
    // 3scale accepts both of two concurrent requests, and a lock cannot exclude every replica
    const all = findCreated(scope, await threescale.listApplications(caller.accountId))
    const record = await removeDuplicates(caller, all.length > 0 ? all : [stored.record])
    await results.applicationCreated(scope, record.id)
    if (!stored.isOwn || record.id !== stored.record.id)
      return { application: await showConcurrent(context, record), isNew: false }
    return { application: await complete(context, { ...stored, record }, key), isNew: true }
  }

  async function complete({ caller, entry }: CreationContext, { record, hasFailed }: Stored, key: string) {
    const target = { accountId: caller.accountId, record, entry }
    await (hasFailed ? repair.repair(target) : repair.confirm(record))
    readiness.markChanged(record.id)
    const secrets = { reveal: true, appKeys: [key], clientSecret: key }
    const application = toApplication(record, entry, secrets)
    const isModelIdUnknown = record.state === 'live' && entry.model.model_id === null
    if (isModelIdUnknown) await learn(entry.model, application)
    await readiness.waitUntilUsable(record.id)
    // the catalogue has the model id now
    return isModelIdUnknown
      ? toApplication(record, (await models.describe(record.productId)) ?? entry, secrets)
      : application
  }

  /**
   * Retains the oldest application of an attempt, which every replica selects alike, and deletes the others. The retained
   * one is written again: if it shared its `application_id`, the deletion also removed it from the gateway.
   */
  async function removeDuplicates(
    { accountId }: Caller,
    [oldest, ...others]: ThreescaleApplication[],
  ): Promise<ThreescaleApplication> {
    if (!oldest) throw new Error('no application to retain')
    for (const { id } of others) {
      await threescale.deleteApplication(accountId, id)
      duplicateRemoved('application')
    }
    if (others.length === 0 || oldest.userKey === undefined) return oldest
    await repair.repair({ accountId, record: oldest, entry: await models.describe(oldest.productId) })
    return oldest
  }

  async function readAccount(caller: Caller, product: Product) {
    const [applications, subscriptions] = await Promise.all([
      threescale.listApplications(caller.accountId),
      threescale.listSubscriptions(caller.accountId),
    ])
    return [applications, subscriptions.find(({ productId }) => productId === product.id)] as const
  }

  async function store({ caller, entry, scope, request, plan }: CreationContext, key: string): Promise<Stored> {
    const mode = entry.model.credentials.mode
    const { name, description, fields } = request
    const body: NewThreescaleApplication = {
      planId: plan.id,
      name,
      description,
      applicationId: applicationIdOf(scope, mode),
      ...(mode === 'user_key' ? { userKey: key } : { applicationKey: key }),
      fields,
    }
    try {
      return { record: await threescale.createApplication(caller.accountId, body), isOwn: true, hasFailed: false }
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'conflict', 'threescale_unavailable')) throw error
      const stored = await findStored(caller, scope, body, isProblem(error, 'threescale_unavailable'))
      if (stored) return stored
      // with a single key, 3scale does not return the application id, and the key that identified the attempt was replaced
      if (isProblem(error, 'invalid_fields') && error.fields?.application_id)
        throw problem('conflict', { detail: applicationErrors.keyReplaced })
      throw error
    }
  }

  /**
   * Finds what is stored after an error. "Taken", or a deadlock on MySQL (answered with 500), means that a concurrent request
   * of the same attempt was first; its application may be stored only now. After other failures, 3scale may have stored ours.
   */
  async function findStored(
    caller: Caller,
    scope: IdempotencyScope,
    { userKey, applicationId }: NewThreescaleApplication,
    hasFailed: boolean,
  ): Promise<Stored | undefined> {
    for (const delay of hasFailed ? [0, REREAD_MS] : [0]) {
      await sleep(delay)
      const all = findCreated(scope, await threescale.listApplications(caller.accountId))
      const own = all.find((one) => (userKey === undefined ? one.appId === applicationId : one.userKey === userKey))
      const record = own ?? all[0]
      if (record) return { record, isOwn: record === own, hasFailed }
    }
    return undefined
  }

  /** A repeated request returns the application of the first one, once its key works. */
  async function replay(context: CreationContext, earlier: ThreescaleApplication): Promise<Application> {
    const { caller } = context
    const { entry, keys } = await checkRequest(context, earlier)
    const isRewritten = await repair.ensure({ accountId: caller.accountId, record: earlier, entry })
    return show(earlier, entry, isRewritten ? await readCurrentKeys(caller, earlier, entry) : keys)
  }

  async function showConcurrent(context: CreationContext, earlier: ThreescaleApplication): Promise<Application> {
    const { entry, keys } = await checkRequest(context, earlier)
    return show(earlier, entry, keys)
  }

  async function show(record: ThreescaleApplication, entry: CatalogueModel | undefined, keys: StoredKey[]) {
    readiness.markSeen(record.id, record.createdAt)
    await readiness.waitUntilUsable(record.id)
    return toApplication(record, entry, revealKeys(keys))
  }

  async function checkRequest({ caller, scope, request }: CreationContext, earlier: ThreescaleApplication) {
    const entry = await models.describe(earlier.productId)
    const keys = await readCurrentKeys(caller, earlier, entry)
    if (!matchesRequest(scope, request, earlier, keys)) throw problem('idempotency_key_reused')
    return { entry, keys }
  }
}
