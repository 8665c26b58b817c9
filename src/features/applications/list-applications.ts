import type { RecentReads } from '../../clients/threescale/memory/recent-reads.js'
import { attributeOf, isVisible } from '../../clients/threescale/tenant-rules/built-in-fields.js'
import type { ThreescaleApplication } from '../../clients/threescale/types.js'
import { withDeadline } from '../../infra/deadline.js'
import type { Caller } from '../../web/auth/caller.js'
import type { ApplicationCatalogue, CatalogueModel } from './applications.js'
import type { ApplicationColumns } from './filters.js'
import type { KeyRepair } from './keys/gateway-sync/key-repair.js'
import type { Application } from './schemas.js'
import { toApplication } from './to-application.js'

export interface ListApplicationsDeps {
  recent: Pick<RecentReads, 'listApplications' | 'listNewestApplications' | 'hasManyApplications'>
  models: Pick<ApplicationCatalogue, 'describe'>
  repair: Pick<KeyRepair, 'isRequired'>
}

/** An application of a list, before it is completed. */
export interface ListedRow extends ApplicationColumns {
  record: ThreescaleApplication
  entry: CatalogueModel | undefined
}

export interface ListedRows {
  rows: ListedRow[]
  /** of the account */
  total: number
  /** false: `rows` are the newest ones, and the complete list is being read */
  isComplete: boolean
}

/** A page of an account with many applications does not wait longer for all of them. */
const SOON_MS = 300

/** Lists with at most one call to 3scale, which renders them only after a change. Thousands of rows take milliseconds. */
export function createApplicationListing({ recent, models, repair }: ListApplicationsDeps) {
  return {
    /** In no particular order. */
    rows: async ({ accountId }: Caller): Promise<ListedRow[]> => toRows(await recent.listApplications(accountId)),

    /** The same, or the newest ones if there are so many that 3scale takes long. */
    async rowsSoon({ accountId }: Caller, newest: number): Promise<ListedRows> {
      const reading = recent.listApplications(accountId)
      const records =
        recent.hasManyApplications(accountId) === true ? await withDeadline(reading, SOON_MS) : await reading
      if (records) return { rows: await toRows(records), total: records.length, isComplete: true }
      reading.catch(() => {})
      const { applications, total } = await recent.listNewestApplications(accountId, newest)
      return { rows: await toRows(applications), total, isComplete: false }
    },

    /** Without secrets. */
    complete: (rows: ListedRow[]): Promise<Application[]> =>
      Promise.all(
        rows.map(async ({ record, entry }) =>
          toApplication(record, entry, { repairRequired: await repair.isRequired(record.id) }),
        ),
      ),
  }

  async function toRows(records: ThreescaleApplication[]): Promise<ListedRow[]> {
    const products = new Map<number, ReturnType<typeof textsOf>>()
    for (const { productId } of records)
      if (!products.has(productId)) products.set(productId, textsOf(await models.describe(productId)))
    return records.map((record) => {
      const {
        entry,
        plans,
        showsDescription,
        model = null,
        modelName = null,
      } = products.get(record.productId) ?? textsOf()
      const { id, name, description, state, createdAt } = record
      return {
        id,
        name,
        description: showsDescription ? description : '',
        state,
        model,
        model_name: modelName,
        plan_name: plans.get(record.planId) ?? record.planName,
        created_at: createdAt,
        record,
        entry,
      }
    })
  }
}

function textsOf(entry?: CatalogueModel) {
  return {
    entry,
    model: entry?.model.system_name,
    modelName: entry?.model.name,
    plans: new Map(entry?.plans.map(({ id, name }) => [id, name])),
    showsDescription: !entry || isVisible(attributeOf(entry.applicationFields, 'description')),
  }
}
