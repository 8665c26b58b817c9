import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { projectRoot } from '../../src/project-root.js'
import type { Cell } from './matrix.js'

export interface Ran {
  ok: boolean
  out: string
}

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
    waiting,
    ask: <T>(requested: object): Promise<T> =>
      new Promise((resolve) => {
        waiting.push((line) => resolve(JSON.parse(line) as T))
        child.stdin?.write(`${JSON.stringify(requested)}\n`)
      }),
    stop: () => child.stdin?.end(),
  }
}

/** The modules that openai imports with the first call. */
const openai = ['openai', 'openai.resources', 'openai.resources.chat']
/** Lists of packages in test/snippets/packages; the modules that are imported before the first text. */
const packages = {
  current: ['requests', ...openai, 'langchain_openai'],
  llamaindex: [...openai, 'llama_index.llms.openai_like', 'llama_index.embeddings.openai_like'],
  oldest: openai,
}
export type Packages = keyof typeof packages

/** The interpreter with these packages from the package index, which are installed if they are missing. */
export function pythonWith(list: Packages): string {
  const script = join(projectRoot, 'scripts/python.mjs')
  const { status, stdout } = spawnSync(process.execPath, [script, list], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`no Python with the packages of ${list}`)
  return stdout.trim()
}

export interface RanPython extends Ran {
  /** Names of the files that the code wrote. */
  files: string[]
}

/** `processes` texts run at a time. */
export function startPython(folder: string, list: Packages = 'current', processes = 1) {
  mkdirSync(folder, { recursive: true })
  const args = [join(projectRoot, 'test/snippets/python.py'), folder, ...packages[list]]
  const python = pythonWith(list)
  const servers = Array.from({ length: processes }, () => lineServer(python, args, folder, { HOME: folder }))
  const leastBusy = () => servers.reduce((one, other) => (other.waiting.length < one.waiting.length ? other : one))
  return {
    run: (code: string, env: Record<string, string>) => leastBusy().ask<RanPython>({ do: 'run', code, env }),
    /** Parses it. */
    read: (code: string) => leastBusy().ask<Ran & { texts: string[] }>({ do: 'read', code }),
    stop: () => {
      for (const { stop } of servers) stop()
    },
  }
}

export function startNotebooks(folder: string) {
  mkdirSync(folder, { recursive: true })
  const script = join(projectRoot, 'test/snippets/notebooks.py')
  // `%pip install` finds openai installed, and does not contact a package index.
  const env = { HOME: folder, PIP_NO_INDEX: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1' }
  const server = lineServer(pythonWith('current'), [script, folder], folder, env)
  return {
    check: (code: string) => server.ask<Ran>({ do: 'check', code }),
    execute: (code: string, env: Record<string, string>, { fresh = false } = {}) =>
      server.ask<RanPython>({ do: 'execute', code, env, fresh }),
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
    // Without a terminal or socket as its input: bash would treat that as a remote login and read .bashrc.
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe']
    const child = spawn('bash', ['-c', text], { cwd: folder, stdio, env: { PATH: `/usr/bin:/bin:${PATH}`, ...env } })
    const chunks: Buffer[] = []
    const add = (chunk: Buffer) => chunks.push(chunk)
    child.stdout?.on('data', add)
    child.stderr?.on('data', add)
    child.once('close', (code) => resolve({ ok: code === 0, out: Buffer.concat(chunks).toString('utf8') }))
  })
}

/** Only the program, with exactly these arguments. */
export function runCurl(words: string[], folder: string): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn('curl', words, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.once('close', (code) => resolve({ ok: code === 0, out: Buffer.concat(chunks).toString('utf8') }))
  })
}

/** The variables that the owner of an application sets before the code. */
export function environmentOf({ application: { credentials } }: Pick<Cell, 'application'>): Record<string, string> {
  const { user_key, app_id, app_keys, client_id, client_secret } = credentials
  if (user_key !== undefined) return { MAAS_API_KEY: user_key }
  if (app_id !== undefined) return { MAAS_APP_ID: app_id, MAAS_APP_KEY: app_keys?.[0] ?? '' }
  return { MAAS_CLIENT_ID: client_id ?? '', MAAS_CLIENT_SECRET: client_secret ?? '' }
}

/** Runs `work` for each item, some concurrently; results are in order. */
export async function each<T, R>(items: T[], atOnce: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = []
  const queue = [...items.entries()]
  const one = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) answers[next[0]] = await work(next[1])
  }
  await Promise.all(Array.from({ length: atOnce }, one))
  return answers
}
