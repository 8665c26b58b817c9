import fc from 'fast-check'
import t from 'tap'
import { createNames } from '../../src/features/account/names.js'
import {
  clientIdFault,
  clientLabels,
  clientOfLabels,
  LONGEST_CLIENT_ID,
} from '../../src/features/account/service-addresses.js'

const names = createNames({
  secrets: ['a secret of at least 32 characters'],
  issuerIds: () => ['https://id.example.com'],
})
/** As 3scale takes an address (porta, app/lib/authentication.rb: RE_EMAIL_OK). */
const ADDRESS = /^['\w.%+-]+@(?:[A-Z0-9-]+\.)+[A-Z]{2,63}$/i
const clientId = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: LONGEST_CLIENT_ID,
})

t.test('the address of any client id is one that 3scale takes, and names the client and nothing else', async (t) => {
  fc.assert(
    fc.property(clientId, fc.integer({ min: 1 }), (client, accountId) => {
      const email = names.serviceAddress(accountId, client)
      const [, domain = ''] = email.split('@')
      return (
        clientIdFault(client) === undefined &&
        ADDRESS.test(email) &&
        email.length <= 255 &&
        domain.split('.').every((label) => label.length <= 63) &&
        clientOfLabels(clientLabels(client)) === client &&
        names.clientOf({ accountId, email }) === client &&
        names.clientOf({ accountId: accountId + 1, email }) === undefined
      )
    }),
    { numRuns: 1000 },
  )
  t.equal(names.serviceAddress(7, 'x'.repeat(LONGEST_CLIENT_ID)).length <= 255, true)
})

t.test('an address that somebody wrote names no client', async (t) => {
  const email = names.serviceAddress(7, 'robot')
  const [tag = '', labels = ''] = [email.split('@')[0], clientLabels('crawler')]
  for (const written of [
    `${tag}@${labels}.service.invalid`,
    `${tag}@service.invalid`,
    'ada@example.com',
    '',
    undefined,
  ])
    t.equal(names.clientOf({ accountId: 7, email: written }), undefined, String(written))
})

t.test('client ids that are none', async (t) => {
  for (const wrong of ['', ' ', 'a b', 'röbot', 'robot\n', '\u0000', 'x'.repeat(LONGEST_CLIENT_ID + 1)])
    t.type(clientIdFault(wrong), 'string', JSON.stringify(wrong.slice(0, 10)))
})
