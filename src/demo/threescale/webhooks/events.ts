import type { View } from '../represent/representation.js'
import { document, element } from '../represent/xml.js'
import { accountElement, applicationElement, userElement } from '../represent/xml-people.js'
import type { Account, Application, User } from '../store.js'

/** A record that was written, and what happened to it. A deleted record is represented without its fields, keys and users. */
export type ChangedRecord =
  | { type: 'account'; action: 'created' | 'updated' | 'deleted'; record: Account }
  | { type: 'user'; action: 'created' | 'updated' | 'deleted'; record: User }
  | {
      type: 'application'
      action:
        | ('created' | 'updated' | 'deleted' | 'suspended' | 'plan_changed')
        | ('key_created' | 'key_deleted' | 'key_updated')
      record: Application
    }

/** The setting that must be on for an event (porta, app/models/web_hook.rb, enabled?). */
export function settingOf({ type, action }: ChangedRecord): string {
  return `${type}_${action}_on`
}

/** porta, app/models/web_hook/event.rb, to_xml. There is no ID, no time and no signature. */
export function eventXml(change: ChangedRecord, view: View): string {
  return document(
    element('event', [
      element('action', change.action),
      element('type', change.type),
      element('object', [recordElement(change, view)]),
    ]),
  )
}

function recordElement(change: ChangedRecord, view: View) {
  const isDeleted = change.action === 'deleted'
  switch (change.type) {
    case 'account':
      return accountElement(change.record, view, { isDeleted })
    case 'user':
      return userElement(change.record, view, { isDeleted })
    case 'application':
      return applicationElement(change.record, view, { isDeleted })
  }
}
