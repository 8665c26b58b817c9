import { setTimeout as sleep } from 'node:timers/promises'

import type {
  NewApplication as New3scaleApplication,
  Plan,
  Product,
  Application as Record3scale,
} from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import { check } from '../../rules.js'
import type { Caller } from '../../web/caller.js'
import type { ApplicationsDeps, FoundModel } from './applications.js'
import { type HeldKeys, revealed } from './held-keys.js'
import { applicationIdOf, type HeldKey, makeKey, type Origin } from './keys.js'
import { present } from './present.js'
import type { Application } from './schemas.js'
import { createdBy, isSameWish, type Wish } from './wishes.js'

export interface CreationDeps
  extends Pick<
    ApplicationsDeps,
    'threescale' | 'models' | 'allowances' | 'keys' | 'repair' | 'duplicateRemoved' | 'learn' | 'now'
  > {
  heldBy: HeldKeys
}

/** What a request of one attempt creates, and for whom. */
export interface Creation {
  caller: Caller
  found: FoundModel
  origin: Origin
  wish: Wish
  plan: Plan
}

interface Written {
  record: Record3scale
  /** by this request, not by another one of the same attempt */
  ours: boolean
  /** 3scale failed after it had stored the application */
  failed: boolean
}

const replaced =
  'An application was created with this Idempotency-Key, and its key was replaced since. Look for it among your applications.'

/** The creation of an application, which leaves one however often and from wherever the same attempt arrives. */
export function createCreation(deps: CreationDeps) {
  const { threescale, models, allowances, keys, repair, duplicateRemoved, learn, now, heldBy } = deps
  return createOnce

  async function createOnce(creation: Creation, turn: { isLost(): Promise<boolean> }): Promise<Application> {
    const { caller, found, origin, plan } = creation
    const { product } = found
    const [applications, subscription] = await look(caller, product)
    const earlier = createdBy(origin, applications)
    if (earlier.length > 0) return repeated(creation, await settle(caller, earlier))
    check(['service_subscription', 'one_application_per_plan', 'multiple_applications', 'multiple_services'], {
      subscription,
      applications,
      product,
      plan,
      allowances,
    })
    if (await turn.isLost()) return createOnce(creation, { isLost: async () => false })
    const key = makeKey(origin, now())
    const written = await write(creation, key)
    // 3scale accepts the same twice where two requests arrive at once, and no lock keeps every replica out
    const all = createdBy(origin, await threescale.listApplications(caller.accountId))
    const record = await settle(caller, all.length > 0 ? all : [written.record])
    if (!written.ours || record.id !== written.record.id) return same(creation, record)
    return finished(creation, { ...written, record }, key)
  }

  async function finished({ caller, found }: Creation, { record, failed }: Written, key: string): Promise<Application> {
    const created = { accountId: caller.accountId, record, found }
    await (failed ? repair.repair(created) : repair.confirm(record))
    keys.changed(record.id)
    const application = present(record, found, { reveal: true, appKeys: [key], clientSecret: key })
    if (record.state === 'live' && found.model.model_id === null) await learn(found.model, application)
    await keys.usable(record.id)
    return application
  }

  /**
   * Of several applications of one attempt the oldest stays, which every replica chooses alike. The others are removed, and
   * the one that stays is written again: an `application_id` that it shared with another is gone from the gateway with that.
   */
  async function settle({ accountId }: Caller, [oldest, ...others]: Record3scale[]): Promise<Record3scale> {
    if (!oldest) throw new Error('nothing to settle')
    for (const { id } of others) {
      await threescale.deleteApplication(accountId, id)
      duplicateRemoved('application')
    }
    if (others.length === 0 || oldest.userKey === undefined) return oldest
    await repair.repair({ accountId, record: oldest, found: await models.describe(oldest.productId) })
    return oldest
  }

  async function look(caller: Caller, product: Product) {
    const [applications, subscriptions] = await Promise.all([
      threescale.listApplications(caller.accountId),
      threescale.listSubscriptions(caller.accountId),
    ])
    return [applications, subscriptions.find(({ productId }) => productId === product.id)] as const
  }

  async function write({ caller, found, origin, wish, plan }: Creation, key: string): Promise<Written> {
    const mode = found.model.credentials.mode
    const { name, description, fields } = wish
    const wanted: New3scaleApplication = {
      planId: plan.id,
      name,
      description,
      applicationId: applicationIdOf(origin, mode),
      ...(mode === 'user_key' ? { userKey: key } : { applicationKey: key }),
      fields,
    }
    try {
      return { record: await threescale.createApplication(caller.accountId, wanted), ours: true, failed: false }
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'conflict', 'threescale_unavailable')) throw error
      const stored = await storedAnyway(caller, origin, wanted, isProblem(error, 'threescale_unavailable'))
      if (stored) return stored
      // of a product with one key 3scale shows no application id, and the key that identified the attempt was replaced since
      if (isProblem(error, 'invalid_fields') && error.fields?.application_id)
        throw problem('conflict', { detail: replaced })
      throw error
    }
  }

  /**
   * After "taken", or on MySQL a deadlock, which is answered 500: the same attempt arrived twice at once, and the other one was
   * first; that may be stored only now. After any other failure: whether 3scale stored it before it failed.
   */
  async function storedAnyway(
    caller: Caller,
    origin: Origin,
    { userKey, applicationId }: New3scaleApplication,
    failed: boolean,
  ): Promise<Written | undefined> {
    for (const wait of failed ? [0, 200] : [0]) {
      await sleep(wait)
      const all = createdBy(origin, await threescale.listApplications(caller.accountId))
      const own = all.find((one) => (userKey === undefined ? one.appId === applicationId : one.userKey === userKey))
      const record = own ?? all[0]
      if (record) return { record, ours: record === own, failed }
    }
    return undefined
  }

  /** The repeat of an attempt is answered with what the first request created, once its key works. */
  async function repeated(creation: Creation, earlier: Record3scale): Promise<Application> {
    const { caller } = creation
    const { found, held } = await checkWish(creation, earlier)
    const isWritten = await repair.ensure({ accountId: caller.accountId, record: earlier, found })
    return told(earlier, found, isWritten ? await heldBy(caller, earlier, found) : held)
  }

  async function same(creation: Creation, earlier: Record3scale): Promise<Application> {
    const { found, held } = await checkWish(creation, earlier)
    return told(earlier, found, held)
  }

  async function told(record: Record3scale, found: FoundModel | undefined, held: HeldKey[]): Promise<Application> {
    keys.seen(record.id, record.createdAt)
    await keys.usable(record.id)
    return present(record, found, revealed(held))
  }

  async function checkWish({ caller, origin, wish }: Creation, earlier: Record3scale) {
    const found = await models.describe(earlier.productId)
    const held = await heldBy(caller, earlier, found)
    if (!isSameWish(origin, wish, earlier, held)) throw problem('attempt_reused')
    return { found, held }
  }
}
