import { type Config, ConfigError, loadConfig } from '../config/environment.js'

/** Settings for a command that writes only its report to standard output. Undefined if they are invalid: problems go to standard error. */
export function quietConfig(): Config | undefined {
  try {
    const config = loadConfig()
    for (const warning of config.notices.warnings) process.stderr.write(`${warning}\n`)
    return { ...config, logLevel: 'silent', auditLog: 'off' }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    return undefined
  }
}
