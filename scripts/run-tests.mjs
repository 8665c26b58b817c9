// Runs test files, some concurrently: each in its own process, or all in a few. `tap-summary.mjs` prints the failures and the last line.
import { fork, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, sep } from 'node:path'
import Summary from './tap-summary.mjs'

/** Seconds for a file that does not set its own limit by `t.setTimeout`. */
const TIMEOUT = 900
/** A third of the time of a file is spent waiting. More files than this at a time only slow each other down. */
const JOBS = Number(process.env.TEST_JOBS) || Math.ceil(1.5 * availableParallelism())
/** Milliseconds after which a file that exceeds its own limit is ended. */
const LAST_RESORT = 20 * 60_000
const root = join(import.meta.dirname, '..')
/** Milliseconds that each file took in its latest run. */
const durationsFile = join(root, 'node_modules', '.cache', 'test-durations.json')
/** These files measure load or memory: they run after all others, one at a time. */
export const measures = (file) => dirname(file).endsWith(`${sep}alone`)

/** Starts the longest files first. */
export async function runTests(files, { env = {}, jobs = JOBS, timeout = TIMEOUT } = {}) {
  const durations = durationsOf()
  const report = new Summary()
  report.pipe(process.stdout, { end: false })
  let count = 0
  const run = async (file) => {
    const began = performance.now()
    const { output, code, signal } = await resultOf(file, { ...process.env, TAP_TIMEOUT: String(timeout), ...env })
    durations[file] = Math.round(performance.now() - began)
    count++
    report.write(`# Subtest: ${file}\n${indented(output)}`)
    // A file without an assertion tests nothing.
    const hasAsserted = /^(not )?ok /m.test(output)
    if (code === 0 && hasAsserted) report.write(`ok ${count} - ${file}\n`)
    else report.write(`not ok ${count} - ${file}${failure(code, signal)}`)
  }
  const queue = longestFirst(
    files.filter((file) => !measures(file)),
    durations,
  )
  const runNext = async () => {
    for (let file = queue.shift(); file; file = queue.shift()) await run(file)
  }
  await Promise.all(Array.from({ length: jobs }, runNext))
  for (const file of files.filter(measures)) await run(file)
  report.end(`1..${count}\n`)
  store(durations)
}

/** Runs files that start no process, some in each process. A file must restore what it changes of its process. */
export async function runTogether(files, { processes = JOBS, timeout = TIMEOUT } = {}) {
  const durations = durationsOf()
  const queue = longestFirst(files, durations)
  const report = new Summary()
  report.pipe(process.stdout, { end: false })
  const runQueue = async (_, index) => {
    const script = join(import.meta.dirname, 'in-one-process.mjs')
    const env = { ...process.env, TAP_TIMEOUT: String(timeout) }
    const child = fork(script, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], execArgv: [], env })
    let current
    let began
    child.on('message', (message) => {
      // tap sends messages of its own.
      if (message !== 'ready') return
      if (current) durations[current] = Math.round(performance.now() - began)
      current = queue.shift()
      began = performance.now()
      child.send(current ?? '')
    })
    const { output, code, signal } = await outputOf(child)
    report.write(`# Subtest: process ${index + 1}\n${indented(output)}`)
    if (code === 0 && !current) report.write(`ok ${index + 1} - process ${index + 1}\n`)
    else
      report.write(
        `not ok ${index + 1} - process ${index + 1}, ${current ?? 'after the last file'}${failure(code, signal)}`,
      )
  }
  await Promise.all(Array.from({ length: processes }, runQueue))
  for (const [index, file] of queue.entries()) report.write(`not ok ${processes + index + 1} - ${file} did not run\n`)
  report.end(`1..${processes + queue.length}\n`)
  store(durations)
}

function resultOf(file, env) {
  return outputOf(spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'], env }))
}

function outputOf(child) {
  return new Promise((resolve) => {
    const chunks = []
    child.stdout.on('data', (chunk) => chunks.push(chunk))
    const timer = setTimeout(() => child.kill('SIGKILL'), LAST_RESORT)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ output: Buffer.concat(chunks).toString('utf8'), code, signal })
    })
  })
}

function indented(output) {
  return output
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}\n`)
    .join('')
}

function failure(code, signal) {
  return `\n  ---\n  exitCode: ${code}\n  signal: ${signal}\n  ...\n`
}

function longestFirst(files, durations) {
  return [...files].sort((a, b) => (durations[b] ?? LAST_RESORT) - (durations[a] ?? LAST_RESORT))
}

function store(durations) {
  mkdirSync(dirname(durationsFile), { recursive: true })
  // The test of this script runs files of a temporary folder.
  const own = Object.entries({ ...durationsOf(), ...durations }).filter(([file]) => existsSync(join(root, file)))
  writeFileSync(durationsFile, JSON.stringify(Object.fromEntries(own)))
}

function durationsOf() {
  try {
    return JSON.parse(readFileSync(durationsFile, 'utf8'))
  } catch {
    return {}
  }
}
