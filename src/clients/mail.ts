import { createTransport } from 'nodemailer'
import addressparser from 'nodemailer/lib/addressparser'
import { isPlainAddress } from './email-address.js'
import { trusting } from './trust.js'

export interface MailOptions {
  /** `smtp://user:password@host:587` or `smtps://…:465` */
  url: string
  /** a setting: an address, with a name where it has one */
  from: string
  /** PEM text of an extra certificate authority */
  extraCa?: string | undefined
}

export interface Mailbox {
  name: string
  address: string
}

export interface Letter {
  /** one plain address in ASCII, or mailboxes of the settings */
  to: string | Mailbox[]
  subject: string
  text: string
  /** one plain address in ASCII; another one is left out */
  replyTo?: string | undefined
}

export type Mail = ReturnType<typeof createMail>

const MOST_SUBJECT = 200

/**
 * One mail at a time over SMTP, an answer within a few seconds. Rejects with the transport's own error, or with code
 * EENVELOPE where the receiver is not one plain address.
 */
export function createMail({ url, from, extraCa }: MailOptions) {
  const transport = createTransport({
    url,
    connectionTimeout: 2000,
    greetingTimeout: 2000,
    socketTimeout: 4000,
    disableFileAccess: true,
    disableUrlAccess: true,
    tls: trusting(extraCa),
  })
  const [sender] = mailboxesOf(from)
  return {
    async send({ to, subject, text, replyTo }: Letter): Promise<void> {
      if (typeof to === 'string' && !isMailable(to)) throw notAnAddress()
      // mailboxes and never texts, which nodemailer would parse into several receivers
      await transport.sendMail({
        from: sender ?? from,
        to: typeof to === 'string' ? [mailbox(to)] : to,
        // a subject is one line, whatever a name holds
        subject: Array.from(subject.replace(/[\s\p{C}]+/gu, ' '))
          .slice(0, MOST_SUBJECT)
          .join(''),
        text,
        ...(replyTo !== undefined && isMailable(replyTo) ? { replyTo: [mailbox(replyTo)] } : {}),
      })
    },
    close: () => transport.close(),
  }
}

/** Of a setting that the operator wrote, and of nothing that people send: a list of addresses, with or without names. */
export function mailboxesOf(setting: string): Mailbox[] {
  return addressparser(setting, { flatten: true }).map(({ name, address }) => ({ name, address }))
}

/** In ASCII alone: nodemailer maps other letters of a domain to those of another domain (U+212A to `k`). */
function isMailable(address: string): boolean {
  return isPlainAddress(address) && /^[!-~]+$/.test(address)
}

function mailbox(address: string): Mailbox {
  return { name: '', address }
}

function notAnAddress(): Error {
  return Object.assign(new Error('the receiver is not one plain address'), { code: 'EENVELOPE' })
}
