import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Behaviour } from '../behaviour.js'
import { rowWith } from '../row-index.js'
import { countUsage, isLonger, secondsLeft, usedIn, withAncestors } from '../statistics/counters.js'
import type { BackendState, Limit, Metric, Service, State } from '../store.js'
import { createKeyMemory, type KeyMemory } from './keys.js'
import { type Refusal, refuse, reportOf, usageOf } from './wire.js'

type Usage = Record<string, number>
type Known = BackendState['applications'][string]

interface Options {
  port: number
  host: string
  state(): State
  behaviour(): Behaviour
}

/**
 * apisonator's listener, on a port of its own so that it can be stopped separately: authrep, authorize, report and its status
 * (apisonator, lib/3scale/backend/transactor.rb, validators). It knows applications and keys by what porta wrote to it.
 */
export function createBackend({ port, host, state, behaviour }: Options) {
  const keys = createKeyMemory(() => behaviour().app_key_memory_seconds)
  const uncounted: { due: number; count(): void }[] = []
  let server: Server | undefined
  let changing: Promise<void> = Promise.resolve()

  const start = async () => {
    if (server) return
    const listening = createServer((request, response) => void serve(request, response))
    await new Promise<void>((resolve, reject) => {
      listening.once('error', reject)
      listening.listen(port, host, () => resolve())
    })
    server = listening
  }
  /** Stops the process: connections are refused and its cache is lost. */
  const stop = async () => {
    const running = server
    if (!running) return
    server = undefined
    keys.clear()
    await new Promise<void>((resolve) => {
      running.close(() => resolve())
      running.closeAllConnections()
    })
  }
  return {
    /** Follows `behaviour().backend`. */
    follow(): Promise<void> {
      changing = changing.then(() => (behaviour().backend === 'stopped' ? stop() : start()))
      return changing
    },
    close: () => changing.then(stop),
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const query = Object.fromEntries(url.searchParams)
    const what = `${request.method} ${url.pathname}`
    if (what === 'GET /status') {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end('{"status":"ok","version":{"backend":"3.4.3"}}')
    } else if (what === 'GET /transactions/authrep.xml') authorise(query, response, true)
    else if (what === 'GET /transactions/authorize.xml') authorise(query, response, false)
    else if (what === 'POST /transactions.xml') await report(request, response)
    else response.writeHead(404, { 'content-type': 'text/plain' }).end()
  }

  function authorise(query: Record<string, string>, response: ServerResponse, counts: boolean): void {
    countDue()
    const verdict = verdictOf(state(), query, keys)
    if ('refusal' in verdict) {
      refuse(response, verdict)
      return
    }
    if (counts) {
      const codes = Object.fromEntries(codesOf(query['log[code]']).map((name) => [`response_code:${name}`, 1]))
      count(verdict.application.id, { ...verdict.usage, ...codes })
    }
    response.writeHead(200, { 'content-type': 'application/vnd.3scale-v2.0+xml' })
    response.end('<?xml version="1.0" encoding="UTF-8"?><status><authorized>true</authorized></status>')
  }

  /** A worker counts asynchronously, so requests that arrive before it has done so are not limited by it. */
  function count(application: number, usage: Usage): void {
    const at = Date.now()
    const ms = behaviour().count_delay_ms
    const due = at + ms
    uncounted.push({ due, count: () => countUsage(state(), application, usage, at) })
    if (ms > 0) setTimeout(() => countDue(due), ms).unref()
    else countDue(due)
  }

  /** Before each check too: a busy process is late with its timers. */
  function countDue(until = Date.now()): void {
    while (uncounted[0] && uncounted[0].due <= until) uncounted.shift()?.count()
  }

  /** Reports are accepted immediately and processed later, without validation and without a check of limits. */
  async function report(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { service_id, service_token, transactions } = await reportOf(request)
    const service = serviceOf(state(), service_id, service_token)
    if (!service) {
      refuse(response, { refusal: 403, reason: 'service_token_invalid' })
      return
    }
    for (const { usage, credentials } of transactions) {
      const application = find(state(), service, credentials)?.application
      if (application && knowsAll(state(), service, usage))
        count(application.id, withAncestors(usage, metricsOf(state(), service)))
    }
    response.writeHead(202).end()
  }
}

