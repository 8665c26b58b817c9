import t from 'tap'
import type { Plan, Product, ThreescaleApplication } from '../../../../src/clients/threescale/types.js'
import { isProblem, problem } from '../../../../src/errors.js'
import type { CatalogueModel } from '../../../../src/features/applications/applications.js'
import type { KeyRepair } from '../../../../src/features/applications/keys/gateway-sync/key-repair.js'
import {
  createPlanChanges,
  type PlanChangeRequest,
  type PlanChangesDeps,
} from '../../../../src/features/applications/plan-changes/plan-changes.js'
import type { ModelPlan } from '../../../../src/features/models/schemas.js'
import { PLAN_CHANGE_REQUESTS_PER_DAY } from '../../../../src/policies.js'
import type { Caller } from '../../../../src/web/auth/caller.js'
import { modelOf } from '../../../helper/models.js'

const caller = {
  accountId: 5,
  username: 'mary',
  name: 'Mary Moe',
  orgName: 'Moe Ltd',
  email: 'mary@example.com',
} as Caller
const DAY_MS = 24 * 3600 * 1000

function planOf(id: number, name: string, more: Partial<Plan> = {}): Plan {
  const systemName = name.toLowerCase()
  return {
    id,
    name,
    systemName,
    state: 'published',
    custom: false,
    isDefault: false,
    costPerMonth: 0,
    setupFee: 0,
    ...more,
  } as Plan
}

const basic = planOf(1, 'Basic')
const gold = planOf(2, 'Gold')
const silver = planOf(3, 'Silver')

interface Options {
  permission?: Product['planChangePermission']
  product?: Partial<Product>
  record?: Partial<ThreescaleApplication>
  plans?: Plan[]
  isDeployed?: boolean
  isReachable?: boolean
  isCardStored?: boolean
  pricingRules?: object[]
  canTake?: boolean
  /** Thrown by the write; `isStored` determines whether 3scale stored it. */
  writeError?: Error
  isStored?: boolean
  mailError?: Error
}

/** Plan changes with an in-memory 3scale, operator and store. */
function setUp({
  permission = 'direct',
  product = {},
  record = {},
  plans = [basic, gold, silver],
  isDeployed = true,
  isReachable = true,
  isCardStored = false,
  pricingRules = [],
  canTake = true,
  writeError,
  isStored = false,
  mailError,
}: Options = {}) {
  const calls: string[] = []
  const notifications: Parameters<PlanChangesDeps['operator']['notify']>[0][] = []
  const requests = new Map<string, PlanChangeRequest | null>()
  const takenBack: string[][] = []
  let time = Date.parse('2026-03-01T10:00:00Z')
  const application = {
    id: 7,
    accountId: 5,
    productId: 1,
    planId: basic.id,
    planName: 'Basic',
    name: 'Chat bot',
    description: '',
    state: 'live',
    createdAt: '2026-01-01T00:00:00Z',
    userKey: 'key',
    fields: {},
    ...record,
  } as ThreescaleApplication
  const entry = {
    model: modelOf({ system_name: 'granite', name: 'Granite' }),
    product: {
      id: 1,
      name: 'Granite',
      buyersManageApps: true,
      buyersManageKeys: true,
      planChangePermission: permission,
      ...product,
    },
    plans,
    applicationFields: [],
    rules: [],
  } as unknown as CatalogueModel
  const deps: PlanChangesDeps = {
    threescale: {
      readListedApplication: async () => ({ ...application }),
      readApplication: async () => ({ ...application }),
      readAccount: async () => {
        calls.push('read account')
        return { creditCardStored: isCardStored } as Awaited<ReturnType<PlanChangesDeps['threescale']['readAccount']>>
      },
      changePlan: async (_account: number, _id: number, planId: number) => {
        calls.push(`change plan to ${planId}`)
        if (!writeError || isStored) application.planId = planId
        if (writeError) throw writeError
      },
      listPricingRules: async () => pricingRules,
    } as unknown as PlanChangesDeps['threescale'],
    models: {
      describe: async () => (isDeployed ? entry : undefined),
      describePlan: async (_product, plan) => ({ system_name: plan.systemName, name: plan.name }) as ModelPlan,
    },
    operator: {
      reachable: isReachable,
      notify: async (notification) => {
        if (mailError) throw mailError
        notifications.push(notification)
      },
    },
    repair: {
      ensure: async () => {
        calls.push('ensure')
        return false
      },
      change: async (_target: unknown, { send, stored }: { send(): Promise<unknown>; stored(): Promise<unknown> }) => {
        try {
          return { result: await send(), isRewritten: false }
        } catch (error) {
          const result = isProblem(error, 'threescale_unavailable') ? await stored() : undefined
          if (result === undefined) throw error
          return { result, isRewritten: false }
        }
      },
    } as unknown as KeyRepair,
    planChangeRequests: {
      get: async (key) => ({ value: requests.get(key) ?? null }),
      put: async (key, value) => void requests.set(key, value),
    },
    dayLimits: {
      take: async () => canTake,
      undo: async (keys) => void takenBack.push(keys),
    },
    withLock: (_name, work) => work(),
    contact: 'maas@example.com',
    adminLink: (id) => `https://3scale.example/applications/${id}`,
    now: () => new Date(time),
  }
  return {
    planChanges: createPlanChanges(deps),
    application,
    calls,
    notifications,
    requests,
    takenBack,
    pass: (ms: number) => {
      time += ms
    },
  }
}

