import { performance } from 'node:perf_hooks'
import { request } from 'undici'
import { createLoad, type Visit } from '../processes/load.js'
import type { BareAnswer, BareServer, Call } from '../processes/measured-process.js'
import { median, ratios, spread, sum } from '../statistics.js'
import type { Row } from '../table.js'
import { type Case, visitOf } from './cases.js'
import type { MeasuredPortal, Person, Population } from './population.js'
import { lanesOf, lengthOf, visitOrder } from './visit-order.js'

export interface Effort {
  /** Of each round. */
  seconds: number
  rounds: number
  /** Addresses whose responses the bare server has; further ones get one of these. */
  samples: number
  /** The longest time for each server before the rounds. */
  warmUpSeconds: number
}

export const CONNECTIONS = 20
/** V8 compiles what runs often. */
const WARM_UP_REQUESTS = 3000
const WARM_UP_RUN_SECONDS = 0.25
const VISITS_OF_A_LANE = 4000

interface Round {
  requests: number
  processorUs: number
  p50: number
  p99: number
  delayP99Ms: number
  failures: string[]
}

/**
 * The portal and a bare Fastify server that sends the same bytes and headers and, where the portal calls 3scale, sends the same
 * calls, in alternating rounds on the same core. The measure is the processor time of a request.
 */
export async function compare(
  population: Population,
  { portal, bare }: { portal: MeasuredPortal; bare: BareServer },
  requested: Case,
  { seconds, rounds, samples, warmUpSeconds }: Effort,
): Promise<Row> {
  const { stack } = population
  // The last ones, whose accounts have as many applications as most.
  const people = population.people.slice(-(requested.people ?? population.people.length))
  await population.refreshSessions()
  const paths = firstOfEach(people, requested).slice(0, samples)
  const answers: Record<string, BareAnswer> = {}
  const etags: Record<string, string> = {}
  for (const { person, path } of paths) {
    if (requested.notModified)
      etags[path] = (await fetchOnce(portal, visitOf(person, requested, path))).headers.etag ?? ''
    answers[path] = await prepare(population, portal, visitOf(person, requested, path, etags[path]))
  }
  const prepared = Object.values(answers)
  const visits = () => visitsOf(people, requested, etags)
  const all = new Set(visits().flatMap((lane) => lane.map(({ path }) => path)))
  await bare.answer(
    Object.fromEntries(
      [...all].flatMap((path, index) => {
        const answer = answers[path] ?? prepared[index % prepared.length]
        return answer ? [[path, answer]] : []
      }),
    ),
  )
  const status = requested.notModified ? 304 : 200
  let load = createLoad(visits(), { status })
  let callsPerRequest = 0
  const onPortal = async (duration: number) => {
    await stack.resetCalls()
    const round = await measure(portal, portal.origin, duration)
    callsPerRequest = sum(Object.values(await stack.calls())) / round.requests
    return round
  }
  const onBare = async (duration: number) => {
    await bare.callEachRequest(callsPerRequest)
    return measure(bare, bare.url, duration)
  }
  for (const run of [onPortal, onBare]) {
    const end = performance.now() + warmUpSeconds * 1000
    for (let sent = 0; sent < WARM_UP_REQUESTS && performance.now() < end; )
      sent += (await run(WARM_UP_RUN_SECONDS)).requests
  }
  const measured = { portal: [] as Round[], bare: [] as Round[], calls: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    if (await population.refreshSessions()) load = createLoad(visits(), { status })
    const runs = [
      async () => {
        measured.portal.push(await onPortal(seconds))
        measured.calls.push(callsPerRequest)
      },
      async () => measured.bare.push(await onBare(seconds)),
    ]
    for (const run of round % 2 === 0 ? runs : runs.toReversed()) await run()
  }
  return rowOf(requested, measured)

  async function measure({ probe }: Pick<MeasuredPortal, 'probe'>, origin: string, duration: number): Promise<Round> {
    const before = await probe.reading()
    const { requests, failures, p50, p99 } = await load.run(origin, duration)
    const after = await probe.reading()
    const processorUs = (after.processorUs - before.processorUs) / requests
    return { requests, processorUs, p50, p99, delayP99Ms: after.delayP99Ms, failures }
  }
}

