import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { projectRoot } from '../../src/root.js'
import type { Cell } from './matrix.js'

export interface Ran {
  ok: boolean
  out: string
}

/** Debian's Python, whatever else is first on the path: its requests is the one that the tests install. */
export const PYTHON = '/usr/bin/python3'
const PATH = process.env.PATH ?? ''

/** A process that answers each line with a line, in order. */
function lineServer(command: string, args: string[], cwd: string, env: Record<string, string> = {}) {
  const child: ChildProcess = spawn(command, args, { cwd, stdio: ['pipe', 'pipe', 'inherit'], env: { PATH, ...env } })
  const waiting: ((line: string) => void)[] = []
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  lines.on('line', (line) => waiting.shift()?.(line))
  child.once('exit', (code) => {
    for (const answer of waiting.splice(0)) answer(JSON.stringify({ ok: false, out: `${command} ended with ${code}` }))
  })
  return {
    ask: <T>(asked: object): Promise<T> =>
      new Promise((resolve) => {
        waiting.push((line) => resolve(JSON.parse(line) as T))
        child.stdin?.write(`${JSON.stringify(asked)}\n`)
      }),
    stop: () => child.kill(),
  }
}

export interface ReadPython extends Ran {
  texts: string[]
  calls: [name: string, keywords: string[]][]
}

export function startPython(
  folder: string,
  { interpreter = PYTHON, env = {} }: { interpreter?: string; env?: Record<string, string> } = {},
) {
  const server = lineServer(interpreter, [join(projectRoot, 'test/snippets/python.py')], folder, env)
  return {
    run: (code: string, env: Record<string, string>) => server.ask<Ran>({ do: 'run', code, env }),
    read: (code: string) => server.ask<ReadPython>({ do: 'read', code }),
    runNotebook: (code: string, env: Record<string, string>) => server.ask<Ran>({ do: 'run notebook', code, env }),
    checkNotebook: (code: string) => server.ask<Ran>({ do: 'check notebook', code }),
    stop: server.stop,
  }
}

/** `folder` is inside the project, so that modules find its node_modules. */
export function startNode(folder: string) {
  const server = lineServer(process.execPath, [join(import.meta.dirname, 'node.js')], folder)
  let count = 0
  return {
    async run(code: string, env: Record<string, string>): Promise<Ran> {
      const file = join(folder, `snippet-${count++}.mjs`)
      writeFileSync(file, code)
      return server.ask<Ran>({ file, env, cwd: folder })
    },
    stop: server.stop,
  }
}

/** A new shell with an empty environment, in a folder of its own. */
export function inNewShell(text: string, folder: string, env: Record<string, string> = {}): Promise<Ran> {
  mkdirSync(folder, { recursive: true })
  return new Promise((resolve) => {
    // without a terminal or socket on its input: bash would take that for a remote login and read .bashrc
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe']
    const child = spawn('bash', ['-c', text], { cwd: folder, stdio, env: { PATH: `/usr/bin:/bin:${PATH}`, ...env } })
    const chunks: Buffer[] = []
    const add = (chunk: Buffer) => chunks.push(chunk)
    child.stdout?.on('data', add)
    child.stderr?.on('data', add)
    child.once('close', (code) => resolve({ ok: code === 0, out: Buffer.concat(chunks).toString('utf8') }))
  })
}

/** The program alone, with these very arguments. */
export function runCurl(words: string[], folder: string): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn('curl', words, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.once('close', (code) => resolve({ ok: code === 0, out: Buffer.concat(chunks).toString('utf8') }))
  })
}

/** What the owner of an application sets before the code. */
export function environmentOf({ application: { credentials } }: Pick<Cell, 'application'>): Record<string, string> {
  const { user_key, app_id, app_keys, client_id, client_secret } = credentials
  if (user_key !== undefined) return { MAAS_API_KEY: user_key }
  if (app_id !== undefined) return { MAAS_APP_ID: app_id, MAAS_APP_KEY: app_keys?.[0] ?? '' }
  return { MAAS_CLIENT_ID: client_id ?? '', MAAS_CLIENT_SECRET: client_secret ?? '' }
}

/** `work` for each item, some at a time, answers in order. */
export async function each<T, R>(items: T[], atOnce: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = []
  const queue = [...items.entries()]
  const one = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) answers[next[0]] = await work(next[1])
  }
  await Promise.all(Array.from({ length: atOnce }, one))
  return answers
}
