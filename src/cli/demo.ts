import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { demoEnvironment, demoPorts } from './demo-settings.js'
import { servePortal } from './portal.js'

type Part = 'portal' | 'threescale' | 'identity' | 'gateway'
type Timing = 'real' | 'quick'
const parts: Part[] = ['threescale', 'identity', 'gateway', 'portal']

interface DemoOptions {
  state?: string
  tenant: 'demo' | 'well-kept' | 'empty'
}

/** The whole demo (four processes) or, with `only`, one part in this process. */
export async function demo({ only, ...options }: DemoOptions & { only?: Part }): Promise<void> {
  const port = Number(process.env.PORT ?? 3000)
  const timing = timingOf(process.env.DEMO_TIMING)
  if (!timing) {
    process.stderr.write(`DEMO_TIMING is "${process.env.DEMO_TIMING}". Set it to real or quick.\n`)
    process.exit(1)
  }
  if (only) {
    // a demo that was killed leaves no part behind
    process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
    return runPart(only, { port, timing, ...options })
  }
  const children = parts.map((part) => startPart(part))
  let stopping = false
  const stop = async (code: number) => {
    if (stopping) return
    stopping = true
    for (const child of children) child.kill('SIGTERM')
    await Promise.all(children.map((child) => ended(child)))
    process.exit(code)
  }
  process.once('SIGINT', () => void stop(0))
  process.once('SIGTERM', () => void stop(0))
  endWith(() => void stop(0))
  for (const child of children) {
    child.once('exit', (code) => {
      if (stopping) return
      process.stderr.write(
        `A part of the demo ended (code ${code}); stopping the rest. Is one of its ports in use? Try PORT=4000 npm run demo.\n`,
      )
      void stop(1)
    })
  }
  await waitUntilReady(port, () => stopping)
  if (!stopping) process.stdout.write(welcome(port))
}

/** npm hands on no signal that is sent to it alone: when it is gone, so is the demo. */
function endWith(stop: () => void): void {
  if (!process.env.npm_lifecycle_event) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    stop()
  }, 500)
}

/** Without it quick: what a person changes in the demo is seen at once. */
function timingOf(value = 'quick'): Timing | undefined {
  return value === 'real' || value === 'quick' ? value : undefined
}

async function runPart(
  part: Part,
  { port, timing, state, tenant }: DemoOptions & { port: number; timing: Timing },
): Promise<void> {
  if (part === 'portal') {
    Object.assign(process.env, demoEnvironment(port, process.env, timing))
    return servePortal()
  }
  const { start } = await loadPart(part)
  const portalUrl = process.env.PUBLIC_URL ?? `http://localhost:${port}`
  const issuer = process.env.OIDC_ISSUER
  const running = await start({
    port,
    portalUrl,
    timing,
    ...(issuer ? { issuer } : {}),
    tenant,
    ...(state ? { stateFile: state } : {}),
  })
  process.stdout.write(`${part} is ready\n`)
  const stop = async () => {
    await running.close()
    process.exit(0)
  }
  process.once('SIGINT', () => void stop())
  process.once('SIGTERM', () => void stop())
}

function loadPart(part: Exclude<Part, 'portal'>) {
  switch (part) {
    case 'threescale':
      return import('../demo/threescale/main.js')
    case 'identity':
      return import('../demo/identity/main.js')
    case 'gateway':
      return import('../demo/gateway/main.js')
  }
}

function startPart(part: Part): ChildProcess {
  // an own process group: Ctrl-C in the terminal reaches this process alone, which then stops the parts in order
  return spawn(process.execPath, [String(process.argv[1]), 'demo', '--only', part], {
    stdio: ['ignore', part === 'portal' ? 'inherit' : 'ignore', 'inherit', 'ipc'],
    env: process.env,
    detached: true,
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const late = setTimeout(() => child.kill('SIGKILL'), 8000)
  await new Promise((resolve) => child.once('exit', resolve))
  clearTimeout(late)
}

async function waitUntilReady(port: number, cancelled: () => boolean): Promise<void> {
  const dispatcher = new Agent({ connect: { timeout: 500 } })
  for (let attempt = 0; attempt < 300 && !cancelled(); attempt++) {
    const ready = await Promise.all(
      [
        `http://127.0.0.1:${demoPorts(port).metrics}/readyz`,
        `http://127.0.0.1:${demoPorts(port).control}/_demo/gateway`,
      ].map((url) => answers(url, dispatcher)),
    )
    if (ready.every(Boolean)) break
    await sleep(100)
  }
  await dispatcher.close()
}

async function answers(url: string, dispatcher: Agent): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url, { dispatcher, headersTimeout: 2000 })
    const text = await body.text()
    return statusCode === 200 && !text.includes('"degraded"')
  } catch {
    return false
  }
}

function welcome(port: number): string {
  const ports = demoPorts(port)
  return `
maas-portal demo is ready: http://localhost:${port}

  3scale stand-in   http://localhost:${ports.threescale}   (admin token: demo-token)
  sign-in service   http://localhost:${ports.identity}
  gateway           http://localhost:${ports.gateway} and up, one port a product
  metrics, health   http://localhost:${ports.metrics}/metrics  /readyz

  People (password "demo"): ada (new here), linus (comes from the stock portal), grace (e-mail not verified), admin

  Try:  curl -s http://localhost:${port}/api/v1/models

Ctrl-C stops it all.
`
}
