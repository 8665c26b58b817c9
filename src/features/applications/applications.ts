import type {
  FieldDefinition,
  NewApplication as New3scaleApplication,
  Plan,
  Product,
  Application as Record3scale,
  Threescale,
} from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import type { Caller } from '../../web/caller.js'
import type { Model } from '../models/schemas.js'
import { applicationIdOf, isKeyOfAttempt, makeKey } from './keys.js'
import { checkFields, checkManagesApps, choosePlan } from './rules.js'
import type { Application, ApplicationChange, NewApplication } from './schemas.js'

/** What the catalogue tells about one product; `offered` are the plans a developer can take, in 3scale's order. */
export interface FoundModel {
  model: Model
  product: Product
  plans: Plan[]
  applicationFields: FieldDefinition[]
}

export interface ApplicationsDeps {
  threescale: Pick<
    Threescale,
    | 'listApplications'
    | 'readApplication'
    | 'createApplication'
    | 'updateApplication'
    | 'deleteApplication'
    | 'listKeys'
  >
  models: {
    find(systemName: string, caller: Caller): Promise<FoundModel>
    /** by product id, also for products the caller could not take anew: an application outlives a hidden plan */
    describe(productId: number): Promise<FoundModel | undefined>
  }
  /** asked once a new application can be used; may teach the catalogue the model id. Never rejects. */
  learn(model: Model, application: Application): Promise<void>
  now: () => Date
}

export type Applications = ReturnType<typeof createApplications>

