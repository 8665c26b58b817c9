import t from 'tap'
import type { FieldDefinition } from '../../../../src/clients/threescale/types.js'
import { isProblem, problem } from '../../../../src/errors.js'
import { resolveFields } from '../../../../src/features/account/enrolment/sign-up-policy.js'
import { toCountryProblem, toEmailProblem } from '../../../../src/features/account/threescale-refusals.js'
import { retryWithoutUnstorableClaims } from '../../../../src/features/account/unstorable-claims.js'
import { organisationName } from '../../../../src/features/account/usernames/usernames.js'
import type { Identity } from '../../../../src/web/auth/caller.js'

const field = (target: 'account' | 'user', name: string, more: Partial<FieldDefinition> = {}): FieldDefinition => ({
  ...{ target, name, label: name, builtIn: false, required: false, hidden: false, readOnly: false, choices: [] },
  ...more,
})

t.test('a claim fills a field with one line of at most 255 characters, and an empty one with nothing', async (t) => {
  const identity = {
    claims: { nick: ['Ada\u0000\nKing'], long: 'x'.repeat(400), rockets: '🚀'.repeat(300), blank: ' \u0007 ' },
  } as unknown as Identity
  const mapped = { nick: 'nick', long: 'long', rockets: 'rockets', blank: 'blank', gone: 'gone' }
  const definitions = Object.keys(mapped).map((name) => field('user', name))
  const { claimValues, questions } = resolveFields(definitions, identity, { fields: { user: mapped } }, undefined)
  t.same(claimValues, { 'user.nick': 'Ada  King', 'user.long': 'x'.repeat(255), 'user.rockets': '🚀'.repeat(255) })
  t.same(
    questions.map(({ name }) => name),
    ['blank', 'gone'],
  )
})

t.test('an organisation gets the first name that 3scale accepts', async (t) => {
  const cases: [candidates: (string | undefined)[], name: string][] = [
    [['Analytical Engines', 'ada@example.com'], 'Analytical Engines'],
    [['Two\nlines\u0000', 'ada@example.com'], 'Two lines'],
    [['株式会社', 'ada@example.com'], 'ada@example.com'],
    [[undefined, 'ada@example.com'], 'ada@example.com'],
    [['', 'юзер@пример.рф', 'sso-abc'], 'sso-abc'],
    [['🚀'.repeat(260), 'a'], 'a'],
    [[`a${'🚀'.repeat(260)}`], `a${'🚀'.repeat(254)}`],
  ]
  for (const [candidates, name] of cases) t.equal(organisationName(...candidates), name)
})

t.test('a claim that the database cannot store is stripped once, and typed text is not', async (t) => {
  const holdsBmp = async (texts: Record<string, string>) => {
    const faults = Object.entries(texts).filter(([, text]) => /[\u{10000}-\u{10ffff}]/u.test(text))
    if (faults.length > 0)
      throw problem('invalid_fields', { fields: Object.fromEntries(faults.map(([name]) => [name, 'no'])) })
    return texts
  }
  const claimed = new Set(['org_name', 'first_name'])
  t.same(
    await retryWithoutUnstorableClaims({ org_name: 'A 🚀', first_name: 'Ada 🚀', title: 'Dr' }, claimed, holdsBmp),
    {
      org_name: 'A',
      first_name: 'Ada',
      title: 'Dr',
    },
  )
  const typed = retryWithoutUnstorableClaims({ org_name: 'A 🚀', title: 'Dr 🚀' }, claimed, holdsBmp)
  await t.rejects(typed, { code: 'invalid_fields', fields: { title: 'no' } }, 'only what was typed is left to correct')
  let tries = 0
  const other = retryWithoutUnstorableClaims({ org_name: 'A 🚀' }, claimed, async () => {
    tries++
    throw problem('invalid_fields', { fields: { job_title: 'This is required.' } })
  })
  await t.rejects(other, { code: 'invalid_fields', fields: { job_title: 'This is required.' } })
  t.equal(tries, 1, 'other rejections are not repeated')
})

t.test('an address that 3scale rejects is taken or refused, and other errors are unchanged', async (t) => {
  const invalid = (fields: Record<string, string>) => problem('invalid_fields', { fields })
  const codeOf = (error: unknown) => (isProblem(error) ? error.code : 'none')
  t.equal(codeOf(toEmailProblem(invalid({ email: 'This is already taken.' }))), 'email_taken')
  const form = toEmailProblem(invalid({ email: 'Use at least 6 characters.' }))
  t.equal(codeOf(form), 'sign_up_refused')
  t.match((form as Error).message, /does not accept your e-mail address\. Use at least 6 characters\. Change it/)
  for (const error of [invalid({ org_name: 'x' }), problem('conflict'), new Error('x')])
    t.equal(toEmailProblem(error), error)
  const country = invalid({ country: 'This is required.', zip: 'x' })
  t.match((toCountryProblem(country, 'Narnia') as { fields: object }).fields, { country: /English name/, zip: 'x' })
  t.equal(toCountryProblem(country, undefined), country, 'no country is named')
})
