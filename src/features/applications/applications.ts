import type { RecentReads } from '../../clients/threescale/memory/recent-reads.js'
import { applicationDefaults } from '../../clients/threescale/tenant-rules/built-in-fields.js'
import type {
  FieldDefinition,
  MappingRule,
  Plan,
  Product,
  Threescale,
  ThreescaleApplication,
} from '../../clients/threescale/types.js'
import { isProblem, runChecks } from '../../errors.js'
import type { WithLock } from '../../infra/lock.js'
import { type Allowances, enforce } from '../../policies.js'
import type { Caller } from '../../web/auth/caller.js'
import type { Model } from '../models/schemas.js'
import { validateTexts } from './custom-fields.js'
import { type ApplicationFilters, filterAndSort } from './filters.js'
import { createCurrentKeys, revealKeys } from './keys/current-keys.js'
import type { KeyReadiness } from './keys/gateway-sync/key-readiness.js'
import type { KeyRepair } from './keys/gateway-sync/key-repair.js'
import { applicationIdOf, toKey } from './keys/key-format.js'
import { type CreatedApplication, createApplicationCreator } from './lifecycle/create-application.js'
import { createScope, findCreated } from './lifecycle/create-request.js'
import type { DeletedResults } from './lifecycle/deleted-results.js'
import { createApplicationUpdates } from './lifecycle/update-application.js'
import { createApplicationListing, type ListApplicationsDeps } from './list-applications.js'
import { createApplicationLoader } from './load-application.js'
import { requiredPolicies } from './permissions.js'
import type { PlanChanges } from './plan-changes/plan-changes.js'
import { choosePlan } from './plan-changes/plan-selection.js'
import type { Application, Key, NewApplication } from './schemas.js'
import { toApplication } from './to-application.js'

/** The catalogue entry of one product. */
export interface CatalogueModel {
  model: Model
  product: Product
  /** in 3scale's order */
  plans: Plan[]
  applicationFields: FieldDefinition[]
  rules: MappingRule[]
}

/** The part of the catalogue that applications use. */
export interface ApplicationCatalogue {
  find(systemName: string, caller: Caller): Promise<CatalogueModel>
  /** by product id, also for products with a hidden plan: their applications remain valid */
  describe(productId: number): Promise<CatalogueModel | undefined>
}

export interface ApplicationsDeps {
  threescale: Pick<
    Threescale,
    | 'listApplications'
    | 'listSubscriptions'
    | 'readListedApplication'
    | 'readApplication'
    | 'createApplication'
    | 'updateApplication'
    | 'deleteApplication'
    | 'listKeys'
    | 'checkTexts'
  >
  /** for display */
  recent: ListApplicationsDeps['recent'] & Pick<RecentReads, 'readListedApplication' | 'listKeys'>
  models: ApplicationCatalogue
  allowances: Allowances
  readiness: Pick<KeyReadiness, 'markChanged' | 'markSeen' | 'waitUntilUsable'>
  repair: KeyRepair
  results: DeletedResults
  plans: Pick<PlanChanges, 'move'>
  /** called for each application that was created twice and deleted */
  duplicateRemoved(what: 'application'): void
  withLock: WithLock
  /** called once a new application can be used, to read the model id for the catalogue; never rejects */
  learn(model: Model, application: Application): Promise<void>
  now: () => Date
}

export interface ReadApplication {
  application: Application
  model: Model | undefined
  product: Product | undefined
  /** fields of applications */
  definitions: FieldDefinition[]
  keys: Key[]
  /** whether 3scale has recorded a call, which it does with a delay */
  hasTraffic: boolean
}

export type Applications = ReturnType<typeof createApplications>

