import { DEMO_WEBHOOK_SECRET } from '../../src/cli/demo-settings.js'
import type { Stack } from './stack.js'

/**
 * Changes an application in 3scale as the operator does, whose webhook reaches the portal at this address. Events of an account are
 * merged for a moment, so wait until a later one has taken effect.
 */
export async function changeAsOperator(stack: Stack, applicationId: number, change: object, url = stack.url) {
  await stack.put(`/_demo/applications/${applicationId}`, change)
  const account = (await stack.list('applications')).find(({ id }) => id === applicationId)?.account_id
  if (account === undefined) throw new Error(`there is no application ${applicationId}`)
  await reportAccountChange(url, account)
}

/** The webhook of 3scale about a change in this account. */
export async function reportAccountChange(portalUrl: string, account: number) {
  const answer = await fetch(`${portalUrl}/webhooks/3scale`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`3scale:${DEMO_WEBHOOK_SECRET}`).toString('base64')}`,
      'content-type': 'application/xml',
    },
    body: `<event><action>updated</action><type>account</type><object><account><id>${account}</id></account></object></event>`,
  })
  if (answer.status !== 204) throw new Error(`webhook: ${answer.status} ${await answer.text()}`)
}
