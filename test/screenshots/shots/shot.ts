import type { Page } from 'playwright-core'
import type { Part } from '../../helper/faults.js'
import type { Role, Stage } from '../stage.js'

/** A page in one state. */
export interface Shot {
  /** The route that it shows. */
  route: string
  page: string
  state: string
  path: string | ((stage: Stage) => string)
  /** Default: `visitor`. */
  as?: Role
  /** The status of the page that is shown, if it is not 200. */
  status?: number
  /** The path of a request of the page that fails in this state. */
  failing?: string
  /** Faults of the demo's parts while the page is loaded. */
  faults?: Partial<Record<Part, object[]>>
  /** Brings the page into its state. */
  before?(page: Page, stage: Stage): Promise<unknown>
  /** The name of its picture in the README. */
  readme?: string
}

/** Sends the first form of the page's content. */
export function submit(page: Page): Promise<void> {
  return page.click('main form button[type=submit]')
}
