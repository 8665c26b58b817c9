import { problem } from '../errors.js'
import type { Http } from '../infra/http/http.js'
import type { Log } from '../infra/redis.js'
import type { Mail } from './mail/mail.js'
import type { Mailbox } from './mail/mailboxes.js'

export interface OperatorNotificationsOptions {
  mail?: { send: Mail['send']; to: Mailbox[] } | undefined
  /** address that accepts JSON by POST */
  webhook?: string | undefined
  http: Pick<Http, 'send'>
  log: Log
}

/** A request that only the operator can approve. */
export interface OperatorNotification {
  event: string
  subject: string
  text: string
  replyTo?: string | undefined
  facts: Record<string, string | number | null>
}

export type OperatorNotifications = ReturnType<typeof createOperatorNotifications>

/** Notifies the operator by e-mail, by webhook, or both. 3scale has no call for such requests. */
export function createOperatorNotifications({ mail, webhook, http, log }: OperatorNotificationsOptions) {
  const channels = [
    ...(mail
      ? [{ name: 'mail', send: (notification: OperatorNotification) => mail.send({ ...notification, to: mail.to }) }]
      : []),
    ...(webhook ? [{ name: 'webhook', send: post }] : []),
  ]

  return {
    reachable: channels.length > 0,

    /** Rejects with operator_unreachable if no channel accepts the notification. */
    async notify(notification: OperatorNotification): Promise<void> {
      const sent = await Promise.allSettled(channels.map(({ send }) => send(notification)))
      sent.forEach((outcome, index) => {
        if (outcome.status === 'rejected')
          log.warn(
            { channel: channels[index]?.name, reason: String(outcome.reason) },
            'The operator could not be notified',
          )
      })
      if (!sent.some(({ status }) => status === 'fulfilled')) throw problem('operator_unreachable')
    },
  }

  async function post({ event, text, facts }: OperatorNotification): Promise<void> {
    const { status } = await http.send({
      method: 'POST',
      url: new URL(webhook ?? ''),
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ schema: 1, event, text, ...facts }),
    })
    if (status >= 300) throw new Error(`the webhook returned ${status}`)
  }
}
