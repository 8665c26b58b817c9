import { toPlainText } from '../../../clients/mail/plain-text.js'
import type { OperatorNotifications } from '../../../clients/operator-notifications.js'
import { availablePlans } from '../../../clients/threescale/tenant-rules/available-plans.js'
import type { Plan, Threescale, ThreescaleApplication } from '../../../clients/threescale/types.js'
import { type PortalError, problem } from '../../../errors.js'
import type { DayLimits } from '../../../infra/day-limits.js'
import { enforce, findViolation, PLAN_CHANGE_REQUESTS_PER_DAY, type PlanChangeWay } from '../../../policies.js'
import type { Caller } from '../../../web/auth/caller.js'
import type { ModelPlan } from '../../models/schemas.js'
import type { ApplicationCatalogue, CatalogueModel } from '../applications.js'
import { changeLockName } from '../entity-tag.js'
import type { KeyRepair } from '../keys/gateway-sync/key-repair.js'
import type { LoadedApplication } from '../load-application.js'
import { requiredPolicies } from '../permissions.js'
import type { Application } from '../schemas.js'
import { toApplication } from '../to-application.js'
import { planChangeMail, planErrors } from './messages.js'
import { planChangeWay, planNamed } from './plan-selection.js'

export interface PlanChangesDeps {
  threescale: Pick<
    Threescale,
    'readListedApplication' | 'readApplication' | 'readAccount' | 'changePlan' | 'listPricingRules'
  >
  models: Pick<ApplicationCatalogue, 'describe'> & {
    /** the plan with its limits, read if they are not cached */
    describePlan(productId: number, plan: Plan): Promise<ModelPlan>
  }
  operator: Pick<OperatorNotifications, 'reachable' | 'notify'>
  repair: KeyRepair
  /** requests sent to the operator, shown on pages; losing them does no harm */
  planChangeRequests: {
    get(key: string): Promise<{ value: PlanChangeRequest | null }>
    put(key: string, value: PlanChangeRequest | null): Promise<void>
  }
  dayLimits: Pick<DayLimits, 'take' | 'undo'>
  withLock<T>(name: string, work: () => Promise<T>): Promise<T>
  /** the contact of the portal, for messages */
  contact: string
  /** the application in 3scale's admin portal */
  adminLink(id: number): string
  now: () => Date
}

export interface PlanChangeRequest {
  plan: string
  at: string
}

/** What a page shows before the change. */
export interface PlanComparison {
  application: Application
  model: CatalogueModel['model']
  /** undefined if 3scale no longer has the application's plan */
  current: ModelPlan | undefined
  others: ModelPlan[]
  selected: ModelPlan | undefined
  way: PlanChangeWay
  rejection: PortalError | undefined
  requested: PlanChangeRequest | undefined
}

export interface PlanChange {
  application: Application
  /** the record in 3scale after the change */
  record: ThreescaleApplication
  /** system_name of the previous plan */
  before: string
  outcome: 'changed' | 'requested' | 'same'
}

export type PlanChanges = ReturnType<typeof createPlanChanges>

const DAY_MS = 24 * 3600 * 1000

