import t from 'tap'
import type { KeyVerdicts } from '../../../../../src/features/doctor/checks/product/gateway-keys.js'
import { doctorOf, recordedTenant } from '../../recorded-tenant.js'

const codes = ['key_refused', 'key_ignored', 'key_unverified']

async function reported(answerOf: (systemName: string) => Promise<KeyVerdicts | undefined>) {
  const requested: string[] = []
  const keyVerdicts = (systemName: string) => {
    requested.push(systemName)
    return answerOf(systemName)
  }
  const report = await doctorOf(recordedTenant(), { gatewayKeys: { keyVerdicts } }).examine(60_000)
  return { asked: requested, report, findings: report.findings.filter(({ code }) => codes.includes(code)) }
}

t.test('each result is reported with product, account and application', async (t) => {
  const says = async (...verdicts: ('accepted' | 'refused' | 'open' | 'unknown')[]) => {
    const { findings, report } = await reported(async (name) =>
      name === 'granite' ? { account: 267, id: 9, verdicts } : undefined,
    )
    t.equal(report.complete, !verdicts.includes('unknown') || verdicts.includes('open'))
    return findings.map(({ code, product, what }) => `${code} ${product} ${what}`)
  }
  t.same(await says('accepted', 'accepted'), [])
  t.same(await says('refused'), ['key_refused granite The gateway refuses the key of application 9 (account 267).'])
  t.same(await says('accepted', 'refused', 'refused', 'unknown'), [
    'key_refused granite The gateway refuses 2 of 4 keys of application 9 (account 267).',
    'key_unverified granite The gateway gave no clear response to 1 of 4 keys of application 9 (account 267).',
  ])
  t.same(await says('open', 'open'), [
    'key_ignored granite The gateway accepts any key for application 9 (account 267).',
  ])
})

t.test(
  'products that are not promoted are not requested, and a check that throws is a finding of its own',
  async (t) => {
    const { asked: requested, report } = await reported(async (name) => {
      if (name === 'llama') throw new TypeError('canary')
      return undefined
    })
    t.same(requested.sort(), ['bge', 'granite', 'llama', 'mistral'])
    t.same(
      report.findings.filter(({ code }) => code === 'check_failed').map(({ product, what }) => [product, what]),
      [['llama', 'The check “keys at the gateway” ended with TypeError.']],
    )
    t.notMatch(JSON.stringify(report), 'canary')
  },
)
