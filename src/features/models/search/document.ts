import { capabilityLabels, stateLabels, typeLabels } from '../messages.js'
import { isFree } from '../price.js'
import type { Model } from '../schemas.js'
import { languageNames, primaryLanguage } from './languages.js'

/** What a search knows of a model. */
export interface SearchDocument {
  /** name, system name and model ID */
  names: string[]
  facts: string
  text: string
  /** facts that words of a query may mean: `type:chat`, `language:de` */
  tags: string[]
  languages: string[]
  /** 0 if it is unknown */
  contextLength: number
}

/** From so many languages on, a model is multilingual. */
const MANY_LANGUAGES = 3

export function documentOf(model: Model): SearchDocument {
  const { name, system_name, model_id, summary, description, type, capabilities, languages, owner, license, state } =
    model
  const codes = languages.flatMap((code) => [code.toLowerCase(), primaryLanguage(code)])
  return {
    names: [name, system_name, ...(model_id === null ? [] : [model_id])],
    facts: [
      typeLabels[type],
      ...capabilities.map((capability) => capabilityLabels[capability]),
      ...languages.flatMap(languageNames),
      owner?.name ?? '',
      license?.name ?? '',
      state === 'available' ? '' : stateLabels[state],
    ].join('\n'),
    text: description.includes(summary) ? description : `${summary}\n${description}`,
    tags: [
      `type:${type}`,
      ...capabilities.map((capability) => `capability:${capability}`),
      ...[...new Set(codes)].map((code) => `language:${code}`),
      ...(languages.length >= MANY_LANGUAGES ? ['language:many'] : []),
      ...(isFree(model) ? ['price:free'] : []),
    ],
    languages: [...new Set(codes)],
    contextLength: model.context_length ?? 0,
  }
}