t.test('a comparison without a selected plan lists the other available plans', async (t) => {
  const { planChanges } = setUp({ plans: [basic, gold, planOf(4, 'Secret', { state: 'hidden' })] })
  const comparison = await planChanges.compare(caller, 7, undefined)
  t.equal(comparison.current?.system_name, 'basic')
  t.same(
    comparison.others.map(({ system_name }) => system_name),
    ['gold'],
  )
  t.same([comparison.selected, comparison.rejection, comparison.requested], [undefined, undefined, undefined])
})

t.test('a comparison with a plan that does not exist is rejected', async (t) => {
  const { planChanges } = setUp()
  await t.rejects(planChanges.compare(caller, 7, 'platinum'), {
    code: 'invalid_fields',
    fields: { plan: 'This plan is not available. Choose one from the list.' },
  })
})

t.test('the plan of a model that is not offered can be neither compared nor changed', async (t) => {
  const { planChanges } = setUp({ isDeployed: false })
  await t.rejects(planChanges.compare(caller, 7, 'gold'), { code: 'conflict', message: /currently not offered/ })
  await t.rejects(planChanges.change(caller, 7, 'gold'), { code: 'conflict' })
  const record = {} as ThreescaleApplication
  await t.rejects(planChanges.move(caller, { record, entry: undefined }, 'gold'), { code: 'conflict' })
})

t.test('a comparison explains why a plan cannot change', async (t) => {
  const pending = await setUp({ record: { state: 'pending' } }).planChanges.compare(caller, 7, 'gold')
  t.equal(pending.rejection?.policy, 'application_live')
  const fixed = await setUp({ permission: 'none' }).planChanges.compare(caller, 7, 'gold')
  t.equal(fixed.rejection?.policy, 'buyer_plan_change_permission')
})

t.test('a direct change writes the plan once', async (t) => {
  const { planChanges, calls, application } = setUp()
  const change = await planChanges.change(caller, 7, 'gold')
  t.match(change, { outcome: 'changed', before: 'basic', application: { plan: 'gold' }, record: { planId: 2 } })
  t.same(calls, ['change plan to 2'])
  t.equal(application.planId, 2)
})

t.test('a change to the current plan writes nothing and checks the gateway', async (t) => {
  const { planChanges, calls } = setUp()
  t.match(await planChanges.change(caller, 7, 'basic'), { outcome: 'same', before: 'basic' })
  t.same(calls, ['ensure'])
})

t.test('a failed write succeeds if 3scale stored it, and fails otherwise', async (t) => {
  const writeError = problem('threescale_unavailable')
  t.match(await setUp({ writeError, isStored: true }).planChanges.change(caller, 7, 'gold'), { outcome: 'changed' })
  await t.rejects(setUp({ writeError }).planChanges.change(caller, 7, 'gold'), { code: 'threescale_unavailable' })
})