/** Changes the plan of an application directly, or requests the change from the operator, as the product is configured. */
export function createPlanChanges(deps: PlanChangesDeps) {
  const { threescale, models, operator, repair, planChangeRequests, dayLimits, withLock, contact, adminLink, now } =
    deps

  return {
    /** One call to 3scale, and one or two more if the product requires a stored card or a free plan. */
    async compare(caller: Caller, id: number, systemName: string | undefined): Promise<PlanComparison> {
      const { record, entry } = await load(caller, id, threescale.readListedApplication)
      const offered = availablePlans(entry.plans)
      const plan = systemName === undefined ? undefined : planNamed(offered, systemName)
      const current = entry.plans.find((candidate) => candidate.id === record.planId)
      const describe = (one: Plan) => models.describePlan(entry.product.id, one)
      const way = await resolveWay(caller, entry, plan ?? offered.find(({ id }) => id !== record.planId))
      return {
        application: toApplication(record, entry),
        model: entry.model,
        current: current && (await describe(current)),
        others: await Promise.all(offered.filter(({ id }) => id !== record.planId).map(describe)),
        selected: plan && (await describe(plan)),
        way,
        rejection: findViolation(requiredPolicies.plan, { application: record, product: entry.product, way, contact }),
        requested: await pendingRequest(caller, record),
      }
    },

    /** One read, at most two more, and one write or one notification. Changing to the current plan is not an error. */
    change(caller: Caller, id: number, systemName: string): Promise<PlanChange> {
      return withLock(changeLockName(caller.accountId, id), async () =>
        move(caller, await load(caller, id, threescale.readApplication), systemName),
      )
    },

    move,
  }

  /** Changes the plan of an application that was read under its change lock. */
  async function move(caller: Caller, { record, entry }: LoadedApplication, systemName: string): Promise<PlanChange> {
    if (!entry) throw problem('conflict', { detail: planErrors.notOffered })
    const plan = planNamed(availablePlans(entry.plans), systemName)
    const application = toApplication(record, entry)
    const before = application.plan ?? ''
    const { accountId } = caller
    if (plan.id === record.planId) {
      // this can repeat a change that 3scale stored without notifying the gateway
      await repair.ensure({ accountId, record, entry })
      return { application, record, before, outcome: 'same' }
    }
    const way = await resolveWay(caller, entry, plan)
    enforce(requiredPolicies.plan, { application: record, product: entry.product, way, contact })
    if (way === 'request') {
      await requestChange(caller, application, plan)
      return { application, record, before, outcome: 'requested' }
    }
    const changed = { ...record, planId: plan.id, planName: plan.name }
    await repair.change(
      { accountId, record: changed, entry },
      {
        send: () => threescale.changePlan(accountId, record.id, plan.id).then(() => true),
        stored: async () => (await threescale.readApplication(accountId, record.id)).planId === plan.id || undefined,
      },
    )
    return { application: toApplication(changed, entry), record: changed, before, outcome: 'changed' }
  }

  async function load(caller: Caller, id: number, read: Threescale['readApplication']) {
    const record = await read(caller.accountId, id)
    const entry = await models.describe(record.productId)
    if (!entry) throw problem('conflict', { detail: planErrors.notOffered })
    return { record, entry }
  }

  async function resolveWay(caller: Caller, { product }: CatalogueModel, plan: Plan | undefined) {
    const permission = product.planChangePermission
    const dependsOnCard = permission === 'credit_card' || permission === 'request_credit_card'
    const free = permission === 'request_credit_card' && plan !== undefined && (await isFree(plan))
    const cardStored = dependsOnCard && !free && (await threescale.readAccount(caller.accountId)).creditCardStored
    return planChangeWay({ permission, free, cardStored, operatorReachable: operator.reachable })
  }

  async function isFree(plan: Plan): Promise<boolean> {
    return plan.costPerMonth === 0 && plan.setupFee === 0 && (await threescale.listPricingRules(plan.id)).length === 0
  }

  /**
   * Notifies the operator once a day per application, whichever plans are requested. Repeating a request is not an error.
   * A request for another plan is too_many_requests, because the operator would not receive it.
   */
  async function requestChange(caller: Caller, application: Application, plan: Plan): Promise<void> {
    const key = requestKey(caller, application.id)
    await withLock(`plan-request:${key}`, async () => {
      const { value: earlier } = await planChangeRequests.get(key)
      const age = earlier ? now().getTime() - Date.parse(earlier.at) : DAY_MS
      if (earlier?.plan === plan.systemName && age < DAY_MS) return
      const limits = [
        { key: `plan request ${key}`, max: 1 },
        { key: `plan requests of ${caller.accountId}`, max: PLAN_CHANGE_REQUESTS_PER_DAY },
      ]
      if (age < DAY_MS || !(await dayLimits.take(limits))) throw tooManyRequests(DAY_MS - Math.min(age, DAY_MS))
      try {
        await notifyOperator(caller, application, plan)
      } catch (error) {
        await dayLimits.undo(limits.map((limit) => limit.key))
        throw error
      }
      await planChangeRequests.put(key, { plan: plan.systemName, at: now().toISOString() })
    })
  }

  async function notifyOperator(caller: Caller, application: Application, plan: Plan): Promise<void> {
    const link = adminLink(application.id)
    await operator.notify({
      event: 'plan_change_requested',
      ...planChangeMail({
        person: toPlainText(caller.name),
        organisation: toPlainText(caller.orgName),
        account: caller.accountId,
        application: toPlainText(application.name),
        id: application.id,
        model: toPlainText(application.model_name ?? ''),
        currentPlan: toPlainText(application.plan_name),
        requestedPlan: toPlainText(plan.name),
        link,
      }),
      replyTo: caller.email,
      facts: {
        account: caller.accountId,
        organisation: caller.orgName,
        application: application.id,
        application_name: application.name,
        model: application.model,
        plan_before: application.plan,
        plan: plan.systemName,
        requested_by: caller.username,
        requested_by_email: caller.email ?? null,
        link,
      },
    })
  }

  async function pendingRequest(caller: Caller, { id }: ThreescaleApplication): Promise<PlanChangeRequest | undefined> {
    return (await planChangeRequests.get(requestKey(caller, id))).value ?? undefined
  }

  function tooManyRequests(waitMs: number): PortalError {
    const retryAfter = Math.max(3600, Math.ceil(waitMs / 1000))
    return problem('too_many_requests', { detail: planErrors.tooManyRequests(contact), retryAfter })
  }
}

function requestKey({ accountId }: Caller, id: number): string {
  return `${accountId}/${id}`
}
