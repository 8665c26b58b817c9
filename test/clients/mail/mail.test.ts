import t from 'tap'
import { createMail } from '../../../src/clients/mail/mail.js'
import { mailboxesOf } from '../../../src/clients/mail/mailboxes.js'
import { startMailbox } from '../../helper/mailbox.js'

t.test('a name with line breaks adds no header, recipient or attachment to an e-mail', async (t) => {
  const mailbox = await startMailbox()
  const mail = createMail({ url: mailbox.url, from: 'portal@example.com' })
  t.teardown(async () => {
    mail.close()
    await mailbox.close()
  })
  for (const ending of ['\r\n', '\n', '\r'])
    await mail.send({
      to: 'operator@example.com',
      replyTo: `ada@example.com${ending}Bcc: evil@example.com`,
      subject: `A wish of Ada${ending}Bcc: evil@example.com${ending}X-Injected: 1${ending}${ending}<b>`,
      text: `file:///etc/passwd${ending}.${ending}RCPT TO:<evil@example.com>`,
    })
  t.equal(mailbox.letters.length, 3)
  for (const letter of mailbox.letters) {
    const head = letter.split('\r\n\r\n')[0] ?? ''
    const names = head.split('\r\n').map((line) => line.split(':')[0]?.toLowerCase())
    t.same(
      names.filter((name) => name === 'bcc' || name === 'x-injected'),
      [],
      head,
    )
    t.match(letter, 'To: operator@example.com')
    t.match(letter, 'file:///etc/passwd')
    t.notMatch(letter, 'root:')
  }
})

t.test('an e-mail is sent to one address, exactly as written, or is not sent', async (t) => {
  const mailbox = await startMailbox()
  const mail = createMail({ url: mailbox.url, from: 'The portal <portal@example.com>' })
  t.teardown(async () => {
    mail.close()
    await mailbox.close()
  })
  const letter = { subject: 'A subject', text: 'A text' }
  for (const to of [
    'a,b@x.com',
    'a;b@x.com',
    '<c@x.com',
    'c@x.com>',
    'C <c@x.com>',
    'a@x.com, b@x.com',
    'a(b@x.com)c@x.com',
    '"a@evil.com"@x.com',
    'a@evil.com@x.com',
    'a@x.com\r\nBcc: evil@x.com',
    'a@x.com\nRCPT TO:<evil@x.com>',
    'a\u0000@x.com',
    'a\u200b@x.com',
    ' a@x.com',
    'a@\u212Aate.example',
    'jörg@x.com',
    'group: a@x.com, b@x.com;',
    'a@[127.0.0.1]',
    'nobody',
    '',
  ])
    await t.rejects(mail.send({ ...letter, to }), { code: 'EENVELOPE' }, JSON.stringify(to))
  t.same(mailbox.receivers, [], 'nothing was sent')
  for (const to of ["o'brien+tag@x.com", '=?utf-8?q?a?=@x.com', 'A@X.com']) await mail.send({ ...letter, to })
  t.same(mailbox.receivers, [["o'brien+tag@x.com"], ['=?utf-8?q?a?=@x.com'], ['A@x.com']])

  await mail.send({ ...letter, to: mailboxesOf('Operator <one@example.com>, two@example.com') })
  t.same(mailbox.receivers.at(-1), ['one@example.com', 'two@example.com'], 'the setting may contain several addresses')
  t.match(mailbox.letters.at(-1), /^From: The portal <portal@example\.com>/m)

  for (const [replyTo, shown] of [
    ['ada@example.com', /^Reply-To: ada@example\.com\r$/m],
    ['ada@example.com, evil@x.com', undefined],
    ['Evil <evil@x.com>', undefined],
    ['a@\u212Aate.example', undefined],
  ] as const) {
    await mail.send({ ...letter, to: 'one@example.com', replyTo })
    const head = mailbox.letters.at(-1)?.split('\r\n\r\n')[0] ?? ''
    if (shown) t.match(head, shown)
    else t.notMatch(head, /^Reply-To/m, replyTo)
  }

  await mail.send({ ...letter, to: 'one@example.com', subject: `A ${'long '.repeat(100)}\u202e subject` })
  const subject = /^Subject: ((?:.|\r\n )*)/m.exec(mailbox.letters.at(-1) ?? '')?.[1] ?? ''
  t.ok(subject.length > 100 && subject.length < 300, String(subject.length))
})
