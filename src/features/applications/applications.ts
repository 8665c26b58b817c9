import { applicationDefaults } from '../../clients/threescale/built-in-fields.js'
import type {
  FieldDefinition,
  MappingRule,
  NewApplication as New3scaleApplication,
  Plan,
  Product,
  Application as Record3scale,
  Threescale,
} from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import { type Allowances, check } from '../../rules.js'
import type { Caller } from '../../web/caller.js'
import type { Model } from '../models/schemas.js'
import { checkChange, checkTexts } from './fields.js'
import { guards } from './guards.js'
import type { KeyReadiness } from './key-readiness.js'
import { applicationIdOf, describeKey, type HeldKey, makeKey, type Origin } from './keys.js'
import { arrange, type Filters } from './listing.js'
import { choosePlan } from './plans.js'
import { modeOf, present, type Shown } from './present.js'
import type { Application, ApplicationChange, Key, NewApplication } from './schemas.js'
import { createdBy, isSameWish, originOf, type Wish } from './wishes.js'

/** What the catalogue tells about one product; `offered` are the plans a developer can take, in 3scale's order. */
export interface FoundModel {
  model: Model
  product: Product
  plans: Plan[]
  applicationFields: FieldDefinition[]
  rules: MappingRule[]
}

/** The catalogue, as far as applications need it. */
export interface Catalogue {
  find(systemName: string, caller: Caller): Promise<FoundModel>
  /** by product id, also for products the caller could not take anew: an application outlives a hidden plan */
  describe(productId: number): Promise<FoundModel | undefined>
}

export interface ApplicationsDeps {
  threescale: Pick<
    Threescale,
    | 'listApplications'
    | 'listSubscriptions'
    | 'readApplication'
    | 'createApplication'
    | 'updateApplication'
    | 'deleteApplication'
    | 'listKeys'
    | 'checkTexts'
  >
  models: Catalogue
  allowances: Allowances
  keys: Pick<KeyReadiness, 'changed'>
  /** runs one piece of work of a name at a time; `sole`: no other replica does it either */
  oneAtATime<T>(name: string, work: (sole: boolean) => Promise<T>): Promise<T>
  /** asked once a new application can be used; may teach the catalogue the model id. Never rejects. */
  learn(model: Model, application: Application): Promise<void>
  now: () => Date
}

export interface ReadApplication {
  application: Application
  model: Model | undefined
  product: Product | undefined
  /** of the fields of applications */
  definitions: FieldDefinition[]
  keys: Key[]
}

const replaced =
  'An application was made with this Idempotency-Key, and its key was replaced since. Look for it among your applications.'

export type Applications = ReturnType<typeof createApplications>

