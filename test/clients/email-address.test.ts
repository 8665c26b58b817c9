import t from 'tap'
import { asciiLower, domainOf, isListed, isPlainAddress } from '../../src/clients/email-address.js'

const listed = ['good.example', 'Bücher.example', 'kate.example']

t.test('only ASCII letters are folded', async (t) => {
  t.equal(asciiLower('Kate@EXAMPLE.com'), 'kate@example.com')
  for (const odd of ['\u212Aate@example.com', 'ſam@example.com', 'İ@example.com', 'STRAẞE'])
    t.equal(
      asciiLower(odd),
      odd.replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
      odd,
    )
  t.not(asciiLower('\u212Aate@example.com'), 'kate@example.com')
})

t.test('a domain is listed as it is, in any case, and by its xn-- form', async (t) => {
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
    t.equal(domain !== undefined && isListed(domain, listed), expected, JSON.stringify(address))
    t.equal(isPlainAddress(address), domain !== undefined)
  }
  t.notOk(isListed('', ['']), 'an empty entry lists nothing')
  t.notOk(isListed('', ['not a domain']), 'nor does one that is no domain')
})
