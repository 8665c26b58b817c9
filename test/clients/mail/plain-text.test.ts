import t from 'tap'
import { toPlainText } from '../../../src/clients/mail/plain-text.js'

t.test('ordinary names are unchanged', async (t) => {
  for (const name of [
    'Vera & Co.',
    'Modern Prometheus',
    "O'Brien (Research), Dept. 5/6",
    '株式会社',
    'Jörg Müller Ltd.',
  ])
    t.equal(toPlainText(name), name)
  t.equal(toPlainText('Node.js Foundation'), 'Node js Foundation')
})

t.test('a name cannot add a link, an address, markup or a line to a text', async (t) => {
  const linked = /:\/\/|\S[.。．]\S|\S@\S|\w:\S|[<>[\]|`]|\p{Cc}|\p{Cf}/u
  for (const text of [
    'Your account is locked: https://evil.example/login?x=1',
    'visit evil.example now',
    'visit www.evil.example',
    'HTTP://EVIL.EXAMPLE',
    'ftp://evil.example',
    'mailto:evil@evil.example',
    'tel:+491234',
    'javascript:alert(1)',
    'evil\uff0eexample',
    'evil\u3002example',
    'evil\uff61example',
    'evil\u2024example',
    'evil\ufe52example',
    'http\uff1a\uff0f\uff0fevil.example',
    'a\uff20evil.example',
    'evil\u200b.\u200bexample',
    'ev\u00adil.example',
    '\u202emoc.live',
    '<https://evil.example|Sign in>',
    '[Sign in](https://evil.example)',
    '<a href="//evil.example">x</a>',
    'Vera\r\nBcc: all@example.com',
    'Vera\n\nDear customer',
    'Vera\u2028Dear customer',
    'Vera\u0000',
  ])
    t.notMatch(toPlainText(text), linked, encodeURIComponent(text))
  t.notMatch(toPlainText('a\u2028b\nc\u0085d'), /[\n\r\u2028\u0085]/)
  t.equal(Array.from(toPlainText('🚀'.repeat(300))).length, 80)
  t.equal(Array.from(toPlainText('ﷺ'.repeat(300))).length, 80, 'also if one character is replaced by several')
})
