import type { Mail } from '../../clients/mail.js'
import type { Log } from '../../clients/redis.js'
import type { Caller } from '../../web/caller.js'

export interface LettersDeps {
  /** none: people are told by who invites them */
  mail: Pick<Mail, 'send'> | undefined
  brand: string
  publicUrl: string
  log: Log
}

export type Letters = ReturnType<typeof createLetters>

/** Tells people of an invitation, where the portal may send mail; 3scale sends none for it. */
export function createLetters({ mail, brand, publicUrl, log }: LettersDeps) {
  return {
    sends: mail !== undefined,

    /** True once the mail server has taken it. The invitation stands without. */
    async invite({ orgName, email: replyTo }: Caller, to: string): Promise<boolean> {
      if (!mail) return false
      const text = [
        `${orgName} invites you to use its models at ${brand}.`,
        `Sign in with this e-mail address at ${publicUrl}/account and you are asked whether you want to join.`,
        'If you do not know who this is, do nothing.',
      ]
      try {
        await mail.send({ to, subject: `${orgName} invites you to ${brand}`, text: text.join('\n\n'), replyTo })
        return true
      } catch (error) {
        log.warn({ reason: (error as { code?: string }).code ?? 'unknown' }, 'an invitation could not be mailed')
        return false
      }
    },
  }
}
