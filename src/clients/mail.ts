import { createTransport } from 'nodemailer'
import { trusting } from './trust.js'

export interface MailOptions {
  /** `smtp://user:password@host:587` or `smtps://…:465` */
  url: string
  from: string
  /** PEM text of an extra certificate authority */
  extraCa?: string | undefined
}

export interface Letter {
  to: string
  subject: string
  text: string
  replyTo?: string | undefined
}

export type Mail = ReturnType<typeof createMail>

/** One mail at a time over SMTP, an answer within a few seconds. Rejects with the transport's own error. */
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
  return {
    async send({ to, subject, text, replyTo }: Letter): Promise<void> {
      // a subject is one line, whatever a name holds
      await transport.sendMail({
        from,
        to,
        subject: subject.replace(/\s+/g, ' '),
        text,
        ...(replyTo ? { replyTo } : {}),
      })
    },
    close: () => transport.close(),
  }
}
