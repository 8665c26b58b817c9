import type { FastifyInstance, FastifyReply } from 'fastify'
import { countUsage, isLonger, secondsLeft, usedIn, withAncestors } from './counters.js'
import type { Application, Plan, Service, State } from './store.js'

type Usage = Record<string, number>

/** apisonator's listener: authrep, authorize and report (apisonator, lib/3scale/backend/transactor.rb, validators). */
export function backendRoutes(app: FastifyInstance, state: () => State): void {
  for (const [path, counts] of [['authrep', true] as const, ['authorize', false] as const]) {
    app.get(`/transactions/${path}.xml`, async (request, reply) => {
      const query = request.query as Record<string, string>
      const verdict = authorize(state(), query)
      if ('refusal' in verdict) return refuse(reply, verdict)
      if (counts) {
        const codes = Object.fromEntries(codesOf(query['log[code]']).map((name) => [`response_code:${name}`, 1]))
        countUsage(state(), verdict.application, { ...verdict.usage, ...codes }, Date.now())
      }
      return reply
        .type('application/vnd.3scale-v2.0+xml')
        .send('<?xml version="1.0" encoding="UTF-8"?><status><authorized>true</authorized></status>')
    })
  }

  // reports are taken at once and looked at later: nothing in them is refused here, and no limit is looked at
  app.post('/transactions.xml', async (request, reply) => {
    const { service_id, service_token, transactions } = reportOf(request.body as Record<string, string>)
    const service = serviceOf(state(), service_id, service_token)
    if (!service) return refuse(reply, { refusal: 403, reason: 'service_token_invalid' })
    for (const { usage, ...credentials } of transactions) {
      const application = find(state(), service, credentials as Record<string, string>)
      if (application && knowsAll(service, usage))
        countUsage(state(), application, withAncestors(usage, service), Date.now())
    }
    return reply.code(202).send('')
  })
}

interface Refusal {
  refusal: number
  reason: string
  limit?: { value: number; reset: number }
}

/** The first failure wins: key, then state, then limits; a wrong key is never told as a limit. */
function authorize(state: State, query: Record<string, string>): Refusal | { application: Application; usage: Usage } {
  const service = serviceOf(state, query.service_id, query.service_token)
  if (!service) return { refusal: 403, reason: 'service_token_invalid' }
  const given = { ...query }
  // blank ones are as good as absent, but for the key
  for (const name of ['user_key', 'app_id']) if (given[name]?.trim() === '') delete given[name]
  if (given.user_key && given.app_id) return { refusal: 403, reason: 'authentication_error' }
  const application = find(state, service, given)
  if (!application && service.backend_version === '1') return { refusal: 403, reason: 'user_key_invalid' }
  if (!application) return { refusal: 404, reason: 'application_not_found' }
  const asked = usageOf(given)
  if (!knowsAll(service, asked)) return { refusal: 404, reason: 'metric_invalid' }
  if (service.backend_version === '2' && !keyFits(application, given.app_key))
    return { refusal: 409, reason: 'application_key_invalid' }
  if (application.state !== 'live') return { refusal: 409, reason: 'application_not_active' }
  const usage = withAncestors(asked, service)
  const limit = exceededLimit(state, application, service, usage)
  return limit ? { refusal: 409, reason: 'limits_exceeded', limit } : { application, usage }
}

/** Of several, the one that lasts longest: the most constrained, with no call left. */
function exceededLimit(state: State, application: Application, service: Service, usage: Usage) {
  const plan = state.plans.find(({ id }) => id === application.plan_id)
  const now = Date.now()
  let worst: Plan['limits'][number] | undefined
  for (const limit of plan?.limits ?? []) {
    const metric = service.metrics.find(({ id }) => id === limit.metric_id)?.system_name ?? ''
    const delta = usage[metric]
    if (delta === undefined || usedIn(state, application.id, metric, limit.period, now) + delta <= limit.value) continue
    if (!worst || isLonger(limit.period, worst.period)) worst = limit
  }
  return worst && { value: worst.value, reset: secondsLeft(worst.period, now) }
}

function serviceOf(state: State, id: string | undefined, token: string | undefined): Service | undefined {
  return state.services.find((service) => service.id === Number(id) && token === `LEAK-service-token-${service.id}`)
}

function find(state: State, service: Service, query: Record<string, string>): Application | undefined {
  const ofService = state.applications.filter(({ service_id }) => service_id === service.id)
  if (service.backend_version === '1') return ofService.find(({ user_key }) => user_key === query.user_key)
  return ofService.find(({ application_id }) => application_id === query.app_id)
}

/** An application without keys takes any. */
function keyFits(application: Application, key: string | undefined): boolean {
  return application.keys.length === 0 || application.keys.some(({ value }) => value === key?.trim())
}

function knowsAll(service: Service, usage: Usage): boolean {
  return Object.keys(usage).every((name) => service.metrics.some(({ system_name }) => system_name === name))
}

function usageOf(query: Record<string, string>): Usage {
  const usage: Usage = {}
  for (const [name, value] of Object.entries(query)) {
    const metric = /^usage\[(.+)\]$/.exec(name)?.[1]
    if (metric) usage[metric] = Number(value)
  }
  return usage
}

interface Transaction {
  usage: Usage
  [credential: string]: unknown
}

/** `transactions[0][user_key]=…&transactions[0][usage][hits]=1` */
function reportOf(form: Record<string, string>) {
  const transactions: Transaction[] = []
  for (const [name, value] of Object.entries(form)) {
    const [, index, key = '', metric] = /^transactions\[(\d+)\]\[(\w+)\](?:\[(.+)\])?$/.exec(name) ?? []
    if (index === undefined) continue
    const transaction = transactions[Number(index)] ?? { usage: {} }
    transactions[Number(index)] = transaction
    if (metric === undefined) transaction[key] = value
    else transaction.usage[metric] = Number(value)
  }
  return { service_id: form.service_id, service_token: form.service_token, transactions }
}

/** Only these codes are kept one by one, the others in their hundred. */
function codesOf(code: string | undefined): string[] {
  if (!code) return []
  const one = ['200', '403', '404', '500', '503'].includes(code) ? [code] : []
  return /^[245]\d\d$/.test(code) ? [...one, `${code[0]}XX`] : one
}

function refuse(reply: FastifyReply, { refusal, reason, limit }: Refusal) {
  if (limit) {
    reply
      .header('3scale-limit-max-value', limit.value)
      .header('3scale-limit-reset', limit.reset)
      .header('3scale-limit-remaining', 0)
  }
  return reply
    .code(refusal)
    .header('3scale-rejection-reason', reason)
    .type('application/vnd.3scale-v2.0+xml')
    .send(`<?xml version="1.0" encoding="UTF-8"?><error code="${reason}"></error>`)
}
