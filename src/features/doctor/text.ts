import type { Severity } from './codes/shape.js'
import type { Finding, Report } from './findings.js'

/** Sentences of one code, and products of one sentence, that the text shows; `--json` has all. */
const MOST = 5

const severities: Severity[] = ['error', 'warning', 'info']

/** A report as text: one block for each code, in which what repeats is folded. `tenant` is the address of the admin portal. */
export function reportText({ findings, products, calls, complete }: Report, tenant: string): string {
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

function blockOf(same: Finding[]): string {
  const [first] = same
  const sentences = [...new Set(same.map(({ what }) => what))]
  const shown = sentences.slice(0, MOST).map((what) => same.filter((finding) => finding.what === what))
  const left = same.length - shown.flat().length
  const count = same.length > 1 ? `  (${same.length})` : ''
  return [
    `${first?.severity}  ${first?.code}${count}`,
    ...shown.flatMap(caseOf),
    ...(left > 0 ? [`  … and ${more(left)}`] : []),
    `  Why: ${first?.why}`,
    `  Fix: ${first?.fix}`,
  ].join('\n')
}

/** One sentence with the products that it is true of, and the page of the first one. */
function caseOf(same: Finding[]): string[] {
  const [first] = same
  const names = same.flatMap(({ product }) => product ?? [])
  const link = first?.link ? [`    ${first.link}`] : []
  if (names.length < 2) return [`  ${names[0] ? `${names[0]}: ` : ''}${first?.what}`, ...link]
  const hidden = names.length - MOST
  const listed = `${names.slice(0, MOST).join(', ')}${hidden > 0 ? `, … and ${more(hidden)}` : ''}`
  return [`  ${first?.what}`, `    ${listed}`, ...link]
}

function more(count: number): string {
  return `${count} more (use --json)`
}
