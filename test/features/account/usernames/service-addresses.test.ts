import fc from 'fast-check'
import t from 'tap'
import {
  clientIdError,
  clientIdOfLabels,
  clientLabels,
  MAX_CLIENT_ID_CHARACTERS,
} from '../../../../src/features/account/usernames/service-addresses.js'
import { createUsernames } from '../../../../src/features/account/usernames/usernames.js'

const names = createUsernames({
  secrets: ['a secret of at least 32 characters'],
  issuerIds: () => ['https://id.example.com'],
})
/** The format of addresses that 3scale accepts (porta, app/lib/authentication.rb: RE_EMAIL_OK). */
const ADDRESS = /^['\w.%+-]+@(?:[A-Z0-9-]+\.)+[A-Z]{2,63}$/i
const clientId = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: MAX_CLIENT_ID_CHARACTERS,
})

t.test('the address of any client id is valid in 3scale and decodes to this client id only', async (t) => {
  fc.assert(
    fc.property(clientId, fc.integer({ min: 1 }), (client, accountId) => {
      const email = names.serviceAddress(accountId, client)
      const [, domain = ''] = email.split('@')
      return (
        clientIdError(client) === undefined &&
        ADDRESS.test(email) &&
        email.length <= 255 &&
        domain.split('.').every((label) => label.length <= 63) &&
        clientIdOfLabels(clientLabels(client)) === client &&
        names.clientIdOf({ accountId, email }) === client &&
        names.clientIdOf({ accountId: accountId + 1, email }) === undefined
      )
    }),
    { numRuns: 1000 },
  )
  t.equal(names.serviceAddress(7, 'x'.repeat(MAX_CLIENT_ID_CHARACTERS)).length <= 255, true)
})

t.test('an address that the portal did not generate names no client', async (t) => {
  const email = names.serviceAddress(7, 'robot')
  const [tag = '', labels = ''] = [email.split('@')[0], clientLabels('crawler')]
  for (const written of [
    `${tag}@${labels}.service.invalid`,
    `${tag}@service.invalid`,
    'ada@example.com',
    '',
    undefined,
  ])
    t.equal(names.clientIdOf({ accountId: 7, email: written }), undefined, String(written))
})

t.test('invalid client ids are rejected', async (t) => {
  for (const wrong of ['', ' ', 'a b', 'röbot', 'robot\n', '\u0000', 'x'.repeat(MAX_CLIENT_ID_CHARACTERS + 1)])
    t.type(clientIdError(wrong), 'string', JSON.stringify(wrong.slice(0, 10)))
})
