import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { projectRoot } from '../../src/project-root.js'
import { spawnBound } from './bound-process.js'

/** The program as started by npm and in the image. */
export const cli = join(projectRoot, 'dist', 'bin', 'maas-portal.js')
/** Ports of one stack: the parts, then the products and those that a test adds, other portals from 50, and their metrics from 60. */
const BLOCK = 100

export interface Process {
  child: ChildProcess
  stop(signal?: NodeJS.Signals): Promise<void>
}

export interface Stack {
  port: number
  url: string
  threescale: string
  identity: string
  /** Starts a portal with the settings of the demo and `env`; its output is written to the file `output`. */
  portal(env?: Record<string, string>, options?: { output?: string }): Promise<RunningPortal>
  part(name: 'threescale' | 'identity' | 'gateway', options?: string[], env?: Record<string, string>): Promise<Process>
  parts: Record<string, Process>
  calls(): Promise<Record<string, number>>
  /** The same calls with their cost for 3scale (`src/demo/threescale/http/costs.ts`). */
  costs(): Promise<Record<string, { calls: number; not_modified: number; rows: number; bytes: number }>>
  resetCalls(): Promise<void>
  faults(list: object[]): Promise<void>
  readFaults(): Promise<{ hits: number }[]>
  state(): Promise<TenantState>
  /** One list of the state, which is much faster to read than all lists. */
  list<Name extends 'accounts' | 'users' | 'applications'>(name: Name): Promise<TenantState[Name]>
  put(path: string, body: object): Promise<void>
  /** Waits until 3scale's back-end has received all changes. */
  settled(): Promise<void>
  /** Sets the state as if the last change in 3scale was an hour ago. */
  age(): Promise<void>
  /** Changes the behavior of the 3scale part (`src/demo/threescale/behaviour.ts`). */
  behave(change: object): Promise<void>
  close(): Promise<void>
}

export interface TenantState {
  accounts: { id: number; org_name: string; state: string; fields: Record<string, string> }[]
  users: {
    id: number
    account_id: number
    username: string
    email?: string
    state: string
    fields: Record<string, string>
  }[]
  applications: {
    id: number
    account_id: number
    service_id: number
    name?: string
    state: string
    application_id: string
    user_key: string
    keys: { value: string }[]
  }[]
  services: { id: number; system_name: string }[]
}

export interface RunningPortal extends Process {
  url: string
  metrics: string
}

