import { createTransport } from 'nodemailer'
import { trustedAuthorities } from '../../infra/ca-bundle.js'
import { isPlainAddress } from './email-address.js'
import { type Mailbox, mailboxesOf } from './mailboxes.js'

export interface MailOptions {
  /** `smtp://user:password@host:587` or `smtps://…:465` */
  url: string
  /** from the settings: an address, optionally with a name */
  from: string
  /** PEM text of an extra certificate authority */
  extraCa?: string | undefined
}

export interface MailMessage {
  /** one plain ASCII address, or mailboxes from the settings */
  to: string | Mailbox[]
  subject: string
  text: string
  /** one plain ASCII address; any other is omitted */
  replyTo?: string | undefined
}

export type Mail = ReturnType<typeof createMail>

const MAX_SUBJECT_CHARACTERS = 200

/**
 * Sends one e-mail at a time over SMTP, within a few seconds. Rejects with the transport's error, or with code EENVELOPE if the
 * recipient is not one plain address.
 */
export function createMail({ url, from, extraCa }: MailOptions) {
  const transport = createTransport({
    url,
    connectionTimeout: 2000,
    greetingTimeout: 2000,
    socketTimeout: 4000,
    disableFileAccess: true,
    disableUrlAccess: true,
    tls: trustedAuthorities(extraCa),
  })
  const [sender] = mailboxesOf(from)
  return {
    async send({ to, subject, text, replyTo }: MailMessage): Promise<void> {
      if (typeof to === 'string' && !isMailable(to)) throw notAnAddress()
      // mailboxes and never text, which nodemailer would parse into several recipients
      await transport.sendMail({
        from: sender ?? from,
        to: typeof to === 'string' ? [mailbox(to)] : to,
        // a name could contain line breaks
        subject: Array.from(subject.replace(/[\s\p{C}]+/gu, ' '))
          .slice(0, MAX_SUBJECT_CHARACTERS)
          .join(''),
        text,
        ...(replyTo !== undefined && isMailable(replyTo) ? { replyTo: [mailbox(replyTo)] } : {}),
      })
    },
    close: () => transport.close(),
  }
}

/** ASCII only: nodemailer maps other characters of a domain to those of another domain (U+212A to `k`). */
function isMailable(address: string): boolean {
  return isPlainAddress(address) && /^[!-~]+$/.test(address)
}

function mailbox(address: string): Mailbox {
  return { name: '', address }
}

function notAnAddress(): Error {
  return Object.assign(new Error('the recipient is not one plain address'), { code: 'EENVELOPE' })
}
