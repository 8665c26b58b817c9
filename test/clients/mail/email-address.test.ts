import t from 'tap'
import { asciiLower, domainOf, isListedDomain, isPlainAddress } from '../../../src/clients/mail/email-address.js'

const listed = ['good.example', 'Bücher.example', 'kate.example']

t.test('only ASCII letters are case-insensitive', async (t) => {
  t.equal(asciiLower('Kate@EXAMPLE.com'), 'kate@example.com')
  for (const unusual of ['\u212Aate@example.com', 'ſam@example.com', 'İ@example.com', 'STRAẞE'])
    t.equal(
      asciiLower(unusual),
      unusual.replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
      unusual,
    )
  t.not(asciiLower('\u212Aate@example.com'), 'kate@example.com')
})

t.test('a listed domain matches in any case and in its xn-- form', async (t) => {
  const addresses: [string, boolean][] = [
    ['ada@good.example', true],
    ['ada@Good.EXAMPLE', true],
    ["o'brien+tag@good.example", true],
    ['jörg@good.example', true],
    ['ada@bücher.example', true],
    ['ada@BüCHER.example', true],
    ['ada@xn--bcher-kva.example', true],
    ['ada@bu\u0308cher.example', false],
    ['ada@\u212Aate.example', false],
    ['ada@ｇood.example', false],
    ['ada@good.example.', false],
    ['ada@good。example', false],
    ['ada@sub.good.example', false],
    ['ada@good.example.evil.org', false],
    [`${'a'.repeat(240)}@good.example.evil.org`, false],
    ['ada@evil.org@good.example', false],
    ['"ada@evil.org"@good.example', false],
    ['ada(@evil.org)@good.example', false],
    ['ada@good.example(evil.org)', false],
    ['<ada@evil.org>@good.example', false],
    ['Ada <ada@good.example>', false],
    ['a,b@good.example', false],
    ['a;b@good.example', false],
    ['a b@good.example', false],
    ['ada@good.example ', false],
    [' ada@good.example', false],
    ['ada@good.example\n', false],
    ['ada@evil.org\r\n@good.example', false],
    ['ada@evil.org\0@good.example', false],
    ['ada\u200b@good.example', false],
    ['ada@good\u200b.example', false],
    ['ada\u202e@good.example', false],
    ['ada@good\u00ad.example', false],
    ['=?utf-8?q?ada?=@good.example', true],
    ['ada@', false],
    ['@good.example', false],
    ['good.example', false],
    ['', false],
  ]
  for (const [address, expected] of addresses) {
    const domain = domainOf(address)
    t.equal(domain !== undefined && isListedDomain(domain, listed), expected, JSON.stringify(address))
    t.equal(isPlainAddress(address), domain !== undefined)
  }
  t.notOk(isListedDomain('', ['']), 'an empty entry matches nothing')
  t.notOk(isListedDomain('', ['not a domain']), 'an invalid domain matches nothing')
})
