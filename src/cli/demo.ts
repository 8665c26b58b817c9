import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { demoEnvironment, demoPorts, demoWebhooks } from './demo-settings.js'
import { demoMessages } from './messages.js'

type Part = 'portal' | 'threescale' | 'identity' | 'gateway'
type Timing = 'real' | 'quick'
/** Leaves ports for the gateways of all products. */
const LAST_PORT = 65_000
const parts: Part[] = ['threescale', 'identity', 'gateway', 'portal']

interface DemoOptions {
  state?: string
  tenant: 'demo' | 'clean' | 'empty' | 'large'
}

/** Starts all parts as processes or, with `only`, one part in this process. */
export async function demo({ only, ...options }: DemoOptions & { only?: Part }): Promise<void> {
  const { PORT = '3000' } = process.env
  const port = Number(PORT)
  if (!/^[1-9]\d*$/.test(PORT) || port > LAST_PORT) {
    process.stderr.write(demoMessages.port(PORT, LAST_PORT))
    process.exit(1)
  }
  const timing = timingOf(process.env.DEMO_TIMING)
  if (!timing) {
    process.stderr.write(demoMessages.timing(process.env.DEMO_TIMING))
    process.exit(1)
  }
  if (only) {
    // A killed demo leaves no part running.
    process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
    // The event has passed if the other end closed while this module was loaded. Without a channel this is undefined.
    if (process.connected === false) process.exit()
    return runPart(only, { port, timing, ...options })
  }
  const children = parts.map((part) => startPart(part, options))
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
      process.stderr.write(demoMessages.partEnded(code))
      void stop(1)
    })
  }
  await waitUntilReady(port, () => stopping)
  if (options.tenant !== 'empty' && !stopping) await sendWebhooks(port)
  if (!stopping) process.stdout.write(demoMessages.welcome(demoPorts(port)))
}

/** Sets the address of webhooks in the 3scale part, as docs/webhooks.md describes. */
async function sendWebhooks(port: number): Promise<void> {
  const { body } = await request(`http://127.0.0.1:${demoPorts(port).threescale}/admin/api/webhooks.json`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(demoWebhooks(demoEnvironment(port, process.env))),
  })
  await body.dump()
}

/** npm does not forward a signal that only it received, so the demo stops when npm is gone. */
function endWith(stop: () => void): void {
  if (!process.env.npm_lifecycle_event) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    stop()
  }, 500)
}

/** Default: quick, so that changes in the demo take effect immediately. */
function timingOf(value = 'quick'): Timing | undefined {
  return value === 'real' || value === 'quick' ? value : undefined
}

async function runPart(
  part: Part,
  { port, timing, state, tenant }: DemoOptions & { port: number; timing: Timing },
): Promise<void> {
  if (part === 'portal') {
    Object.assign(process.env, demoEnvironment(port, process.env, timing))
    return (await import('./serve.js')).serve()
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
  }).catch((error: NodeJS.ErrnoException & { port?: number }) => {
    if (error.code === undefined) throw error
    const resource = error.syscall === 'listen' ? `port ${error.port}` : (error.path ?? String(state))
    process.stderr.write(demoMessages.cannotUse(part, resource, error.code))
    process.exit(1)
  })
  process.stdout.write(demoMessages.partReady(part))
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

function startPart(part: Part, { tenant, state }: DemoOptions): ChildProcess {
  // With a separate process group, Ctrl-C reaches only this process, which stops the parts in order. On Windows this would open
  // a console window for each part, and Ctrl-C reaches all of them anyway.
  const options = ['--tenant', tenant, ...(state === undefined ? [] : ['--state', state])]
  return spawn(process.execPath, [String(process.argv[1]), 'demo', '--only', part, ...options], {
    stdio: ['ignore', part === 'portal' ? 'inherit' : 'ignore', 'inherit', 'ipc'],
    env: process.env,
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const timer = setTimeout(() => child.kill('SIGKILL'), 8000)
  await new Promise((resolve) => child.once('exit', resolve))
  clearTimeout(timer)
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