/** The first failure wins: key, then state, then limits; a wrong key is never reported as a limit. */
function verdictOf(
  state: State,
  query: Record<string, string>,
  keys: KeyMemory,
): Refusal | { application: Known; usage: Usage } {
  const service = serviceOf(state, query.service_id, query.service_token)
  if (!service) return { refusal: 403, reason: 'service_token_invalid' }
  const given = { ...query }
  // blank ones are as good as absent, but for the key
  for (const name of ['user_key', 'app_id']) if (given[name]?.trim() === '') delete given[name]
  if (given.user_key && given.app_id) return { refusal: 403, reason: 'authentication_error' }
  const found = find(state, service, given)
  if (!found && service.backend_version === '1') return { refusal: 403, reason: 'user_key_invalid' }
  if (!found) return { refusal: 404, reason: 'application_not_found' }
  const { application, reference } = found
  const asked = usageOf(given)
  if (!knowsAll(state, service, asked)) return { refusal: 404, reason: 'metric_invalid' }
  if (service.backend_version === '2' && !keys.takes(application, reference, given.app_key))
    return { refusal: 409, reason: 'application_key_invalid' }
  if (application.state !== 'live') return { refusal: 409, reason: 'application_not_active' }
  const usage = withAncestors(asked, metricsOf(state, service))
  const limit = exceededLimit(state, application, service, usage)
  return limit ? { refusal: 409, reason: 'limits_exceeded', limit } : { application, usage }
}

/** Of several, the one that lasts longest: the most constrained, with no call left. */
function exceededLimit(state: State, application: Known, service: Service, usage: Usage) {
  const plan = rowWith(state.plans, 'id', application.plan_id)
  const now = Date.now()
  let worst: Limit | undefined
  for (const limit of plan?.limits ?? []) {
    const metric = metricsOf(state, service).find(({ id }) => id === limit.metric_id)?.system_name ?? ''
    const delta = usage[metric]
    if (delta === undefined || usedIn(state, application.id, metric, limit.period, now) + delta <= limit.value) continue
    if (!worst || isLonger(limit.period, worst.period)) worst = limit
  }
  return worst && { value: worst.value, reset: secondsLeft(worst.period, now) }
}

function serviceOf(state: State, id: string | undefined, token: string | undefined): Service | undefined {
  const service = rowWith(state.services, 'id', Number(id))
  return token === service?.service_token ? service : undefined
}

function find({ backend }: State, service: Service, query: Record<string, string>) {
  const byKey = backend.userKeys[`${service.id}|${query.user_key}`]
  const reference = `${service.id}|${service.backend_version === '1' ? byKey : query.app_id}`
  const application = backend.applications[reference]
  return application && { application, reference }
}

function knowsAll(state: State, service: Service, usage: Usage): boolean {
  return Object.keys(usage).every((name) => metricsOf(state, service).some(({ system_name }) => system_name === name))
}

/** The product's own metrics and, with the number of their owner behind the name, those of its backends. */
function metricsOf(state: State, service: Service): Metric[] {
  const hits = service.metrics.find(({ system_name }) => system_name === 'hits')
  const ofBackends = service.usages.flatMap(({ backend_id }) =>
    (rowWith(state.backends, 'id', backend_id)?.metrics ?? []).map((metric) => ({
      ...metric,
      // hits of a backend are also the product's
      ...(metric.parent_id === undefined && hits && metric.system_name.startsWith('hits.')
        ? { parent_id: hits.id }
        : {}),
    })),
  )
  return [...service.metrics, ...ofBackends]
}

/** Only these codes are counted one by one, the others in their hundred. */
function codesOf(code: string | undefined): string[] {
  if (!code) return []
  const one = ['200', '403', '404', '500', '503'].includes(code) ? [code] : []
  return /^[245]\d\d$/.test(code) ? [...one, `${code[0]}XX`] : one
}