/** Applications of the caller's own account; another account's id is `not_found`, as what does not exist. */
export function createApplications({ threescale, models, allowances, keys, oneAtATime, learn, now }: ApplicationsDeps) {
  return {
    /** One call to 3scale, however many there are. Without secrets. */
    async list(caller: Caller, filters: Filters = {}): Promise<Application[]> {
      const records = await threescale.listApplications(caller.accountId)
      return arrange(await Promise.all(records.map((record) => shown(record))), filters)
    },

    /**
     * One call to 3scale; two where the keys are a list of their own and are asked for. The model is undefined when its
     * product is gone or no longer deployed.
     */
    async read(caller: Caller, id: number, { reveal = false, keys = false } = {}): Promise<ReadApplication> {
      const record = await threescale.readApplication(caller.accountId, id)
      const found = await models.describe(record.productId)
      const held = keys || reveal ? await heldBy(caller, record, found) : []
      return {
        application: present(record, found, reveal ? revealed(held) : {}),
        model: found?.model,
        product: found?.product,
        definitions: found?.applicationFields ?? applicationDefaults,
        keys: held.map((key) => describeKey(record.id, key, reveal)),
      }
    },

    /**
     * Creates the application of that attempt, or finds it: two reads and one write; one more read without Redis. The same account and attempt
     * leave one application however often, from whichever replica, also at once and after a lost answer. Rejects with
     * invalid_fields, rule, not_found (model), threescale_unavailable (then it is safe to send the same attempt again).
     */
    async create(caller: Caller, wanted: NewApplication, attempt: string): Promise<Application> {
      const found = await models.find(wanted.model, caller)
      const { product } = found
      check(guards.change, { product })
      const plan = choosePlan(product, found.plans, wanted.plan)
      const { name, description, fields } = checkTexts(found.applicationFields, wanted)
      await threescale.checkTexts({ name, description })
      const wish = { productId: product.id, planId: plan.id, name, description, fields }
      const origin = originOf(caller.accountId, attempt, wish)
      // the name is a digest: an Idempotency-Key may itself be a secret of the caller
      return oneAtATime(`application:${applicationIdOf(origin, 'user_key')}`, (sole) =>
        createOnce(caller, found, origin, wish, plan, sole),
      )
    },

    /** One read and one write. Rejects with invalid_fields, rule. */
    async update(caller: Caller, id: number, change: ApplicationChange): Promise<Application> {
      const { record, found, texts } = await checked(caller, id, change)
      if (Object.keys(texts).length === 0) return present(record, found)
      return shown(await threescale.updateApplication(caller.accountId, record.id, texts))
    },

    /** One read: rejects as `update` would before its write, for changes that are more than one write. */
    async check(caller: Caller, id: number, change: ApplicationChange): Promise<void> {
      await checked(caller, id, change)
    },

    /** One read and one write. */
    async remove(caller: Caller, id: number): Promise<void> {
      await ownToChange(caller, id)
      await threescale.deleteApplication(caller.accountId, id)
    },
  }

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
    const record = await write(caller, origin, {
      planId: plan.id,
      name,
      description,
      applicationId: applicationIdOf(origin, mode),
      ...(mode === 'user_key' ? { userKey: key } : { applicationKey: key }),
      fields,
    })
    const all = sole ? [record] : createdBy(origin, await threescale.listApplications(caller.accountId))
    const winner = await settle(caller, all.length > 0 ? all : [record])
    if (winner.id !== record.id) return same(caller, winner, origin, wish)
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
    return threescale.updateApplication(caller.accountId, oldest.id, { userKey: oldest.userKey })
  }

  async function look(caller: Caller, product: Product) {
    const [applications, subscriptions] = await Promise.all([
      threescale.listApplications(caller.accountId),
      threescale.listSubscriptions(caller.accountId),
    ])
    return [applications, subscriptions.find(({ productId }) => productId === product.id)] as const
  }

  /** The application, or what another request of the same attempt created meanwhile. */
  async function write(caller: Caller, origin: Origin, wanted: New3scaleApplication): Promise<Record3scale> {
    try {
      return await threescale.createApplication(caller.accountId, wanted)
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'conflict', 'threescale_unavailable')) throw error
      // "taken", or on MySQL a deadlock: the same attempt arrived twice at once, and the other one was first
      const [earlier] = createdBy(origin, await threescale.listApplications(caller.accountId))
      const isOther = earlier && earlier.userKey !== wanted.userKey
      if (earlier && (isOther || !isProblem(error, 'threescale_unavailable'))) return earlier
      // of a product with one key 3scale shows no application id, and the key that identified the attempt was replaced since
      if (isProblem(error, 'invalid_fields') && error.fields?.application_id)
        throw problem('conflict', { detail: replaced })
      throw error
    }
  }

  /** The repeat of an attempt gives what the first one made; with another wish it is refused. */
  async function same(caller: Caller, earlier: Record3scale, origin: Origin, wish: Wish) {
    const found = await models.describe(earlier.productId)
    const held = await heldBy(caller, earlier, found)
    if (!isSameWish(origin, wish, earlier, held)) throw problem('attempt_reused')
    keys.changed(earlier.id)
    return present(earlier, found, revealed(held))
  }

  async function heldBy(caller: Caller, record: Record3scale, found: FoundModel | undefined): Promise<HeldKey[]> {
    const mode = modeOf(record, found)
    if (mode === 'app_id') return threescale.listKeys(caller.accountId, record.id)
    const value = mode === 'user_key' ? record.userKey : record.clientSecret
    return value ? [{ value, createdAt: null }] : []
  }

  async function checked(caller: Caller, id: number, change: ApplicationChange) {
    const { name = '', description = '' } = change
    await threescale.checkTexts({ name, description })
    const { record, found } = await ownToChange(caller, id)
    return { record, found, texts: checkChange(found?.applicationFields ?? applicationDefaults, change) }
  }

  async function ownToChange(caller: Caller, id: number) {
    const record = await threescale.readApplication(caller.accountId, id)
    const found = await models.describe(record.productId)
    if (found) check(guards.change, { product: found.product })
    return { record, found }
  }

  async function shown(record: Record3scale): Promise<Application> {
    return present(record, await models.describe(record.productId))
  }
}

async function unlessGone(removal: Promise<void>): Promise<void> {
  try {
    await removal
  } catch (error) {
    if (!isProblem(error, 'not_found')) throw error
  }
}

function revealed(keys: HeldKey[]): Shown {
  return { reveal: true, appKeys: keys.map(({ value }) => value) }
}
