import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type t from 'tap'
import { createApi } from './api.js'
import type { RunningPortal, Stack } from './stack.js'
import { createVisitor, formsOf, type Visitor } from './visitor.js'

export type Part = 'threescale' | 'identity' | 'gateway'

/** A way for a part to fail. `begin` starts the failure, and `end` restores the part. */
export interface Fault {
  name: string
  begin(stack: Stack, part: Part): Promise<void>
  end(stack: Stack, part: Part): Promise<void>
}

const control: Record<Part, number> = { threescale: 1, identity: 2, gateway: 4 }

/** Configures the part to fail every call in this way. */
function answering(name: string, how: object): Fault {
  const put = async (stack: Stack, part: Part, list: object[]) => {
    const answer = await fetch(`http://127.0.0.1:${stack.port + control[part]}/_demo/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(list),
    })
    if (!answer.ok) throw new Error(`faults of ${part}: ${answer.status}`)
  }
  return {
    name,
    begin: (stack, part) => put(stack, part, [{ match: '*', ...how }]),
    end: (stack, part) => put(stack, part, []),
  }
}

/** Sends a signal; a part that was stopped is restarted with its stored state. */
function ended(name: string, signal: NodeJS.Signals): Fault {
  return {
    name,
    begin: async (stack, part) => stack.parts[part]?.stop(signal),
    async end(stack, part) {
      await stack.part(part, part === 'threescale' ? keeping(stack) : [])
    },
  }
}

const files = new WeakMap<Stack, string>()

/** Options for the 3scale part that preserve its state across a restart. */
export function keeping(stack: Stack): string[] {
  const file = files.get(stack) ?? join(mkdtempSync(join(tmpdir(), 'maas-state-')), 'state.json')
  files.set(stack, file)
  return ['--state', file]
}

export const faults: Fault[] = [
  ended('stopped', 'SIGTERM'),
  ended('killed', 'SIGKILL'),
  {
    name: 'frozen',
    async begin(stack, part) {
      stack.parts[part]?.child.kill('SIGSTOP')
    },
    async end(stack, part) {
      stack.parts[part]?.child.kill('SIGCONT')
    },
  },
  answering('slow (10 s)', { latency_ms: 10_000 }),
  answering('500', { status: 500 }),
  answering('429', { status: 429 }),
  answering('a web page', { status: 200 }),
  answering('half an answer', { drop: 'half' }),
  answering('no answer', { hang: true }),
]

export interface Load {
  /** The number of responses of each kind: `200 /models`. */
  counts: Map<string, number>
  stop(): Promise<void>
}

/** Sends requests to each of these addresses in sequence, until it is stopped. One person may request 1,200 pages a minute. */
export function underLoad(origin: string, paths: string[], headers: Record<string, string> = {}): Load {
  const counts = new Map<string, number>()
  let going = true
  const loops = paths.map(async (path) => {
    while (going) {
      const kind = await fetch(origin + path, { headers, redirect: 'manual' }).then(
        async (answer) => {
          await answer.text()
          return `${answer.status} ${path}`
        },
        (error: Error) => `${String((error.cause as { code?: string })?.code ?? error.message)} ${path}`,
      )
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
      await sleep(400)
    }
  })
  return {
    counts,
    async stop() {
      going = false
      await Promise.all(loops)
    },
  }
}

/** Waits until the condition holds, and returns the elapsed seconds. */
export async function until(what: string, holds: () => Promise<boolean>, mostSeconds = 120): Promise<number> {
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1000
  while (!(await holds().catch(() => false))) {
    if (seconds() > mostSeconds) throw new Error(`after ${mostSeconds} s not yet: ${what}`)
    await sleep(50)
  }
  return seconds()
}

export type Test = Parameters<Extract<Parameters<typeof t.test>[0], (...args: never[]) => unknown>>[0]

export function onlyGood(t: Test, load: Load, paths: string[]): void {
  for (const path of paths) t.ok((load.counts.get(`200 ${path}`) ?? 0) > 3, `${path} was asked all the time`)
  t.same(
    [...load.counts.keys()].filter((kind) => !kind.startsWith('200 ')),
    [],
    'every answer under load was good',
  )
}

export interface Readiness {
  status: string
  checks: { name: string; ok: boolean; reason: string }[]
  breakers: { upstream: string; state: string }[]
}

export async function readiness({ metrics }: RunningPortal): Promise<Readiness> {
  return (await (await fetch(`${metrics}/readyz`)).json()) as Readiness
}

export async function text({ url }: RunningPortal, path: string): Promise<string> {
  return (await fetch(url + path)).text()
}

/** A signed-in user, with an access token and the cookies as a header. */
export async function signedInUser(stack: Stack): Promise<{ mary: Visitor; token: string; cookie: string }> {
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const token = await createApi(stack).token({ username: 'mary', expires_in: 3600 })
  return { mary, token, cookie: [...mary.jar].map(([name, value]) => `${name}=${value}`).join('; ') }
}

/** The values that the form for a new application would send. */
export async function formFor(mary: Visitor, model: string): Promise<Record<string, string>> {
  const page = await mary.get(`/applications/new?model=${model}`)
  return formsOf(page.text).find(({ action }) => action === '/applications')?.values ?? {}
}
