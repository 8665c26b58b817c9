import type { Severity } from './findings/finding-types.js'
import { type Finding, findingTypes, type Report } from './findings/findings.js'
import { countOf, doctorPageMessages as text, visibilityMessages } from './messages.js'

const severities: Severity[] = ['error', 'warning', 'info']

/** Cases of one code that are visible; the others are collapsed. */
const MAX_CASES = 5

/** The last report, or a description of a run if there is none. */
export function doctorView(
  report: Report | null,
  { running, adminUrl, now }: { running: boolean; adminUrl: string; now: Date },
) {
  return {
    title: text.title,
    tenant: new URL(adminUrl).host,
    running,
    button: report ? text.runAgain : text.run,
    summary: report && summaryOf(report, now),
    incomplete: report !== null && !report.complete,
    noFindings: report?.complete && report.findings.length === 0,
    sections: severities
      .map((severity) => ({
        title: text.severities[severity].section,
        color: text.severities[severity].color,
        label: text.severities[severity].label,
        id: `section-${severity}`,
        groups: groupsOf((report?.findings ?? []).filter((finding) => finding.severity === severity)),
      }))
      .filter(({ groups }) => groups.length > 0)
      .map((section) => ({ ...section, count: String(sum(section.groups)) })),
  }
}

/** One card for each code, with the affected products. */
function groupsOf(findings: Finding[]) {
  return [...new Set(findings.map(({ code }) => code))].map((code) => {
    const same = findings.filter((finding) => finding.code === code)
    const { why, fix } = same[0] as Finding
    const cases = same.map(toCase)
    const collapsed = cases.slice(MAX_CASES)
    return {
      code,
      title: findingTypes[code].title,
      why,
      fix,
      count: cases.length,
      cases: cases.slice(0, MAX_CASES),
      collapsed,
      collapsedLabel: collapsed.length > 0 ? text.more(collapsed.length) : '',
    }
  })
}

function sum(groups: { count: number }[]): number {
  return groups.reduce((total, { count }) => total + count, 0)
}

function toCase({ code, product, what, link }: Finding) {
  // The title of the card already contains it.
  const detail = what === `${findingTypes[code].title}.` ? '' : what
  return { product, detail, link, ofProduct: text.ofProduct(product) }
}

function summaryOf({ at, products, calls, findings }: Report, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(at)) / 1000))
  const age = seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
  const counts = severities.map((severity) =>
    countOf(severity, findings.filter((finding) => finding.severity === severity).length),
  )
  return text.summary(counts.join(', '), products, calls, age)
}

interface VisibilityRequest {
  model: string
  user: string
  operator: boolean
  reasons: string[]
  contact: string
}

/** The same text for every user and every name; operators also get the reasons in 3scale and PORTAL_CONFIG. */
export function visibilityView(request: VisibilityRequest) {
  const { title, general } = visibilityMessages
  return { title, general, ...request }
}
