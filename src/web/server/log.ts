import { type DestinationStream, type LevelWithSilentOrString, type Logger, pino } from 'pino'

/** The level as a name (`"level":"warn"`) instead of pino's number. */
export const levelNames = { level: (label: string) => ({ level: label }) }

/** The log on standard output: JSON lines, formatted in a terminal. */
export async function createLogger(level: LevelWithSilentOrString): Promise<Logger> {
  const options = { level, formatters: levelNames }
  return process.stdout.isTTY ? pino(options, await terminal()) : pino(options)
}

/** Formats in this process. A worker thread that writes to a closed terminal would keep the process alive. */
async function terminal(): Promise<DestinationStream> {
  const { prettyFactory } = await import('pino-pretty')
  const pretty = prettyFactory({ singleLine: true, ignore: 'pid,hostname' })
  process.stdout.on('error', () => {
    // the terminal was closed, and a signal ends the process
  })
  return { write: (line) => process.stdout.write(pretty(line) ?? '') }
}
