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
import { isSameWish, madeBy, originOf, type Wish } from './wishes.js'

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
  keys: Pick<KeyReadiness, 'written'>
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
export function createApplications({ threescale, models, allowances, keys, learn, now }: ApplicationsDeps) {
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
     * Makes the application of that attempt, or finds it: two looks, one write. The same account and attempt leave one
     * application however often, from whichever replica, also after a lost answer. Rejects with invalid_fields, rule,
     * not_found (model), threescale_unavailable (then it is safe to send the same attempt again).
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
      const [applications, subscription] = await look(caller, product)
      const earlier = madeBy(origin, applications)
      if (earlier) return same(caller, earlier, origin, wish)
      check(['service_subscription', 'one_application_per_plan', 'multiple_applications', 'multiple_services'], {
        subscription,
        applications,
        product,
        plan,
        allowances,
      })
      const mode = found.model.credentials.mode
      const key = makeKey(origin, now())
      const made = await write(caller, origin, {
        planId: plan.id,
        name,
        description,
        applicationId: applicationIdOf(origin),
        ...(mode === 'user_key' ? { userKey: key } : { applicationKey: key }),
        fields,
      })
      if (made.isEarlier) return same(caller, made.record, origin, wish)
      const { record } = made
      keys.written(record.id)
      const application = present(record, found, { reveal: true, appKeys: [key], clientSecret: key })
      if (record.state === 'live' && found.model.model_id === null) await learn(found.model, application)
      return application
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

  async function look(caller: Caller, product: Product) {
    const [applications, subscriptions] = await Promise.all([
      threescale.listApplications(caller.accountId),
      threescale.listSubscriptions(caller.accountId),
    ])
    return [applications, subscriptions.find(({ productId }) => productId === product.id)] as const
  }

  async function write(caller: Caller, origin: Origin, wanted: New3scaleApplication) {
    try {
      return { record: await threescale.createApplication(caller.accountId, wanted), isEarlier: false }
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'conflict')) throw error
      // "taken": the same attempt arrived twice at once, and the other one was first
      const earlier = madeBy(origin, await threescale.listApplications(caller.accountId))
      if (earlier) return { record: earlier, isEarlier: true }
      // of a product with one key 3scale shows no application id, and the key that told the attempt was replaced since
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

function revealed(keys: HeldKey[]): Shown {
  return { reveal: true, appKeys: keys.map(({ value }) => value) }
}
