import { buildPortal, type Report } from '../app.js'
import { ConfigError, loadConfig } from '../config.js'

export interface DoctorOptions {
  json?: boolean
  failOn: Severity
}

type Severity = Report['findings'][number]['severity']

const TEN_MINUTES = 600_000
const severities: Severity[] = ['error', 'warning', 'info']

/** Prints what was found. Exit code: 0 all well, 1 findings, 2 the settings are wrong or something could not be checked. */
export async function doctor({ json = false, failOn }: DoctorOptions): Promise<void> {
  const config = readConfig()
  if (!config) {
    process.exitCode = 2
    return
  }
  const portal = await buildPortal(config)
  try {
    const report = await portal.doctor.examine(TEN_MINUTES)
    const asked = config.threescale.adminUrl
    process.stdout.write(json ? `${JSON.stringify({ tenant: asked, ...report }, null, 2)}\n` : textOf(report, asked))
    process.exitCode = codeOf(report, failOn)
  } finally {
    await portal.stop()
  }
}

/** Nothing but the report on standard output. */
function readConfig() {
  try {
    return { ...loadConfig(), logLevel: 'silent', auditLog: 'off' }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    return undefined
  }
}

function codeOf({ complete, findings }: Report, failOn: Severity): number {
  if (!complete) return 2
  const counting = severities.slice(0, severities.indexOf(failOn) + 1)
  return findings.some(({ severity }) => counting.includes(severity)) ? 1 : 0
}

/** One block for each code, with the products that it was found in. */
function textOf({ findings, products, calls, complete }: Report, tenant: string): string {
  const codes = [...new Set(findings.map(({ code }) => code))]
  const blocks = codes.map((code) => blockOf(findings.filter((finding) => finding.code === code)))
  const counts = severities.map((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length
    const noun = severity === 'info' ? 'note' : severity
    return `${count} ${noun}${count === 1 ? '' : 's'}`
  })
  const end = complete ? '' : ' Not everything could be checked.'
  return `${[`${tenant}: ${products} products, ${calls} calls`, ...blocks, `${counts.join(', ')}.${end}`].join('\n\n')}\n`
}

function blockOf(same: Report['findings']): string {
  const [first] = same
  const cases = same.flatMap(({ product, what, link }) => [
    `  ${product ? `${product}: ` : ''}${what}`,
    ...(link ? [`    ${link}`] : []),
  ])
  return [`${first?.severity}  ${first?.code}`, ...cases, `  Why: ${first?.why}`, `  Fix: ${first?.fix}`].join('\n')
}
