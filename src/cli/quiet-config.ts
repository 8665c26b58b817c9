import { type Config, ConfigError, loadConfig } from '../config.js'

/**
 * The settings of a command that writes nothing but its report to standard output. Undefined where they are wrong: the reasons
 * are on standard error.
 */
export function quietConfig(): Config | undefined {
  try {
    return { ...loadConfig(), logLevel: 'silent', auditLog: 'off' }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    return undefined
  }
}
