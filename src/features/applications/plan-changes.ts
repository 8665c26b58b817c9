import type { DayLimits } from '../../clients/day-limits.js'
import { harmless } from '../../clients/text-in-mail.js'
import type { Plan, Application as Record3scale, Threescale } from '../../clients/threescale/nouns.js'
import { offeredOf } from '../../clients/threescale/offered.js'
import { type PortalError, problem } from '../../errors.js'
import { check, type PlanChangeWay, refusal } from '../../rules.js'
import type { Caller } from '../../web/caller.js'
import type { ModelPlan } from '../models/schemas.js'
import type { Catalogue, FoundModel } from './applications.js'
import { guards } from './guards.js'
import type { KeyRepair } from './key-repair.js'
import { planChangeWay, planNamed } from './plans.js'
import { present } from './present.js'
import type { Application } from './schemas.js'

export interface PlanChangesDeps {
  threescale: Pick<
    Threescale,
    'listedApplication' | 'readApplication' | 'readAccount' | 'changePlan' | 'listPricingRules'
  >
  models: Pick<Catalogue, 'describe'> & {
    /** the plan with its limits, read where they are not known yet */
    describePlan(productId: number, plan: Plan): Promise<ModelPlan>
  }
  operator: {
    reachable: boolean
    tell(wish: {
      event: string
      subject: string
      text: string
      replyTo?: string | undefined
      facts: Record<string, string | number | null>
    }): Promise<void>
  }
  repair: KeyRepair
  /** wishes told to the operator: a convenience for people, lost without harm */
  wishes: { get(key: string): Promise<{ value: Wish | null }>; put(key: string, value: Wish | null): Promise<void> }
  dayLimits: Pick<DayLimits, 'take' | 'giveBack'>
  oneAtATime<T>(name: string, work: () => Promise<T>): Promise<T>
  /** whom to ask, for people */
  contact: string
  /** the application in 3scale's admin portal */
  adminLink(id: number): string
  now: () => Date
}

export interface Wish {
  plan: string
  at: string
}

/** What a page needs to show a change before it is made. */
export interface Comparison {
  application: Application
  model: FoundModel['model']
  /** undefined: the plan of the application is not known to 3scale any more */
  current: ModelPlan | undefined
  others: ModelPlan[]
  wanted: ModelPlan | undefined
  way: PlanChangeWay
  refused: PortalError | undefined
  wish: Wish | undefined
}

export type PlanChanges = ReturnType<typeof createPlanChanges>

const AGAIN_MS = 24 * 3600 * 1000
/** Messages to the operator within a day for all applications of an account. */
const MOST_OF_ACCOUNT = 20

