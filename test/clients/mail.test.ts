import t from 'tap'
import { createMail } from '../../src/clients/mail.js'
import { startMailbox } from '../helper/mailbox.js'

t.test('a name with line breaks adds no header, no receiver and no file to a mail', async (t) => {
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
