import type { Application } from './schemas.js'

/** What each state is called, what happens next in it, and who can change it. */
export const states: Record<Application['state'], { label: string; color: string; words: string; calls: boolean }> = {
  live: {
    label: 'Live',
    color: 'green',
    words: 'The gateway accepts its key until you delete the application or the operator suspends it.',
    calls: true,
  },
  pending: {
    label: 'Waiting for approval',
    color: 'orange',
    words:
      'The operator of this model looks at new applications first. The key starts to work by itself when it is approved; until then there is nothing for you to do. You can delete the application if you have changed your mind.',
    calls: false,
  },
  suspended: {
    label: 'Suspended',
    color: 'red',
    words:
      'The gateway refuses the key of this application. Only the operator can resume it: ask the contact at the foot of this page. You can delete the application, but not resume it.',
    calls: false,
  },
  deprecated: {
    label: 'Deprecated',
    color: 'grey',
    words: 'The operator is replacing this application. Ask the contact at the foot of this page what comes next.',
    calls: false,
  },
}

/** In the place of its state while a change of it has not reached the gateway; the page has a notice that explains it. */
export const needsRepair = { label: 'Needs repair', color: 'orange', words: '', calls: true }
