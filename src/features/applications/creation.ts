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
import { applicationIdOf, makeKey, type Origin } from './keys.js'
import { present } from './present.js'
import type { Application } from './schemas.js'
import { putUserKey } from './user-keys.js'
import { createdBy, isSameWish, type Wish } from './wishes.js'

export interface CreationDeps
  extends Pick<ApplicationsDeps, 'threescale' | 'models' | 'allowances' | 'keys' | 'learn' | 'now'> {
  heldBy: HeldKeys
}

const replaced =
  'An application was made with this Idempotency-Key, and its key was replaced since. Look for it among your applications.'

/** The creation of an application, which leaves one however often and from wherever the same attempt arrives. */
export function createCreation({ threescale, models, allowances, keys, learn, now, heldBy }: CreationDeps) {
  return createOnce

  async function createOnce(
    caller: Caller,
    found: FoundModel,
    origin: Origin,
    wish: Wish,
    plan: Plan,
    sole: boolean,
  ): Promise<Application> {
    const { product } = found
    const [applications, subscription] = await look(caller, product)
    const earlier = createdBy(origin, applications)
    if (earlier.length > 0) return same(caller, await settle(caller, earlier), origin, wish)
    check(['service_subscription', 'one_application_per_plan', 'multiple_applications', 'multiple_services'], {
      subscription,
      applications,
      product,
      plan,
      allowances,
    })
    const mode = found.model.credentials.mode
    const key = makeKey(origin, now())
    const { name, description, fields } = wish
    const written = await write(caller, origin, {
      planId: plan.id,
      name,
      description,
      applicationId: applicationIdOf(origin, mode),
      ...(mode === 'user_key' ? { userKey: key } : { applicationKey: key }),
      fields,
    })
    const all = sole && written.ours ? [] : createdBy(origin, await threescale.listApplications(caller.accountId))
    const record = await settle(caller, all.length > 0 ? all : [written.record])
    if (!written.ours || record.id !== written.record.id) return same(caller, record, origin, wish)
    keys.changed(record.id)
    const application = present(record, found, { reveal: true, appKeys: [key], clientSecret: key })
    if (record.state === 'live' && found.model.model_id === null) await learn(found.model, application)
    return application
  }

  /**
   * Of several applications of one attempt the oldest stays, which every replica chooses alike. The others are removed, and
   * the one that stays is written again: an `application_id` that it shared with another is gone from the gateway with that.
   */
  async function settle(caller: Caller, [oldest, ...others]: Record3scale[]): Promise<Record3scale> {
    if (!oldest) throw new Error('nothing to settle')
    for (const { id } of others) await unlessGone(threescale.deleteApplication(caller.accountId, id))
    if (others.length === 0 || oldest.userKey === undefined) return oldest
    return putUserKey(threescale, caller.accountId, oldest.id, oldest.userKey)
  }

  async function look(caller: Caller, product: Product) {
    const [applications, subscriptions] = await Promise.all([
      threescale.listApplications(caller.accountId),
      threescale.listSubscriptions(caller.accountId),
    ])
    return [applications, subscriptions.find(({ productId }) => productId === product.id)] as const
  }

  /** The application; not `ours` where another request of the same attempt created it meanwhile. */
  async function write(caller: Caller, origin: Origin, wanted: New3scaleApplication) {
    try {
      return { record: await threescale.createApplication(caller.accountId, wanted), ours: true }
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'conflict', 'threescale_unavailable')) throw error
      const earlier = await created(caller, origin, error, wanted.userKey)
      if (earlier) return { record: earlier, ours: false }
      // of a product with one key 3scale shows no application id, and the key that identified the attempt was replaced since
      if (isProblem(error, 'invalid_fields') && error.fields?.application_id)
        throw problem('conflict', { detail: replaced })
      throw error
    }
  }

  /**
   * After "taken", or on MySQL a deadlock, which is answered 500: the same attempt arrived twice at once, and the other one was
   * first. That may be stored only now.
   */
  async function created(caller: Caller, origin: Origin, error: unknown, userKey: string | undefined) {
    const isFailure = isProblem(error, 'threescale_unavailable')
    for (const wait of isFailure ? [0, 200] : [0]) {
      await sleep(wait)
      const [earlier] = createdBy(origin, await threescale.listApplications(caller.accountId))
      if (earlier && (!isFailure || earlier.userKey !== userKey)) return earlier
    }
    return undefined
  }

  /** The repeat of an attempt gives what the first one made; with another wish it is refused. */
  async function same(caller: Caller, earlier: Record3scale, origin: Origin, wish: Wish) {
    const found = await models.describe(earlier.productId)
    const held = await heldBy(caller, earlier, found)
    if (!isSameWish(origin, wish, earlier, held)) throw problem('attempt_reused')
    keys.changed(earlier.id)
    return present(earlier, found, revealed(held))
  }
}

async function unlessGone(removal: Promise<void>): Promise<void> {
  try {
    await removal
  } catch (error) {
    if (!isProblem(error, 'not_found')) throw error
  }
}
