/** Text of the catalogue, the model page and the comparison. */
import type { modelIdSource } from '../../../model-calls/example-calls.js'
import { formatNumber, plural } from '../../../web/pages/format.js'
import type { PriceOption, SortOption } from '../filters.js'

type ModelIdOrigin = ReturnType<typeof modelIdSource>

export const titles = { list: 'Models', compare: 'Compare models' }

export const sortLabels: Record<SortOption, string> = {
  name: 'Name',
  newest: 'Newest first',
  context: 'Longest context',
  price: 'Lowest price',
}

export const facetLabels = { owner: 'Owner', language: 'Language', price: 'Price' } as const

export const priceLabels: Record<PriceOption, string> = { free: 'Free', paid: 'Paid' }

/** In the card of a model whose ID is unknown. */
export const missingIdShortLabels: Record<ModelIdOrigin, string> = {
  known: '',
  listed: 'Looked up by the code',
  open: 'Unknown',
  none: 'Not required',
}

/** On the page of a model whose ID is unknown. */
export const missingIdLabels: Record<ModelIdOrigin, string> = {
  known: '',
  listed: 'Unknown. The code looks it up from the model server.',
  open: 'Unknown. Replace the placeholder in the code.',
  none: 'Not required',
}

export const factLabels = {
  type: 'Type',
  model_id: 'Model ID',
  request_format: 'Request format',
  base_url: 'Base URL',
  credentials: 'Credential',
  context_length: 'Context length',
  capabilities: 'Capabilities',
  languages: 'Languages',
  license: 'Licence',
  owner: 'Owner',
  state: 'State',
  retires_on: 'Retires on',
  summary: 'Summary',
  plans: 'Plans',
} as const

/** Of the facts below the name of a model. */
export const highlightLabels = { context: 'Context', price: 'Price', limit: 'Limit', key: 'Key' }
export const activationLabels = {
  immediate: 'Active immediately',
  approval: 'Requires approval',
  mixed: 'Approval depends on the plan',
}

export const allTypes = 'All'
export const notSpecified = 'Not specified'
export const yes = 'Yes'
export const prefixNote = 'and every path that begins with it'
export const approvalRequired = 'Requires approval by the operator'
export const activeImmediately = 'The key is active immediately'
export const requestedModelMissing = 'A requested model does not exist or is not available to you.'

export const trialPeriod = (days: number) => (days > 0 ? `${days}-day trial` : '')
export const modelCount = (count: number) => plural(count, 'model')
export const matchCount = (count: number, total: number) => `${formatNumber(count)} of ${modelCount(total)}`
export const pagePosition = (page: number, pages: number) => `Page ${formatNumber(page)} of ${formatNumber(pages)}`
export const pagerLabels = { above: 'Pages', below: 'Pages, below the models' }
export const onlyFirstShown = (count: number) => `Only the first ${plural(count, 'model')} are shown.`
export const planSummary = (name: string, price: string, limits: string[]) => `${name}: ${price}; ${limits.join(', ')}`

const list = new Intl.ListFormat('en', { type: 'disjunction' })
/** `free or 49.90 a month` */
export const alternatives = (labels: string[]) => list.format(labels)
const quoted = (words: string[]) => alternatives(words.map((word) => `“${word}”`))

/** Why the results of a search are not what was entered; empty if they are. */
export function approximationMessage(i: {
  approximate: boolean
  ignored: string[]
  corrections: { from: string; to: string }[]
}): string {
  const { approximate, ignored, corrections } = i
  if (!approximate) return ''
  if (ignored.length > 0) return `No model matches ${quoted(ignored)}. These models match the other words.`
  if (corrections.length > 0) {
    const [from, to] = [corrections.map((each) => each.from), corrections.map((each) => each.to)]
    return `No model matches ${quoted(from)}. Showing results for ${quoted(to)}.`
  }
  return 'No model matches every word. These models match most of them.'
}

/** In the card of a model with several plans. */
export const limitOfPlan = (limit: string, plan: string) => `${limit} (${plan})`

/** The number of capabilities that a card has no space for, with their names; undefined if there are none. */
export const moreCapabilities = (labels: string[]) =>
  labels.length > 0 ? { count: `+${labels.length}`, names: labels.join(', ') } : undefined

export const matchesWithoutFilters = (count: number) =>
  `${modelCount(count)} ${count === 1 ? 'matches' : 'match'} without the filters`
