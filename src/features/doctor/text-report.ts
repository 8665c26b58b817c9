import type { Severity } from './findings/finding-types.js'
import type { Finding, Report } from './findings/findings.js'
import { countOf, textReportMessages as text } from './messages.js'

/** The most descriptions of one code, and products of one description, in the text; `--json` has all. */
const MAX_LISTED = 5

const severities: Severity[] = ['error', 'warning', 'info']

/** A report as text: one block for each code, with repetitions merged. `tenant` is the address of the admin portal. */
export function formatReport({ findings, products, calls, complete }: Report, tenant: string): string {
  const codes = [...new Set(findings.map(({ code }) => code))]
  const blocks = codes.map((code) => blockOf(findings.filter((finding) => finding.code === code)))
  const counts = severities.map((severity) =>
    countOf(severity, findings.filter((finding) => finding.severity === severity).length),
  )
  const end = complete ? '' : text.incomplete
  return `${[text.heading(tenant, products, calls), ...blocks, `${counts.join(', ')}.${end}`].join('\n\n')}\n`
}

function blockOf(same: Finding[]): string {
  const [first] = same
  const descriptions = [...new Set(same.map(({ what }) => what))]
  const listed = descriptions.slice(0, MAX_LISTED).map((what) => same.filter((finding) => finding.what === what))
  const remaining = same.length - listed.flat().length
  const count = same.length > 1 ? `  (${same.length})` : ''
  return [
    `${first?.severity}  ${first?.code}${count}`,
    ...listed.flatMap(linesOf),
    ...(remaining > 0 ? [`  … and ${text.more(remaining)}`] : []),
    `  ${text.why}: ${first?.why}`,
    `  ${text.fix}: ${first?.fix}`,
  ].join('\n')
}

/** One description with its products, and the link of the first. */
function linesOf(same: Finding[]): string[] {
  const [first] = same
  const names = same.flatMap(({ product }) => product ?? [])
  const link = first?.link ? [`    ${first.link}`] : []
  if (names.length < 2) return [`  ${names[0] ? `${names[0]}: ` : ''}${first?.what}`, ...link]
  const remaining = names.length - MAX_LISTED
  const listed = `${names.slice(0, MAX_LISTED).join(', ')}${remaining > 0 ? `, … and ${text.more(remaining)}` : ''}`
  return [`  ${first?.what}`, `    ${listed}`, ...link]
}
