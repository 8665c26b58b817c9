import closeWithGrace, { type Signals } from 'close-with-grace'
import { start } from '../app.js'
import { ConfigError, loadConfig } from '../config/environment.js'

/** Signals of hardware faults: a JavaScript handler would be called in an endless loop (Node.js, Signal events). */
const faults: Signals[] = ['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL']

/** Starts the portal. Invalid settings end the process with one message and exit code 2. */
export async function serve(): Promise<void> {
  const { config, portal } = await started().catch((error: unknown) => {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    // Connections to Redis and 3scale may already be open.
    process.exit(2)
  })
  closeWithGrace({ delay: config.drainSeconds * 1000 + 20_000, skip: faults }, async ({ err }) => {
    if (err) portal.log.fatal({ err }, 'stopping after an unexpected error')
    await portal.stop()
  })
}

async function started() {
  const config = loadConfig()
  return { config, portal: await start(config) }
}
