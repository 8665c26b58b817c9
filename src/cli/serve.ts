import closeWithGrace from 'close-with-grace'
import { start } from '../app.js'
import { ConfigError, loadConfig } from '../config.js'

/** Starts the portal; bad settings are told all at once and end the process with code 2. */
export async function serve(): Promise<void> {
  let config: ReturnType<typeof loadConfig>
  try {
    config = loadConfig()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
    return
  }
  const portal = await start(config)
  closeWithGrace({ delay: config.drainSeconds * 1000 + 20_000 }, async ({ err }) => {
    if (err) portal.log.fatal({ err }, 'stopping after an unexpected failure')
    await portal.stop()
  })
}
