import { object, text, type WireObject } from './wire-values.js'
import { parseXml, parseXmlStart } from './xml.js'

/** A webhook of 3scale: that a record of an account has changed. The other members of the record are not read. */
export interface WebhookEvent {
  type: WebhookType
  action: string
  accountId: number
  /** of an application */
  productId?: number
}

/** porta sends no other types (app/models/web_hook/event.rb, resource_type): neither products nor plans. */
export const webhookTypes = ['account', 'user', 'application'] as const
export type WebhookType = (typeof webhookTypes)[number]

/** The member of a record with the ID of its account (porta, app/models/account.rb, user.rb and cinstance.rb: to_xml). */
const ACCOUNT_ID = { account: 'id', user: 'account_id', application: 'user_account_id' } satisfies Record<
  WebhookType,
  string
>

/**
 * Reads an event from the start of its body. IDs come first in each record, and an account is followed by all its plans and users, which
 * can be megabytes. Undefined: another type of event. Throws on what is not an event.
 */
export function toWebhookEvent(start: string, { isComplete }: { isComplete: boolean }): WebhookEvent | undefined {
  const event = member(isComplete ? parseXml(start) : parseXmlStart(start), 'event')
  const action = text(event.action)
  const name = text(event.type)
  if (action === '' || name === '') throw new Error('an event has a type and an action')
  const type = webhookTypes.find((known) => known === name)
  if (!type) return undefined
  const record = member(member(event, 'object'), type)
  const productId = type === 'application' ? idOf(record.service_id) : undefined
  const accountId = idOf(record[ACCOUNT_ID[type]])
  if (accountId === undefined) throw new Error(`the ${type} has no account`)
  return { type, action, accountId, ...(productId === undefined ? {} : { productId }) }
}

function member(parent: WireObject, name: string): WireObject {
  return object(parent[name])
}

function idOf(value: unknown): number | undefined {
  return /^[1-9]\d{0,15}$/.test(text(value)) ? Number(value) : undefined
}
