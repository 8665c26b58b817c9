import { formatDate, formatNumber, plural } from '../../../web/pages/format.js'
import type { Application } from '../schemas.js'

export const listPage = {
  title: 'Applications',
  columns: { name: 'Name', model: 'Model', plan: 'Plan', state: 'State', created: 'Created' },
  unnamed: (id: number) => `Application ${id}`,
  modelGone: 'No longer offered',
  loading:
    'The complete list is loading. Until then, only your newest applications are shown, without search and sorting. The page refreshes until the list is complete.',
  count: (count: number) => plural(count, 'application'),
  filtered: (shown: number, all: number) => `${formatNumber(shown)} of ${plural(all, 'application')}`,
  range: (first: number, last: number, all: number) =>
    `${formatNumber(first)}–${formatNumber(last)} of ${formatNumber(all)}`,
}

export const formPage = {
  title: 'Get a key',
  secondTitle: 'Create second application',
  name: (model: string) => `My ${model}`,
  secondName: (model: string) => `Second ${model}`,
  plan: (name: string, price: string, needsApproval: boolean) =>
    `${name} (${price}${needsApproval ? ', requires approval' : ''})`,
  planWithLimits: (plan: string, limits: string[]) => `Plan: ${plan}. ${limits.join(', ')}.`,
}

export const detailPage = {
  details: 'Details',
  modelGone: 'No longer offered',
  apiKey: 'Key',
  applicationId: 'Application ID',
  clientId: 'Client ID',
  clientSecret: 'Client secret',
  copyLabel: (label: string) => `Copy ${label.charAt(0).toLowerCase()}${label.slice(1)}`,
  none: 'none',
  createdOn: (date: string) => `Created on ${formatDate(date)}`,
  noResponse: 'No response',
  response: (status: number, ms: number) => `${status} in ${ms} ms`,
  planNotOffered: 'This model is currently not offered.',
  planByOperator: 'Only the operator can change the plan.',
  onlyPlan: 'This model has no other plan.',
  codeNotUsable: 'The gateway rejects calls until the key works.',
}

export const repairNotice = {
  required: {
    title: 'The key cannot be used yet',
    note: 'Your last change was saved but did not reach the gateway. Repair the application to send it again.',
  },
  suspected: {
    title: 'Should this key work?',
    note: 'A change may not have reached the gateway. Repair the application to send it again. A working key is not changed.',
  },
}

export const deletePage = {
  title: (application: string) => `Delete ${application}`,
  model: 'its model',
  confirm: (application: string) => `Type ${application} to delete it.`,
  progress: 'Deleting application',
  unnamed: 'The application',
  deleted: (application: string) => `${application} was deleted. The gateway rejects its key within about a minute.`,
}

/** After the creation, by the state of the application. */
const nextSteps: Record<Application['state'], string> = {
  live: 'Copy the code below and run it.',
  pending: 'Its key works after the operator approves the application.',
  suspended: 'Its key does not work while the application is suspended.',
  deprecated: 'Its key does not work, because the application is deprecated.',
}

export const createPage = {
  progress: 'Creating application',
  created: ({ name, state, repair_required }: Application) =>
    [`${name} was created.`, repair_required ? '' : nextSteps[state]].filter(Boolean).join(' '),
}

export const savePage = {
  saved: 'Changes saved.',
}

/** The page that offers to submit a form again. */
export const applicationResubmission = {
  button: 'Try again',
  labels: { name: 'Name', description: 'Description' },
  save: 'Changes not saved',
  delete: 'Application not deleted',
}
