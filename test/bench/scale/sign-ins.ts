import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningPortal } from '../../helper/stack.js'
import type { Row } from '../table.js'
import {
  addPerson,
  counted,
  inTurn,
  makeReturning,
  openBreakers,
  quiet,
  share,
  signIn,
  startCrowd,
  sumOf,
  within,
} from './crowd.js'

/** One of so many people is new and signs up; the others return. */
const ONE_NEW_OF = 5

/**
 * People who sign in within some minutes on three replicas with one Redis, 3scale 50 ms away. Measured is the chain from the link
 * *Sign in* to the catalogue, without the time of the identity provider's own responses to the browser; its token endpoint, which the
 * portal calls, is included.
 */
export async function signIns({ people, seconds }: { people: number; seconds: number }): Promise<Row[]> {
  const { stack, portals, close } = await startCrowd('large')
  try {
    const named = Array.from({ length: people }, (_, n) => ({ n, isNew: n % ONE_NEW_OF === ONE_NEW_OF - 1 })).map(
      ({ n, isNew }) => ({ username: isNew ? `new-${n}` : `user-${String(n + 1).padStart(5, '0')}`, isNew }),
    )
    const returning = named.filter(({ isNew }) => !isNew)
    await makeReturning(
      stack,
      returning.map(({ username }) => username),
    )
    await inTurn(
      named.filter(({ isNew }) => isNew),
      20,
      ({ username }) => addPerson(stack, username),
    )
    await fetch(`${stack.url}/models`)
    await quiet(stack)
    await stack.behave({ latency_ms: 50 })
    await stack.resetCalls()
    const noise = watchNoise(portals)
    const done = await within(seconds, named, async ({ username, isNew }) => ({
      isNew,
      ...(await signIn(stack, username)),
    }))
    const calls = sumOf(await stack.calls())
    const trivial = await noise.stop()
    const good = done.filter(({ end }) => end === 'ok')
    const times = (isNew?: boolean) =>
      good.filter((one) => isNew === undefined || one.isNew === isNew).map(({ ms }) => ms)
    const text = (ms: number[]) => `p50 ${share(ms, 0.5)} ms, p95 ${share(ms, 0.95)} ms, p99 ${share(ms, 0.99)} ms`
    const p95 = share(times(), 0.95)
    return [
      {
        what: `${people} people within ${seconds} s, ${returning.length} returning`,
        value: `${good.length} signed in`,
        note: `${counted(done.map(({ end }) => end))}; ${(calls / people).toFixed(1)} calls to 3scale each, catalogue included`,
        goal: 'all',
        met: good.length === people && (await openBreakers(portals)).length === 0,
        number: good.length,
      },
      { what: 'all', value: text(times()), goal: 'p95 below 1000 ms', met: p95 < 1000, number: p95 },
      {
        what: 'a request that does nothing, meanwhile',
        value: text(trivial),
        note: 'what the machine adds to each request',
      },
      { what: 'returning people', value: text(times(false)) },
      { what: 'new people, who sign up', value: text(times(true)) },
    ]
  } finally {
    await close()
  }
}

/** Times of requests for the liveness of a replica: the load of the machine, as each request of a sign-in meets it. */
function watchNoise(portals: RunningPortal[]) {
  const taken: number[] = []
  let going = true
  const loops = portals.map(async ({ metrics }) => {
    while (going) {
      const began = performance.now()
      await (await fetch(`${metrics}/healthz`)).text()
      taken.push(performance.now() - began)
      await sleep(200)
    }
  })
  return {
    async stop(): Promise<number[]> {
      going = false
      await Promise.all(loops)
      return taken
    },
  }
}
