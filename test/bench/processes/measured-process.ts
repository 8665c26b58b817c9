import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import type { Profiler } from 'node:inspector'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { freePort, type Process, toProcess } from '../../helper/stack.js'
import { pin, SERVER_CORE } from './cores.js'

/** A call to 3scale, with headers as a list of names and values. */
export interface Call {
  origin: string
  method: string
  path: string
  headers: string[]
}

export interface Reading {
  /** Since the start of the process. */
  processorUs: number
  /** Of the event loop, since the previous reading. */
  delayP99Ms: number
  delayMaxMs: number
  residentMb: number
}

export type Profile = Profiler.Profile
export type Probe = ReturnType<typeof createProbe>['probe']

const folders = new Set<string>()
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder that is removed when this process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'maas-bench-'))
  folders.add(folder)
  return folder
}

/** Start a process with `env`, and `probe` states what it uses. */
export function createProbe() {
  const socket = join(temporaryFolder(), 'probe')
  const preload = pathToFileURL(join(import.meta.dirname, 'instrument.js')).href
  const send = <T>(method: string, path: string) => exchange(socket, method, path) as Promise<T>
  return {
    env: { NODE_OPTIONS: `--import ${preload}`, BENCH_SOCKET: socket },
    probe: {
      reading: () => send<Reading>('GET', '/reading'),
      /** The calls that the process sends to `origin` during the work. */
      async calls<T>(origin: string, work: () => Promise<T>): Promise<[T, Call[]]> {
        await send('PUT', '/calls')
        const result = await work()
        const calls = await send<Call[]>('GET', '/calls')
        return [result, calls.filter((call) => new URL(call.origin).port === new URL(origin).port)]
      },
      /** What the process executes during the work. */
      async profile(work: () => Promise<unknown>): Promise<Profile> {
        await send('PUT', '/profile')
        await work()
        return send<Profile>('GET', '/profile')
      },
      /** Milliseconds of the longest block of the event loop during the work. */
      async longestBlock(work: () => Promise<unknown>): Promise<number> {
        await send('PUT', '/block')
        await work()
        // The last sample follows the work.
        await sleep(5)
        return (await send<{ longestMs: number }>('GET', '/block')).longestMs
      },
    },
  }
}

export interface BareAnswer {
  status: number
  headers: Record<string, string>
  /** base64 */
  body: string
  /** What the portal sends to 3scale for the same request. */
  calls: Call[]
}

export type BareServer = Awaited<ReturnType<typeof startBareServer>>

/** A Fastify server that sends prepared answers by address. */
export async function startBareServer() {
  const { env, probe } = createProbe()
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const { PATH = '' } = process.env
  const program = join(import.meta.dirname, 'bare.js')
  const child = spawn(process.execPath, [program, String(port)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { PATH, ...env },
  })
  const running: Process = toProcess(child)
  while (!(await fetch(url).catch(() => undefined))) {
    if (child.exitCode !== null) throw new Error(`the bare server ended with ${child.exitCode}`)
    await sleep(50)
  }
  pin(child.pid, SERVER_CORE)
  const file = join(temporaryFolder(), 'answers.json')
  const control = async (body: object) => {
    const headers = { 'content-type': 'application/json' }
    const { ok } = await fetch(`${url}/bench`, { method: 'PUT', headers, body: JSON.stringify(body) })
    if (!ok) throw new Error('the bare server cannot read its answers')
  }
  return {
    ...running,
    url,
    probe,
    async answer(answers: Record<string, BareAnswer>) {
      writeFileSync(file, JSON.stringify(answers))
      await control({ file })
    },
    callEachRequest: (callsPerRequest: number) => control({ callsPerRequest }),
  }
}

function exchange(socketPath: string, method: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request({ socketPath, method, path, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(JSON.parse(text)))
      response.on('error', reject)
    })
      .on('error', reject)
      .end()
  })
}
