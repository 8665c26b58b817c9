import t from 'tap'
import {
  createFind,
  type Finding,
  type FindingCode,
  type Report,
  rules,
  sorted,
} from '../../../src/features/doctor/findings.js'
import { reportText } from '../../../src/features/doctor/text.js'
import { doctorView } from '../../../src/features/doctor/view.js'

const ADMIN = 'https://admin.example'
const find = createFind(ADMIN)
const product = (index: number) => ({ id: 100 + index, systemName: `model-${String(index).padStart(3, '0')}` })

t.test('one finding: its product, sentence and page', async (t) => {
  const text = reportText(report([find('not_promoted', { product: product(1) }), find('redis_missing')]), ADMIN)
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
      '  There is no Redis.',
    ].join('\n'),
  )
  t.match(text, /1 error, 1 warning, 0 notes\.\n$/)
  t.match(reportText({ ...report([]), complete: false }, ADMIN), 'Not everything could be checked.\n')
})

t.test('a sentence that is true of many products is written once, with some of them', async (t) => {
  const text = reportText(report(many(192, 'not_promoted')), ADMIN)
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

t.test('sentences that differ are cut after some of them', async (t) => {
  const text = reportText(report(many(192, 'docs_address', (index) => `Names https://${index}.example.`)), ADMIN)
  t.match(text, '  model-004: Names https://4.example.')
  t.match(text, '  … and 187 more (use --json)')
  t.notMatch(text, 'model-005')
})

t.test('at 200 products, with every code in each of them, the text stays within what one reads', async (t) => {
  const codes = Object.keys(rules) as FindingCode[]
  const all = codes.flatMap((code, which) =>
    many(200, code, which % 2 === 0 ? undefined : (index) => `Something about number ${index}.`),
  )
  const lines = reportText(report(all), ADMIN).split('\n').length
  t.ok(lines < 15 * codes.length, `${lines} lines for ${all.length} findings`)

  // what a tenant of 200 products really had: 1,168 lines before
  const real = [
    ...many(36, 'not_promoted'),
    ...many(164, 'credentials_query'),
    ...many(164, 'rule_doubled', () => 'GET /v1 counts by GET / and by GET /v1.'),
    ...many(164, 'docs_missing'),
    ...many(30, 'plan_default', (index) => `Everybody who signs up gets an application of “Plan ${index % 3}”.`),
  ]
  t.ok(reportText(report(real), ADMIN).split('\n').length < 50)
})

t.test('the page shows the first cases of a code and folds the others', async (t) => {
  const view = doctorView(report([...many(12, 'not_promoted'), ...many(5, 'docs_missing')]), {
    running: false,
    adminUrl: ADMIN,
    now: new Date(0),
  })
  const [errors, notes] = view.sections
  t.match(errors, { count: '12', groups: [{ foldedWords: 'and 7 more' }] })
  t.equal(errors?.groups[0]?.cases.length, 5)
  t.equal(errors?.groups[0]?.folded.length, 7)
  t.match(errors?.groups[0]?.folded[6], { product: 'model-011', link: /111/ })
  t.match(notes, { count: '5', groups: [{ foldedWords: '', folded: [] }] })
})

function many(count: number, code: FindingCode, what?: (index: number) => string): Finding[] {
  return Array.from({ length: count }, (_, index) =>
    find(code, { product: product(index), ...(what ? { what: what(index) } : {}) }),
  )
}

function report(findings: Finding[]): Report {
  return { at: new Date(0).toISOString(), complete: true, products: 200, calls: 1, findings: sorted(findings) }
}
