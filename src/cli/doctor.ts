import { buildPortal, type Report, reportText } from '../app.js'
import { quietConfig } from './command-config.js'

export interface DoctorOptions {
  json?: boolean
  failOn: Severity
}

type Severity = Report['findings'][number]['severity']

const TEN_MINUTES = 600_000
const severities: Severity[] = ['error', 'warning', 'info']

/** Prints the report. Exit codes: 0 no findings, 1 findings, 2 invalid settings or incomplete checks. */
export async function doctor({ json = false, failOn }: DoctorOptions): Promise<void> {
  const config = quietConfig()
  if (!config) {
    process.exitCode = 2
    return
  }
  const portal = await buildPortal(config)
  try {
    const report = await portal.doctor.examine(TEN_MINUTES)
    const tenant = config.threescale.adminUrl
    process.stdout.write(json ? `${JSON.stringify({ tenant, ...report }, null, 2)}\n` : reportText(report, tenant))
    process.exitCode = codeOf(report, failOn)
  } finally {
    await portal.stop()
  }
}

function codeOf({ complete, findings }: Report, failOn: Severity): number {
  if (!complete) return 2
  const counting = severities.slice(0, severities.indexOf(failOn) + 1)
  return findings.some(({ severity }) => counting.includes(severity)) ? 1 : 0
}
