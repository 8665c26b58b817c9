import { PLAN_CHANGE_REQUESTS_PER_DAY } from '../../../policies.js'
import { formatDate, formatNumber, plural } from '../../../web/pages/format.js'
import { periodLabels } from '../../models/messages.js'
import type { ModelPlan, PlanLimit } from '../../models/schemas.js'
import type { PlanChange } from './plan-changes.js'

export const planErrors = {
  required: 'Choose a plan.',
  unknown: 'This plan is not available. Choose one from the list.',
  notOffered: 'This model is currently not offered, so its plan cannot be changed.',
  tooManyRequests: (contact: string) =>
    `The operator accepts one plan-change request a day for an application and ${PLAN_CHANGE_REQUESTS_PER_DAY} for an account. To change your request, contact ${contact}.`,
}

export const planPage = {
  title: (application: string) => `Change plan of ${application}`,
  requested: (plan: string, date: string) =>
    `You requested the ${plan} plan on ${formatDate(date)}. The operator has not decided yet.`,
  direct: {
    lead: 'The new plan takes effect immediately. Your key stays the same.',
    button: 'Change plan',
  },
  request: {
    lead: 'This plan requires approval. Your request goes to the operator, and your current plan stays in effect until it is approved.',
    button: 'Send request',
  },
  resubmission: { title: 'Plan not changed', button: 'Try again' },
}

export const planChanged: Record<PlanChange['outcome'], (plan: string) => string> = {
  changed: (plan) => `Plan changed to ${plan}.`,
  same: (plan) => `The application already uses the ${plan} plan.`,
  requested: () => 'Request sent to the operator. Your plan stays the same until it is approved.',
}

export const comparisonRows = {
  price: 'Price',
  freePeriod: 'Free period',
  approval: 'Approval',
  calls: 'Calls',
}

export const comparisonValues = {
  unknown: 'Unknown',
  days: (days: number) => (days === 0 ? 'None' : plural(days, 'day')),
  approval: ({ approval_required }: ModelPlan) => (approval_required ? 'Required' : 'Not required'),
  noLimit: 'No limit',
  limit: ({ period, value }: PlanLimit) =>
    value === 0 ? 'Not included' : `${formatNumber(value)} ${periodLabels[period]}`,
}

/** All values are safe to send by e-mail: they contain no line breaks and no links. */
export function planChangeMail(mail: {
  person: string
  organisation: string
  account: number
  application: string
  id: number
  model: string
  currentPlan: string
  requestedPlan: string
  link: string
}): { subject: string; text: string } {
  return {
    subject: `Plan change request: ${mail.application} to ${mail.requestedPlan}`,
    text: `${mail.person} of ${mail.organisation} (account ${mail.account}) requests another plan.

Application:    ${mail.application} (${mail.id})
Model:          ${mail.model}
Current plan:   ${mail.currentPlan}
Requested plan: ${mail.requestedPlan}

Change the plan in 3scale: ${mail.link}
`,
  }
}
