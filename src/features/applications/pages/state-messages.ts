import type { Application } from '../schemas.js'

interface StateMessage {
  label: string
  color: string
  /** what the state means, what happens next and how it can change */
  note: string
  /** whether calls with its key are accepted */
  isUsable: boolean
}

export const stateMessages: Record<Application['state'], StateMessage> = {
  live: {
    label: 'Live',
    color: 'green',
    note: 'The gateway accepts its key until you delete the application or the operator suspends it.',
    isUsable: true,
  },
  pending: {
    label: 'Pending approval',
    color: 'orange',
    note: 'The operator reviews new applications for this model. The key starts to work when this one is approved. No action is required from you.',
    isUsable: false,
  },
  suspended: {
    label: 'Suspended',
    color: 'red',
    note: 'The gateway rejects the key of this application. Only the operator can resume it. Use the contact at the bottom of this page.',
    isUsable: false,
  },
  deprecated: {
    label: 'Deprecated',
    color: 'grey',
    note: 'The operator has deprecated this application, so the gateway rejects its key. For details, use the contact at the bottom of this page.',
    isUsable: false,
  },
}

/** Replaces the state while a change has not reached the gateway. A notice on the page explains it. */
export const repairMessage: StateMessage = { label: 'Needs repair', color: 'orange', note: '', isUsable: true }