/** Applications of the caller's account. The application of another account is not_found, like one that does not exist. */
export function createApplications({ withLock, ...deps }: ApplicationsDeps) {
  const { threescale, recent, models, repair } = deps
  const readCurrentKeys = createCurrentKeys(threescale)
  const readRecentKeys = createCurrentKeys(recent)
  const loadApplication = createApplicationLoader({ threescale, models })
  const loadRecent = createApplicationLoader({ threescale: { ...threescale, ...recent }, models })
  const createOnce = createApplicationCreator({ ...deps, readCurrentKeys })
  const listing = createApplicationListing(deps)
  return {
    listing,

    /** At most one call to 3scale, which renders the list only after a change. Without secrets. */
    async list(caller: Caller, filters: ApplicationFilters = {}): Promise<Application[]> {
      return listing.complete(filterAndSort(await listing.rows(caller), filters))
    },

    /**
     * At most one call to 3scale, and a second one if keys are requested that are a list of their own. 3scale renders either
     * only after a change, and is always asked for credentials. The model is undefined if its product was removed or is no
     * longer deployed.
     */
    async read(caller: Caller, id: number, { reveal = false, keys = false } = {}): Promise<ReadApplication> {
      const { record, entry } = await (reveal ? loadApplication : loadRecent)(caller, id)
      const readKeys = reveal ? readCurrentKeys : readRecentKeys
      const currentKeys = keys || reveal ? await readKeys(caller, record, entry) : []
      const repairRequired = await repair.isRequired(id)
      return {
        application: toApplication(record, entry, { ...(reveal ? revealKeys(currentKeys) : {}), repairRequired }),
        model: entry?.model,
        product: entry?.product,
        definitions: entry?.applicationFields ?? applicationDefaults,
        keys: currentKeys.map((key) => toKey(record.id, key, reveal)),
        hasTraffic: record.lastTrafficAt !== '',
      }
    },

    /**
     * Creates the application of an attempt, or finds it: three reads and one write. One account and attempt leave one
     * application, however often and on whichever replica, also concurrently and after a lost response. Rejects with
     * invalid_fields, policy_violation, not_found (model), idempotency_key_reused, result_deleted, and with
     * threescale_unavailable and key_not_usable, after which the same attempt can be repeated.
     */
    async create(caller: Caller, body: NewApplication, attempt: string): Promise<CreatedApplication> {
      const entry = await models.find(body.model, caller)
      const { product } = entry
      enforce(requiredPolicies.change, { product })
      const [plan, { name, description, fields }] = runChecks(
        () => choosePlan(product, entry.plans, body.plan),
        () => validateTexts(entry.applicationFields, body),
      )
      await threescale.checkTexts({ name, description })
      const request = { productId: product.id, planId: plan.id, name, description, fields }
      const scope = createScope(caller.accountId, attempt, request)
      // the lock name is a digest, because an Idempotency-Key may be a secret of the caller
      return withLock(`application:${applicationIdOf(scope, 'user_key')}`, (lock) =>
        createOnce({ caller, entry, scope, request, plan }, lock),
      )
    },

    /** The id of the application that an attempt has created; undefined if there is none. One call to 3scale. */
    async findCreated({ accountId: account }: Caller, attempt: string): Promise<number | undefined> {
      return findCreated({ account, attempt }, await threescale.listApplications(account))[0]?.id
    },

    ...createApplicationUpdates({ ...deps, withLock, readCurrentKeys, loadForChange, show }),

    /**
     * Repairs an application whose key 3scale stored and its backend does not know. Keys that the gateway accepts are
     * unchanged. Rejects with key_not_usable if the repair is currently not possible.
     */
    async repair(caller: Caller, id: number): Promise<Application> {
      const { record, entry } = await loadForChange(caller, id)
      await repair.ensure({ accountId: caller.accountId, record, entry }, { isReported: true })
      return show(record)
    },

    repairs: {
      /** Repairs every application of an account whose sign-up failed half-way: 3scale creates some with the account. */
      all: (accountId: number) => repairAll(accountId),
      /** Repeats a repair that was not possible; without one, there is no call to 3scale. */
      async recorded(accountId: number): Promise<void> {
        if (await repair.isAccountRepairRequired(accountId)) await repairAll(accountId)
      },
    },
  }

  async function repairAll(accountId: number): Promise<void> {
    let isComplete = true
    for (const record of await threescale.listApplications(accountId)) {
      try {
        await repair.ensure({ accountId, record, entry: await models.describe(record.productId) })
      } catch (error) {
        if (!isProblem(error, 'key_not_usable')) throw error
        isComplete = false
      }
    }
    await repair.recordAccount(accountId, isComplete)
  }

  async function loadForChange(caller: Caller, id: number) {
    const record = await threescale.readApplication(caller.accountId, id)
    const entry = await models.describe(record.productId)
    if (entry) enforce(requiredPolicies.change, { product: entry.product })
    return { record, entry }
  }

  async function show(record: ThreescaleApplication): Promise<Application> {
    const [entry, repairRequired] = await Promise.all([models.describe(record.productId), repair.isRequired(record.id)])
    return toApplication(record, entry, { repairRequired })
  }
}
