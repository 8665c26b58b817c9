import type { WebhookFailure } from '../../../../clients/threescale/inspection/types.js'
import type { CreateFinding, Finding } from '../../findings/findings.js'
import type { Tenant } from '../../product-context.js'
import { webhookMessages } from './messages.js'

export interface WebhookExpectations {
  /** Whether the settings have a WEBHOOK_SECRET. */
  isReceiver: boolean
  /** Where 3scale sends to, if it is set up for this portal. */
  address: string
  /** When any replica last received one, in ms. Undefined: never; null: unknown, because there is no Redis. */
  lastReceived(): Promise<number | undefined | null>
}

const RECENT_MS = 7 * 86_400_000

/** 3scale's API does not return the address of its webhooks, only events that it could not deliver (docs/webhooks.md). */
export async function checkWebhooks(
  finding: CreateFinding,
  { webhookFailures = [] }: Tenant,
  { isReceiver, address, lastReceived }: WebhookExpectations,
  now: number,
): Promise<Finding[]> {
  const portal = new URL(address)
  const recent = webhookFailures.filter(({ at }) => now - Date.parse(at) < RECENT_MS)
  const isToPortal = ({ host, path }: WebhookFailure) => host === portal.host && path === portal.pathname
  const received = isReceiver ? await lastReceived() : undefined
  const undelivered = recent.filter((failure) => isToPortal(failure) && Date.parse(failure.at) > (received ?? 0))
  const last = undelivered.at(-1)
  if (last) return [finding('webhooks_undelivered', { what: webhookMessages.undelivered(undelivered.length, last) })]
  if (!isReceiver || received === null || (received !== undefined && now - received < RECENT_MS)) return []
  const elsewhere = recent.filter((failure) => !isToPortal(failure)).at(-1)
  return [finding('webhooks_absent', elsewhere ? { what: webhookMessages.elsewhere(elsewhere.host) } : {})]
}
