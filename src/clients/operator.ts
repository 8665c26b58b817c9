import { problem } from '../errors.js'
import type { Http } from './http.js'
import type { Mail, Mailbox } from './mail.js'
import type { Log } from './redis.js'

export interface OperatorOptions {
  mail?: { send: Mail['send']; to: Mailbox[] } | undefined
  /** address that takes JSON by POST */
  webhook?: string | undefined
  http: Pick<Http, 'send'>
  log: Log
}

/** A wish of a developer that only the operator can grant. */
export interface Wish {
  event: string
  subject: string
  text: string
  replyTo?: string | undefined
  facts: Record<string, string | number | null>
}

export type Operator = ReturnType<typeof createOperator>

/** The portal's own way to the operator: 3scale has no call for a wish. By mail, by webhook, or both. */
export function createOperator({ mail, webhook, http, log }: OperatorOptions) {
  const ways = [
    ...(mail ? [{ name: 'mail', send: (wish: Wish) => mail.send({ ...wish, to: mail.to }) }] : []),
    ...(webhook ? [{ name: 'webhook', send: post }] : []),
  ]

  return {
    reachable: ways.length > 0,

    /** Rejects with operator_unreachable unless one of the ways took it. */
    async tell(wish: Wish): Promise<void> {
      const told = await Promise.allSettled(ways.map(({ send }) => send(wish)))
      told.forEach((outcome, index) => {
        if (outcome.status === 'rejected')
          log.warn({ way: ways[index]?.name, reason: String(outcome.reason) }, 'the operator could not be told')
      })
      if (!told.some(({ status }) => status === 'fulfilled')) throw problem('operator_unreachable')
    },
  }

  async function post({ event, text, facts }: Wish): Promise<void> {
    const { status } = await http.send({
      method: 'POST',
      url: new URL(webhook ?? ''),
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ schema: 1, event, text, ...facts }),
    })
    if (status >= 300) throw new Error(`the webhook answered ${status}`)
  }
}
