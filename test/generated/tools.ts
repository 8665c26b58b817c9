import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { projectRoot } from '../../src/project-root.js'
import type { Stack } from '../helper/stack.js'

/** Files next to the sources, which the compiler does not copy. */
export const sources = join(projectRoot, 'test', 'generated')

/** The programs that `npm run test:clients` installed. */
export function tool(name: 'node' | 'generator' | 'packages' | 'python' | 'schemathesis'): string {
  const path = process.env[`CLIENTS_${name.toUpperCase()}`]
  if (!path) throw new Error('run these with npm run test:clients')
  return path
}

export const python = (name: 'python' | 'schemathesis') => join(tool(name), 'bin', 'python')

export interface Result {
  /** The exit code; null if it was ended by a signal. */
  code: number | null
  output: string
}

interface Place {
  cwd?: string
  env?: Record<string, string>
}

/** Runs a program to its end; both of its outputs in one text. */
export function run(command: string, args: string[], { cwd, env = {} }: Place = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const add = (chunk: Buffer) => {
      output += String(chunk)
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}

/** One check of the exit code; the program's output is shown if it is not 0. */
export async function succeeds(t: Test, name: string, command: string, args: string[], place?: Place): Promise<Result> {
  const result = await run(command, args, place)
  if (!t.equal(result.code, 0, name)) report(result.output)
  return result
}

/** Runs a life: each `ok - STEP` that it prints is a check. `steps` are the required ones. */
export async function lives(t: Test, steps: readonly string[], command: string, args: string[], place: Place) {
  const { code, output } = await run(command, args, place)
  const current = output.split('\n').flatMap((line) => (line.startsWith('ok - ') ? [line.slice('ok - '.length)] : []))
  for (const step of current) t.pass(step)
  if (!t.equal(code, 0, 'it exits with 0')) report(output)
  t.same(current, steps, 'each step once')
}

/** The reporter does not show comments. */
function report(output: string): void {
  process.stderr.write(`${output.slice(-8000)}\n`)
}

/** The document as a running portal serves it, in a file. */
export async function saveDocument(portal: { url: string }, folder: string): Promise<string> {
  const answer = await fetch(`${portal.url}/api/v1/openapi.json`)
  if (!answer.ok) throw new Error(`the document: ${answer.status}`)
  const file = join(folder, 'openapi.json')
  writeFileSync(file, await answer.text())
  return file
}

/** An empty folder in which the packages of `typescript/` are found, with copies of files from there. */
export function packageFolder(folder: string, files: string[]): string {
  mkdirSync(folder, { recursive: true })
  symlinkSync(join(tool('packages'), 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  for (const file of files) cpSync(join(sources, 'typescript', file), join(folder, file))
  return folder
}

export const bin = (name: string) => join(tool('packages'), 'node_modules', '.bin', name)

/** The variables that a program requires to act as the demo's service. */
export function serviceOf(stack: Stack): Record<string, string> {
  return {
    ISSUER: stack.identity,
    CONTROL: stack.threescale,
    CLIENT_ID: 'demo-service',
    CLIENT_SECRET: 'demo-service-secret',
  }
}