t.test('each policy that forbids a change rejects it before a write', async (t) => {
  const cases: [policy: string, Options][] = [
    ['buyers_manage_apps', { product: { buyersManageApps: false } }],
    ['application_live', { record: { state: 'suspended' } }],
    ['buyer_plan_change_permission', { permission: 'none' }],
    ['buyer_plan_change_permission', { permission: 'request', isReachable: false }],
    ['buyer_plan_change_permission', { permission: 'request_credit_card', pricingRules: [{}] }],
  ]
  for (const [policy, options] of cases) {
    const { planChanges, calls, notifications } = setUp(options)
    await t.rejects(planChanges.change(caller, 7, 'gold'), { code: 'policy_violation', policy }, policy)
    t.notOk(calls.some((call) => call.startsWith('change')))
    t.same(notifications, [])
  }
})

t.test('a stored card or a free plan decides for products that require a card', async (t) => {
  const free = setUp({ permission: 'request_credit_card' })
  t.match(await free.planChanges.change(caller, 7, 'gold'), { outcome: 'changed' })
  t.notOk(free.calls.includes('read account'), 'a free plan needs no card')
  const paid = setUp({ permission: 'request_credit_card', pricingRules: [{}], isCardStored: true })
  t.match(await paid.planChanges.change(caller, 7, 'gold'), { outcome: 'changed' })
  t.same(paid.calls, ['read account', 'change plan to 2'])
  const withCard = setUp({ permission: 'credit_card', isCardStored: true })
  t.match(await withCard.planChanges.change(caller, 7, 'gold'), { outcome: 'changed' })
  const withoutCard = setUp({ permission: 'credit_card' })
  t.match(await withoutCard.planChanges.change(caller, 7, 'gold'), { outcome: 'requested' })
})

t.test('a request notifies the operator and leaves the plan unchanged', async (t) => {
  const { planChanges, calls, notifications, requests, application } = setUp({ permission: 'request' })
  t.match(await planChanges.change(caller, 7, 'gold'), { outcome: 'requested', before: 'basic' })
  t.same(calls, [])
  t.equal(application.planId, basic.id)
  t.match(notifications, [
    {
      event: 'plan_change_requested',
      subject: 'Plan change request: Chat bot to Gold',
      text: /Mary Moe of Moe Ltd \(account 5\) requests another plan\..*Current plan: {3}Basic.*Requested plan: Gold.*https:\/\/3scale\.example\/applications\/7/s,
      replyTo: 'mary@example.com',
      facts: { application: 7, plan_before: 'basic', plan: 'gold', requested_by: 'mary' },
    },
  ])
  t.same([...requests], [['5/7', { plan: 'gold', at: '2026-03-01T10:00:00.000Z' }]])
  t.match((await planChanges.compare(caller, 7, undefined)).requested, { plan: 'gold' })
})

t.test('a repeated request within a day sends no second notification', async (t) => {
  const { planChanges, notifications, pass } = setUp({ permission: 'request' })
  await planChanges.change(caller, 7, 'gold')
  t.match(await planChanges.change(caller, 7, 'gold'), { outcome: 'requested' })
  t.equal(notifications.length, 1)
  pass(DAY_MS)
  await planChanges.change(caller, 7, 'gold')
  t.equal(notifications.length, 2, 'a day later')
})

t.test('a request for another plan within a day is rejected with the remaining time', async (t) => {
  const { planChanges, notifications, pass } = setUp({ permission: 'request' })
  await planChanges.change(caller, 7, 'gold')
  pass(3600_000)
  await t.rejects(planChanges.change(caller, 7, 'silver'), {
    code: 'too_many_requests',
    retryAfter: 23 * 3600,
    message: /contact maas@example\.com/,
  })
  t.equal(notifications.length, 1)
})

t.test('an account that exhausted its requests is rejected and nothing is stored', async (t) => {
  const { planChanges, notifications, requests } = setUp({ permission: 'request', canTake: false })
  await t.rejects(planChanges.change(caller, 7, 'gold'), {
    code: 'too_many_requests',
    retryAfter: 3600,
    message: new RegExp(`${PLAN_CHANGE_REQUESTS_PER_DAY} for an account`),
  })
  t.same([notifications, requests.size], [[], 0])
})

t.test('a notification that cannot be sent does not count', async (t) => {
  const { planChanges, requests, takenBack } = setUp({
    permission: 'request',
    mailError: problem('operator_unreachable'),
  })
  await t.rejects(planChanges.change(caller, 7, 'gold'), { code: 'operator_unreachable' })
  t.same(takenBack, [['plan request 5/7', 'plan requests of 5']])
  t.equal(requests.size, 0)
})