/** The demo's parts as separate processes on free ports; `close` ends the started processes by id. `node` is the program. */
export async function startStack(
  required: ('threescale' | 'identity' | 'gateway')[] = ['threescale', 'identity', 'gateway'],
  node = process.execPath,
): Promise<Stack> {
  const port = await freeBlock()
  const running: Process[] = []
  const threescale = `http://127.0.0.1:${port + 1}`
  const parts: Record<string, Process> = {}
  const metricsPorts = new Map([[port, port + 3]])

  const stack: Stack = {
    port,
    url: `http://localhost:${port}`,
    threescale,
    identity: `http://localhost:${port + 2}`,
    parts,
    async part(name, options = [], env = {}) {
      const settings = { PORT: String(port), PUBLIC_URL: `http://localhost:${port}`, ...env }
      const started = launch(node, ['demo', '--only', name, ...options], settings, 'failure')
      running.push(started)
      parts[name] = started
      const probe = {
        threescale: `${threescale}/_demo/calls`,
        identity: `http://127.0.0.1:${port + 2}/_demo/faults`,
        gateway: `http://127.0.0.1:${port + 4}/_demo/gateway`,
      }
      await answers(probe[name], started)
      return started
    },
    async portal(env = {}, { output } = {}) {
      const at = env.PORT ? Number(env.PORT) : port
      const metrics = metricsPorts.get(at) ?? port + 59 + metricsPorts.size
      metricsPorts.set(at, metrics)
      const settings = {
        PORT: String(at),
        METRICS_PORT: String(metrics),
        PUBLIC_URL: `http://localhost:${port}`,
        THREESCALE_ADMIN_URL: `http://localhost:${port + 1}`,
        OIDC_ISSUER: `http://localhost:${port + 2}`,
        LOG_LEVEL: 'error',
        DEMO_TIMING: 'real',
        ...env,
      }
      const out = output ? openSync(output, 'a') : 'inherit'
      const started = launch(node, ['demo', '--only', 'portal'], settings, out)
      if (typeof out === 'number') closeSync(out)
      running.push(started)
      await answers(`http://127.0.0.1:${metrics}/healthz`, started)
      return { ...started, url: `http://localhost:${at}`, metrics: `http://127.0.0.1:${metrics}` }
    },
    calls: async () => (await fetch(`${threescale}/_demo/calls`)).json() as Promise<Record<string, number>>,
    costs: async () => (await fetch(`${threescale}/_demo/costs`)).json() as ReturnType<Stack['costs']>,
    async resetCalls() {
      await fetch(`${threescale}/_demo/calls`, { method: 'DELETE' })
    },
    faults: (list) => stack.put('/_demo/faults', list),
    readFaults: async () => (await fetch(`${threescale}/_demo/faults`)).json() as Promise<{ hits: number }[]>,
    state: async () => (await fetch(`${threescale}/_demo/state`)).json() as Promise<TenantState>,
    list: async (name) => ((await (await fetch(`${threescale}/_demo/state?only=${name}`)).json()) as TenantState)[name],
    async put(path, body) {
      const answer = await fetch(threescale + path, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      if (!answer.ok) throw new Error(`${path} answered ${answer.status}`)
    },
    async settled() {
      await fetch(`${threescale}/_demo/settled`)
    },
    async age() {
      await fetch(`${threescale}/_demo/age`, { method: 'POST' })
    },
    behave: (change) => stack.put('/_demo/behaviour', change),
    async close() {
      await Promise.all(running.map((each) => each.stop()))
    },
  }
  // The gateway reads its products from 3scale when it starts.
  await Promise.all(required.filter((name) => name !== 'gateway').map((name) => stack.part(name)))
  if (required.includes('gateway')) await stack.part('gateway')
  return stack
}

/** A port next to those of the stack, for a second portal. */
export function portBeside(stack: Stack): string {
  return String(stack.port + 50)
}

/** A real redis-server on a free port. */
export async function startRedis(port?: number, settings: string[] = []) {
  const at = port ?? (await freePort())
  const folder = mkdtempSync(join(tmpdir(), 'maas-redis-'))
  const options = ['--port', String(at), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
  const child = spawnBound('redis-server', [...options, ...settings])
  const running = toProcess(child)
  await connects(at)
  return {
    url: `redis://127.0.0.1:${at}`,
    port: at,
    child,
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    async stop() {
      child.kill('SIGCONT')
      await running.stop('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** `errors` receives the standard error; `failure` prints it only if the process fails. */
function launch(
  node: string,
  args: string[],
  env: Record<string, string>,
  errors: 'inherit' | 'failure' | number,
): Process {
  const { PATH = '', HOME = '' } = process.env
  // The stand-ins use the delays of production, unless a test overrides them.
  const environment = { PATH, HOME, DEMO_TIMING: 'real', ...env }
  // A part ends when its channel closes, as when this process is killed.
  const stdio: StdioOptions = [
    'ignore',
    typeof errors === 'number' ? errors : 'ignore',
    errors === 'failure' ? 'pipe' : errors,
    'ipc',
  ]
  const child = spawn(node, [cli, ...args], { stdio, env: environment })
  if (errors === 'failure') {
    const chunks: Buffer[] = []
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.once('close', (code) => {
      if (code) process.stderr.write(Buffer.concat(chunks))
    })
  }
  return toProcess(child)
}

const running = new Set<ChildProcess>()
// A test or benchmark that fails or is interrupted leaves no process.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A process that ends with this one. */
export function toProcess(child: ChildProcess): Process {
  running.add(child)
  child.once('exit', () => running.delete(child))
  return {
    child,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return
      const late = setTimeout(() => child.kill('SIGKILL'), 8000)
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill(signal)
      await ended
      clearTimeout(late)
    },
  }
}

async function answers(url: string, { child }: Process): Promise<void> {
  for (const latest = Date.now() + 90_000; Date.now() < latest; ) {
    const end = child.exitCode ?? child.signalCode
    if (end !== null) throw new Error(`${url}: its process ended with ${end}`)
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok) return
    await sleep(30)
  }
  throw new Error(`${url} does not answer`)
}

async function connects(port: number): Promise<void> {
  const { connect } = await import('node:net')
  for (let attempt = 0; attempt < 100; attempt++) {
    const ok = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    if (ok) return
    await sleep(50)
  }
  throw new Error(`redis-server does not listen on ${port}`)
}

export async function freeBlock(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    // Below the ports that the system assigns to outgoing connections (from 32768), and above those that browsers block.
    const start = 11_000 + Math.floor(Math.random() * 216) * 100
    const free = await Promise.all([0, 1, 2, 3, 4, 5, 7, 10, 20, 28, 40, 50].map((offset) => isFree(start + offset)))
    if (free.every(Boolean)) return start
  }
  throw new Error(`no block of ${BLOCK} free ports`)
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
