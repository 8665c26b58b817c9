import t from 'tap'
import { productPrices } from '../../../src/features/models/catalogue/product-overrides.js'
import { limitLabel, priceLabel, shortPriceLabel } from '../../../src/features/models/messages.js'
import { modelView } from '../../../src/features/models/pages/detail-view.js'
import { cardView } from '../../../src/features/models/pages/list-view.js'
import { isFree, lowestPrice } from '../../../src/features/models/price.js'
import type { ModelPlan, PlanPrice } from '../../../src/features/models/schemas.js'
import { modelOf } from '../../helper/models.js'

const rule: PlanPrice = { metric: 'hits', metric_name: 'Hits', cost_per_unit: 0.5, from: 1, to: null }

function planOf(prices: PlanPrice[] | null, more: Partial<ModelPlan> = {}): ModelPlan {
  return {
    ...{ system_name: 'basic', name: 'Basic', default: true, approval_required: false, trial_period_days: 0 },
    ...{ cost_per_month: 0, setup_fee: 0, limits: [], currency: 'EUR' },
    prices,
    ...more,
  }
}

t.test('prices of PORTAL_CONFIG apply to plans without pricing rules in 3scale, once these are read', async (t) => {
  const prices = { per_million_prompt_tokens: 0.15, per_million_completion_tokens: 0.6, per_million_tokens: 9 }
  t.same(productPrices({ prices }, [rule]), [rule])
  t.equal(productPrices({ prices }, null), null)
  t.same(productPrices({}, []), [])
  const configured = productPrices({ prices, metrics: { prompt_tokens: 'llm_in' } }, []) ?? []
  t.same(
    configured.map(({ metric }) => metric),
    ['llm_in', 'completion_tokens'],
    'the price of all tokens applies only without prices of both sides',
  )
  const label = 'EUR 0.15 per million prompt tokens, EUR 0.60 per million completion tokens'
  t.equal(priceLabel(planOf(configured)), label)
  t.equal(shortPriceLabel(planOf(configured)), label)
  t.equal(
    shortPriceLabel(planOf(productPrices({ prices: { per_million_tokens: 0.9 } }, []))),
    'EUR 0.90 per million tokens',
  )
  t.equal(shortPriceLabel(planOf(productPrices({ prices: { per_call: 0.5 } }, []))), 'EUR 0.50 per call')
})

t.test('a plan is free only without any price, and many prices are summarized next to its name', async (t) => {
  t.equal(shortPriceLabel(planOf([])), 'free')
  t.equal(shortPriceLabel(planOf([rule, rule, rule])), 'pay per use')
  t.equal(shortPriceLabel(planOf([], { cost_per_month: 49.9 })), 'EUR 49.90 a month')
  t.equal(shortPriceLabel(planOf([rule], { cost_per_month: 49.9, currency: null })), '49.90 a month, 0.50 per call')
})

t.test('a plan whose prices are not loaded is neither free nor paid, and is not the cheapest', async (t) => {
  const fee = { cost_per_month: 9 }
  for (const [plans, free] of [
    [[planOf([])], true],
    [[planOf([rule])], false],
    [[planOf(null)], undefined],
    [[planOf([rule]), planOf(null)], undefined],
    [[planOf(null), planOf([])], true],
    [[planOf(null, fee)], false],
  ] as const)
    t.equal(isFree(modelOf({ plans: [...plans] })), free)
  t.equal(priceLabel(planOf(null)), 'Price of usage not loaded yet')
  t.equal(shortPriceLabel(planOf(null, fee)), 'EUR 9.00 a month, price of usage not loaded yet')
  t.ok(lowestPrice(modelOf({ plans: [planOf(null)] })) > lowestPrice(modelOf({ plans: [planOf([rule], fee)] })))
})

t.test('a card and the page of a model summarize its plans, and omit what is unknown', async (t) => {
  const day = { metric: 'hits', metric_name: 'Hits', period: 'day', value: 10 } as const
  const limited = planOf([], { limits: [day] })
  const paid = planOf([], { name: 'Paid', system_name: 'paid/2', cost_per_month: 9, approval_required: true })
  const pageOf = (plans: ModelPlan[]) =>
    modelView({
      model: modelOf({ plans }),
      successor: undefined,
      descriptionHtml: '',
      snippets: [],
      staleSeconds: undefined,
    })
  for (const [plans, price, limit, activation] of [
    [[limited], 'Free', '10 calls a day', 'Active immediately'],
    [[limited, paid], 'Free or EUR 9.00 a month', '10 calls a day (Basic)', 'Approval depends on the plan'],
    [[paid, paid], 'EUR 9.00 a month', 'No limits (Paid)', 'Requires approval'],
    [[planOf(null, { limits: null })], 'Price of usage not loaded yet', '', 'Active immediately'],
    [[], '', '', ''],
  ] as const) {
    const card = cardView(modelOf({ plans: [...plans] }))
    t.same([card.price, card.limit], [price, limit])
    const { highlights } = pageOf([...plans])
    const shown = highlights.filter(({ label }) => label !== 'Context').map(({ value }) => value)
    t.same(shown, [price, limit, activation].filter(Boolean))
  }
  t.match(pageOf([paid]).plans[0]?.href, /\/applications\/new\?model=[\w-]+&plan=paid%2F2$/)
})

t.test('a limit of one has a singular', async (t) => {
  const limit = { metric: 'hits', metric_name: 'Hits', period: 'day' } as const
  t.equal(limitLabel({ ...limit, value: 1 }), '1 call a day')
  t.equal(limitLabel({ ...limit, value: 1000 }), '1,000 calls a day')
  t.equal(limitLabel({ ...limit, value: 0 }), 'calls: not included')
})
