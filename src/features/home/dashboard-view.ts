import { formatMoney, formatNumber } from '../../web/pages/format.js'
import { listPage } from '../applications/pages/messages.js'
import type { Application } from '../applications/schemas.js'
import { limitLabel, limitLevel } from '../usage/limits/messages.js'
import { cost, describeChange } from '../usage/pages/messages.js'
import type { UsageSummary } from '../usage/reports/usage-summary.js'
import { callsOf, PREVIOUS_DAY, remarks, seeAllApplications, tiles } from './messages.js'

/** The label of an application's state, and whether calls with its key are accepted. */
export interface ApplicationState {
  label: string
  color: string
  isUsable: boolean
}

/** Height of the tallest bar, and width of a bar with its gap, in units of the view box. */
const HEIGHT = 20
const STEP = 4

/** `rows` are the most recently used ones of `total` applications. Usage that is still being read is undefined. */
export function ownApplicationsView(i: {
  rows: Application[]
  total: number
  stateOf(application: Application): ApplicationState
  usage: UsageSummary | undefined
  /** whether 3scale has recorded a call of any of the applications */
  hasCalled: boolean
}) {
  const { rows, total, stateOf, usage, hasCalled } = i
  const isWaiting = !hasCalled && usage?.calls.total === 0
  const usable = isWaiting ? rows.find((application) => stateOf(application).isUsable) : undefined
  return {
    kind: usage ? ('complete' as const) : ('partial' as const),
    all: seeAllApplications(total),
    rows: rows.map((application) => {
      const { label, color, isUsable } = stateOf(application)
      return {
        name: nameOf(application),
        href: `/applications/${application.id}`,
        model: application.model_name || listPage.modelGone,
        label,
        color,
        // An application without traffic since yesterday was not asked for.
        ...(usage && isUsable ? callsView(usage.callsByApplication.get(application.id)) : { calls: '', bars: [] }),
      }
    }),
    first: usable && { name: nameOf(usable), href: `/applications/${usable.id}` },
    ...(usage && { tiles: usageTiles(usage), limit: closestLimitView(usage), note: noteOf(usage) }),
  }
}

function nameOf({ name, id }: { name: string; id: number }): string {
  return name || listPage.unnamed(id)
}

function callsView({ total, values }: { total: number; values: number[] } = { total: 0, values: [] }) {
  const peak = Math.max(...values, 1)
  return {
    calls: callsOf(total),
    bars: values.map((value, index) => {
      const height = value === 0 ? 1 : Math.max(2, Math.round((value / peak) * HEIGHT))
      return { x: index * STEP, y: HEIGHT - height, height, style: value === 0 ? 'spark-none' : 'spark-bar' }
    }),
  }
}

function usageTiles({ calls, tokens, costs }: UsageSummary) {
  return [
    countTile(tiles.calls, calls),
    countTile(tiles.tokens, tokens),
    ...costs.map(({ currency, monthToDate, expected }) => ({
      label: cost.tileLabel,
      value: formatMoney(monthToDate, currency),
      details: expected === null ? '' : cost.tileProjection(expected, currency),
    })),
  ]
}

function countTile(label: string, { total, previous }: UsageSummary['calls']) {
  return { label, value: formatNumber(total), details: describeChange(total, previous, PREVIOUS_DAY) }
}

function closestLimitView({ closestLimit }: UsageSummary) {
  if (!closestLimit) return undefined
  const { application, state, share } = closestLimit
  return {
    label: tiles.limit,
    value: tiles.limitUsed(share),
    name: nameOf(application),
    href: `/applications/${application.id}/usage`,
    limit: limitLabel(state),
    width: Math.min(100, share * 100).toFixed(1),
    level: limitLevel(share),
  }
}

function noteOf({ shown, inUse, isIncomplete }: UsageSummary): string {
  return [isIncomplete ? remarks.incomplete : '', inUse > shown ? remarks.coverage(shown, inUse) : '']
    .filter(Boolean)
    .join(' ')
}
