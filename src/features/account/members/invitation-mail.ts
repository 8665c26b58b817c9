import { asciiLower } from '../../../clients/mail/email-address.js'
import type { Mail } from '../../../clients/mail/mail.js'
import { toPlainText } from '../../../clients/mail/plain-text.js'
import type { DayLimits } from '../../../infra/day-limits.js'
import type { Log } from '../../../infra/redis.js'
import type { Caller } from '../../../web/auth/caller.js'
import { invitationMail } from './messages.js'

export interface InvitationMailDeps {
  /** Undefined: no mail is sent, and the inviter notifies the person. */
  mail: Pick<Mail, 'send'> | undefined
  limits: Pick<DayLimits, 'take' | 'undo'>
  brand: string
  publicUrl: string
  log: Log
}

export type InvitationMail = ReturnType<typeof createInvitationMail>

/** Invitation e-mails a day: of one account to one address, of one account, and to one address. */
const DAILY_LIMITS = { pair: 1, account: 20, address: 3 }

/** Sends invitation e-mails where the portal may send mail; 3scale sends none. */
export function createInvitationMail({ mail, limits, brand, publicUrl, log }: InvitationMailDeps) {
  return {
    isEnabled: mail !== undefined,

    /** True once the mail server has accepted the message. The invitation is valid without it. */
    async send({ accountId, orgName, email: replyTo }: Caller, to: string): Promise<boolean> {
      if (!mail) return false
      const mailbox = mailboxOf(to)
      const counted = [
        { key: `invitation ${accountId} ${mailbox}`, max: DAILY_LIMITS.pair },
        { key: `invitations of ${accountId}`, max: DAILY_LIMITS.account },
        { key: `invitations to ${mailbox}`, max: DAILY_LIMITS.address },
      ]
      if (!(await limits.take(counted))) {
        log.warn({ account: accountId }, 'Invitation e-mail not sent: daily limit reached')
        return false
      }
      try {
        await mail.send({ to, ...invitationMail(brand, toPlainText(orgName), publicUrl), replyTo })
        return true
      } catch (error) {
        await limits.undo(counted.map(({ key }) => key))
        log.warn({ reason: (error as { code?: string }).code ?? 'unknown' }, 'Invitation e-mail not sent: mail failed')
        return false
      }
    },
  }
}

/** The mailbox to count: most mail servers deliver ada+anything@ to ada@. */
function mailboxOf(address: string): string {
  const [localPart = '', domain = ''] = asciiLower(address).split('@')
  return `${localPart.split('+')[0] || localPart}@${domain}`
}
