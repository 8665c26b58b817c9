import t from 'tap'
import { doctorOf, recordedTenant } from '../../recorded-tenant.js'

const DAY = 86_400_000
const FAILURES = '/admin/api/webhooks/failures.json'
const PORTAL = 'https://3scale:canary-secret@models.example/webhooks/3scale'
const now = Date.parse('2026-12-01T12:00:00Z')

function failure(url: string, error: string, agoMs: number) {
  const event =
    '<event><action>created</action><object><application><user_key>canary-key</user_key></application></object></event>'
  return { 'webhooks-failure': { id: 'a', time: new Date(now - agoMs).toISOString(), error, url, event } }
}

async function found({
  failures = [] as object[],
  isReceiver = true,
  received = undefined as number | undefined | null,
}): Promise<{ code: string; what: string }[]> {
  const tenant = recordedTenant()
  tenant.answers[FAILURES] = {
    ...tenant.answers[FAILURES],
    status: 200,
    body: { 'webhooks-failures': failures },
  } as never
  const webhooks = { isReceiver, address: 'https://models.example/webhooks/3scale', lastReceived: async () => received }
  const report = await doctorOf(tenant, { webhooks, now: () => now }).examine(60_000)
  t.notMatch(JSON.stringify(report), /canary/, 'neither the secret nor the event is in the report')
  return report.findings.filter(({ code }) => code.startsWith('webhooks_')).map(({ code, what }) => ({ code, what }))
}

t.test('without WEBHOOK_SECRET and without failures, there is no finding', async (t) => {
  t.same(await found({ isReceiver: false }), [])
})

t.test('webhooks that were received within a week are no finding, nor is an unknown time', async (t) => {
  t.same(await found({ received: now - DAY }), [])
  t.same(await found({ received: null }), [])
})

t.test('a secret without any webhook for a week is reported, with the other receiver if it is known', async (t) => {
  t.match(await found({}), [{ code: 'webhooks_absent' }])
  t.match(await found({ received: now - 8 * DAY }), [{ code: 'webhooks_absent' }])
  const other = failure('https://user:canary@crm.example/hook?token=canary', '500 Internal Server Error', DAY)
  t.match(await found({ failures: [other] }), [{ code: 'webhooks_absent', what: /sent to crm\.example\.$/ }])
  t.same(
    await found({ failures: [other], isReceiver: false }),
    [],
    'the webhooks of others are not the concern of the portal',
  )
})

t.test('events that could not be delivered to the portal are reported, until a later one was received', async (t) => {
  const failures = [
    failure(PORTAL, '401 Unauthorized', 2 * DAY),
    failure(PORTAL, `bad URI(is not URI?): "${PORTAL}"`, DAY),
  ]
  t.match(await found({ failures }), [
    {
      code: 'webhooks_undelivered',
      what: '2 events; for the last one, at 2026-11-30T12:00:00Z, there was no response.',
    },
  ])
  t.match(await found({ failures: failures.slice(0, 1), isReceiver: false }), [
    { code: 'webhooks_undelivered', what: /^1 event; .* the response was 401\.$/ },
  ])
  t.same(await found({ failures, received: now - DAY / 2 }), [])
  t.match(await found({ failures: [failure(PORTAL, '401 Unauthorized', 8 * DAY)] }), [{ code: 'webhooks_absent' }])
})

t.test('a failure of another form is no failure of the report', async (t) => {
  const failures = [{ 'webhooks-failure': { url: null, time: 'canary' } }, { 'webhooks-failure': 7 }]
  t.same(await found({ failures, received: now }), [])
})
