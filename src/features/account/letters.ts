import type { DayLimits } from '../../clients/day-limits.js'
import { asciiLower } from '../../clients/email-address.js'
import type { Mail } from '../../clients/mail.js'
import type { Log } from '../../clients/redis.js'
import { harmless } from '../../clients/text-in-mail.js'
import type { Caller } from '../../web/caller.js'

export interface LettersDeps {
  /** none: people are told by who invites them */
  mail: Pick<Mail, 'send'> | undefined
  limits: Pick<DayLimits, 'take' | 'giveBack'>
  brand: string
  publicUrl: string
  log: Log
}

export type Letters = ReturnType<typeof createLetters>

/** E-mails within a day: of an account to one address, of an account to all, and of all accounts to one address. */
const MOST = { pair: 1, account: 20, address: 3 }

/** Sends invitation e-mails where the portal may send mail; 3scale sends none. */
export function createLetters({ mail, limits, brand, publicUrl, log }: LettersDeps) {
  return {
    sends: mail !== undefined,

    /** True once the mail server has accepted it. The invitation stands without. */
    async invite({ accountId, orgName, email: replyTo }: Caller, to: string): Promise<boolean> {
      if (!mail) return false
      const address = mailboxOf(to)
      const counted = [
        { key: `invitation ${accountId} ${address}`, most: MOST.pair },
        { key: `invitations of ${accountId}`, most: MOST.account },
        { key: `invitations to ${address}`, most: MOST.address },
      ]
      if (!(await limits.take(counted))) {
        log.warn({ account: accountId }, 'an invitation was not mailed: the limit of a day is reached')
        return false
      }
      // whoever invites chose the name of the account, so the subject has none of it
      const text = [
        `You have been invited to join an account at ${brand}. Account name: ${harmless(orgName)}`,
        `Sign in with this e-mail address at ${publicUrl}/account and you are asked whether you want to join.`,
        'If you do not know who this is, do nothing.',
      ]
      try {
        await mail.send({ to, subject: `An invitation to ${brand}`, text: text.join('\n\n'), replyTo })
        return true
      } catch (error) {
        await limits.giveBack(counted.map(({ key }) => key))
        log.warn({ reason: (error as { code?: string }).code ?? 'unknown' }, 'an invitation could not be mailed')
        return false
      }
    },
  }
}

/** The address to count: most mail servers deliver ada+anything@ to ada@. */
function mailboxOf(address: string): string {
  const [local = '', domain = ''] = asciiLower(address).split('@')
  return `${local.split('+')[0] || local}@${domain}`
}