function rowOf(
  { what, goal }: Case,
  { portal, bare, calls }: { portal: Round[]; bare: Round[]; calls: number[] },
): Row {
  const of = (rounds: Round[], member: Exclude<keyof Round, 'failures'>) => rounds.map((round) => round[member])
  const all = ratios(of(bare, 'processorUs'), of(portal, 'processorUs'))
  const ratio = median(all)
  const failures = portal.flatMap((round) => round.failures)
  const number = (rounds: Round[], member: Parameters<typeof of>[1], digits = 0) =>
    median(of(rounds, member)).toFixed(digits)
  return {
    what,
    value: `${spread(all, 2)} of bare Fastify; ${number(portal, 'processorUs')} and ${number(bare, 'processorUs')} µs`,
    note: [
      `p50 ${number(portal, 'p50', 1)} and p99 ${number(portal, 'p99', 1)} ms`,
      `loop delay p99 ${number(portal, 'delayP99Ms', 1)} ms`,
      `${median(calls).toFixed(2)} calls to 3scale`,
      ...failureNote(failures),
    ].join(', '),
    number: ratio,
    ...(goal === undefined ? {} : { goal: `at least ${goal}`, met: ratio >= goal && failures.length === 0 }),
  }
}

/** The visits of each connection. */
export function visitsOf(people: Person[], requested: Case, etags: Record<string, string> = {}): Visit[][] {
  return lanesOf(people, CONNECTIONS).map((lane) =>
    visitOrder(lane, requested.paths, lengthOf(lane, requested.paths, VISITS_OF_A_LANE)).map(({ caller, address }) =>
      visitOf(caller, requested, address, etags[address]),
    ),
  )
}

/** Each address with the first person that has it. */
export function firstOfEach(people: Person[], { paths }: Pick<Case, 'paths'>): { person: Person; path: string }[] {
  const first = new Map<string, Person>()
  for (const person of people) for (const path of paths(person)) if (!first.has(path)) first.set(path, person)
  return [...first].map(([path, person]) => ({ person, path }))
}

/** What the bare server sends for this visit, and calls. */
export async function prepare(
  { stack }: Pick<Population, 'stack'>,
  portal: MeasuredPortal,
  visit: Visit,
): Promise<BareAnswer> {
  const ask = () => portal.probe.calls(stack.threescale, () => fetchOnce(portal, visit))
  const [, first] = await ask()
  // The second request sends the calls of a returning caller, such as conditional ones.
  const [answer, second] = await ask()
  const calls: Call[] = second.length > 0 ? second : first
  return { ...answer, calls }
}

/** A response with its bytes as they are sent. */
export async function fetchOnce(
  { origin }: Pick<MeasuredPortal, 'origin'>,
  { path, headers }: Visit,
): Promise<Omit<BareAnswer, 'calls'>> {
  const { statusCode, headers: received, body } = await request(origin + path, { headers })
  const bytes = Buffer.from(await body.arrayBuffer())
  if (statusCode >= 400) throw new Error(`${path} returned ${statusCode}`)
  const own = ['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding']
  const sent = Object.entries(received).filter(([name]) => !own.includes(name))
  return {
    status: statusCode,
    headers: Object.fromEntries(sent.map(([name, value]) => [name, [value ?? ''].flat().join(', ')])),
    body: bytes.toString('base64'),
  }
}

/** How many requests failed, and the first of them. */
export function failureNote(failures: string[]): string[] {
  return failures.length === 0 ? [] : [`${failures.length} failed, such as ${failures[0]}`]
}
