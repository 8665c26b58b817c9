import type { Severity } from './codes/shape.js'
import { type Finding, type Report, rules } from './findings.js'

const sections: { severity: Severity; title: string; color: string; word: string }[] = [
  { severity: 'error', title: 'Errors', color: 'red', word: 'Error' },
  { severity: 'warning', title: 'Warnings', color: 'orange', word: 'Warning' },
  { severity: 'info', title: 'Notes', color: 'blue', word: 'Note' },
]

/** Cases of one code that are shown at once; the others are folded below them. */
const SHOWN = 5

/** The doctor's page: the last report, or what a run would do. */
export function doctorView(
  report: Report | null,
  { running, adminUrl, now }: { running: boolean; adminUrl: string; now: Date },
) {
  return {
    title: 'Doctor',
    tenant: new URL(adminUrl).host,
    running,
    button: report ? 'Run again' : 'Run the checks',
    summary: report && summaryOf(report, now),
    incomplete: report !== null && !report.complete,
    allWell: report?.complete && report.findings.length === 0,
    sections: sections
      .map(({ severity, title, color, word }) => ({
        title,
        color,
        word,
        id: `section-${severity}`,
        groups: groupsOf((report?.findings ?? []).filter((finding) => finding.severity === severity)),
      }))
      .filter(({ groups }) => groups.length > 0)
      .map((section) => ({ ...section, count: String(sum(section.groups)) })),
  }
}

/** One card for each code, with the products that it was found in. */
function groupsOf(findings: Finding[]) {
  return [...new Set(findings.map(({ code }) => code))].map((code) => {
    const same = findings.filter((finding) => finding.code === code)
    const { why, fix } = same[0] as Finding
    const cases = same.map(shown)
    const folded = cases.slice(SHOWN)
    return {
      code,
      title: rules[code].title,
      why,
      fix,
      count: cases.length,
      cases: cases.slice(0, SHOWN),
      folded,
      foldedWords: folded.length > 0 ? `and ${folded.length} more` : '',
    }
  })
}

function sum(groups: { count: number }[]): number {
  return groups.reduce((total, { count }) => total + count, 0)
}

function shown({ code, product, what, link }: Finding) {
  // the sentence of the card says it already
  const more = what === `${rules[code].title}.` ? '' : what
  return { product, more, link, of: product ? ` (${product})` : '' }
}

function summaryOf({ at, products, calls, findings }: Report, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(at)) / 1000))
  const age = seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length
  const counts = sections.map(
    ({ severity, word }) => `${count(severity)} ${word.toLowerCase()}${count(severity) === 1 ? '' : 's'}`,
  )
  return `${counts.join(', ')}. ${products} products, ${calls} calls, ${age} ago.`
}

interface Asked {
  model: string
  person: string
  operator: boolean
  reasons: string[]
  contact: string
}

/** The same text for everybody and every name; operators also get what 3scale and PORTAL_CONFIG say. */
export function missingView({ model, person, operator, reasons, contact }: Asked) {
  return {
    title: 'Why can’t I see this model?',
    model,
    person,
    operator,
    reasons,
    contact,
    general: [
      'Its name is another one: models are found by the name in their address. Search for a part of it.',
      'It is not published yet: a model appears once it can be called and there is a plan for it, a minute later.',
      'It was taken back, for good or for a time.',
      'It is for certain groups. Groups come from your sign-in: when you were added to one, sign out and in again.',
      'Your organisation has no access to it. Somebody who looks after models can change that.',
    ],
  }
}
