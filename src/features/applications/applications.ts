import { applicationDefaults } from '../../clients/threescale/built-in-fields.js'
import type {
  FieldDefinition,
  MappingRule,
  Plan,
  Product,
  Application as Record3scale,
  Threescale,
} from '../../clients/threescale/nouns.js'
import { isProblem } from '../../errors.js'
import { type Allowances, check } from '../../rules.js'
import type { Caller } from '../../web/caller.js'
import type { Model } from '../models/schemas.js'
import { createCreation } from './creation.js'
import { checkChange, checkTexts } from './fields.js'
import { guards } from './guards.js'
import { createHeldKeys, revealed } from './held-keys.js'
import type { KeyReadiness } from './key-readiness.js'
import type { KeyRepair } from './key-repair.js'
import { applicationIdOf, describeKey } from './keys.js'
import { arrange, type Filters } from './listing.js'
import { createOwnApplication } from './own.js'
import { choosePlan } from './plans.js'
import { present } from './present.js'
import { removeOnce } from './remove-once.js'
import type { Application, ApplicationChange, Key, NewApplication } from './schemas.js'
import { originOf } from './wishes.js'

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
    | 'listedApplication'
    | 'readApplication'
    | 'createApplication'
    | 'updateApplication'
    | 'deleteApplication'
    | 'listKeys'
    | 'checkTexts'
  >
  models: Catalogue
  allowances: Allowances
  keys: Pick<KeyReadiness, 'changed' | 'seen' | 'usable'>
  repair: KeyRepair
  /** told of each application that was created twice and removed */
  duplicateRemoved(what: 'application'): void
  /** runs one piece of work of a name at a time */
  oneAtATime: OneAtATime
  /** asked once a new application can be used; may teach the catalogue the model id. Never rejects. */
  learn(model: Model, application: Application): Promise<void>
  now: () => Date
}

/** `isLost`: another request may have begun since; what was read before has to be read again before a write. */
export type OneAtATime = <T>(name: string, work: (turn: { isLost(): Promise<boolean> }) => Promise<T>) => Promise<T>

export interface ReadApplication {
  application: Application
  model: Model | undefined
  product: Product | undefined
  /** of the fields of applications */
  definitions: FieldDefinition[]
  keys: Key[]
}

type Texts = { name?: string; description?: string }

export type Applications = ReturnType<typeof createApplications>

/** Applications of the caller's own account; another account's id is `not_found`, as what does not exist. */
export function createApplications({ oneAtATime, ...deps }: ApplicationsDeps) {
  const { threescale, models, repair } = deps
  const heldBy = createHeldKeys(threescale)
  const ownApplication = createOwnApplication({ threescale, models })
  const createOnce = createCreation({ ...deps, heldBy })
  return {
    /** One call to 3scale, which renders the list only after a change. Without secrets. */
    async list(caller: Caller, filters: Filters = {}): Promise<Application[]> {
      const records = await threescale.listApplications(caller.accountId)
      return arrange(await Promise.all(records.map((record) => shown(record))), filters)
    },

    /**
     * One call to 3scale; two if keys are requested that are a list of their own. 3scale renders either only after a
     * change. The model is undefined when its product is gone or no longer deployed.
     */
    async read(caller: Caller, id: number, { reveal = false, keys = false } = {}): Promise<ReadApplication> {
      const { record, found } = await ownApplication(caller, id)
      const held = keys || reveal ? await heldBy(caller, record, found) : []
      const repairNeeded = await repair.isNeeded(id)
      return {
        application: present(record, found, { ...(reveal ? revealed(held) : {}), repairNeeded }),
        model: found?.model,
        product: found?.product,
        definitions: found?.applicationFields ?? applicationDefaults,
        keys: held.map((key) => describeKey(record.id, key, reveal)),
      }
    },

    /**
     * Creates the application of that attempt, or finds it: three reads and one write. The same account and attempt leave one
     * application however often, from whichever replica, also at once and after a lost answer. Rejects with invalid_fields,
     * rule, not_found (model), threescale_unavailable and key_not_usable (then it is safe to send the same attempt again).
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
      return oneAtATime(`application:${applicationIdOf(origin, 'user_key')}`, (turn) =>
        createOnce({ caller, found, origin, wish, plan }, turn),
      )
    },

    /** One read and one write. Rejects with invalid_fields, rule. */
    async update(caller: Caller, id: number, change: ApplicationChange): Promise<Application> {
      const { record, found, texts } = await checked(caller, id, change)
      if (Object.keys(texts).length === 0) return shown(record)
      const { accountId } = caller
      const { result } = await repair.change(
        { accountId, record, found },
        {
          send: () => threescale.updateApplication(accountId, id, texts),
          stored: () => storedWith(accountId, id, texts),
        },
      )
      return shown(result)
    },

    /** One read: rejects as `update` would before its write, for changes that are more than one write. */
    async check(caller: Caller, id: number, change: ApplicationChange): Promise<void> {
      await checked(caller, id, change)
    },

    /** One read and one write. */
    async remove(caller: Caller, id: number): Promise<void> {
      await ownToChange(caller, id)
      await removeOnce(
        () => threescale.deleteApplication(caller.accountId, id),
        () => isGone(caller.accountId, id),
      )
    },

    /**
     * Makes the gateway accept the key of an application that 3scale has stored and its back-end does not know. What the gateway
     * accepts already is left as it is. Rejects with key_not_usable where it cannot be done now.
     */
    async repair(caller: Caller, id: number): Promise<Application> {
      const { record, found } = await ownToChange(caller, id)
      await repair.ensure({ accountId: caller.accountId, record, found }, { isReported: true })
      return shown(record)
    },

    repairs: {
      /** Every application of an account whose sign-up failed half-way: plans that the tenant gives to everybody made them. */
      all: (accountId: number) => repairAll(accountId),
      /** The same once more where it could not be done then; no call to 3scale otherwise. */
      async noted(accountId: number): Promise<void> {
        if (await repair.isAccountNoted(accountId)) await repairAll(accountId)
      },
    },
  }

  async function repairAll(accountId: number): Promise<void> {
    let isDone = true
    for (const record of await threescale.listApplications(accountId)) {
      try {
        await repair.ensure({ accountId, record, found: await models.describe(record.productId) })
      } catch (error) {
        if (!isProblem(error, 'key_not_usable')) throw error
        isDone = false
      }
    }
    await repair.noteAccount(accountId, isDone)
  }

  async function storedWith(accountId: number, id: number, texts: Texts): Promise<Record3scale | undefined> {
    const record = await threescale.readApplication(accountId, id)
    const isStored = Object.entries(texts).every(([name, text]) => record[name as keyof Texts] === text)
    return isStored ? record : undefined
  }

  async function isGone(accountId: number, id: number): Promise<boolean> {
    try {
      await threescale.readApplication(accountId, id)
      return false
    } catch (error) {
      if (isProblem(error, 'not_found')) return true
      throw error
    }
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
    const [found, repairNeeded] = await Promise.all([models.describe(record.productId), repair.isNeeded(record.id)])
    return present(record, found, { repairNeeded })
  }
}
