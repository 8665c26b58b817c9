import type { Stack } from '../../helper/stack.js'
import { createVisitor, formsOf, type Visitor } from '../../helper/visitor.js'
import type { Row } from '../table.js'
import {
  addPerson,
  counted,
  inTurn,
  MEASURED_COSTS,
  openBreakers,
  quiet,
  share,
  signIn,
  startCrowd,
  within,
} from './crowd.js'

export interface CreateCase {
  people: number
  /** they sign in and sign up first, within the same ten seconds */
  areNew: boolean
  /** products with a default plan, whose application each sign-up creates */
  defaultPlans: number
}

const SECONDS = 10
/** One of so many people clicks twice. */
const ONE_TWICE_OF = 3
const MODEL = 'granite-chat'

export interface CreateResult {
  /** what each person got: `ok`, or the first response that is something else */
  ends: string[]
  doubled: number
  openBreakers: string[]
  /** of each person, in ms */
  times: number[]
  tookMs: number
  /** that the workers of 3scale were busy */
  neededMs: number
}

/** People who create an application within the same ten seconds on three replicas, with 3scale's two web workers at measured costs. */
export async function creates(cases: CreateCase[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const one of cases) rows.push(...rowsOf(one, await createCase(one)))
  return rows
}

function rowsOf({ people, areNew, defaultPlans }: CreateCase, result: CreateResult): Row[] {
  const { ends, doubled, openBreakers: open, times, tookMs, neededMs } = result
  const good = ends.filter((end) => end === 'ok').length
  const what = `${people} ${areNew ? 'new people' : 'people'}, ${defaultPlans} default plans`
  const seconds = (ms: number) => (ms / 1000).toFixed(1)
  return [
    {
      what,
      value: `${good} created an application, ${doubled} doubled`,
      note: counted(ends),
      goal: 'all, none doubled, no breaker open',
      met: good === people && doubled === 0 && open.length === 0,
      number: people - good + doubled,
    },
    {
      what: `${what}: time`,
      value: `median ${seconds(share(times, 0.5))} s, longest ${seconds(share(times, 1))} s`,
      note: `${seconds(tookMs)} s in total, of which 3scale requires ${seconds(neededMs)} s`,
    },
  ]
}

export async function createCase({ people, areNew, defaultPlans }: CreateCase): Promise<CreateResult> {
  const { stack, portals, close } = await startCrowd('demo')
  try {
    await setDefaultPlans(stack, defaultPlans)
    const names = Array.from({ length: people }, (_, n) => `maker-${n}`)
    await inTurn(names, 20, (name) => addPerson(stack, name))
    await fetch(`${stack.url}/models`)
    const visitors = new Map<string, Visitor>()
    if (!areNew) await inTurn(names, 10, async (name) => void visitors.set(name, (await signIn(stack, name)).visitor))
    await quiet(stack)
    await stack.behave(MEASURED_COSTS)
    const [before, began] = [await busyMs(stack), performance.now()]
    const done = await within(SECONDS, names, async (name) => {
      const start = performance.now()
      const end = await create(stack, visitors.get(name), name, names.indexOf(name) % ONE_TWICE_OF === 0)
      return { end, ms: performance.now() - start }
    })
    const [tookMs, neededMs] = [
      performance.now() - began,
      ((await busyMs(stack)) - before) / MEASURED_COSTS.web_workers,
    ]
    const created = (await stack.list('applications')).filter(({ name }) => name?.startsWith('of maker-'))
    return {
      ends: done.map(({ end }) => end),
      doubled: created.length - new Set(created.map(({ name }) => name)).size,
      openBreakers: await openBreakers(portals),
      times: done.map(({ ms }) => ms),
      tookMs,
      neededMs,
    }
  } finally {
    await close()
  }
}

/** `ok`, or the first response that is something else. */
async function create(stack: Stack, known: Visitor | undefined, name: string, twice: boolean): Promise<string> {
  let visitor = known
  if (!visitor) {
    const signedIn = await signIn(stack, name)
    if (signedIn.end !== 'ok') return `sign-in: ${signedIn.end}`
    visitor = signedIn.visitor
  }
  const page = await visitor.get(`/applications/new?model=${MODEL}`)
  const form = formsOf(page.text).find(({ action }) => action === '/applications')
  if (!form) return `no form: ${page.status} ${page.url}`
  const send = () => (visitor as Visitor).submit(page, /^\/applications$/, { plan: 'basic', name: `of ${name}` })
  const sent = await Promise.all(twice ? [send(), second(stack, visitor, form.values, name)] : [send()])
  const bad = sent.find(({ status, url }) => status !== 200 || !/\/applications\/\d+$/.test(url))
  return bad ? `application: ${bad.status} ${new URL(bad.url).pathname.replace(/\d+/g, 'N')}` : 'ok'
}

/** The second click of the same person: the same form again, with a copy of the cookies. */
async function second(stack: Stack, visitor: Visitor, values: Record<string, string>, name: string) {
  const twin = createVisitor(stack)
  for (const [key, value] of visitor.jar) twin.jar.set(key, value)
  const body = new URLSearchParams({ ...values, plan: 'basic', name: `of ${name}` })
  return twin.get('/applications', { method: 'POST', body })
}

async function busyMs({ threescale }: Stack): Promise<number> {
  return ((await (await fetch(`${threescale}/_demo/workers`)).json()) as { busy_ms: number }).busy_ms
}

/** The demo's tenant has one. */
export async function setDefaultPlans(stack: Stack, count: number): Promise<void> {
  const headers = { authorization: `Basic ${btoa('demo-token:')}` }
  const { services } = await stack.state()
  const others = services.filter(({ system_name }) => !['starter-default', MODEL].includes(system_name))
  for (const { id } of others.slice(0, count - 1)) {
    const path = `${stack.threescale}/admin/api/services/${id}/application_plans`
    const { plans } = (await (await fetch(`${path}.json`, { headers })).json()) as {
      plans: { application_plan: { id: number } }[]
    }
    const plan = plans[0]?.application_plan.id
    const answer = await fetch(`${path}/${plan}/default.json`, { method: 'PUT', headers })
    if (!answer.ok) throw new Error(`no default plan of ${id}: ${answer.status}`)
  }
}