/** Applications of the caller's own account; another account's id is `not_found`, as what does not exist. */
export function createApplications({ threescale, models, learn, now }: ApplicationsDeps) {
  return {
    /** One call to 3scale. Newest first, without secrets. */
    async list(caller: Caller): Promise<Application[]> {
      const records = await threescale.listApplications(caller.accountId)
      const shown = await Promise.all(records.map((record) => present(record)))
      return shown.sort((a, b) => b.id - a.id)
    },

    /**
     * One call to 3scale; two with `reveal` where the keys are a list of their own. The model is undefined when its
     * product is gone or no longer deployed.
     */
    async read(
      caller: Caller,
      id: number,
      { reveal = false } = {},
    ): Promise<{ application: Application; model: Model | undefined }> {
      const record = await threescale.readApplication(caller.accountId, id)
      const application = await (reveal ? withSecrets(caller, record) : present(record))
      return { application, model: (await models.describe(record.productId))?.model }
    },

    /**
     * Makes the application of that attempt, or finds it: one look, one write. The same account and attempt leave one
     * application however often, from whichever replica, also after a lost answer. Rejects with invalid_fields, rule,
     * not_found (model), threescale_unavailable (then it is safe to send the same attempt again).
     */
    async create(caller: Caller, wanted: NewApplication, attempt: string): Promise<Application> {
      const found = await models.find(wanted.model, caller)
      checkManagesApps(found.product)
      const plan = choosePlan(found.product, found.plans, wanted.plan)
      const fields = checkFields(found.applicationFields, wanted.fields ?? {})
      const name = wanted.name.trim()
      if (name === '') throw problem('invalid_fields', { fields: { name: 'Give the application a name.' } })
      const earlier = await findAttempt(caller, attempt)
      if (earlier) return same(caller, earlier, { productId: found.product.id, planId: plan.id, name })
      const mode = found.model.credentials.mode
      const key = makeKey(caller.accountId, attempt, now())
      const record = await write(caller, attempt, {
        planId: plan.id,
        name,
        description: wanted.description?.trim() ?? '',
        applicationId: applicationIdOf(caller.accountId, attempt),
        ...(mode === 'user_key' ? { userKey: key } : { applicationKey: key }),
        fields,
      })
      const secrets = mode === 'app_id' ? [key] : undefined
      const application = await present(record, { reveal: true, appKeys: secrets, clientSecret: key })
      if (record.state === 'live' && found.model.model_id === null) await learn(found.model, application)
      return application
    },

    /** One read and one write. */
    async update(caller: Caller, id: number, change: ApplicationChange): Promise<Application> {
      const record = await threescale.readApplication(caller.accountId, id)
      await checkOwnProduct(record)
      const name = change.name?.trim()
      if (name === '') throw problem('invalid_fields', { fields: { name: 'Give the application a name.' } })
      const description = change.description?.trim()
      return present(
        await threescale.updateApplication(caller.accountId, id, {
          ...(name === undefined ? {} : { name }),
          ...(description === undefined ? {} : { description }),
        }),
      )
    },

    async remove(caller: Caller, id: number): Promise<void> {
      const record = await threescale.readApplication(caller.accountId, id)
      await checkOwnProduct(record)
      await threescale.deleteApplication(caller.accountId, id)
    },
  }

  async function write(caller: Caller, attempt: string, wanted: New3scaleApplication) {
    try {
      return await threescale.createApplication(caller.accountId, wanted)
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'conflict')) throw error
      // "taken": the same attempt arrived twice at once, and the other one was first
      const earlier = await findAttempt(caller, attempt)
      if (earlier) return earlier
      throw error
    }
  }

  /** The repeat of an attempt gives what the first one made; with another wish it is refused. */
  async function same(
    caller: Caller,
    earlier: Record3scale,
    wanted: { productId: number; planId: number; name: string },
  ) {
    const { productId, planId, name } = wanted
    if (earlier.productId !== productId || earlier.planId !== planId || earlier.name !== name)
      throw problem('attempt_reused')
    return withSecrets(caller, earlier)
  }

  async function findAttempt(caller: Caller, attempt: string): Promise<Record3scale | undefined> {
    const applicationId = applicationIdOf(caller.accountId, attempt)
    const records = await threescale.listApplications(caller.accountId)
    return records.find(
      (record) => record.appId === applicationId || isKeyOfAttempt(record.userKey, caller.accountId, attempt),
    )
  }

  async function withSecrets(caller: Caller, record: Record3scale): Promise<Application> {
    const found = await models.describe(record.productId)
    const listed =
      found?.model.credentials.mode === 'app_id' || (record.appId !== undefined && record.clientSecret === undefined)
    const keys = listed ? await threescale.listKeys(caller.accountId, record.id) : []
    return present(record, { reveal: true, appKeys: listed ? keys.map((key) => key.value) : undefined })
  }

  async function checkOwnProduct(record: Record3scale): Promise<void> {
    const found = await models.describe(record.productId)
    if (found) checkManagesApps(found.product)
  }

  async function present(
    record: Record3scale,
    {
      reveal = false,
      appKeys,
      clientSecret,
    }: { reveal?: boolean; appKeys?: string[] | undefined; clientSecret?: string } = {},
  ): Promise<Application> {
    const found = await models.describe(record.productId)
    const plan = found?.plans.find((candidate) => candidate.id === record.planId)
    const shape = found?.model.credentials ?? guessCredentials(record)
    return {
      id: record.id,
      name: record.name,
      description: record.description,
      state: record.state,
      model: found?.model.system_name ?? '',
      model_name: found?.model.name ?? '',
      plan: plan?.systemName ?? '',
      plan_name: record.planName,
      base_url: found?.model.base_url ?? null,
      model_id: found?.model.model_id ?? null,
      created_at: record.createdAt,
      fields: record.fields,
      credentials: {
        ...shape,
        ...(reveal
          ? secretsOf(record, shape.mode, { appKeys, clientSecret, tokenUrl: found?.model.token_url ?? null })
          : {}),
      },
    }
  }
}

function secretsOf(
  record: Record3scale,
  mode: Application['credentials']['mode'],
  extra: { appKeys: string[] | undefined; clientSecret: string | undefined; tokenUrl: string | null },
) {
  if (mode === 'user_key') return { user_key: record.userKey ?? '' }
  if (mode === 'app_id') return { app_id: record.appId ?? '', app_keys: extra.appKeys ?? [] }
  return {
    client_id: record.appId ?? '',
    client_secret: record.clientSecret ?? extra.clientSecret ?? '',
    token_url: extra.tokenUrl,
  }
}

/** A product that is no longer deployed tells its credential mode by the shape of its applications. */
function guessCredentials(record: Record3scale): Application['credentials'] {
  const mode = record.clientSecret !== undefined ? 'oidc' : record.appId !== undefined ? 'app_id' : 'user_key'
  return { mode, location: 'authorization', names: { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' } }
}
