import { applicationDefaults } from '../../../clients/threescale/tenant-rules/built-in-fields.js'
import type { ThreescaleApplication } from '../../../clients/threescale/types.js'
import { isProblem, problem } from '../../../errors.js'
import type { Precondition } from '../../../web/api/preconditions.js'
import { assertReadOnlyUnchanged } from '../../../web/api/validation/read-only-fields.js'
import type { Caller } from '../../../web/auth/caller.js'
import type { ApplicationsDeps } from '../applications.js'
import type { ApplicationChange } from '../change-schemas.js'
import { type ApplicationTexts, validateChange } from '../custom-fields.js'
import { applicationEtag, changeLockName } from '../entity-tag.js'
import { type CurrentKeysReader, revealKeys } from '../keys/current-keys.js'
import type { LoadedApplication } from '../load-application.js'
import { fieldErrors } from '../messages.js'
import type { PlanChange } from '../plan-changes/plan-changes.js'
import type { Application } from '../schemas.js'
import { toApplication } from '../to-application.js'
import { deleteConfirmed } from './confirmed-deletion.js'

interface ApplicationUpdatesDeps
  extends Pick<ApplicationsDeps, 'threescale' | 'repair' | 'results' | 'plans' | 'withLock'> {
  readCurrentKeys: CurrentKeysReader
  /** reads for a write; rejects with policy_violation if developers may not change the application */
  loadForChange(caller: Caller, id: number): Promise<LoadedApplication>
  show(record: ThreescaleApplication): Promise<Application>
}

export interface UpdateOptions {
  expects?: Precondition
  /** true: omitted members are removed, as far as developers can write them */
  replaces?: boolean
  /** called before the plan is changed, when nothing is written yet */
  beforePlanChange?: () => void
}

export interface UpdatedApplication {
  application: Application
  /** undefined if no other plan was requested */
  plan: Pick<PlanChange, 'before' | 'outcome'> | undefined
  /** whether name, description or fields were written */
  isWritten: boolean
}

/**
 * Changes and deletes applications. Both hold the lock under which keys are rotated, so that a precondition is decided once
 * for concurrent requests.
 */
export function createApplicationUpdates(deps: ApplicationUpdatesDeps) {
  const { threescale, repair, results, plans, withLock, readCurrentKeys, loadForChange, show } = deps

  return {
    /**
     * One read, and one write if a text differs from the stored one; another write, or a request to the operator, for another
     * plan. Everything is validated before the first write. Members that cannot be changed are accepted with their current
     * value. Rejects with precondition_failed, invalid_fields, policy_violation.
     */
    update(
      caller: Caller,
      id: number,
      change: ApplicationChange,
      options: UpdateOptions = {},
    ): Promise<UpdatedApplication> {
      return withLock(changeLockName(caller.accountId, id), async () => {
        const { expects, replaces = false, beforePlanChange } = options
        const loaded = await loadForChange(caller, id)
        const current = await show(loaded.record)
        expects?.(applicationEtag(current))
        const { name, description, fields, plan = current.plan, ...readOnly } = change
        const isPlanChange = plan !== current.plan
        if (plan === null && isPlanChange) throw problem('invalid_fields', { fields: { plan: fieldErrors.required } })
        if (isPlanChange) beforePlanChange?.()
        assertReadOnlyUnchanged(await comparable(caller, loaded, current, readOnly), readOnly)
        const definitions = loaded.entry?.applicationFields ?? applicationDefaults
        const texts = validateChange(definitions, loaded.record, { name, description, fields }, { replaces })
        await threescale.checkTexts({ name: texts.name ?? '', description: texts.description ?? '' })
        const planChange = plan !== null && isPlanChange ? await plans.move(caller, loaded, plan) : undefined
        const isWritten = Object.keys(texts).length > 0
        const application = isWritten
          ? await write(caller, { ...loaded, record: planChange?.record ?? loaded.record }, texts)
          : (planChange?.application ??
            (await keepUnchanged(caller, loaded, { isWholeObject: Object.keys(readOnly).length > 0 })))
        return { application, plan: planChange, isWritten }
      })
    },

    /** One read and one write. Rejects with precondition_failed, policy_violation. */
    remove(caller: Caller, id: number, expects?: Precondition): Promise<void> {
      return withLock(changeLockName(caller.accountId, id), async () => {
        const { record } = await loadForChange(caller, id)
        expects?.(applicationEtag(await show(record)))
        await results.applicationDeleted(record)
        await deleteConfirmed(
          () => threescale.deleteApplication(caller.accountId, id),
          () => isDeleted(caller.accountId, id),
        )
      })
    },
  }

  /** The current application for comparison; its secrets are read only if the change contains some. */
  async function comparable(
    caller: Caller,
    { record, entry }: LoadedApplication,
    current: Application,
    { credentials }: ApplicationChange,
  ): Promise<Application> {
    const hasSecrets = Object.keys(credentials ?? {}).some((name) => !(name in current.credentials))
    return hasSecrets ? toApplication(record, entry, revealKeys(await readCurrentKeys(caller, record, entry))) : current
  }

  /**
   * This can repeat a change that 3scale stored without notifying the gateway. `isWholeObject`: a program sends back what it
   * read, so the gateway is not checked if nothing is recorded about the application.
   */
  async function keepUnchanged(
    { accountId }: Caller,
    { record, entry }: LoadedApplication,
    { isWholeObject }: { isWholeObject: boolean },
  ): Promise<Application> {
    await repair.ensure({ accountId, record, entry }, { onlyRecorded: isWholeObject })
    return show(record)
  }

  async function write(
    { accountId }: Caller,
    { record, entry }: LoadedApplication,
    texts: Partial<ApplicationTexts>,
  ): Promise<Application> {
    const { result } = await repair.change(
      { accountId, record, entry },
      {
        send: () => threescale.updateApplication(accountId, record.id, texts),
        stored: () => readIfStored(accountId, record.id, texts),
      },
    )
    return show(result)
  }

  async function readIfStored(
    accountId: number,
    id: number,
    { fields = {}, ...texts }: Partial<ApplicationTexts>,
  ): Promise<ThreescaleApplication | undefined> {
    const record = await threescale.readApplication(accountId, id)
    const isStored =
      Object.entries(texts).every(([name, text]) => record[name as keyof typeof texts] === text) &&
      Object.entries(fields).every(([name, text]) => (record.fields[name] ?? '') === text)
    return isStored ? record : undefined
  }

  async function isDeleted(accountId: number, id: number): Promise<boolean> {
    try {
      await threescale.readApplication(accountId, id)
      return false
    } catch (error) {
      if (isProblem(error, 'not_found')) return true
      throw error
    }
  }
}
