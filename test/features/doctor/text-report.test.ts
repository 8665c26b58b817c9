import t from 'tap'
import {
  createFindingFactory,
  type Finding,
  type FindingCode,
  findingTypes,
  type Report,
  sortFindings,
} from '../../../src/features/doctor/findings/findings.js'
import { formatReport } from '../../../src/features/doctor/text-report.js'
import { doctorView } from '../../../src/features/doctor/view.js'

const ADMIN = 'https://admin.example'
const find = createFindingFactory(ADMIN)
const product = (index: number) => ({ id: 100 + index, systemName: `model-${String(index).padStart(3, '0')}` })

t.test('a finding is shown with its product, sentence and link', async (t) => {
  const text = formatReport(report([find('not_promoted', { product: product(1) }), find('redis_missing')]), ADMIN)
  t.match(
    text,
    [
      'error  not_promoted',
      '  model-001: The product was never promoted to production.',
      `    ${ADMIN}/apiconfig/services/101/integration`,
      '  Why: The gateway does not know it, and the portal does not show it.',
      '  Fix: Promote the latest configuration to production.',
      '',
      'warning  redis_missing',
      '  Redis is not configured.',
    ].join('\n'),
  )
  t.match(text, /1 error, 1 warning, 0 info\.\n$/)
  t.match(formatReport({ ...report([]), complete: false }, ADMIN), 'Some checks could not run.\n')
})

t.test('a sentence about many products is shown once, with some of the products', async (t) => {
  const text = formatReport(report(many(192, 'not_promoted')), ADMIN)
  t.match(
    text,
    [
      'error  not_promoted  (192)',
      '  The product was never promoted to production.',
      '    model-000, model-001, model-002, model-003, model-004, … and 187 more (use --json)',
    ].join('\n'),
  )
  t.notMatch(text, 'model-005')
})

t.test('different sentences of one finding are limited to a few', async (t) => {
  const text = formatReport(
    report(many(192, 'docs_server_mismatch', (index) => `Names https://${index}.example.`)),
    ADMIN,
  )
  t.match(text, '  model-004: Names https://4.example.')
  t.match(text, '  … and 187 more (use --json)')
  t.notMatch(text, 'model-005')
})

t.test('at 200 products with every finding in each of them, the text has a readable length', async (t) => {
  const codes = Object.keys(findingTypes) as FindingCode[]
  const all = codes.flatMap((code, which) =>
    many(200, code, which % 2 === 0 ? undefined : (index) => `Something about number ${index}.`),
  )
  const lines = formatReport(report(all), ADMIN).split('\n').length
  t.ok(lines < 15 * codes.length, `${lines} lines for ${all.length} findings`)

  // The findings of a real tenant with 200 products, which took 1,168 lines before sentences were grouped.
  const real = [
    ...many(36, 'not_promoted'),
    ...many(164, 'credentials_query'),
    ...many(164, 'rule_double_count', () => 'GET /v1 counts by GET / and by GET /v1.'),
    ...many(164, 'docs_missing'),
    ...many(30, 'plan_default', (index) => `Everybody who signs up gets an application of “Plan ${index % 3}”.`),
  ]
  t.ok(formatReport(report(real), ADMIN).split('\n').length < 50)
})

t.test('the page shows the first products of a finding and collapses the others', async (t) => {
  const view = doctorView(report([...many(12, 'not_promoted'), ...many(5, 'docs_missing')]), {
    running: false,
    adminUrl: ADMIN,
    now: new Date(0),
  })
  const [errors, hints] = view.sections
  t.match(errors, { count: '12', groups: [{ collapsedLabel: 'Show 7 more' }] })
  t.equal(errors?.groups[0]?.cases.length, 5)
  t.equal(errors?.groups[0]?.collapsed.length, 7)
  t.match(errors?.groups[0]?.collapsed[6], { product: 'model-011', link: /111/ })
  t.match(hints, { count: '5', groups: [{ collapsedLabel: '', collapsed: [] }] })
})

function many(count: number, code: FindingCode, what?: (index: number) => string): Finding[] {
  return Array.from({ length: count }, (_, index) =>
    find(code, { product: product(index), ...(what ? { what: what(index) } : {}) }),
  )
}

function report(findings: Finding[]): Report {
  return { at: new Date(0).toISOString(), complete: true, products: 200, calls: 1, findings: sortFindings(findings) }
}