/** Another plan for an application: at once, by asking the operator, or not, as the product says. */
export function createPlanChanges(deps: PlanChangesDeps) {
  const { threescale, models, operator, repair, wishes, dayLimits, oneAtATime, contact, adminLink, now } = deps

  return {
    /** One call to 3scale; one or two more where a stored card or prices of usage decide. */
    async compare(caller: Caller, id: number, systemName: string | undefined): Promise<Comparison> {
      const { record, found } = await aim(caller, id, threescale.listedApplication)
      const offered = offeredOf(found.plans)
      const plan = systemName === undefined ? undefined : planNamed(offered, systemName)
      const current = found.plans.find((candidate) => candidate.id === record.planId)
      const describe = (one: Plan) => models.describePlan(found.product.id, one)
      const way = await wayTo(caller, found, plan ?? offered.find(({ id }) => id !== record.planId))
      return {
        application: present(record, found),
        model: found.model,
        current: current && (await describe(current)),
        others: await Promise.all(offered.filter(({ id }) => id !== record.planId).map(describe)),
        wanted: plan && (await describe(plan)),
        way,
        refused: refusal(guards.plan, { application: record, product: found.product, way, contact }),
        wish: await wishOf(caller, record),
      }
    },

    /** One look, at most two more, one write or one message. The plan it has already is no error. */
    async change(
      caller: Caller,
      id: number,
      systemName: string,
    ): Promise<{ application: Application; before: string; outcome: 'changed' | 'requested' | 'same' }> {
      const { record, found } = await aim(caller, id, threescale.readApplication)
      const plan = planNamed(offeredOf(found.plans), systemName)
      const application = present(record, found)
      const before = application.plan
      const { accountId } = caller
      if (plan.id === record.planId) {
        // it may be the repeat of a change that 3scale stored and could not tell the gateway
        await repair.ensure({ accountId, record, found })
        return { application, before, outcome: 'same' }
      }
      const way = await wayTo(caller, found, plan)
      check(guards.plan, { application: record, product: found.product, way, contact })
      if (way === 'request') {
        await ask(caller, application, plan)
        return { application, before, outcome: 'requested' }
      }
      const changed = { ...record, planId: plan.id, planName: plan.name }
      await repair.change(
        { accountId, record: changed, found },
        {
          send: () => threescale.changePlan(accountId, id, plan.id).then(() => true),
          stored: async () => (await threescale.readApplication(accountId, id)).planId === plan.id || undefined,
        },
      )
      return { application: present(changed, found), before, outcome: 'changed' }
    },
  }

  async function aim(caller: Caller, id: number, read: Threescale['readApplication']) {
    const record = await read(caller.accountId, id)
    const found = await models.describe(record.productId)
    if (!found)
      throw problem('conflict', { detail: 'This model is not offered at the moment, so its plan cannot be changed.' })
    return { record, found }
  }

  async function wayTo(caller: Caller, { product }: FoundModel, plan: Plan | undefined): Promise<PlanChangeWay> {
    const permission = product.planChangePermission
    const asksCard = permission === 'credit_card' || permission === 'request_credit_card'
    const free = permission === 'request_credit_card' && plan !== undefined && (await isFree(plan))
    const cardStored = asksCard && !free && (await threescale.readAccount(caller.accountId)).creditCardStored
    return planChangeWay({ permission, free, cardStored, operatorReachable: operator.reachable })
  }

  async function isFree(plan: Plan): Promise<boolean> {
    return plan.costPerMonth === 0 && plan.setupFee === 0 && (await threescale.listPricingRules(plan.id)).length === 0
  }

  /**
   * One message to the operator a day for an application, whatever plans are named. The same request again is no error;
   * one for another plan is too_many_requests, since the operator would not receive it.
   */
  async function ask(caller: Caller, application: Application, plan: Plan): Promise<void> {
    const key = wishKey(caller, application.id)
    await oneAtATime(`plan-request:${key}`, async () => {
      const { value: earlier } = await wishes.get(key)
      const age = earlier ? now().getTime() - Date.parse(earlier.at) : AGAIN_MS
      if (earlier?.plan === plan.systemName && age < AGAIN_MS) return
      const counted = [
        { key: `plan request ${key}`, most: 1 },
        { key: `plan requests of ${caller.accountId}`, most: MOST_OF_ACCOUNT },
      ]
      if (age < AGAIN_MS || !(await dayLimits.take(counted))) throw tooMany(contact, AGAIN_MS - Math.min(age, AGAIN_MS))
      try {
        await notify(caller, application, plan)
      } catch (error) {
        await dayLimits.giveBack(counted.map((each) => each.key))
        throw error
      }
      await wishes.put(key, { plan: plan.systemName, at: now().toISOString() })
    })
  }

  async function notify(caller: Caller, application: Application, plan: Plan): Promise<void> {
    await operator.tell({
      event: 'plan_change_requested',
      subject: `Plan change requested: ${harmless(application.name)} to ${harmless(plan.name)}`,
      text: letter(caller, application, plan, adminLink(application.id)),
      replyTo: caller.email,
      facts: {
        account: caller.accountId,
        organisation: caller.orgName,
        application: application.id,
        application_name: application.name,
        model: application.model,
        plan_before: application.plan,
        plan: plan.systemName,
        asked_by: caller.username,
        asked_by_email: caller.email ?? null,
        link: adminLink(application.id),
      },
    })
  }

  async function wishOf(caller: Caller, record: Record3scale): Promise<Wish | undefined> {
    return (await wishes.get(wishKey(caller, record.id))).value ?? undefined
  }
}

function wishKey({ accountId }: Caller, id: number): string {
  return `${accountId}/${id}`
}

function tooMany(contact: string, waitMs: number) {
  const detail = `The operator receives at most one plan-change request a day for an application and ${MOST_OF_ACCOUNT} for an account. To change your request, write to ${contact}.`
  return problem('too_many_requests', { detail, retryAfter: Math.max(3600, Math.ceil(waitMs / 1000)) })
}

function letter(caller: Caller, application: Application, plan: Plan, link: string): string {
  return `${harmless(caller.name)} of ${harmless(caller.orgName)} (account ${caller.accountId}) asks for another plan.

Application: ${harmless(application.name)} (${application.id})
Model:       ${harmless(application.model_name)}
Plan now:    ${harmless(application.plan_name)}
Plan wanted: ${harmless(plan.name)}

Change it in 3scale: ${link}
`
}
